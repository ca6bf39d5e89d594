// SPDX-License-Identifier: Apache-2.0

package import BlockTypes
package import Codecs

/// Chooses the codec of each chunk of one stream (docs/decisions/0004, 0029).
///
/// Pure: durations and counts come in, codecs come out. Two questions are kept apart. *Is this
/// place worth trying?* has a memory of regions that did not compress. *Which codec pays off?* has
/// windows in which the time blocked in sending, and the work that sending is, are held against the time
/// spent compressing.
package struct CodecPolicy: Sendable {
    private var regions = RegionMemory()
    private var levels: LevelChoice

    /// A policy for a stream.
    ///
    /// - Parameters:
    ///   - choice: what was asked for; a codec that is not accepted becomes `none`.
    ///   - accepted: what the destination can decompress.
    package init(_ choice: CodecChoice, accepted: Set<ChunkCodec>) {
        let wanted: [ChunkCodec] =
            switch choice {
            case .auto: [.none, .lz4, accepted.contains(.zstd) ? .zstd : .deflate]
            case .none: [.none]
            case .lz4: [.lz4]
            case .deflate: [.deflate]
            case .zstd: [.zstd]
            }
        let usable = wanted.filter { $0 == .none || accepted.contains($0) }
        self.levels = LevelChoice(usable.isEmpty ? [.none] : usable)
    }

    /// The codec of the present level, for progress reports.
    package var level: ChunkCodec { self.levels.codec }

    /// The codec to try on the chunk that starts at `place`.
    package mutating func codec(at place: ByteOffset) -> ChunkCodec {
        let codec = self.levels.codec
        guard codec != .none, self.regions.isWorthTrying(place) else { return .none }
        return codec
    }

    /// Notes what came of a try.
    ///
    /// - Parameters:
    ///   - place: where the chunk starts.
    ///   - raw: its length.
    ///   - wire: its compressed length; nil where that was not worth it.
    ///   - time: what the try took.
    package mutating func compressed(
        at place: ByteOffset,
        _ raw: ByteCount,
        to wire: ByteCount?,
        in time: Duration
    ) {
        self.regions.note(place, shrank: wire != nil)
        self.levels.window.tried += raw.bytes
        self.levels.window.saved += wire.map { raw.bytes - $0.bytes } ?? 0
        self.levels.window.compressing += time
    }

    /// Notes that a chunk went out, compressed or not, and decides where a window is complete.
    ///
    /// - Parameters:
    ///   - raw: the length of the chunk before compression.
    ///   - wire: its length as it went out.
    ///   - work: the time of encrypting it and handing it to the network, without waiting.
    ///   - blocked: the time of waiting for the network, for credit and for the bandwidth limit.
    package mutating func sent(
        _ raw: ByteCount,
        as wire: ByteCount,
        in work: Duration,
        blocked: Duration
    ) {
        self.levels.window.raw += raw.bytes
        self.levels.window.wire += wire.bytes
        self.levels.window.sending += work
        self.levels.window.blocked += blocked
        guard self.levels.window.isComplete else { return }
        if self.levels.decide() {
            // What one codec cannot shrink another may.
            self.regions = RegionMemory()
        }
    }
}

/// Remembers where compression was tried in vain.
///
/// Only the last 64 regions that a stream was in, in fixed memory; older ones are new again.
private struct RegionMemory: Sendable {
    private struct Region {
        var number = -1
        var failures = 0
        var skipped = 0
    }

    /// 16 MiB: a database file or an encrypted image is larger, so one verdict holds for a while.
    private static let bytes = 16 << 20
    private static let slots = 64
    /// Tries in vain, one after the other, before a region is given up.
    private static let patience = 4
    /// A region that was given up is tried again with every 16th chunk.
    private static let retry = 16

    private var regions = [Region](repeating: Region(), count: Self.slots)
    private var last = 0

    mutating func isWorthTrying(_ place: ByteOffset) -> Bool {
        let slot = self.enter(place)
        guard self.regions[slot].failures >= Self.patience else { return true }
        self.regions[slot].skipped += 1
        return self.regions[slot].skipped.isMultiple(of: Self.retry)
    }

    mutating func note(_ place: ByteOffset, shrank: Bool) {
        let slot = self.enter(place)
        if shrank {
            self.regions[slot].failures = 0
        } else {
            self.regions[slot].failures = min(self.regions[slot].failures + 1, Self.patience)
        }
    }

    /// The slot of the place's region.
    ///
    /// A region entered out of one that was given up has a single try: large files are alike in
    /// all their regions, and several streams share each region, so none would get to four.
    private mutating func enter(_ place: ByteOffset) -> Int {
        let number = place.bytes / Self.bytes
        let slot = number % Self.slots
        if self.regions[slot].number != number {
            let before = self.regions[self.last]
            let givenUp = before.failures >= Self.patience
            self.regions[slot] = Region(
                number: number,
                failures: givenUp ? Self.patience - 1 : 0
            )
        }
        self.last = slot
        return slot
    }
}

/// Climbs and descends the codecs, one step at a time.
private struct LevelChoice: Sendable {
    /// What a stream did since the last decision.
    struct Window: Sendable {
        let size: Int
        var raw = 0
        var wire = 0
        var tried = 0
        var saved = 0
        var compressing = Duration.zero
        var sending = Duration.zero
        var blocked = Duration.zero

        /// The window's size, or 2 s of a slow link: a decision must not take minutes there.
        var isComplete: Bool {
            self.raw >= self.size
                || (self.raw >= 4 << 20
                    && self.compressing + self.sending + self.blocked >= .seconds(2))
        }
    }

    /// The first windows are short, or a fast link would be done before LZ4 is left.
    private static let shortWindows = 4
    private static let shortWindow = 8 << 20
    private static let longWindow = 64 << 20

    private enum Step {
        case up
        case down
    }

    /// Windows in a row that must agree on a step.
    private static let agreement = 2
    /// The most windows that must agree on a step down that was taken back before.
    private static let mostAgreement = 64
    /// A step down that stands for so many windows was right.
    private static let probation = 8
    /// How much more than what it costs a step has to bring.
    private static let margin = 1.25
    /// Compression that takes less than this, in nanoseconds a byte, is not worth saving.
    private static let cheap = 0.25

    private let codecs: [ChunkCodec]
    private var index: Int
    /// Nanoseconds a byte, of the last window at each level; at first what was measured once.
    private var costs: [Double]
    /// Windows that must agree on leaving each level downwards.
    private var patience: [Int]
    private var pending: Step?
    private var agreeing = 0
    /// Windows since the last step down; nil once it proved right, or after a step up.
    private var windowsSinceDown: Int?
    private var isSettling = false
    private var windows = 0
    var window = Window(size: Self.shortWindow)

    init(_ codecs: [ChunkCodec]) {
        self.codecs = codecs
        // LZ4 first: wrong for 16 MiB where the link is fast, right almost everywhere else.
        self.index = codecs.firstIndex(of: .lz4) ?? 0
        self.costs = codecs.map { codec in
            switch codec {
            case .none: 0
            case .lz4: 2
            case .deflate: 16
            case .zstd: 3.5
            }
        }
        self.patience = codecs.map { _ in Self.agreement }
    }

    var codec: ChunkCodec { self.codecs[self.index] }

    /// Ends the window; whether the level changed.
    mutating func decide() -> Bool {
        let window = self.window
        self.windows += 1
        let isShort = self.windows < Self.shortWindows
        self.window = Window(size: isShort ? Self.shortWindow : Self.longWindow)
        // What still lies in socket buffers belongs to the level before.
        guard !self.isSettling else {
            self.isSettling = false
            return false
        }
        self.learn(window)
        guard let step = self.step(after: window) else {
            self.pending = nil
            return false
        }
        self.agreeing = step == self.pending ? self.agreeing + 1 : 1
        self.pending = step
        switch step {
        case .up:
            guard self.agreeing >= Self.agreement else { return false }
            self.climb()
        case .down:
            guard self.agreeing >= self.patience[self.index] else { return false }
            self.index -= 1
            self.windowsSinceDown = 0
        }
        self.pending = nil
        self.isSettling = true
        return true
    }

    /// Goes up one level.
    ///
    /// Going down is an experiment: while nothing blocks, nobody knows how slow the link is. One
    /// that the next windows take back needs twice the agreement the next time.
    private mutating func climb() {
        self.index += 1
        if self.windowsSinceDown != nil {
            self.patience[self.index] = min(2 * self.patience[self.index], Self.mostAgreement)
            self.windowsSinceDown = nil
        }
    }

    private mutating func learn(_ window: Window) {
        if window.tried * 4 >= window.raw {
            self.costs[self.index] = nanoseconds(window.compressing) / Double(window.tried)
        }
        guard let windows = self.windowsSinceDown else { return }
        self.windowsSinceDown = windows + 1
        if windows + 1 >= Self.probation {
            self.windowsSinceDown = nil
            self.patience[self.index + 1] = Self.agreement
        }
    }

    private func step(after window: Window) -> Step? {
        let blocked = nanoseconds(window.blocked)
        let compressing = nanoseconds(window.compressing)
        if self.index + 1 < self.codecs.count {
            // Where the codec in use saves nothing, a dearer one hardly will.
            let shrinks = self.codec == .none || window.saved * 16 >= window.raw
            let extra = (self.costs[self.index + 1] - self.costs[self.index]) * Double(window.raw)
            let least = Self.cheap * Double(window.raw)
            if shrinks && blocked >= Self.margin * max(extra, least) { return .up }
        }
        if self.index > 0 {
            let isDear = compressing >= Self.cheap * Double(window.raw)
            // The work of sending grows with the bytes: this much more, had they not been compressed.
            let saved = Double(window.raw - window.wire) / Double(max(window.wire, 1))
            let worth = nanoseconds(window.sending) * saved
            if isDear && blocked * 4 < compressing && worth * Self.margin < compressing {
                return .down
            }
        }
        return nil
    }
}

private func nanoseconds(_ duration: Duration) -> Double { duration / .nanoseconds(1) }
