// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Crypto
import Foundation
import Kinds
import ObjectModel

// A group may lie on several agents, and on one agent be more than it takes at once: each part is a
// group of that agent, and all parts together are committed when the last one is prepared.

extension PoolVolumeDriver {
    /// The part of a group that one agent freezes at once.
    struct Part: Sendable {
        let agent: any AgentAccess
        let id: String
        let copies: [VolumeCopy]
    }

    /// The identity of a task: the same in every process, and no other task's.
    static func identity(ofTask task: String) -> String {
        Hexadecimal.text(of: SHA256.hash(data: Array(task.utf8)).prefix(16))
    }

    /// Under which identity the agents have a part of a group.
    static func identity(of group: VolumeGroup, part: Int) -> String {
        self.identity(ofTask: part == 0 ? "group \(group.task)" : "group \(group.task) \(part)")
    }

    private func parts(of group: VolumeGroup) async throws(VolumeTrouble) -> [Part] {
        var order: [String] = []
        var holders: [String: (agent: any AgentAccess, copies: [VolumeCopy])] = [:]
        for copy in group.copies {
            let agent = try await self.holder(of: copy.volume)
            if holders[agent.place] == nil { order.append(agent.place) }
            holders[agent.place, default: (agent, [])].copies.append(copy)
        }
        var parts: [Part] = []
        for place in order {
            guard let (agent, copies) = holders[place] else { continue }
            for start in stride(from: 0, to: copies.count, by: GroupRequest.memberLimit) {
                let slice = copies[start..<min(start + GroupRequest.memberLimit, copies.count)]
                let number = start / GroupRequest.memberLimit
                let id = Self.identity(of: group, part: number)
                parts.append(Part(agent: agent, id: id, copies: Array(slice)))
            }
        }
        return parts
    }

    /// Freezes each agent's part, one right after the other.
    public func begin(_ group: VolumeGroup) async throws(VolumeTrouble) -> VolumeFreeze {
        var freeze = VolumeFreeze(
            group: Self.identity(of: group, part: 0),
            time: Timestamp(seconds: 0),
            isAtomic: true,
            volumes: [:]
        )
        let parts = try await self.parts(of: group)
        for (index, part) in parts.enumerated() {
            let request = GroupRequest(
                id: part.id,
                pair: try await self.pairName(to: group.remote, at: part.agent),
                mode: group.cadence == .alwaysIncremental ? .disasterRecovery : .migration,
                members: part.copies.map { copy in
                    GroupRequest.Member(
                        volume: copy.volume,
                        transfer: Self.identity(ofTask: copy.task)
                    )
                }
            )
            let info: GroupInfo
            do { info = try await part.agent.beginGroup(request) } catch {
                throw Self.trouble(error, part)
            }
            let time = Timestamp(
                microseconds: Int((info.frozen.timeIntervalSince1970 * 1_000_000).rounded())
            )
            freeze.time = index == 0 ? time : min(freeze.time, time)
            // Between two agents nobody looks whether something was written.
            freeze.isAtomic = freeze.isAtomic && info.isAtomic && parts.count == 1
            for member in info.members {
                freeze.volumes[member.volume] = VolumeFreeze.Frozen(
                    generation: member.generation,
                    snapshot: member.snapshot
                )
            }
        }
        return freeze
    }

    /// The state of every transfer of the group at its agent.
    public func progress(
        of group: VolumeGroup
    ) async throws(VolumeTrouble) -> [VolumeProgress]? {
        var progress: [String: VolumeProgress] = [:]
        for part in try await self.parts(of: group) {
            let info: GroupInfo
            do { info = try await part.agent.group(part.id) } catch {
                guard error.id != .groupNotFound else { return nil }
                throw Self.trouble(error, part)
            }
            for member in info.members {
                progress[member.volume] = try await self.progress(of: member, info, part)
            }
        }
        var all: [VolumeProgress] = []
        for copy in group.copies {
            guard let known = progress[copy.volume] else { return nil }
            all.append(known)
        }
        return all
    }

    private func progress(
        of member: GroupMember,
        _ group: GroupInfo,
        _ part: Part
    ) async throws(VolumeTrouble) -> VolumeProgress {
        do {
            let info = try await part.agent.transfer(member.transfer)
            return VolumeProgress(info, of: member, group, at: part.agent.place)
        } catch {
            throw Self.trouble(error, part)
        }
    }

    /// Releases every part; only who has seen all of them prepared may ask.
    public func commit(_ group: VolumeGroup) async throws(VolumeTrouble) {
        for part in try await self.parts(of: group) {
            let info: GroupInfo
            do { info = try await part.agent.commitGroup(part.id) } catch {
                throw Self.trouble(error, part)
            }
            guard info.state == .committed else {
                throw VolumeTrouble(
                    .destinationUnreachable,
                    "The destination has not shown all volumes of group \(part.id) yet"
                        + (info.error.map { ": \($0.message)" } ?? "."),
                    isPassing: true
                )
            }
        }
    }

    /// Ends every part; one that an agent does not know was never begun.
    public func cancel(_ group: VolumeGroup) async throws(VolumeTrouble) {
        for part in try await self.parts(of: group) {
            do { try await part.agent.cancelGroup(part.id) } catch {
                guard error.id != .groupNotFound else { continue }
                throw Self.trouble(error, part)
            }
        }
    }

    private static func trouble(_ error: APIError, _ part: Part) -> VolumeTrouble {
        var trouble = VolumeTrouble(error, at: part.agent.place)
        if part.copies.count == 1 { trouble.volume = part.copies[0].volume }
        return trouble
    }
}

extension VolumeProgress {
    /// A transfer of a group in the words of the controllers.
    init(_ info: TransferInfo, of member: GroupMember, _ group: GroupInfo, at place: String) {
        self.init(state: .running)
        self.take(info, at: place)
        if self.state == .running { self.take(member, group, at: place) }
        self.stage = info.progress?.phase == "committing" ? "Restore" : "Backup"
        if let report = info.report, info.state.isFinal {
            self.bytesTotal = report.volumeBytes
            self.bytesDone = info.state == .succeeded ? report.volumeBytes : report.readBytes
            self.bytesTransferred = report.wireBytes
            self.isFull = Self.isFull(report.mode)
            self.fullReason = report.fullReason.map { Self.reason($0, run: report.run) }
            self.run = report.run
        } else if let progress = info.progress {
            self.bytesTotal = progress.totalBytes ?? 0
            self.bytesDone = min(progress.doneBytes, self.bytesTotal)
            self.secondsLeft = Self.secondsLeft(progress)
        }
    }

    private mutating func take(_ info: TransferInfo, at place: String) {
        let trouble = info.error.map { VolumeTrouble($0, at: place) }
        switch info.state {
        // Until bytes travel again, the last try's failure is why they do not.
        case .queued, .running: if !Self.moves(info) { self.waitsFor = trouble }
        case .waiting: self.waitsFor = trouble
        case .succeeded: self.state = .done
        case .failed: self.state = .failed(trouble ?? Self.untold(info))
        case .cancelled: self.state = .cancelled
        }
    }

    /// What the group means to a member whose transfer has not ended.
    private mutating func take(_ member: GroupMember, _ group: GroupInfo, at place: String) {
        switch group.state {
        case .copying, .prepared, .committing, .committed:
            guard member.isPrepared, !member.isCommitted else { return }
            self.state = .prepared
            self.waitsFor = nil
        case .failed:
            guard let error = group.error else { return }
            self.state = .failed(VolumeTrouble(error, at: place))
        case .cancelled: self.state = .cancelled
        }
    }

    private static func moves(_ info: TransferInfo) -> Bool {
        ["streaming", "committing", "finished"].contains(info.progress?.phase)
    }

    private static func untold(_ info: TransferInfo) -> VolumeTrouble {
        VolumeTrouble(
            .failed,
            "Transfer \(info.id) of volume \(info.volume) failed.",
            remedy: "godwit transfer show \(info.id)",
            isPassing: false
        )
    }

    private static func isFull(_ mode: ReportedMode) -> Bool? {
        switch mode {
        case .full: true
        // There was nothing to send: as much an incremental as can be.
        case .incremental, .none: false
        }
    }

    private static func reason(_ reason: ReportedFullReason, run: UInt64?) -> FullCopyReason {
        switch reason {
        case .requested: .requested
        case .seventhRun: .seventhRun
        case .noBase: run ?? 1 == 1 ? .firstRun : .baseForgotten
        case .baseRefused: .baseLostAtDestination
        case .baseDigestsLost: .baseLostAtSource
        case .proofFailed: .baseDiffered
        }
    }

    /// As long again for each byte as for those that are done.
    private static func secondsLeft(_ progress: TransferProgress) -> Int? {
        guard let total = progress.totalBytes, progress.doneBytes > 0, progress.seconds > 0,
            progress.doneBytes <= total
        else { return nil }
        let perByte = progress.seconds / Double(progress.doneBytes)
        return Int((Double(total - progress.doneBytes) * perByte).rounded(.up))
    }
}
