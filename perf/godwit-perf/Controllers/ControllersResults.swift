// SPDX-License-Identifier: Apache-2.0

/// What `godwit-perf controllers` found out; what its JSON file holds.
struct ControllersResults: SiteResults {
    static let name: String? = "controllers"

    /// Many small namespaces.
    struct Many: Codable {
        var migrations: Int
        var volumes: Int
        var objectsEach: Int
        var creationSeconds: Double
        var wallSeconds: Double
        var sourceProcessorSeconds: Double
        var residentBytesBefore: Int
        var residentBytesPeak: Int
        var residentBytesAfter: Int
        var destinationResidentBytesPeak: Int
        var lookP50Seconds: Double
        var lookP99Seconds: Double
        var waitP99Seconds: Double
        var failedLooks: Int
        var requestsPerMigration: [String: Double]
    }

    /// All of them at their end, and nothing to do.
    struct Steady: Codable {
        var seconds: Int
        var residentBytes: Int
        var requests: [String: Double]
    }

    /// One large namespace.
    struct Large: Codable {
        var configMaps: Int
        var wallSeconds: Double
        var unchangedWallSeconds: Double
    }

    /// Grows when a field changes its meaning.
    var format = 1
    var date: String
    var machine: Machine.Description
    var many: Many?
    var steady: Steady?
    var large: [Large] = []

    init(_ origin: Origin) {
        self.date = origin.date
        self.machine = origin.machine
    }
}

extension ControllersResults {
    var text: String {
        var table = Table(["figure", "value"], leftColumns: 1)
        if let many { Self.add(many, to: &table) }
        if let steady {
            table.add([
                "requests in \(steady.seconds) steady s", requestText(steady.requests, digits: 0),
            ])
            table.add(["resident MB, steady", megabytes(steady.residentBytes)])
        }
        if let first = self.large.first {
            let walls = self.large.map { fixed($0.wallSeconds, 2) }
            let again = self.large.map { fixed($0.unchangedWallSeconds, 2) }
            table.add(["\(first.configMaps) ConfigMaps, s", walls.joined(separator: " ")])
            table.add(["again, unchanged, s", again.joined(separator: " ")])
        }
        return table.text
    }

    private static func add(_ many: Many, to table: inout Table) {
        table.add(["Migrations", "\(many.migrations), \(many.volumes) with a volume"])
        table.add(["wall s", fixed(many.wallSeconds, 1)])
        table.add(["Migrations per s", fixed(Double(many.migrations) / many.wallSeconds, 1)])
        table.add(["source cpu s", fixed(many.sourceProcessorSeconds, 1)])
        table.add(["look p50 s", fixed(many.lookP50Seconds, 3)])
        table.add(["look p99 s", fixed(many.lookP99Seconds, 3)])
        table.add(["wait p99 s", fixed(many.waitP99Seconds, 3)])
        table.add(["failed looks", "\(many.failedLooks)"])
        table.add(["requests each", requestText(many.requestsPerMigration, digits: 2)])
        table.add(["resident MB, before", megabytes(many.residentBytesBefore)])
        table.add(["resident MB, peak", megabytes(many.residentBytesPeak)])
        table.add(["resident MB, after", megabytes(many.residentBytesAfter)])
        table.add([
            "resident MB, peak at the destination",
            megabytes(many.destinationResidentBytesPeak),
        ])
    }
}
