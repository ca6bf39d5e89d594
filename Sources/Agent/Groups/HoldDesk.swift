// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Catalogue
import Foundation
import Logging
import VolumeStore

/// What this agent holds back as a destination, in the words of the API.
struct HoldDesk: Sendable {
    let holds: HoldStore
    let replicas: ReplicaStore
    let registry: PairRegistry
    let journal: Journal
    /// Ends the sessions that bring these views.
    let abandon: @Sendable (Set<SnapshotID>) -> Void
    let now: @Sendable () -> Date

    /// How long a release waits for somebody who is about to be done with a volume.
    private static let patience = Duration.seconds(10)
    private static let look = Duration.milliseconds(20)

    // MARK: A pair's own

    /// Registers a group of a pair, of volumes that are its own or do not exist yet (P8).
    func register(
        _ text: String,
        _ request: PeerGroupRequest,
        of pair: ClusterID
    ) throws(APIError) -> HoldInfo {
        let group = try Self.identity(text)
        let members = try self.members(request, of: pair)
        let now = self.seconds
        let (hold, superseded) = try Self.told(text) { () throws(HoldError) in
            try self.holds.register(group, of: pair, members, now: now)
        }
        for former in superseded { self.noteDropped(former, "group \(group) took its place") }
        return try self.info(hold)
    }

    /// What is held of a group of a pair.
    func show(_ text: String, of pair: ClusterID) throws(APIError) -> HoldInfo {
        guard let hold = self.holds.touch(try Self.identity(text), of: pair, now: self.seconds)
        else { throw Self.unknown(text) }
        return try self.info(hold)
    }

    /// Shows a group of a pair; what cannot be shown yet after the decision is told, not thrown.
    func commit(_ text: String, of pair: ClusterID) async throws(APIError) -> HoldInfo {
        let group = try Self.identity(text)
        let clock = ContinuousClock()
        let end = clock.now + Self.patience
        let before = self.holds.hold(group, of: pair)?.state
        while true {
            let outcome = try await onThread("release") { () throws(APIError) in
                Result { () throws(HoldError) in
                    try self.holds.release(group, of: pair, now: self.seconds)
                }
            }
            switch outcome {
            case .success(let hold):
                if before != .committed { self.noteReleased(hold) }
                return try self.info(hold)
            case .failure(.busy(let what)):
                // Cancelled, it would not sleep any more, and spin.
                guard clock.now < end, !Task.isCancelled else {
                    if let hold = self.holds.hold(group, of: pair), hold.state == .releasing {
                        return try self.info(hold)
                    }
                    throw Self.message(.busy(what), text)
                }
                // A session that ends, or a reader.
                try? await Task.sleep(for: Self.look)
            case .failure(let error):
                self.journal.note(
                    "ReleaseFailed",
                    "group \(group) was not released: \(Self.message(error, text))",
                    level: .warning
                )
                throw Self.message(error, text)
            }
        }
    }

    /// Gives a group of a pair up.
    func drop(_ text: String, of pair: ClusterID) throws(APIError) -> HoldInfo {
        let group = try Self.identity(text)
        let wasHeld = self.holds.hold(group, of: pair)?.state == .held
        let hold = try Self.told(text) { () throws(HoldError) in
            try self.holds.drop(group, of: pair, now: self.seconds)
        }
        if wasHeld { self.noteDropped(hold, "it was cancelled") }
        return try self.info(hold)
    }

    // MARK: The administrator's

    func list() throws(APIError) -> [HoldInfo] {
        var list: [HoldInfo] = []
        for hold in self.holds.holds() { list.append(try self.info(hold)) }
        return list
    }

    /// Shows all that is held under an identity, whoever registered it.
    ///
    /// With parts of several pairs, nothing is shown before all parts are prepared.
    func release(_ text: String) async throws(APIError) -> [HoldInfo] {
        let parts = try self.parts(text)
        for part in parts {
            switch part.state {
            case .dropped: throw Self.message(.dropped, text)
            case .committed, .releasing: break
            case .held:
                let members = try self.info(part).members
                let waiting = members.filter { $0.state == .waiting }.count
                guard waiting == 0 else { throw Self.message(.notPrepared(waiting), text) }
            }
        }
        var shown: [HoldInfo] = []
        for part in parts { shown.append(try await self.commit(text, of: part.pair)) }
        return shown
    }

    /// Gives up all that is held under an identity.
    func drop(_ text: String) throws(APIError) -> [HoldInfo] {
        var dropped: [HoldInfo] = []
        for part in try self.parts(text) { dropped.append(try self.drop(text, of: part.pair)) }
        return dropped
    }

    private func parts(_ text: String) throws(APIError) -> [HoldRecord] {
        let group = try Self.identity(text)
        let parts = self.holds.holds().filter { $0.group == group }
        guard !parts.isEmpty else { throw Self.unknown(text) }
        return parts
    }

    // MARK: Help

    private var seconds: UInt64 { UInt64(max(0, self.now().timeIntervalSince1970)) }

    private func members(
        _ request: PeerGroupRequest,
        of pair: ClusterID
    ) throws(APIError) -> [HoldRecord.Member] {
        guard (1...GroupRequest.memberLimit).contains(request.members.count),
            Set(request.members.map(\.volume)).count == request.members.count
        else {
            throw APIError(
                .invalidRequest,
                "A group has 1 to \(GroupRequest.memberLimit) different volumes."
            )
        }
        var members: [HoldRecord.Member] = []
        for member in request.members {
            guard let volume = VolumeID(member.volume), let snapshot = SnapshotID(member.snapshot)
            else { throw APIError(.invalidRequest, "A member of the group is no identity.") }
            // Another pair's is told as not there, since knowing of it is too much.
            if let found = self.replicas.volume(volume), found.record.owner != pair {
                throw APIError(.volumeNotFound, "There is no volume \(volume).")
            }
            members.append(HoldRecord.Member(volume: volume, snapshot: snapshot))
        }
        return members
    }

    func info(_ hold: HoldRecord) throws(APIError) -> HoldInfo {
        var members: [HoldMember] = []
        for member in hold.members {
            let progress: HoldProgress
            do { progress = try self.holds.progress(of: member, in: hold) } catch {
                throw APIError(error, "The stage of volume \(member.volume) cannot be read.")
            }
            let volume = self.replicas.volume(member.volume)
            var info = HoldMember(
                volumeID: "\(member.volume)",
                volume: volume?.record.owner == hold.pair ? volume?.name : nil,
                snapshot: "\(member.snapshot)",
                state: .waiting
            )
            switch progress {
            case .waiting: info.state = hold.state == .committed ? .committed : .waiting
            case .prepared(let generation): info.note(generation, .prepared)
            case .committed(let generation): info.note(generation, .committed)
            }
            members.append(info)
        }
        return HoldInfo(
            id: "\(hold.group)",
            pair: self.registry.incoming(hold.pair)?.pair.name ?? "\(hold.pair)",
            state: Self.state(hold.state),
            created: Date(timeIntervalSince1970: Double(hold.created)),
            members: members
        )
    }

    private static func state(_ state: HoldRecord.State) -> HoldState {
        switch state {
        case .held: .held
        case .releasing: .releasing
        case .committed: .committed
        case .dropped: .dropped
        }
    }

    private func noteReleased(_ hold: HoldRecord) {
        let pair = self.registry.incoming(hold.pair)?.pair.name
        for member in hold.members {
            guard let volume = self.replicas.volume(member.volume) else { continue }
            self.journal.note(
                "GenerationVisible",
                "volume \(volume.name) shows generation "
                    + "\(volume.visible.map { "\($0.number.number)" } ?? "none"), with group "
                    + "\(hold.group)",
                volume: volume.name,
                pair: pair
            )
        }
        self.journal.note(
            "GroupReleased",
            "\(hold.members.count) volumes of group \(hold.group) were shown together",
            pair: pair
        )
    }

    private func noteDropped(_ hold: HoldRecord, _ why: String) {
        self.abandon(Set(hold.members.map(\.snapshot)))
        self.journal.note(
            "GroupDropped",
            "what was held back for group \(hold.group) was thrown away: \(why)",
            pair: self.registry.incoming(hold.pair)?.pair.name
        )
    }
}

extension HoldMember {
    fileprivate mutating func note(_ generation: Generation, _ state: HoldMemberState) {
        self.state = state
        self.generation = generation.number.number
        self.rootDigest = "\(generation.root)"
    }
}

// MARK: - Failures

extension HoldDesk {
    static func identity(_ text: String) throws(APIError) -> GroupID {
        guard text == text.lowercased(), let id = GroupID(text) else {
            throw APIError(
                .invalidRequest,
                "'\(PlainText.line(text.prefix(64)))' is not the identity of a group.",
                try: "give 32 lower-case hexadecimal digits"
            )
        }
        return id
    }

    static func unknown(_ id: String) -> APIError {
        APIError(.groupNotFound, "There is no group \(PlainText.line(id.prefix(64))).")
    }

    private static func told<Result>(
        _ id: String,
        _ body: () throws(HoldError) -> Result
    ) throws(APIError) -> Result {
        do throws(HoldError) {
            return try body()
        } catch {
            throw Self.message(error, id)
        }
    }

    static func message(_ error: HoldError, _ id: String) -> APIError {
        switch error {
        case .notFound: return Self.unknown(id)
        case .differs:
            return APIError(
                .groupConflict,
                "Group \(id) has other members here.",
                try: "use another identity"
            )
        case .dropped:
            return APIError(.groupEnded, "Group \(id) was dropped at the destination.")
        case .released:
            return APIError(.groupEnded, "Group \(id) was released already.")
        case .notPrepared(let count):
            return APIError(
                .groupNotPrepared,
                "Group \(id) is not whole at the destination.",
                cause: "\(count) of its volumes are not prepared",
                try: "wait for their transfers"
            )
        case .tooMany(let count):
            return APIError(
                .groupConflict,
                "The pair has \(count) groups here that have not ended.",
                try: "commit or cancel some",
                retryAfter: 60
            )
        case .busy(let what):
            return APIError(
                .volumeInUse,
                "Group \(id) cannot be changed at the moment.",
                cause: what,
                try: "ask again",
                retryAfter: 1
            )
        case .store(let error):
            return APIError(error, "Group \(id) cannot be changed.")
        }
    }
}
