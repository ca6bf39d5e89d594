// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// Something that happened to an object, as it is recorded.
struct Occurrence: Hashable, Sendable {
    let kind: EventRecorder.Kind
    let reason: String
    let message: String
    /// The object's reference.
    let regarding: JSON
    /// Where the event is put: cluster-scoped objects have theirs in `default`.
    let namespace: String
    let name: String
}

/// Which events were written, so that a repetition counts one up instead of being another one.
struct EventLedger {
    enum Write: Equatable {
        case create(KubeObject)
        /// A repetition of the event of this key.
        case count(ObjectKey, Int, last: String)
    }

    /// Events that are remembered; the server forgets them after an hour.
    static let capacity = 4096
    /// Distinct events of one object at once; then one more every five minutes.
    static let burst = 25.0
    static let refillSeconds = 300.0

    private struct Entry {
        let key: ObjectKey
        var count: Int
        var used: Int
    }

    private struct Budget {
        var left = EventLedger.burst
        var since: Timestamp
    }

    private let component: String
    private let instance: String
    private var entries: [Occurrence: Entry] = [:]
    private var budgets: [JSON: Budget] = [:]
    private var uses = 0
    private var lastStamp: UInt64 = 0

    init(component: String, instance: String) {
        self.component = component
        self.instance = instance
    }

    /// What to write for an occurrence; nil where its object has had too many events.
    mutating func write(_ occurrence: Occurrence, at now: Timestamp) -> Write? {
        self.uses += 1
        if var entry = self.entries[occurrence] {
            entry.count += 1
            entry.used = self.uses
            self.entries[occurrence] = entry
            return .count(entry.key, entry.count, last: now.description)
        }
        guard self.spend(occurrence.regarding, now) else { return nil }
        let event = self.event(occurrence, now)
        self.entries[occurrence] = Entry(key: event.key, count: 1, used: self.uses)
        self.forgetOldest()
        return .create(event)
    }

    /// The server does not have the event any more: the next one is new.
    mutating func forget(_ occurrence: Occurrence) { self.entries[occurrence] = nil }

    /// Takes one of the object's budget; false where there is none.
    private mutating func spend(_ object: JSON, _ now: Timestamp) -> Bool {
        var budget = self.budgets[object] ?? Budget(since: now)
        let gained = Double(max(now.seconds(since: budget.since), 0)) / Self.refillSeconds
        budget.left = min(budget.left + gained, Self.burst)
        budget.since = now
        let isEnough = budget.left >= 1
        if isEnough { budget.left -= 1 }
        self.budgets[object] = budget
        return isEnough
    }

    private mutating func forgetOldest() {
        if self.entries.count > Self.capacity {
            // A quarter at once, so that this is seldom.
            let oldest = self.entries.sorted { $0.value.used < $1.value.used }
                .prefix(Self.capacity / 4)
            for (occurrence, _) in oldest { self.entries[occurrence] = nil }
        }
        if self.budgets.count > Self.capacity {
            let oldest = self.budgets.sorted { $0.value.since < $1.value.since }
                .prefix(Self.capacity / 4)
            for (object, _) in oldest { self.budgets[object] = nil }
        }
    }

    private mutating func event(_ occurrence: Occurrence, _ now: Timestamp) -> KubeObject {
        // Nanoseconds, and never twice the same: the name must be new.
        let stamp = UInt64(max(now.microseconds, 0)) * 1000
        self.lastStamp = max(stamp, self.lastStamp + 1)
        let suffix = String(self.lastStamp, radix: 16)
        let name = "\(occurrence.name.prefix(253 - suffix.count - 1)).\(suffix)"
        let time = JSON.string(now.description)
        return KubeObject(
            EventRecorder.resource.groupVersionKind,
            ObjectKey(occurrence.namespace, name),
            [
                "involvedObject": occurrence.regarding, "type": .string(occurrence.kind.rawValue),
                "reason": .string(occurrence.reason), "message": .string(occurrence.message),
                "source": ["component": .string(self.component)],
                "reportingComponent": .string(self.component),
                "reportingInstance": .string(self.instance), "firstTimestamp": time,
                "lastTimestamp": time, "count": 1,
            ]
        )
    }
}
