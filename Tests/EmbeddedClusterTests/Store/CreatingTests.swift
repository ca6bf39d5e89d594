// SPDX-License-Identifier: Apache-2.0

import EmbeddedCluster
import ObjectModel
import Testing

@Suite struct CreatingTests {
    @Test func aNameIsGeneratedFromItsBeginning() async throws {
        let bed = try await StoreBed()
        let made = try await bed.create(bed.configMaps, ["metadata": ["generateName": "run-"]])
        let other = try await bed.create(bed.configMaps, ["metadata": ["generateName": "run-"]])
        #expect(made.name.hasPrefix("run-"))
        #expect(made.name.count == 9)
        #expect(made.name != other.name)
    }

    @Test func whatIsThereIsNotMadeAgain() async throws {
        let bed = try await StoreBed()
        try await bed.configMap("a")
        let status = await status { try await bed.configMap("a") }
        #expect(status?.reason == .alreadyExists)
        #expect(status?.code == 409)
        #expect(status?.message == "configmaps \"a\" already exists")
        #expect(status?.json["details", "kind"] == "configmaps")
    }

    @Test func aNamespaceHasToBeThere() async throws {
        let bed = try await StoreBed()
        let status = await status { try await bed.configMap("a", in: "nowhere") }
        #expect(status?.reason == .notFound)
        #expect(status?.message == "namespaces \"nowhere\" not found")
    }

    @Test(arguments: ["A", "a_b", "-a", "a.", ""])
    func badNamesAreInvalid(name: String) async throws {
        let bed = try await StoreBed()
        let status = await status { try await bed.configMap(name) }
        #expect(status?.reason == .invalid)
        #expect(status?.code == 422)
        #expect(status?.causes.map(\.field) == ["metadata.name"])
        #expect(
            status?.message.hasPrefix("ConfigMap \"\(name)\" is invalid: metadata.name: ") == true
        )
    }

    @Test func rolesHaveNamesWithColons() async throws {
        let bed = try await StoreBed()
        let roles = try bed.kind("rbac.authorization.k8s.io/v1", "clusterroles")
        let role = try await bed.create(roles, ["metadata": ["name": "system:Reader"]])
        #expect(role.name == "system:Reader")
    }

    @Test func aBodyOfAnotherKindVersionOrNamespaceIsRefused() async throws {
        let bed = try await StoreBed()
        for body: JSON in [
            ["kind": "Secret", "metadata": ["name": "a"]],
            ["apiVersion": "v2", "metadata": ["name": "a"]],
            ["metadata": ["name": "a", "namespace": "kube-system"]],
            ["metadata": ["name": "a", "resourceVersion": "5"]],
            "no object",
        ] {
            let status = await status { try await bed.create(bed.configMaps, body) }
            #expect(status?.reason == .badRequest, "\(body.compact)")
        }
    }

    @Test func aDryRunChecksAndKeepsNothing() async throws {
        let bed = try await StoreBed()
        var options = WriteOptions()
        options.isDryRun = true
        let version = bed.store.resourceVersion
        let made = try await bed.create(
            bed.configMaps,
            ["metadata": ["name": "a"]],
            in: "default",
            options
        )
        #expect(made.uid.count == 36)
        #expect(try await bed.names(bed.configMaps) == [])
        #expect(bed.store.resourceVersion == version)
        let status = await status {
            try await bed.create(
                bed.configMaps,
                ["metadata": ["name": "A"]],
                in: "default",
                options
            )
        }
        #expect(status?.reason == .invalid)
    }

    @Test func whatTheServerSetsCannotBeBrought() async throws {
        let bed = try await StoreBed()
        let made = try await bed.create(
            bed.deployments,
            deployment("a")
                .merged(with: [
                    "metadata": [
                        "uid": "mine", "creationTimestamp": "2001-01-01T00:00:00Z", "generation": 7,
                        "deletionTimestamp": "2001-01-01T00:00:00Z", "selfLink": "/a",
                    ],
                    "status": ["replicas": 3],
                ])
        )
        #expect(made.uid != "mine")
        #expect(made.creationTimestamp == "2027-01-15T08:00:00Z")
        #expect(made.generation == 1)
        #expect(made.deletionTimestamp == nil)
        #expect(made["metadata", "selfLink"] == nil)
        #expect(made["status"] == nil)
    }

    @Test func everyWrongFieldIsNamedAtOnce() async throws {
        let bed = try await StoreBed()
        let status = await status {
            try await bed.create(
                bed.deployments,
                [
                    "metadata": ["name": "a", "labels": ["a b": "x"]],
                    "spec": [
                        "replicas": -1, "selector": ["matchLabels": ["app": "a"]],
                        "template": ["metadata": ["labels": ["app": "b"]]],
                    ],
                ]
            )
        }
        #expect(
            status?.causes.map(\.field) == [
                "metadata.labels", "spec.replicas", "spec.template.spec.containers",
                "spec.template.metadata.labels",
            ]
        )
        #expect(status?.kind == "Deployment")
        #expect(status?.group == "apps")
    }

    @Test func anObjectThatIsTooLargeIsRefused() async throws {
        let bed = try await StoreBed()
        let status = await status {
            try await bed.configMap("a", ["k": String(repeating: "x", count: 3 << 20)])
        }
        #expect(status?.reason == .requestEntityTooLarge)
    }

    @Test func textsOfSecretsBecomeData() async throws {
        let bed = try await StoreBed()
        let secrets = try bed.kind("v1", "secrets")
        let secret = try await bed.create(
            secrets,
            [
                "metadata": ["name": "a"], "data": ["k": "b2xk"],
                "stringData": ["k": "new", "l": "x"],
            ]
        )
        #expect(secret["data"] == ["k": "bmV3", "l": "eA=="])
        #expect(secret["stringData"] == nil)
        #expect(secret["type"] == "Opaque")
        let status = await status {
            try await bed.create(secrets, ["metadata": ["name": "b"], "data": ["k": "secret!"]])
        }
        #expect(status?.causes.first?.field == "data[k]")
        #expect(status?.message.contains("secret!") == false)
    }

    @Test func numbersAndUnknownFieldsComeBackAsTheyWere() async throws {
        let bed = try await StoreBed()
        let text = #"{"a":1.0,"b":123456789012345678901234567890,"c":null,"d":{},"e":[]}"#
        let value = try JSON(parsing: text)
        let made = try await bed.create(
            bed.configMaps,
            ["metadata": ["name": "a"], "extra": value]
        )
        #expect(made["extra"]?.compact == text)
    }
}
