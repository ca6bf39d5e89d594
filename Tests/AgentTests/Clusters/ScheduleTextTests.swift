// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import Kinds
import ObjectModel
import Testing

@testable import godwit

/// What is shown of schedules, rules, recovery points and failovers.
@Suite struct ScheduleTextTests {
    private static let now = Timestamp(seconds: 1_550_280_000)  // 2019-02-16T01:20:00Z

    private static func object<Noun: ClusterNoun>(
        _ noun: Noun.Type,
        _ name: String,
        _ fields: JSONFields
    ) -> KubeObject {
        KubeObject(Noun.resource.groupVersionKind, ObjectKey("mysql", name), fields)
            .created("2019-02-14T04:53:58Z")
    }

    private static func cells<Noun: ClusterNoun>(
        _ noun: Noun.Type,
        _ object: KubeObject,
        isWide: Bool = false
    ) -> [String: String] {
        let shown = Noun.columns.filter { isWide || !$0.isWide }
        return Dictionary(
            uniqueKeysWithValues: shown.map { ($0.title, $0.cell(object, Self.now)) }
        )
    }

    private static func schedule(
        _ name: String = "mysqlmigrationschedule",
        suspend: Bool = false,
        status: JSON = [:]
    ) -> KubeObject {
        Self.object(
            MigrationScheduleNoun.self,
            name,
            [
                "spec": [
                    "schedulePolicyName": "testpolicy", "suspend": .bool(suspend),
                    "template": [
                        "spec": ["clusterPair": "remotecluster", "namespaces": ["mysql", "shop"]]
                    ],
                ], "status": status,
            ]
        )
    }

    private static func item(
        _ name: String,
        _ begin: String,
        _ end: String?,
        _ status: String
    )
        -> JSON
    {
        [
            "name": .string(name), "creationTimestamp": .string(begin),
            "finishTimestamp": end.map { .string($0) } ?? .null, "status": .string(status),
        ]
    }

    @Test func aScheduleShowsItsLastSuccessOfAllPolicies() {
        let status: JSON = [
            "items": [
                "Daily": [
                    Self.item("d", "2019-02-14T22:16:51Z", "2019-02-14T22:19:51Z", "Successful")
                ],
                "Interval": [
                    Self.item("i1", "2019-02-16T00:40:52Z", "2019-02-16T00:41:57Z", "Successful"),
                    Self.item("i2", "2019-02-16T00:41:52Z", "2019-02-16T00:42:00Z", "Failed"),
                    Self.item("i3", "2019-02-16T00:43:52Z", nil, "InProgress"),
                ],
            ]
        ]
        var text = ObjectText<MigrationScheduleNoun>(format: .table)
        let shown = text.list([Self.schedule(status: status), Self.schedule("b")], now: Self.now)
        #expect(
            shown == """
                NAME                     POLICYNAME   CLUSTERPAIR     SUSPEND   LAST-SUCCESS-TIME     LAST-SUCCESS-DURATION
                mysqlmigrationschedule   testpolicy   remotecluster   false     16 Feb 19 00:41 UTC   1m5s
                b                        testpolicy   remotecluster   false                           

                """
        )
        let runs = ScheduleFacts(Self.schedule(status: status)).runs.map(\.name)
        #expect(runs == ["d", "i1", "i2", "i3"])
    }

    @Test func wideShowsHowOldTheCopyIsAndMayBeAndWhenTheNextComes() {
        let status: JSON = [
            "recoveryPoint": ["time": "2019-02-16T01:19:00Z", "target": "30m0s"],
            "nextTriggerTime": "2019-02-16T01:44:00Z",
        ]
        let wide = Self.cells(
            MigrationScheduleNoun.self,
            Self.schedule(status: status),
            isWide: true
        )
        #expect([wide["LAG"], wide["RPO"], wide["NEXT"]] == ["60s", "30m", "24m"])
        let suspended = Self.cells(
            MigrationScheduleNoun.self,
            Self.schedule(suspend: true, status: status),
            isWide: true
        )
        #expect(suspended["NEXT"] == "-" && suspended["SUSPEND"] == "true")
        let new = Self.cells(MigrationScheduleNoun.self, Self.schedule(), isWide: true)
        #expect([new["LAG"], new["RPO"], new["NEXT"]] == ["-", "-", "-"])
        let late: JSON = ["nextTriggerTime": "2019-02-16T01:00:00Z"]
        #expect(ScheduleFacts(Self.schedule(status: late)).next(now: Self.now) == "now")
    }

    @Test func theFilterOfAPairLooksIntoWhatASchedulesMigrationsAreMadeOf() async throws {
        for (pair, isOne) in [("remotecluster", true), ("other", false)] {
            let words = ["get", "migrationschedules", "-c", pair]
            let get = try await Godwit.asyncParseAsRoot(words) as? Get<MigrationScheduleNoun>
            #expect(get?.filter.accepts(Self.schedule()) == isOne)
        }
    }

    @Test func aRuleShowsItsPodsAndHowManyCommandsItHas() {
        let rule = Self.object(
            RuleNoun.self,
            "r",
            [
                "rules": [
                    [
                        "podSelector": ["app": "mysql", "tier": "db"],
                        "actions": [
                            ["type": "command", "value": "sync"],
                            [
                                "type": "command", "background": true,
                                "value": "lock; ${WAIT_CMD}",
                            ],
                        ],
                    ]
                ]
            ]
        )
        let cells = Self.cells(RuleNoun.self, rule)
        #expect(cells["PODS"] == "app=mysql,tier=db")
        #expect(cells["COMMANDS"] == "2" && cells["BACKGROUND"] == "1")
    }

    @Test func anActionIsOnlyWhatItsTypeSays() {
        func action(_ type: String) -> KubeObject {
            Self.object(
                FailoverNoun.self,
                "a",
                [
                    "spec": ["actionType": .string(type)],
                    "status": [
                        "stage": "Final", "status": "Failed", "reason": "the source runs",
                        "recoveryPoint": [
                            "name": "p", "time": "2019-02-16T01:19:00Z", "lossSeconds": 61,
                        ],
                    ],
                ]
            )
        }
        #expect(FailoverNoun.owns(action("failover")))
        #expect(FailoverNoun.owns(action("nearsyncFailover")))
        #expect(!FailoverNoun.owns(action("failback")) && FailbackNoun.owns(action("failback")))
        #expect(DrillNoun.owns(action("drill")) && !FailbackNoun.owns(action("nonsense")))
        let titles = FailoverNoun.columns.filter { !$0.isWide }.map(\.title)
        #expect(titles == ["NAME", "CREATED", "STAGE", "STATUS", "MORE INFO"])
        let cells = Self.cells(FailoverNoun.self, action("failover"), isWide: true)
        #expect(cells["MORE INFO"] == "the source runs" && cells["LOSS"] == "61s")
        #expect(FailoverNoun.phase(of: action("failover")) == "Final Failed: the source runs")
    }

    private static func point(
        _ name: String,
        _ time: String,
        of schedule: String = "s",
        generations: [String: Int] = ["v": 3],
        available: String? = nil
    ) -> KubeObject {
        let volumes = generations.sorted { $0.key < $1.key }
            .map { volume, generation -> JSON in
                ["volume": .string(volume), "generation": JSON(generation), "snapshot": "0a"]
            }
        let condition: JSON? = available.map { ["type": "Available", "status": .string($0)] }
        return Self.object(
            RecoveryPointNoun.self,
            name,
            [
                "spec": [
                    "migration": .string(name), "migrationSchedule": .string(schedule),
                    "namespaces": ["mysql"], "time": .string(time), "isAtomic": true,
                    "group": "g",
                    "volumes": .array(volumes),
                ], "status": ["conditions": .array([condition].compactMap(\.self))],
            ]
        )
    }

    @Test func ofTheRecoveryPointsTheNewestOrTheOneThatIsMeantIsChosen() throws {
        let choice = RecoveryChoice(
            [
                Self.point("old", "2019-02-15T00:00:00Z"),
                Self.point("new", "2019-02-16T01:19:00Z", available: "True"),
                Self.point("gone", "2019-02-16T01:19:30Z", available: "False"),
                Self.point("another", "2019-02-16T01:19:40Z", of: "t"),
            ],
            of: "s"
        )
        #expect(try choice.chosen(.newest)?.name == "new")
        #expect(try choice.chosen(.named("old"))?.name == "old")
        let noon = try #require(Timestamp("2019-02-15T12:00:00Z"))
        #expect(try choice.chosen(.before(noon))?.name == "old")
        let midnight = try #require(Timestamp("2019-02-15T00:00:00Z"))
        for wish in [RecoveryChoice.Wish.named("gone"), .before(midnight), .generation(4)] {
            let error = #expect(throws: APIError.self) { try choice.chosen(wish) }
            #expect(error?.exitCode == 4 && error?.cause?.contains("new, old") == true)
        }
        #expect(try RecoveryChoice([], of: "s").chosen(.newest) == nil)
        let cells = Self.cells(RecoveryPointNoun.self, Self.point("p", "2019-02-16T01:19:00Z"))
        #expect(cells["VOLUMES"] == "1" && cells["AGE"] == "60s" && cells["AVAILABLE"] == "-")
    }

    @Test func aGenerationMeansThePointThatHasItWhereThatIsOne() throws {
        let choice = RecoveryChoice(
            [
                Self.point("old", "2019-02-15T00:00:00Z", generations: ["v": 3, "w": 2]),
                Self.point("new", "2019-02-16T00:00:00Z", generations: ["v": 4, "w": 3]),
            ],
            of: "s"
        )
        #expect(try choice.chosen(.generation(2))?.name == "old")
        #expect(try choice.chosen(.generation(4))?.name == "new")
        let error = #expect(throws: APIError.self) { try choice.chosen(.generation(3)) }
        #expect(error?.exitCode == 64 && error?.cause == "new (w); old (v)")
        #expect(error?.try == "name one of them: --recovery-point new")
    }

    @Test func beforeAFailoverItIsSaidWhatWouldBeLost() throws {
        let choice = RecoveryChoice([Self.point("p", "2019-02-16T01:17:47Z")], of: "s")
        let point = try choice.chosen(.newest)
        var spec = ActionSpec(.failover, schedule: "s", namespaces: ["mysql"])
        let lines = PerformOptions.summary(FailoverNoun.self, spec, .some(point), now: Self.now)
        #expect(
            lines == [
                "Failover of mysql",
                "  newest consistent point   p, 2019-02-16T01:17:47Z (2m13s ago)",
                "  what was written later at the source is LOST where it cannot be reached",
            ]
        )
        spec.skipsSource = true
        let dead = PerformOptions.summary(FailoverNoun.self, spec, .some(point), now: Self.now)
        #expect(dead.last == "  what was written later at the source is LOST")
        let none = PerformOptions.summary(FailoverNoun.self, spec, .some(nil), now: Self.now)
        #expect(none.last?.contains("none: no volume was brought here") == true)
        let hidden = PerformOptions.summary(FailoverNoun.self, spec, nil, now: Self.now)
        #expect(hidden == ["Failover of mysql"])
    }

    @Test func anActionsNameHasItsScheduleAndTimeAndIsNeverTooLong() {
        let time = Timestamp(seconds: 1_550_280_000)
        #expect(
            PerformOptions.name(.failover, "mysql", at: time) == "failover-mysql-2019-02-16-012000"
        )
        let long = String(repeating: "a", count: 300)
        let name = PerformOptions.name(.failback, long, at: time)
        #expect(name.count == 253 && name.hasSuffix("a-2019-02-16-012000"))
    }

    @Test(arguments: [
        ("", "", ["mysql", "shop"]), ("shop", "", ["shop"]), ("", "shop", ["mysql"]),
        ("", "mysql,shop", nil), ("other", "", nil), ("", "other", nil),
    ])
    func namespacesAreThoseOfTheScheduleOrFewer(
        include: String,
        exclude: String,
        expected: [String]?
    ) async throws {
        var words = ["perform", "failback", "-m", "s"]
        if !include.isEmpty { words += ["--include-namespaces", include] }
        if !exclude.isEmpty { words += ["--exclude-namespaces", exclude] }
        let command = try await Godwit.asyncParseAsRoot(words) as? PerformFailback
        let options = try #require(command).what
        let facts = ScheduleFacts(Self.schedule())
        guard let expected else {
            let error = #expect(throws: APIError.self) { try options.namespaces(of: facts) }
            #expect(error?.exitCode == 64)
            return
        }
        #expect(try options.namespaces(of: facts) == expected)
    }
}
