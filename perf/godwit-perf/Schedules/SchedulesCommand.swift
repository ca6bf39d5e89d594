// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `godwit-perf schedules`: many MigrationSchedules on one controller.
struct SchedulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedules",
        abstract: "Measures what many MigrationSchedules cost one controller on embedded clusters.",
        discussion: """
            Example: godwit-perf schedules --schedules 10000 --triggers 500
            """
    )

    @Option(help: "MigrationSchedules.") var schedules = 10_000
    @Option(help: "How many of them are made to begin a Migration in each round.")
    var triggers = 500
    @Option(help: "Rounds of triggers and quiet: from the second on nothing may grow.")
    var rounds = 2
    @Option(help: "How long nothing is due in each round, in seconds.") var steady = 120
    @OptionGroup var sites: SiteOptions

    func validate() throws {
        guard self.schedules > 0, self.rounds > 0, self.steady > 0,
            (1...self.schedules).contains(self.triggers)
        else { throw ValidationError("the counts must be 1 or more, and triggers not more") }
    }

    func run() async throws {
        try await self.sites.measure { source, destination, results in
            try await self.measure(source, destination, &results)
        }
    }

    private func measure(
        _ source: ControlledSite,
        _ destination: ControlledSite,
        _ results: inout SchedulesResults
    ) async throws {
        let measurement = SchedulesMeasurement(source: source, destination: destination)
        say("making \(self.schedules) MigrationSchedules")
        results.creation = try await measurement.create(self.schedules, active: self.triggers)
        for number in 1...self.rounds {
            say(
                "round \(number) of \(self.rounds): \(self.triggers) triggers, \(self.steady) s of quiet"
            )
            results.rounds.append(
                try await measurement.round(self.triggers, steadySeconds: self.steady)
            )
        }
    }
}
