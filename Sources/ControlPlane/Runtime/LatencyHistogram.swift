// SPDX-License-Identifier: Apache-2.0

/// How long things took, in little memory: a duration is known to a fifth of itself.
struct LatencyHistogram: Sendable, Hashable {
    /// The bound of the first bucket; each next one is a quarter of a doubling larger.
    private static let first = 0.000_1
    private static let perDoubling = 4
    /// The last bucket begins beyond three hours.
    private static let buckets = 108

    private var counts = [Int](repeating: 0, count: buckets)
    /// How many were counted.
    private(set) var count = 0
    /// The longest, exactly.
    private(set) var longest = Duration.zero

    /// Counts one.
    mutating func add(_ duration: Duration) {
        let parts = duration.components
        let seconds = Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
        var bucket = 0
        var bound = Self.first
        while bucket < Self.buckets - 1, seconds > bound {
            bucket += 1
            bound = Self.bound(bucket)
        }
        self.counts[bucket] += 1
        self.count += 1
        self.longest = max(self.longest, duration)
    }

    private static func bound(_ bucket: Int) -> Double {
        var bound = Self.first
        for _ in 0..<(bucket / Self.perDoubling) { bound *= 2 }
        // The fourth root of two.
        for _ in 0..<(bucket % Self.perDoubling) { bound *= 1.189_207_115 }
        return bound
    }

    /// Seconds that so large a share took at most, from 0 to 1; zero where nothing was counted.
    func seconds(ofShare share: Double) -> Double {
        let wanted = share * Double(self.count)
        var sum = 0
        for (bucket, count) in self.counts.enumerated() where count > 0 {
            sum += count
            if Double(sum) >= wanted { return Self.bound(bucket) }
        }
        return 0
    }
}
