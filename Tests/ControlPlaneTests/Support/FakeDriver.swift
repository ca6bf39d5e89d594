// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import Locks
import ObjectModel

@testable import ControlPlane

/// Storage that remembers what it was asked for, and copies a little more at each look.
final class FakeDriver: VolumeDriver {
    struct State: Sendable {
        var paired: Set<String> = []
        var unpaired: [String] = []
        /// How often each task was begun for the first time, and how far it is.
        var begun: [String: Int] = [:]
        var looks: [String: Int] = [:]
        /// The generation of each task.
        var frozen: [String: UInt64] = [:]
        /// Groups that are shown at the destination.
        var committed: Set<String> = []
        var cancelled: [String] = []
        /// What a failover asked for.
        var orders: [String] = []
        /// Orders that fail, and why.
        var refused: [String: VolumeTrouble] = [:]
        /// The states that are kept of each volume.
        var kept: [String: [VolumeFreeze.Frozen]] = [:]
        /// The volumes whose states were asked for.
        var asked: [String] = []
        /// How often a pair was looked at.
        var checks = 0
        var trouble: VolumeTrouble?
        /// What checks of pairs fail with, while there is something.
        var brokenPair: VolumeTrouble?
        /// What every copy waits for, while there is something.
        var held: VolumeTrouble?
        /// Whether volumes are frozen as soon as that is asked for; else never.
        var isFrozen = true
        /// Volumes whose copies fail, and why.
        var broken: [String: VolumeTrouble] = [:]
        /// Calls until it dies with the controller; nil for ever.
        var life: Int?
    }

    let name = "pool.godwit.io"
    let state = Locked(State())
    /// What happens whenever a freeze is asked for.
    let began = Locked<(@Sendable () -> Void)?>(nil)

    private func now<Answer: Sendable>(
        _ body: (inout State) throws(VolumeTrouble) -> Answer
    ) throws(VolumeTrouble) -> Answer {
        try self.state.withLock { (state) throws(VolumeTrouble) -> Answer in
            if let trouble = state.trouble { throw trouble }
            return try body(&state)
        }
    }

    func volume(of persistentVolume: KubeObject) -> String? {
        persistentVolume["spec", "csi", "volumeHandle"]?.string
    }

    func atDestination(_ persistentVolume: KubeObject) -> KubeObject { persistentVolume }

    func pair(_ request: StoragePairRequest) async throws(VolumeTrouble) -> String {
        try self.now { (state) throws(VolumeTrouble) in
            state.paired.insert("remote")
            state.brokenPair = nil
            return "remote"
        }
    }

    func check(remote: String) async throws(VolumeTrouble) {
        try self.now { (state) throws(VolumeTrouble) in
            state.checks += 1
            if let trouble = state.brokenPair { throw trouble }
            guard state.paired.contains(remote) else {
                throw VolumeTrouble(.notPaired, "lost", isPassing: false)
            }
        }
    }

    func unpair(remote: String) async throws(VolumeTrouble) {
        try self.now { (state) throws(VolumeTrouble) in
            state.paired.remove(remote)
            state.unpaired.append(remote)
        }
    }

    func begin(_ group: VolumeGroup) async throws(VolumeTrouble) -> VolumeFreeze {
        self.began.withLock { $0 }?()
        while !self.state.withLock({ $0.isFrozen }) {
            guard !Task.isCancelled else {
                throw VolumeTrouble(.interrupted, "nobody waits any more", isPassing: true)
            }
            await Task.yield()
        }
        return try self.now { (state) throws(VolumeTrouble) in
            for copy in group.copies where state.looks[copy.task] == nil {
                state.looks[copy.task] = 0
                state.begun[copy.task, default: 0] += 1
                state.frozen[copy.task] = UInt64(state.begun.count)
            }
            var freeze = VolumeFreeze(
                group: group.task,
                time: Timestamp(seconds: 999_000),
                isAtomic: true,
                volumes: [:]
            )
            for copy in group.copies {
                freeze.volumes[copy.volume] = VolumeFreeze.Frozen(
                    generation: state.frozen[copy.task] ?? 0,
                    snapshot: "snapshot of \(copy.task)"
                )
            }
            return freeze
        }
    }

    func progress(of group: VolumeGroup) async throws(VolumeTrouble) -> [VolumeProgress]? {
        try self.now { (state) throws(VolumeTrouble) in
            var all: [VolumeProgress] = []
            for copy in group.copies {
                guard let looks = state.looks[copy.task] else { return nil }
                if state.held == nil { state.looks[copy.task] = looks + 1 }
                all.append(Self.progress(of: copy, in: group, looks, state))
            }
            return all
        }
    }

    private static func progress(
        of copy: VolumeCopy,
        in group: VolumeGroup,
        _ looks: Int,
        _ state: State
    ) -> VolumeProgress {
        if let trouble = state.held { return VolumeProgress(state: .running, waitsFor: trouble) }
        if let trouble = state.broken[copy.volume] {
            return VolumeProgress(state: .failed(trouble))
        }
        guard looks >= 2 else {
            return VolumeProgress(
                state: .running,
                bytesDone: UInt64(looks) * 10,
                bytesTotal: 30
            )
        }
        let isShown = state.committed.contains(group.task)
        return VolumeProgress(
            state: isShown ? .done : .prepared,
            bytesDone: 30,
            bytesTotal: 30,
            bytesTransferred: isShown ? 10 : nil,
            isFull: isShown ? true : nil
        )
    }

    func commit(_ group: VolumeGroup) async throws(VolumeTrouble) {
        try self.now { (state) throws(VolumeTrouble) in
            guard group.copies.allSatisfy({ state.looks[$0.task] ?? 0 > 2 }) else {
                throw VolumeTrouble(.failed, "shown before it was prepared", isPassing: false)
            }
            state.committed.insert(group.task)
        }
    }

    func cancel(_ group: VolumeGroup) async throws(VolumeTrouble) {
        try self.now { (state) throws(VolumeTrouble) in
            state.cancelled += group.copies.map(\.task)
        }
    }
}

/// What a failover asks of the storage: all of it is remembered in the order of its coming.
extension FakeDriver {
    private func note(_ line: String) throws(VolumeTrouble) {
        try self.now { (state) throws(VolumeTrouble) in
            if let trouble = state.refused[line] { throw trouble }
            state.orders.append(line)
        }
    }

    func settle(_ states: [String: VolumeFreeze.Frozen]) async throws(VolumeTrouble) {
        try self.note("settle \(states.keys.sorted().joined(separator: " "))")
    }

    func states(of volume: String) async throws(VolumeTrouble) -> [VolumeFreeze.Frozen]? {
        try self.now { (state) throws(VolumeTrouble) in
            state.asked.append(volume)
            return state.kept[volume]
        }
    }

    func promote(
        _ volume: String,
        to state: VolumeFreeze.Frozen
    ) async throws(VolumeTrouble) {
        try self.note("promote \(volume) \(state.generation)")
    }

    func revert(_ volume: String) async throws(VolumeTrouble) { try self.note("revert \(volume)") }

    func clone(
        _ volume: String,
        as name: String,
        of state: VolumeFreeze.Frozen
    ) async throws(VolumeTrouble) {
        try self.note("clone \(volume) \(state.generation) as \(name)")
    }

    func discard(clone: String) async throws(VolumeTrouble) { try self.note("discard \(clone)") }

    func fence(_ volume: String) async throws(VolumeTrouble) { try self.note("fence \(volume)") }

    func unfence(_ volume: String) async throws(VolumeTrouble) {
        try self.note("unfence \(volume)")
    }
}

/// Moves objects by remembering that it was asked to.
final class FakeMover: ResourceMoving {
    let moves = Locked(0)
    let result = Locked(ResourceResult())
    let trouble = Locked<Trouble?>(nil)
    let points = Locked<[KubeObject]>([])
    /// What happens while it moves.
    let during = Locked<(@Sendable (ResourceJob) async -> Void)?>(nil)

    func publish(
        _ point: KubeObject,
        projectMappings: [String: String],
        to destination: KubernetesClient
    ) async throws(Trouble) {
        if let trouble = self.trouble.withLock({ $0 }) { throw trouble }
        self.points.withLock { $0.append(point) }
    }

    func move(_ job: ResourceJob) async throws(Trouble) -> ResourceResult {
        if let trouble = self.trouble.withLock({ $0 }) { throw trouble }
        if let during = self.during.withLock({ $0 }) { await during(job) }
        self.moves.withLock { $0 += 1 }
        return self.result.withLock { $0 }
    }
}
