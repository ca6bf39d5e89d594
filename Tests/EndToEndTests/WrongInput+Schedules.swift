// SPDX-License-Identifier: Apache-2.0

extension WrongInput {
    /// What the lines below need: a policy, a schedule that begins nothing, and the copy of another one
    /// that a source would keep here.
    static func schedules(in namespace: String) -> String {
        """
        apiVersion: stork.libopenstorage.org/v1alpha1
        kind: NamespacedSchedulePolicy
        metadata: {name: good, namespace: \(namespace)}
        policy: {daily: {time: 3:04AM}}
        ---
        apiVersion: stork.libopenstorage.org/v1alpha1
        kind: MigrationSchedule
        metadata: {name: there, namespace: \(namespace)}
        spec:
          suspend: true
          schedulePolicyName: good
          template: {spec: {clusterPair: remote, namespaces: [\(namespace)]}}
        ---
        apiVersion: stork.libopenstorage.org/v1alpha1
        kind: MigrationSchedule
        metadata:
          name: copy
          namespace: \(namespace)
          annotations: {stork.libopenstorage.org/static-copy: "true"}
        spec:
          suspend: true
          schedulePolicyName: elsewhere
          template: {spec: {clusterPair: remote, namespaces: [\(namespace)]}}

        """
    }

    private static func schedule(_ spec: String) -> String {
        Self.object("MigrationSchedule", "spec: {\(spec)}")
    }

    private static let template = "template: {spec: {clusterPair: remote, namespaces: [NS]}}"

    /// Schedules, policies, rules and failovers that cannot be meant so.
    static let scheduleManifests: [Self] = [
        .file(
            Self.schedule("schedulePolicyName: good, templat: {}"),
            64,
            "\"spec.templat\"",
            "did you mean \"template\"?"
        ),
        .file(
            Self.schedule(
                "schedulePolicyName: good, template: {spec: {clusterPiar: a, namespaces: [NS]}}"
            ),
            64,
            "\"spec.template.spec.clusterPiar\"",
            "did you mean \"clusterPair\"?"
        ),
        .file(Self.schedule(Self.template), 64, "spec.schedulePolicyName: Required value"),
        .file(
            Self.schedule("schedulePolicyName: good, suspend: \"yes\", \(Self.template)"),
            64,
            "spec.suspend: Invalid value: \"yes\""
        ),
        .file(Self.schedule("schedulePolicyName: good"), 64, "spec.template: Required value"),
        .file(
            Self.object("SchedulePolicy", "policy: {interval: {intervalMinutes: 0}}"),
            64,
            "policy.interval.intervalMinutes: Invalid value: 0"
        ),
        .file(
            Self.object("SchedulePolicy", "policy: {daily: {time: \"22:14\"}}"),
            64,
            "policy.daily.time: Invalid value: \"22:14\"",
            "1:02PM"
        ),
        .file(
            Self.object("SchedulePolicy", "policy: {weekly: {day: Thrusday, time: 1:02PM}}"),
            64,
            "policy.weekly.day: Unsupported value: \"Thrusday\"",
            "did you mean \"Thursday\"?"
        ),
        .file(
            Self.object("NamespacedSchedulePolicy", "policy: {monthly: {date: 32, time: 1:02PM}}"),
            64,
            "policy.monthly.date: Invalid value: 32"
        ),
        .file(Self.object("SchedulePolicy", "policy: {}"), 64, "policy"),
        .file(
            Self.object("SchedulePolicy", "policy: {hourly: {intervalMinutes: 5}}"),
            64,
            "\"policy.hourly\""
        ),
        .file(
            Self.object("Rule", "rules: [{actions: [{type: comand, value: sync}]}]"),
            64,
            "rules[0].actions[0].type: Unsupported value: \"comand\"",
            "did you mean \"command\"?"
        ),
        .file(
            Self.object(
                "Rule",
                "rules: [{actions: [{type: command, background: true, value: sync}]}]"
            ),
            64,
            "${WAIT_CMD}"
        ),
        .file(
            Self.object("Action", "spec: {actionType: failover, actionParameter: {}}"),
            64,
            "failoverParameter"
        ),
    ]

    private static let make = "create migrationschedule"
    private static let rest = "-c remote --namespaces NS -n NS"

    /// Schedules and policies.
    static let schedules: [Self] = [
        Self("\(make) \(rest) -s good", 64, "exactly one name"),
        Self("\(make) a b \(rest) -s good", 64, "exactly one name"),
        Self("\(make) m --namespaces NS -n NS -s good", 64, "ClusterPair name needs"),
        Self("\(make) m -c remote -n NS -s good", 64, "atleast one namespace"),
        Self("\(make) m -c remtoe --namespaces NS -n NS -i 5", 4, "\"remtoe\" not", "'remote'?"),
        Self("\(make) m -c remote --namespaces NSx -n NS -i 5", 4, "\"NSx\" not found", "'NS'?"),
        Self("\(make) m \(rest) -s goood", 4, "\"goood\" not found", "did you mean 'good'?"),
        Self("\(make) m \(rest) -s good -i 5", 64, "not both"),
        Self("\(make) m \(rest) -i 0", 64, "Invalid intervalMinutes (0) in Interval policy"),
        Self("\(make) m \(rest) -i soon", 64, "'soon'"),
        Self("\(make) there \(rest) -i 5", 5, "\"there\" already exists"),
        Self("\(make) M_m \(rest) -s good", 64, "'M_m' is no name", "lower-case"),
        Self(
            "\(make) \(String(repeating: "a", count: 240)) \(rest) -s good",
            64,
            "too long",
            "at most 226"
        ),
        Self("\(make) m \(rest) -s good --annotations a", 64, "'a'", "KEY=VALUE"),
        Self("\(make) m \(rest) -s good --suspend=maybe", 64, "suspend"),
        Self("\(make) m \(rest) --scheduelPolicyName good", 64, "'--schedule-policy-name'?"),
        Self("create migrationshedule m", 64, "did you mean 'godwit create migrationschedule"),
        Self("create schedulepolicy", 64, "exactly one name"),
        Self("create schedulepolicy P_p", 64, "'P_p' is no name"),
        Self("create schedulepolicy p -t Hourly", 64, "'hourly' is no type", "Interval, Daily"),
        Self("create schedulepolicy p -i 0", 64, "Invalid intervalMinutes (0)"),
        Self("create schedulepolicy p -t Daily --time 22:14", 64, "Invalid time (22:14)", "3:04PM"),
        Self("create schedulepolicy p -t Daily --time 12:75PM", 64, "minute out of range"),
        Self(
            "create schedulepolicy p -t Weekly --day-of-week Tues",
            64,
            "Invalid day of the week (tues)"
        ),
        Self(
            "create schedulepolicy p -t Monthly --dateOfMonth 32",
            64,
            "Invalid date of the month (32)"
        ),
        Self(
            "create schedulepolicy p --time-zone Europe/Berln",
            64,
            "'Europe/Berln' is no time zone",
            "'Europe/Berlin'?"
        ),
        Self("create namespacedschedulepolicy good -n NS", 5, "\"good\" already exists"),
        Self("delete schedulepolicy", 64, "at least one argument"),
        Self("delete schedulepolicy no-such", 4, "\"no-such\" not found"),
        Self("delete namespacedschedulepolicy good -n NS", 5, "is not deleted", "NS/there"),
        Self("delete migrationschedules -n NS", 64, "at least one argument"),
        Self("suspend migrationschedules -n NS", 64, "at least one argument"),
        Self("suspend migrationschedules no-such -n NS", 4, "\"no-such\" not found"),
        Self("resume migrationschedules a -c remote -n NS", 64, "not both"),
        Self("resume migrationshedules a -n NS", 64, "did you mean 'godwit resume migration"),
        Self("trigger migrationschedule no-such -n NS", 4, "\"no-such\" not found"),
        Self("trigger migrationschedule there -n NS", 5, "is suspended", "godwit resume"),
        Self("trigger migrationschedule copy -n NS", 5, "copy", "at the source cluster"),
        Self("trigger migrationschedule there --timeout 5 -n NS", 64, "--wait"),
        Self("wait migrationschedule there -n NS", 5, "is suspended", "godwit resume"),
        Self("wait migrationschedule no-such -n NS", 4, "\"no-such\" not found"),
        Self("get migrationschedules no-such -n NS", 4, "\"no-such\" not found"),
        Self("get migrationshedules -n NS", 64, "did you mean 'godwit get migrationschedule"),
        Self("describe migrationschedule no-such -n NS", 4, "\"no-such\" not found"),
        Self("get rules no-such -n NS", 4, "\"no-such\" not found"),
        Self("get recoverypoints no-such -n NS", 4, "\"no-such\" not found"),
    ]

    /// Failovers, ways back and rehearsals.
    static let failovers: [Self] = [
        Self("perform failovr -m copy -n NS", 64, "did you mean 'godwit perform failover'?"),
        Self("perform failover -n NS", 64, "the name of a MigrationSchedule needs"),
        Self("perform failover -m no-such -n NS", 4, "\"no-such\" not found"),
        Self("perform failover -m there -n NS", 5, "begins in this cluster", "to which there"),
        Self(
            "perform failover -m copy --include-namespaces NS --exclude-namespaces b -n NS",
            64,
            "not both"
        ),
        Self("perform failover -m copy --include-namespaces other -n NS", 64, "it moves: NS"),
        Self("perform failback -m copy --excludeNamespaces NS -n NS", 64, "No namespace is left"),
        Self("perform failover -m copy --before yesterday -n NS", 64, "'yesterday' is no time"),
        Self(
            "perform failover -m copy --before 2026-11-22T10:15:00Z -n NS",
            4,
            "There is no RecoveryPoint",
            "has none"
        ),
        Self("perform failover -m copy --recovery-point p -n NS", 4, "\"p\" not found"),
        Self(
            "perform drill -m copy --recovery-point p --before 2026-11-22T10:15:00Z -n NS",
            64,
            "not both"
        ),
        Self("perform drill -m copy --generation 4 --recovery-point p -n NS", 64, "not both"),
        Self("perform drill -m copy --generation four -n NS", 64, "--generation"),
        Self("perform failover -m copy --generation 4 -n NS", 4, "with generation 4"),
        Self("perform drill -m copy --namespace-suffix=x_y -n NS", 64, "'x_y'", "-drill"),
        Self("perform failback -m copy --skip-source-operations -n NS", 64, "--skip-source"),
        Self("perform failback -m copy --timeout 5 -n NS", 64, "--wait"),
        Self("perform failback -m copy --wait --timeout 0 -n NS", 64, "--timeout 0"),
        Self("get failover no-such -n NS", 4, "\"no-such\" not found"),
        Self("wait failback no-such -n NS", 4, "\"no-such\" not found"),
        Self("describe drill no-such -n NS", 4, "\"no-such\" not found"),
        Self("delete failover no-such -n NS", 4, "\"no-such\" not found"),
    ]
}
