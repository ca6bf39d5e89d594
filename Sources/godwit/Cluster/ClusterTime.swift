// SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectModel

/// How long ago something was, as lists of events show it.
enum ClusterTime {
    /// With the two units that matter: `42s`, `2m42s`, `25m`, `3h5m`, `12d`.
    static func age(_ seconds: Int) -> String {
        let whole = max(0, seconds)
        let (minutes, hours, days) = (whole / 60, whole / 3600, whole / 86_400)
        func both(_ large: Int, _ unit: String, _ small: Int, _ smallUnit: String) -> String {
            small == 0 ? "\(large)\(unit)" : "\(large)\(unit)\(small)\(smallUnit)"
        }
        if whole < 120 { return "\(whole)s" }
        if minutes < 10 { return both(minutes, "m", whole % 60, "s") }
        if minutes < 180 { return "\(minutes)m" }
        if hours < 8 { return both(hours, "h", minutes % 60, "m") }
        if hours < 48 { return "\(hours)h" }
        if days < 8 { return both(days, "d", hours % 24, "h") }
        return "\(days)d"
    }
}

extension Timestamp {
    /// What the clock of this machine says.
    static var now: Timestamp {
        Timestamp(microseconds: Int(Date().timeIntervalSince1970 * 1_000_000))
    }
}
