// SPDX-License-Identifier: Apache-2.0

import ControlPlane
import ObjectModel
import Testing

@Suite struct ResourceTransformationTests {
    private func transformation(
        _ resource: String,
        _ paths: String
    ) throws
        -> ResourceTransformation
    {
        let text = """
            {"metadata":{"name":"change"},"specs":{"transformSpecs":[{"resource":"\(resource)",
             "selectors":{"app":"shop"},"paths":[\(paths)]}]}}
            """
        return try ResourceTransformation(KubeObject(JSON(parsing: text)))
    }

    @Test(arguments: [
        (#""operation":"add","type":"string","value":"x","path":"spec.a""#, #"{"a":"x","n":1}"#),
        (#""operation":"add","type":"string","value":"x","path":"spec.n""#, #"{"n":"x"}"#),
        (#""operation":"add","type":"int","value":"-7","path":"spec.n""#, #"{"n":-7}"#),
        (
            #""operation":"add","type":"int","value":"18446744073709551616","path":"spec.n""#,
            #"{"n":18446744073709551616}"#
        ),
        (#""operation":"modify","type":"bool","value":"true","path":"spec.n""#, #"{"n":true}"#),
        (
            #""operation":"add","type":"slice","value":"a,b","path":"spec.x.y""#,
            #"{"n":1,"x":{"y":["a","b"]}}"#
        ),
        (
            #""operation":"add","type":"keypair","value":"a:1,b:x:2","path":"spec.p""#,
            #"{"n":1,"p":{"a":"1","b":"x:2"}}"#
        ),
        (#""operation":"delete","path":"spec.n""#, #"{}"#),
        (#""operation":"delete","path":"spec.absent.deep""#, #"{"n":1}"#),
    ])
    func aPathIsChanged(change: String, expected: String) throws {
        var object = try Sample.object("Thing", "shop/a", #"{"spec":{"n":1}}"#)
        object.labels["app"] = "shop"
        let changed = try self.transformation("example.org/v1/Thing", "{\(change)}")
            .applied(to: object)
        #expect(changed?["spec"]?.compact == expected)
    }

    @Test func whatIsModifiedJoinsWhatIsThere() throws {
        var object = try Sample.object(
            "Thing",
            "shop/a",
            #"{"spec":{"list":["a"],"pairs":{"a":"1","b":"2"},"image":[{"i":"old"}]}}"#
        )
        object.labels["app"] = "shop"
        let changed =
            try self.transformation(
                "example.org/v1/Thing",
                """
                {"operation":"modify","type":"slice","value":"b,c","path":"spec.list"},
                {"operation":"modify","type":"keypair","value":"b:3","path":"spec.pairs"},
                {"operation":"modify","type":"string","value":"new","path":"spec.image.0.i"},
                {"operation":"add","type":"string","value":"y","path":"metadata.labels.example\\\\.org/x"}
                """
            )
            .applied(to: object)
        #expect(
            changed?["spec"]?.compact
                == #"{"image":[{"i":"new"}],"list":["a","b","c"],"pairs":{"a":"1","b":"3"}}"#
        )
        #expect(changed?.labels["example.org/x"] == "y")
    }

    @Test func onlyWhatARuleNamesIsChanged() throws {
        let change = #"{"operation":"delete","path":"spec.n"}"#
        let rules = try self.transformation("/v1/Service", change)
        var service = try Sample.object("Service", "shop/a", #"{"spec":{"n":1}}"#)
        #expect(try rules.applied(to: service) == nil)
        service.labels["app"] = "shop"
        #expect(try rules.applied(to: service)?["spec"]?.compact == "{}")
        service.set("serving.knative.dev/v1", at: "apiVersion")
        #expect(try rules.applied(to: service) == nil)
        #expect(rules.concerns(GroupVersionKind("", "v1", "Service")))
        #expect(!rules.concerns(GroupVersionKind("", "v1", "Secret")))
    }

    @Test(arguments: [
        ("apps/v1", "{}", "invalid resource kind :apps/v1"),
        ("a//b", "{}", "invalid resource kind :a//b"),
        (
            "/v1/Service", #"{"operation":"jsonpatch","path":"a","type":"string"}"#,
            "json patch for resources is not supported"
        ),
        (
            "/v1/Service", #"{"operation":"replace","path":"spec.a","type":"string"}"#,
            "unsupported resource patch operation given for kind"
        ),
        (
            "/v1/Service", #"{"operation":"add","path":"spec.a","type":"float"}"#,
            "unsupported type for resource"
        ),
        ("/v1/Service", #"{"operation":"add","path":"spec..a"}"#, "invalid path \"spec..a\""),
        ("/v1/Service", #"{"operation":"add","path":""}"#, "invalid path \"\""),
        (
            "/v1/Service", #"{"operation":"add","path":"a","type":"int","value":"1.5"}"#,
            "invalid value \"1.5\""
        ),
        (
            "/v1/Service", #"{"operation":"add","path":"a","type":"bool","value":"yes"}"#,
            "invalid value \"yes\""
        ),
        (
            "/v1/Service", #"{"operation":"add","path":"a","type":"keypair","value":"a"}"#,
            "invalid value \"a\""
        ),
    ])
    func aRuleThatCannotBeReadIsNamed(resource: String, path: String, message: String) throws {
        let error = try #require(throws: TransformationError.self) {
            try self.transformation(resource, path)
        }
        #expect(error.description.hasPrefix(message), "\(error)")
    }

    @Test(arguments: [
        (#""path":"spec.list.5""#, "has no place spec.list.5"),
        (#""path":"spec.text.a""#, "has no place spec.text.a"),
        (#""path":"metadata.name""#, "may not change the name"),
        (#""path":"kind""#, "may not change the name"),
    ])
    func aPathThatDoesNotFitTheObjectIsNamed(path: String, message: String) throws {
        var object = try Sample.object("Thing", "shop/a", #"{"spec":{"list":[1],"text":"t"}}"#)
        object.labels["app"] = "shop"
        let rules = try self.transformation(
            "example.org/v1/Thing",
            #"{"operation":"add","type":"string","value":"x",\#(path)}"#
        )
        let error = try #require(throws: TransformationError.self) { try rules.applied(to: object) }
        #expect(error.description.contains(message), "\(error)")
    }

    // MARK: The order against the rewriting

    private func prepared(
        _ object: KubeObject,
        _ rules: ResourceTransformation
    ) throws
        -> PreparedResource
    {
        var object = object
        object.labels["app"] = "shop"
        return try ResourcePreparationTests.prepare(object) { $0.transformation = rules }
    }

    @Test func aChangedNumberOfReplicasIsKeptAndNothingStarts() throws {
        let rules = try self.transformation(
            "apps/v1/Deployment",
            #"{"operation":"modify","type":"int","value":"7","path":"spec.replicas"}"#
        )
        let object = try Sample.object("Deployment", "shop/web", #"{"spec":{"replicas":2}}"#)
        let prepared = try self.prepared(object, rules)
        #expect(prepared.object["spec", "replicas"] == 0)
        #expect(prepared.object.annotations["stork.libopenstorage.org/migrationReplicas"] == "7")
        #expect(prepared.transformedBy == "change")
        let name = "stork.libopenstorage.org/resourcetransformation-name"
        #expect(prepared.object.annotations[name] == "change")
    }

    @Test func aServiceGetsTheAddressOfTheDestination() throws {
        let rules = try self.transformation(
            "/v1/Service",
            #"{"operation":"add","type":"string","value":"192.0.2.9","path":"spec.loadBalancerIP"}"#
        )
        let object = try Sample.object(
            "Service",
            "shop/web",
            #"{"spec":{"clusterIP":"10.0.0.1","loadBalancerIP":"192.0.2.1"}}"#
        )
        let prepared = try self.prepared(object, rules)
        #expect(prepared.object["spec"]?.compact == #"{"loadBalancerIP":"192.0.2.9"}"#)
    }

    @Test func theClassOfAVolumeIsMapped() throws {
        let rules = try self.transformation(
            "/v1/PersistentVolume",
            #"{"operation":"modify","type":"string","value":"slow","path":"spec.storageClassName"}"#
        )
        let prepared = try self.prepared(Sample.claim("shop/data")[1], rules).object
        #expect(prepared["spec", "storageClassName"] == nil)
        #expect(
            prepared.annotations["stork.libopenstorage.org/current-storage-class-name"] == "slow"
        )
    }
}
