// SPDX-License-Identifier: Apache-2.0

import BlockTypes

/// Views of several volumes that were frozen together, each in use until it is released.
public struct FrozenGroup: Sendable {
    /// The views, in the order of the volumes.
    public let snapshots: [SourceSnapshot]
    /// Whether none of the volumes was written between the first freeze and the last.
    public let isAtomic: Bool
    /// When the last volume was frozen, in nanoseconds since 1970.
    public let time: Int64
}

/// Freezes several volumes as if at one instant.
///
/// There is no lock that keeps an application from writing. So all volumes are frozen one shortly after
/// the other, and the stamps of what the application writes are read before the first freeze and after
/// the last. Where none has changed, nothing was written in between, and the views are of one instant;
/// where one has, the views are thrown away and it is tried again in a while. What never stops writing
/// gets the last views, which are told to be of several instants.
public struct GroupFreeze {
    /// How often it is tried; with the pauses between, some 5 s.
    public static let attempts = 9
    /// The pause after the first try, in nanoseconds: 20 ms; doubled after each one.
    public static let firstPause: Int64 = 20_000_000
    /// For so long a volume must not have been written when its stamp is read, in nanoseconds: 20 ms.
    ///
    /// A kernel's clock for stamps moves in steps of up to 10 ms: within one of them a second write
    /// leaves the stamp of the first.
    public static let quiet: Int64 = 20_000_000

    /// Nanoseconds since 1970, by the clock of the file system.
    let now: () -> Int64
    /// Waits for so many nanoseconds.
    let pause: (Int64) -> Void
    /// Called when one volume of a try was frozen; for tests.
    let hook: (_ try: Int, _ volume: Int) -> Void

    /// A freeze that uses these clocks.
    public init(
        now: @escaping () -> Int64,
        pause: @escaping (Int64) -> Void,
        hook: @escaping (_ try: Int, _ volume: Int) -> Void = { (_, _) in }
    ) {
        self.now = now
        self.pause = pause
        self.hook = hook
    }

    /// Freezes the volumes; the caller gives each view back with ``SourceVolume/release(_:)``.
    ///
    /// - Parameters:
    ///   - volumes: each once.
    ///   - generator: where the identities of the views come from.
    /// - Returns: the views.
    /// - Throws: as ``SourceVolume/freeze(_:isPinned:)``, and nothing is left frozen.
    public func freeze(
        _ volumes: [SourceVolume],
        using generator: inout some RandomNumberGenerator
    ) throws(StoreError) -> FrozenGroup {
        var wait = Self.firstPause
        for attempt in 1..<Self.attempts {
            if let group = try self.attempt(attempt, volumes, &generator) { return group }
            self.pause(wait)
            wait *= 2
        }
        let last = try self.attempt(Self.attempts, volumes, &generator, isLast: true)
        guard let last else { preconditionFailure("the last of \(Self.attempts) tries is kept") }
        return last
    }

    /// One try; nil where it was thrown away, because a volume was written meanwhile.
    private func attempt(
        _ number: Int,
        _ volumes: [SourceVolume],
        _ generator: inout some RandomNumberGenerator,
        isLast: Bool = false
    ) throws(StoreError) -> FrozenGroup? {
        var begun: [SourceVolume.BegunFreeze] = []
        do throws(StoreError) {
            // Everything that takes time before and after: the freezes are to come close together.
            for volume in volumes {
                begun.append(try volume.beginFreeze(.random(using: &generator)))
                try volume.syncLive()
            }
            let before = try self.stamps(of: volumes)
            let began = self.now()
            var made: [SourceVolume.MadeImage] = []
            for (index, volume) in volumes.enumerated() {
                made.append(try volume.makeImage(of: begun[index]))
                self.hook(number, index)
            }
            let isAtomic = Self.isQuiet(before, try self.stamps(of: volumes), began)
            guard isAtomic || isLast else {
                self.abandon(begun, of: volumes)
                return nil
            }
            let time = self.now()
            var snapshots: [SourceSnapshot] = []
            for (volume, made) in zip(volumes, made) {
                snapshots.append(try volume.settle(made, isPinned: false))
            }
            return FrozenGroup(snapshots: snapshots, isAtomic: isAtomic, time: time)
        } catch {
            self.abandon(begun, of: volumes)
            throw error
        }
    }

    /// Lets go of the views of a try, and removes them at once: each may be a copy of a whole volume.
    private func abandon(_ begun: [SourceVolume.BegunFreeze], of volumes: [SourceVolume]) {
        for (volume, begun) in zip(volumes, begun) {
            volume.abandon(begun)
            try? volume.prune()
        }
    }

    /// Whether nothing was written between two looks, as far as the stamps can tell.
    private static func isQuiet(
        _ before: [FileStamp?],
        _ after: [FileStamp?],
        _ began: Int64
    ) -> Bool {
        before == after
            && before.allSatisfy { $0.map { began - $0.modified >= Self.quiet } ?? true }
    }

    /// What shows that a volume was not written; nil for a device, which its owner declared frozen.
    private func stamps(of volumes: [SourceVolume]) throws(StoreError) -> [FileStamp?] {
        var stamps: [FileStamp?] = []
        for volume in volumes {
            stamps.append(
                try SparseCopy.stamp(of: BlockFile.open(volume.livePath, writable: false))
            )
        }
        return stamps
    }
}

extension SourceVolume {
    /// Has everything that was written until now written out.
    ///
    /// What is mapped into memory gets its stamp renewed by the next write to it only after that.
    func syncLive() throws(StoreError) {
        try BlockFile.open(self.livePath, writable: false).sync()
    }
}
