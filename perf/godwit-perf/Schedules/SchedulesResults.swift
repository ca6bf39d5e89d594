// SPDX-License-Identifier: Apache-2.0

/// What `godwit-perf schedules` found out; what its JSON file holds.
struct SchedulesResults: SiteResults {
    static let name: String? = "schedules"

    /// All schedules made, with a copy of each at the destination.
    struct Creation: Codable {
        var schedules: Int
        var wallSeconds: Double
        var residentBytesBefore: Int
        var residentBytesAfter: Int
        var residentBytesPeak: Int
        var requestsPerSchedule: [String: Double]
    }

    /// Some of them triggered, and then nothing due.
    struct Round: Codable {
        var triggers: Int
        var delayP50Seconds: Double
        var delayP99Seconds: Double
        var delayMaximumSeconds: Double
        var steadySeconds: Int
        var residentBytesBefore: Int
        var residentBytesAfter: Int
        var destinationResidentBytes: Int
        var requestsPerMinute: [String: Double]
        var failedLooks: Int
    }

    /// Grows when a field changes its meaning.
    var format = 1
    var date: String
    var machine: Machine.Description
    var creation: Creation?
    var rounds: [Round] = []

    init(_ origin: Origin) {
        self.date = origin.date
        self.machine = origin.machine
    }
}

extension SchedulesResults {
    var text: String {
        var table = Table(
            ["figure"] + self.rounds.indices.map { "round \($0 + 1)" },
            leftColumns: 1
        )
        func row(_ title: String, _ cell: (Round) -> String) {
            table.add([title] + self.rounds.map(cell))
        }
        row("delay p50 s") { fixed($0.delayP50Seconds, 3) }
        row("delay p99 s") { fixed($0.delayP99Seconds, 3) }
        row("delay max s") { fixed($0.delayMaximumSeconds, 3) }
        row("resident MB, before the quiet") { megabytes($0.residentBytesBefore) }
        row("resident MB, after it") { megabytes($0.residentBytesAfter) }
        row("resident MB, destination") { megabytes($0.destinationResidentBytes) }
        row("requests per quiet minute") { requestText($0.requestsPerMinute, digits: 1) }
        row("failed looks so far") { "\($0.failedLooks)" }
        guard let creation = self.creation else { return table.text }
        let made = """
            \(creation.schedules) schedules in \(fixed(creation.wallSeconds, 1)) s; resident MB before \
            \(megabytes(creation.residentBytesBefore)), after \(megabytes(creation.residentBytesAfter)), \
            at most \(megabytes(creation.residentBytesPeak)); requests each: \
            \(requestText(creation.requestsPerSchedule, digits: 2))
            """
        return "\(made)\n\n\(table.text)"
    }
}
