// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import Kinds
import ObjectModel

/// Takes applications over, and gives them back.
struct PerformCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "perform",
        abstract: "Takes over what a schedule brought here, rehearses that, or brings it back.",
        discussion: """
            Examples:
              godwit perform failover -m mysqlmigrationschedule -n mysql
              godwit perform failback -m mysqlreverse -n mysql
            Type it at the cluster at which the applications are to run.
            """,
        subcommands: [PerformFailover.self, PerformFailback.self, PerformDrill.self]
    )
}

struct PerformFailover: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: FailoverNoun.word,
        abstract: "Starts the applications of a schedule here, at its destination.",
        discussion: """
            Examples:
              godwit perform failover -m mysqlmigrationschedule -n mysql
              godwit perform failover -m shop --include-namespaces cart,till -n kube-system --wait
              godwit perform failover -m mysqlmigrationschedule --skip-source-operations -n mysql
              godwit perform failover -m mysqlmigrationschedule --before 2026-11-22T10:15:00Z -n mysql
            Where the source can be reached, its applications are stopped and what is new there is \
            migrated first. How old the newest consistent point is, is shown first; on a terminal it asks.
            """,
        aliases: FailoverNoun.aliases
    )
    @OptionGroup var what: PerformOptions
    @OptionGroup var choice: RecoveryOptions
    @Flag(help: "Leave the source alone, such as when it is known to be dead.")
    var skipSourceOperations = false

    func run() async throws {
        try await self.what.run(FailoverNoun.self, self.choice) { spec in
            spec.skipsSource = self.skipSourceOperations
        }
    }
}

struct PerformFailback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: FailbackNoun.word,
        abstract: "Brings applications back to where they were before a failover.",
        discussion: """
            Examples:
              godwit perform failback -m mysqlreverse -n mysql
              godwit perform failback -m mysqlreverse -n mysql --yes --wait
            The schedule is the one that migrates back: make it where the applications run now.
            """,
        aliases: FailbackNoun.aliases
    )
    @OptionGroup var what: PerformOptions

    func run() async throws { try await self.what.run(FailbackNoun.self, nil) { _ in } }
}

struct PerformDrill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: DrillNoun.word,
        abstract: "Rehearses a failover: copies of volumes and applications, beside everything.",
        discussion: """
            Examples:
              godwit perform drill -m mysqlmigrationschedule -n mysql --wait
              godwit perform drill -m mysqlmigrationschedule --namespace-suffix=-test --keep -n mysql
            Replication goes on meanwhile. What was made is removed at the end, or with --keep when the \
            drill is deleted.
            """,
        aliases: DrillNoun.aliases
    )
    @OptionGroup var what: PerformOptions
    @OptionGroup var choice: RecoveryOptions
    @Option(
        parsing: .unconditional,
        help: "What stands behind the names of the namespaces in the rehearsal."
    )
    var namespaceSuffix = ActionSpec.defaultSuffix
    @Flag(help: "Let everything stay until the drill is deleted.") var keep = false

    func validate() throws {
        guard ActionSpec.isSuffix(self.namespaceSuffix) else {
            throw ValidationError(
                "--namespace-suffix '\(self.namespaceSuffix)' cannot end the name of a namespace: "
                    + "write something like -drill."
            )
        }
    }

    func run() async throws {
        try await self.what.run(DrillNoun.self, self.choice) { spec in
            spec.suffix = self.namespaceSuffix
            spec.keeps = self.keep
        }
    }
}

/// Which state of the volumes is shown.
struct RecoveryOptions: ParsableArguments {
    @Option(
        help: "The RecoveryPoint that is shown; without one, the newest.",
        completion: ClusterCompletions.names(of: RecoveryPointNoun.self)
    )
    var recoveryPoint: String?
    @Option(
        help: ArgumentHelp(
            "Show the newest RecoveryPoint that was frozen before this time.",
            valueName: "2026-11-22T10:15:00Z"
        )
    )
    var before: String?
    @Option(
        parsing: .unconditional,
        help: "Show the RecoveryPoint in which a volume has this generation."
    )
    var generation: UInt64?

    func validate() throws {
        try refuseEmpty(["--recovery-point": self.recoveryPoint])
        let given = [self.recoveryPoint, self.before, self.generation.map { "\($0)" }]
        guard given.count(where: { $0 != nil }) <= 1 else {
            throw ValidationError(
                "Give one of --recovery-point, --before and --generation, not both."
            )
        }
        guard self.before == nil || self.time != nil else {
            throw ValidationError(
                "'\(self.before ?? "")' is no time: write it as 2026-11-22T10:15:00Z."
            )
        }
    }

    var time: Timestamp? { self.before.flatMap { Timestamp($0) } }

    var wish: RecoveryChoice.Wish {
        if let name = self.recoveryPoint { return .named(name) }
        if let time = self.time { return .before(time) }
        return self.generation.map { .generation($0) } ?? .newest
    }
}

/// Of which schedule, and which of its namespaces.
struct PerformOptions: ParsableArguments {
    @Option(
        name: [.customShort("m"), .long],
        help: "The MigrationSchedule.",
        completion: ClusterCompletions.names(of: MigrationScheduleNoun.self)
    )
    var migrationReference: String?
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("Only these of its namespaces.", valueName: "a,b"),
        completion: ClusterCompletions.namespaces
    )
    var includeNamespaces: [String] = []
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("All of its namespaces but these.", valueName: "a,b"),
        completion: ClusterCompletions.namespaces
    )
    var excludeNamespaces: [String] = []
    @OptionGroup var confirmation: ConfirmOptions
    @Flag(help: "Wait for its end, and fail where it fails.") var wait = false
    @Option(parsing: .unconditional, help: "Seconds to wait; it goes on after them.")
    var timeout: Int?
    @OptionGroup var options: ClusterOptions

    func validate() throws {
        try refuseEmpty(["--migration-reference": self.migrationReference])
        guard self.includeNamespaces.isEmpty || self.excludeNamespaces.isEmpty else {
            throw ValidationError(
                "Give --include-namespaces or --exclude-namespaces, not both."
            )
        }
        try checkTimeout(self.timeout)
        guard self.timeout == nil || self.wait else {
            throw ValidationError("--timeout only goes with --wait.")
        }
    }

    /// Checks what is asked for, asks whoever is there, and makes the Action.
    func run<Noun: ActionNoun>(
        _ noun: Noun.Type,
        _ choice: RecoveryOptions?,
        _ change: (inout ActionSpec) -> Void
    ) async throws {
        guard let name = self.migrationReference else {
            throw APIError(
                .invalidRequest,
                "the name of a MigrationSchedule needs to be provided for \(Noun.word)",
                try: "godwit perform \(Noun.word) --help"
            )
        }
        let console = self.options.console
        try await self.options.withCluster { cluster in
            let schedule = try await cluster.get(
                MigrationScheduleNoun.resource,
                name,
                cluster.namespace
            )
            try Self.check(ScheduleFacts(schedule), Noun.type)
            var spec = ActionSpec(
                Noun.type,
                schedule: name,
                namespaces: try self.namespaces(of: ScheduleFacts(schedule))
            )
            let points = try await RecoveryChoice.find(of: schedule, in: cluster)
            let point = try points?.chosen(choice?.wish ?? .newest)
            spec.recoveryPoint = choice?.recoveryPoint
            spec.before = choice?.time
            if choice?.generation != nil { spec.recoveryPoint = try Self.named(point) }
            change(&spec)
            let hasVolumes = ScheduleFacts(schedule).template.includesVolumes
            try self.ask(Noun.self, spec, hasVolumes ? points.map { _ in point } : nil)
            let key = ObjectKey(cluster.namespace, Self.name(Noun.type, name, at: .now))
            let action = KubeObject(Noun.resource.groupVersionKind, key, ["spec": spec.json])
            let created = try await cluster.create(Noun.resource, action, key.namespace)
            if !console.format.isStructured {
                self.tell(Noun.self, schedule, created)
            } else if !self.wait {
                console.created(created, as: Noun.self)
            }
            guard self.wait else { return }
            let watch = ActionWatch<Noun>(
                cluster: cluster,
                console: console,
                again: self.options.again(key.namespace),
                timeout: .seconds(self.timeout ?? ObjectWait.longest)
            )
            try await watch.untilFinal(key)
        }
    }

    /// The name that stands for a generation: Actions know RecoveryPoints only.
    private static func named(_ point: RecoveryChoice.Point?) throws(APIError) -> String {
        guard let point else {
            throw APIError(
                .clusterDenied,
                "RecoveryPoints may not be listed, and so no generation can be looked up.",
                try: "give --before TIME, which the controller looks up"
            )
        }
        return point.name
    }

    /// Refuses what the controller would fail at once.
    private static func check(_ facts: ScheduleFacts, _ type: ActionType) throws(APIError) {
        let name = facts.schedule.name
        guard facts.isCopy else {
            throw APIError(
                .objectConflict,
                "MigrationSchedule \(name) begins in this cluster: its applications run here already.",
                try: "type it in the cluster to which \(name) migrates"
            )
        }
        guard type == .drill || !facts.isActivated else {
            throw APIError(
                .objectConflict,
                "The applications of MigrationSchedule \(name) run here already.",
                try: "to bring them back, fail back from the other cluster"
            )
        }
    }

    /// The two lines of storkctl.
    private func tell<Noun: ActionNoun>(
        _ noun: Noun.Type,
        _ schedule: KubeObject,
        _ action: KubeObject
    ) {
        let place = "\(schedule.namespace)/\(schedule.name)"
        let next = Program.current.named(
            in: "godwit get \(Noun.word) \(action.name) -n \(action.namespace)"
        )
        self.options.console.result("Started \(Noun.word) for MigrationSchedule \(place)")
        self.options.console.result("To check \(Noun.word) status use the command : `\(next)`")
    }

    /// What is about to happen; and on a terminal, whether it may.
    ///
    /// The point is nil where there is none, and twice nil where none is needed or may be seen.
    private func ask<Noun: ActionNoun>(
        _ noun: Noun.Type,
        _ spec: ActionSpec,
        _ point: RecoveryChoice.Point??
    ) throws(APIError) {
        let console = self.options.console
        for line in Self.summary(Noun.self, spec, point, now: .now) { console.note(line) }
        // Scripts of storkctl never had to answer.
        guard Noun.type != .drill, console.canAsk else { return }
        try console.confirm("Go on?", yes: self.confirmation.yes)
    }

    /// What is shown before anything is done.
    static func summary<Noun: ActionNoun>(
        _ noun: Noun.Type,
        _ spec: ActionSpec,
        _ point: RecoveryChoice.Point??,
        now: Timestamp
    ) -> [String] {
        let names = spec.namespaces.joined(separator: ", ")
        let head = "\(Noun.title) of \(names.isEmpty ? "all namespaces of the schedule" : names)"
        let isChosen = spec.recoveryPoint != nil || spec.before != nil
        let title = isChosen ? "chosen consistent point" : "newest consistent point"
        guard case .some(let known) = point else { return [head] }
        guard let known else { return [head, "  \(title)   none: no volume was brought here"] }
        let age = ClusterTime.age(now.seconds(since: known.time))
        let window: String
        switch Noun.type {
        case .drill: window = "what was written later is not in the rehearsal"
        case .failback: window = "what was written later comes with a last migration"
        case .failover, .nearsyncFailover:
            window =
                "what was written later at the source is LOST"
                + (spec.skipsSource || isChosen ? "" : " where it cannot be reached")
        }
        return [head, "  \(title)   \(known.name), \(known.time) (\(age) ago)", "  \(window)"]
    }

    /// Which namespaces are meant; none for all, where labels choose them.
    func namespaces(of schedule: ScheduleFacts) throws(APIError) -> [String] {
        let known = schedule.template.namespaces
        let isOpen = !schedule.template.namespaceSelectors.isEmpty
        let included = MigrationOptions.words(self.includeNamespaces)
        let excluded = MigrationOptions.words(self.excludeNamespaces)
        for name in included + excluded where !known.contains(name) && !isOpen {
            throw APIError(
                .invalidRequest,
                "The namespace '\(name)' is none of MigrationSchedule \(schedule.schedule.name).",
                cause: "it moves: \(known.joined(separator: ", "))",
                try: "give one of these"
            )
        }
        if !included.isEmpty { return included }
        guard !excluded.isEmpty else { return isOpen ? [] : known }
        guard !isOpen else {
            throw APIError(
                .invalidRequest,
                "The namespaces of MigrationSchedule \(schedule.schedule.name) are chosen by labels.",
                try: "name those that are meant: --include-namespaces a,b"
            )
        }
        let rest = known.filter { !excluded.contains($0) }
        guard !rest.isEmpty else {
            throw APIError(
                .invalidRequest,
                "No namespace is left: all of them are excluded.",
                try: "leave one out of --exclude-namespaces"
            )
        }
        return rest
    }

    /// `failover-mysql-2026-11-22-101500`; a long name of a schedule is cut.
    static func name(
        _ type: ActionType,
        _ schedule: String,
        at time: Timestamp
    ) -> String {
        let stamp = ScheduleZone.utc.stamp(time)
        let room = 253 - type.rawValue.count - stamp.count - 2
        return "\(type.rawValue)-\(schedule.prefix(room))-\(stamp)"
    }
}
