// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel
import Testing

@testable import ControlPlane

@Suite struct RulePlanTests {
    private static func rule(_ entries: JSON...) -> Rule {
        Rule(
            KubeObject(
                StorkResource.rules.groupVersionKind,
                ObjectKey("db", "flush"),
                ["rules": .array(entries)]
            )
        )
    }

    private static func pod(
        _ name: String,
        in namespace: String = "db",
        phase: String = "Running",
        labels: JSONFields = ["app": "db"],
        containers: [String] = ["main", "side"]
    ) -> RulePod {
        RulePod(
            KubeObject(
                BuiltIn.pods.groupVersionKind,
                ObjectKey(namespace, name),
                [
                    "metadata": [
                        "name": .string(name), "namespace": .string(namespace),
                        "labels": .object(labels),
                    ], "spec": ["containers": .array(containers.map { ["name": .string($0)] })],
                    "status": ["phase": .string(phase)],
                ]
            )
        )
    }

    private static func plan(_ rule: Rule, _ pods: RulePod...) throws -> RulePlan {
        try RulePlan(rule, pods: pods, phases: ["Running"])
    }

    private static let flush: JSON = [
        "podSelector": ["app": "db"], "actions": [["type": "command", "value": "sync"]],
    ]

    // MARK: What can be run

    @Test func anotherTypeThanACommandIsRefusedInStorksWords() {
        let rule = Self.rule(["actions": [["type": "sql", "value": "x"]]])
        for purpose in [Rule.Purpose.pre, .post] {
            #expect(
                rule.problem(as: purpose) == "unsupported action type: sql in rule: [db] flush"
            )
        }
    }

    @Test func aBackgroundActionIsForPreRulesAlone() {
        let value: JSON = .string("hold \(Rule.waitMark)")
        let action: JSON = ["type": "command", "background": true, "value": value]
        let rule = Self.rule(["actions": [action]])
        #expect(rule.problem(as: .pre) == nil)
        #expect(
            rule.problem(as: .post)
                == "background actions are not supported for post exec rules"
        )
    }

    @Test func aBackgroundActionHasToWaitSomewhere() {
        let rule = Self.rule(["actions": [["type": "command", "background": true, "value": "x"]]])
        #expect(
            rule.problem(as: .pre)
                == "a background command must hold \(Rule.waitMark) where it waits"
        )
    }

    // MARK: What runs where

    @Test func everyRunningPodWithTheLabelsTakesTheCommandInItsFirstContainer() throws {
        let plan = try Self.plan(
            Self.rule(Self.flush),
            Self.pod("b"),
            Self.pod("a"),
            Self.pod("other", labels: ["app": "web"]),
            Self.pod("done", phase: "Succeeded"),
            Self.pod("early", phase: "Pending"),
            Self.pod("a", in: "another")
        )
        #expect(
            plan.steps.map(\.places) == [
                [
                    CommandPlace(namespace: "another", pod: "a", container: "main"),
                    CommandPlace(namespace: "db", pod: "a", container: "main"),
                    CommandPlace(namespace: "db", pod: "b", container: "main"),
                ]
            ]
        )
        #expect(plan.warnings.isEmpty && plan.backgroundPlaces.isEmpty)
    }

    @Test func onePodOfEachNamespaceIsEnoughWhereTheActionSaysSo() throws {
        let entry: JSON = [
            "container": "side",
            "actions": [
                ["type": "command", "runInSinglePod": true, "value": "one"],
                ["type": "command", "value": "all"],
            ],
        ]
        let plan = try Self.plan(
            Self.rule(entry),
            Self.pod("a"),
            Self.pod("b"),
            Self.pod("c", in: "other")
        )
        #expect(plan.steps.map { $0.places.map(\.pod) } == [["a", "c"], ["a", "b", "c"]])
        #expect(plan.steps.allSatisfy { $0.places.allSatisfy { $0.container == "side" } })
    }

    @Test func noPodIsAWarningAndNoFailure() throws {
        let plan = try Self.plan(Self.rule(Self.flush), Self.pod("x", labels: ["app": "web"]))
        #expect(plan.steps.isEmpty)
        #expect(
            plan.warnings == [
                "no running pod has the labels app=db of rule flush: its commands were not run there"
            ]
        )
    }

    @Test func aContainerThatAPodDoesNotHaveIsToldBeforeAnythingRuns() {
        let entry: JSON = [
            "container": "sql", "actions": [["type": "command", "value": "sync"]],
        ]
        let problem = #expect(throws: RulePlan.Problem.self) {
            try Self.plan(Self.rule(entry), Self.pod("a"))
        }
        #expect(problem?.message == "pod db/a has no container \"sql\"")
    }

    // MARK: The note for the next process

    @Test func whatIsNotedIsFoundAgainAndNothingElseGetsIntoAScript() {
        let places = [
            CommandPlace(namespace: "db", pod: "a", container: "main"),
            CommandPlace(namespace: "db", pod: "b", container: "side"),
        ]
        let note = [BackgroundTask].annotation(run: "UID-1;rm -rf $HOME\"", places)
        let tasks = [BackgroundTask](annotation: note)
        #expect(tasks.map(\.place) == places)
        #expect(tasks.map(\.name) == ["uid-1rm-rfhome-0", "uid-1rm-rfhome-1"])
        #expect([BackgroundTask](annotation: "no JSON").isEmpty)
    }
}
