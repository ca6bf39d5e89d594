// SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectModel
import Testing

@testable import EmbeddedCluster

/// Misspelt fields of kinds that have no schema here.
@Suite struct KnownFieldTests {
    private static func misspelt(_ kind: String?, _ object: JSON) -> [String] {
        KnownFields.misspelt(in: object, of: kind).map { "\($0.path) \($0.meant)" }
    }

    @Test func theFieldAndTheOneThatWasMeantAreTold() {
        let pod: JSON = ["spec": ["containers": [["name": "a"], ["imgae": "b", "ports": []]]]]
        let fields: JSON = [
            "metadata": ["name": "a", "lables": [:]],
            "spec": ["replcias": 2, "template": pod, "selector": ["matchLabel": [:]]],
        ]
        #expect(
            Self.misspelt("Deployment", fields) == [
                "metadata.lables labels", "spec.replcias replicas",
                "spec.selector.matchLabel matchLabels",
                "spec.template.spec.containers[1].imgae image",
            ]
        )
        #expect(
            Self.misspelt("ConfigMap", ["dat": [:], "metadata": ["name": "a"]])
                == ["dat data"]
        )
    }

    @Test func whatIsNearNothingIsTakenForAFieldOfANewerKubernetes() {
        let fields: JSON = ["spec": ["quantumEntanglement": true, "replicas": 1]]
        #expect(Self.misspelt("Deployment", fields) == [])
    }

    @Test func aKindOfSomebodyElseIsOnlyLookedAtInItsMetadata() {
        let fields: JSON = ["metadata": ["lables": [:]], "spec": ["replcias": 2]]
        #expect(
            Self.misspelt(nil, fields) == ["metadata.lables labels"]
        )
    }

    @Test func wrongTypesAreNotLookedInto() {
        #expect(Self.misspelt("Deployment", ["spec": 5, "metadata": []]) == [])
        #expect(Self.misspelt("Service", ["spec": ["ports": ["port": 1]]]) == [])
    }

    @Test func aStrictWriterIsRefusedAndOthersAreWarnedAndLoseNothing() async throws {
        let bed = try await StoreBed()
        let kind = try bed.kind("apps/v1", "deployments")
        var body = deployment("a")
        body.set(2, at: "spec", "replcias")
        let words = "unknown field \"spec.replcias\"; did you mean \"replicas\"?"
        var options = WriteOptions()
        options.fieldValidation = .strict
        let strict = await status {
            try await bed.create(kind, body, in: "default", options)
        }
        #expect(strict?.reason == .badRequest)
        #expect(strict?.message.hasSuffix("strict decoding error: \(words)") == true)
        options.fieldValidation = .ignore
        let quiet = try await bed.store.create(
            kind,
            KubeObject(body),
            namespace: "default",
            options
        )
        #expect(quiet.warnings == [])
        var other = body
        other.set("b", at: "metadata", "name")
        let warned = try await bed.store.create(kind, KubeObject(other), namespace: "default")
        #expect(warned.warnings == [words])
        #expect(warned.object["spec", "replcias"] == 2)
    }
}
