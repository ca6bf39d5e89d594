// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Foundation
import Logging
import VolumeStore

/// What a group looks like from outside: the destination knows more than its source.
extension AgentCore {
    /// A group as it is now; the destination is asked while that can tell something new.
    func info(of record: GroupRecord, asking: Bool = true) async -> GroupInfo {
        guard asking, record.state != .cancelled, await self.isUnderWay(record) else {
            return await self.info(of: record, nil, nil)
        }
        let gate = GroupGate(groups: self.groups, registry: self.registry, journal: self.journal)
        do throws(APIError) {
            return await self.info(of: record, try await gate.hold(of: record))
        } catch {
            // Before the first try the destination has not been told.
            let isNew = error.id == .groupNotFound && !record.isRegistered
            return await self.info(of: record, nil, isNew ? nil : error)
        }
    }

    /// A group with what the destination has just said of it.
    func info(of record: GroupRecord, _ hold: HoldInfo) async -> GroupInfo {
        guard hold.state == .committed, record.state == .open else {
            return await self.info(of: record, hold, nil)
        }
        let shown = (try? self.changed(record) { $0.state = .committed }) ?? record
        self.journal.note(
            "GroupCommitted",
            "\(record.members.count) volumes of group \(record.id) are shown together",
            pair: record.pair
        )
        await self.queue.look(after: record.members.map { "\($0.transfer)" })
        return await self.info(of: shown, hold, nil)
    }

    private func isUnderWay(_ record: GroupRecord) async -> Bool {
        if record.state == .open { return true }
        for member in record.members {
            let info = try? await self.queue.show("\(member.transfer)")
            if info?.state.isFinal == false { return true }
        }
        return false
    }

    private func info(
        of record: GroupRecord,
        _ hold: HoldInfo?,
        _ error: APIError?
    ) async -> GroupInfo {
        var members: [GroupMember] = []
        for member in record.members {
            members.append(await self.info(of: member, record, hold))
        }
        return GroupInfo(
            id: "\(record.id)",
            pair: record.pair,
            state: Self.state(of: record, members, hold, error),
            isAtomic: record.isAtomic,
            frozen: Date(timeIntervalSince1970: Double(record.frozen) / 1e9),
            members: members,
            error: error
        )
    }

    private func info(
        of member: GroupRecord.Member,
        _ record: GroupRecord,
        _ hold: HoldInfo?
    ) async -> GroupMember {
        let id = "\(member.transfer)"
        let transfer = try? await self.queue.show(id)
        let there = hold?.members.first { $0.snapshot == "\(member.snapshot)" }
        var info = GroupMember(
            volume: member.name,
            volumeID: "\(member.volume)",
            transfer: id,
            generation: member.number.number,
            snapshot: "\(member.snapshot)",
            state: transfer?.state ?? .queued,
            rootDigest: there?.rootDigest ?? transfer?.report?.rootDigest,
            error: transfer?.error
        )
        info.isCommitted =
            record.state == .committed || there?.state == .committed || info.state == .succeeded
        let isHeld: Bool
        if let there {
            isHeld = there.state == .prepared
        } else {
            isHeld = await self.queue.isHeld(id)
        }
        info.isPrepared = info.isCommitted || isHeld
        return info
    }

    private static func state(
        of record: GroupRecord,
        _ members: [GroupMember],
        _ hold: HoldInfo?,
        _ error: APIError?
    ) -> GroupState {
        switch record.state {
        case .cancelled: return .cancelled
        case .committed: return .committed
        case .open: break
        }
        if members.allSatisfy(\.isCommitted) { return .committed }
        switch hold?.state {
        case .releasing: return .committing
        case .committed: return .committed
        case .dropped: return .failed
        case .held, nil: break
        }
        if error?.id == .groupNotFound { return .failed }
        // What is prepared needs its transfer no more.
        let hasFailed = members.contains { member in
            switch member.state {
            case .failed, .cancelled: !member.isPrepared
            case .queued, .running, .waiting, .succeeded: false
            }
        }
        if hasFailed { return .failed }
        return members.allSatisfy(\.isPrepared) ? .prepared : .copying
    }
}
