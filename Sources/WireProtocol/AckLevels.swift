// SPDX-License-Identifier: Apache-2.0

import BlockTypes

/// The last acknowledgement of each stream of a session; none may say less than the one before.
struct AckLevels {
    private var levels: [Ack?]

    init(streams: Int) { self.levels = Array(repeating: nil, count: streams) }

    /// Takes an acknowledgement; otherwise the reason why it cannot be one.
    mutating func take(_ ack: Ack) -> String? {
        let index = ack.stream.index
        guard index < self.levels.count else { return "stream \(index) was not accepted" }
        // received ≥ applied ≥ durable holds for every Ack that was decoded; ours are checked here.
        guard ack.received >= ack.applied, ack.applied >= ack.durable,
            ack.creditLimit >= ack.received
        else { return "the levels of stream \(index) are out of order: \(Self.text(ack))" }
        if let last = self.levels[index] {
            guard ack.received >= last.received, ack.applied >= last.applied,
                ack.durable >= last.durable, ack.creditLimit >= last.creditLimit
            else {
                return
                    "stream \(index) went back from \(Self.text(last)) to \(Self.text(ack))"
            }
        }
        self.levels[index] = ack
        return nil
    }

    private static func text(_ ack: Ack) -> String {
        "received \(ack.received.bytes) applied \(ack.applied.bytes) durable \(ack.durable.bytes)"
            + " limit \(ack.creditLimit.bytes)"
    }
}
