// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import BlockTypes
import Foundation
import Kinds
import ObjectModel

/// Makes a policy with one kind of times; manifests may have several.
struct CreatePolicy<Noun: PolicyNoun>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Noun.word,
            abstract: "Says when something is to happen: an object of the kind \(Noun.title).",
            discussion: """
                Examples:
                  godwit create \(Noun.word) half-hourly --interval-minutes 30
                  godwit create \(Noun.word) nightly -t Daily --time 1:30AM --time-zone Europe/Berlin
                  godwit create \(Noun.word) weekly -t Weekly --day-of-week Sunday --time 2:00AM
                """,
            aliases: Noun.aliases
        )
    }

    @Argument(help: "The name of the policy.") var names: [String] = []
    @Option(
        name: [.customShort("t"), .long],
        help: "Interval, Daily, Weekly or Monthly.",
        completion: .list(["Interval", "Daily", "Weekly", "Monthly"])
    )
    var policyType = "Interval"
    @Option(
        name: [.customShort("i"), .long],
        parsing: .unconditional,
        help: "Of an Interval: minutes from one to the next."
    )
    var intervalMinutes = 30
    @Option(help: "Of the others: the time of day, like 3:04PM.") var time = "12:00AM"
    @Option(help: "Of a Weekly policy: the day.") var dayOfWeek = "Sunday"
    @Option(parsing: .unconditional, help: "Of a Monthly policy: the date, 1 to 31.")
    var dateOfMonth = 1
    @Option(help: "Of a Daily policy: the day on which snapshots are full; not for migrations.")
    var forceFullSnapshotDay: String?
    @Option(
        parsing: .unconditional,
        help: "How many results are kept; not for migrations, which keep the last success."
    )
    var retain: Int?
    @Option(
        help: ArgumentHelp(
            "The time zone of the times, like Europe/Berlin; else the controller's.",
            valueName: "zone"
        )
    )
    var timeZone: String?
    @OptionGroup var options: ClusterOptions

    func validate() throws {
        try refuseEmpty(["--time-zone": self.timeZone])
        _ = try parsed { () throws(APIError) in try self.policy() }
    }

    func run() async throws {
        guard self.names.count == 1 else {
            throw APIError(
                .invalidRequest,
                "exactly one name needs to be provided for \(Noun.sentenceName.lowercased()) name",
                try: "godwit create \(Noun.word) --help"
            )
        }
        let policy = try self.policy()
        try await self.options.withCluster { cluster in
            let key = ObjectKey(cluster.namespace, self.names[0])
            try checkNames(key)
            let created = try await cluster.create(
                Noun.resource,
                Noun.object(key, policy),
                key.namespace
            )
            let again = self.options.again(key.namespace)
            self.options.console.created(created, as: Noun.self)
            self.options.console.note("Next: godwit get \(Noun.word) \(key.name) \(again)")
        }
    }

    /// What the arguments say, checked as a schedule would check it.
    private func policy() throws(APIError) -> JSON {
        var part: JSON = [:]
        if let retain { part.set(JSON(retain), at: "retain") }
        var policy: JSON = [:]
        switch self.policyType.lowercased() {
        case "interval":
            part.set(JSON(self.intervalMinutes), at: "intervalMinutes")
            policy.set(part, at: "interval")
        case "daily":
            part.set(.string(self.time), at: "time")
            if let day = self.forceFullSnapshotDay {
                part.set(.string(day.lowercased()), at: "forceFullSnapshotDay")
            }
            policy.set(part, at: "daily")
        case "weekly":
            part.set(.string(self.time), at: "time")
            part.set(.string(self.dayOfWeek.lowercased()), at: "day")
            policy.set(part, at: "weekly")
        case "monthly":
            part.set(.string(self.time), at: "time")
            part.set(JSON(self.dateOfMonth), at: "date")
            policy.set(part, at: "monthly")
        case let other:
            throw APIError(
                .invalidRequest,
                "'\(other)' is no type of a policy: use Interval, Daily, Weekly or Monthly."
            )
        }
        if let timeZone {
            try Self.checkZone(timeZone)
            policy.set(.string(timeZone), at: "timeZone")
        }
        do { _ = try SchedulePolicy(policy) } catch {
            throw APIError(.invalidRequest, error.description, try: Self.advice)
        }
        return policy
    }

    private static func checkZone(_ name: String) throws(APIError) {
        guard TimeZone(identifier: name) == nil else { return }
        let meant = Suggestion.nearest(to: name, in: TimeZone.knownTimeZoneIdentifiers)
        throw APIError(
            .invalidRequest,
            "'\(name)' is no time zone.",
            try: meant.map { "did you mean '\($0)'?" } ?? "write it like Europe/Berlin or UTC"
        )
    }

    private static var advice: String {
        "write times like 3:04PM, days like Sunday or Sun, and numbers as they are counted"
    }
}

extension PolicyNoun {
    /// The object that is created.
    static func object(_ key: ObjectKey, _ policy: JSON) -> KubeObject {
        let key = Self.resource.isNamespaced ? key : ObjectKey("", key.name)
        return KubeObject(Self.resource.groupVersionKind, key, ["policy": policy])
    }
}

extension Console {
    /// Says that an object was created: storkctl's sentence for people, the object for programs.
    func created<Noun: ClusterNoun>(_ object: KubeObject, as noun: Noun.Type) {
        guard self.format.isStructured else {
            self.result("\(Noun.sentenceName) \(object.name) created successfully")
            return
        }
        var text = ObjectText<Noun>(format: self.format)
        self.raw(text.list([object], now: .now))
    }
}
