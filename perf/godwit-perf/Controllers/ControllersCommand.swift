// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `godwit-perf controllers`: many Migrations on one controller, and one of many objects.
struct ControllersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "controllers",
        abstract: "Measures what many Migrations cost one controller on embedded clusters.",
        discussion: """
            Example: godwit-perf controllers --migrations 2000 --config-maps 1000
            """
    )

    @Option(help: "Migrations of small namespaces.") var migrations = 2000
    @Option(help: "How many of them have a volume of 1 MiB.") var volumes = 20
    @Option(help: "Objects of the large namespace.") var configMaps = 1000
    @Option(help: "How often the large namespace is migrated anew.") var repeats = 3
    @Option(help: "How long nothing is done, in seconds.") var steady = 60
    @OptionGroup var sites: SiteOptions

    func validate() throws {
        guard self.migrations > 0, self.configMaps > 0, self.repeats > 0, self.steady > 0,
            (0...self.migrations).contains(self.volumes)
        else { throw ValidationError("the counts must be 1 or more, and volumes not more") }
    }

    func run() async throws {
        try await self.sites.measure { source, destination, results in
            try await self.measure(source, destination, &results)
        }
    }

    private func measure(
        _ source: ControlledSite,
        _ destination: ControlledSite,
        _ results: inout ControllersResults
    ) async throws {
        let measurement = ControllersMeasurement(source: source, destination: destination)
        say("\(self.migrations) Migrations of small namespaces")
        results.many = try await measurement.many(self.migrations, volumes: self.volumes)
        say("nothing, for \(self.steady) s")
        results.steady = try await measurement.steady(seconds: self.steady)
        for number in 1...self.repeats {
            say("one namespace with \(self.configMaps) ConfigMaps, \(number) of \(self.repeats)")
            results.large.append(try await measurement.large(self.configMaps, number))
        }
    }
}
