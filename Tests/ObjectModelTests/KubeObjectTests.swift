// SPDX-License-Identifier: Apache-2.0

import ObjectModel
import Testing

@Suite struct KubeObjectTests {
    @Test func fieldsOfTheWrongTypeReadAsAbsentOnes() throws {
        let json = try JSON(
            parsing: #"{"apiVersion":7,"metadata":{"name":null,"labels":[1],"finalizers":{}}}"#
        )
        let object = KubeObject(json)
        #expect(object.apiVersion.isEmpty && object.name.isEmpty && object.labels.isEmpty)
        #expect(
            object.finalizers.isEmpty && object.ownerReferences.isEmpty && !object.isBeingDeleted
        )
        #expect(object.json == json)
    }

    @Test func aNewObjectHasItsNamesAndItsFields() {
        let object = KubeObject(
            GroupVersionKind("apps", "v1", "Deployment"),
            ObjectKey("shop", "web"),
            ["spec": ["replicas": 2]]
        )
        #expect(object.apiVersion == "apps/v1" && object.kind == "Deployment")
        #expect("\(object.groupVersionKind)" == "apps/v1, Kind=Deployment")
        #expect("\(object.key)" == "shop/web" && object["spec", "replicas"]?.int == 2)
    }

    @Test func emptyLabelsAndAnnotationsLeaveNoField() {
        var object = KubeObject(GroupVersionKind("", "v1", "Namespace"), ObjectKey("", "shop"))
        object.labels["a"] = "b"
        object.labels["a"] = nil
        object.finalizers = []
        #expect(
            object.json.compact
                == #"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}"#
        )
        #expect("\(object.key)" == "/shop")
    }

    @Test func anOwnerReferenceNamesTheObjectAsItIsNow() throws {
        var owner = KubeObject(
            GroupVersionKind("apps", "v1", "StatefulSet"),
            ObjectKey("shop", "db")
        )
        owner.set("1-2-3", at: "metadata", "uid")
        let reference = OwnerReference(to: owner)
        #expect(OwnerReference(reference.json) == reference)
        #expect(reference.uid == "1-2-3" && reference.isController)
    }

    @Test(arguments: [
        ("v1", "", "v1", "/api/v1"), ("apps/v1", "apps", "v1", "/apis/apps/v1"),
    ])
    func anAPIVersionHasAGroupAVersionAndAPath(
        text: String,
        group: String,
        version: String,
        path: String
    ) {
        #expect(GroupVersion(apiVersion: text) == GroupVersion(group, version))
        #expect(
            GroupVersion(group, version).path == path
                && GroupVersion(group, version).apiVersion == text
        )
    }

    @Test(arguments: ["", "/v1", "a/", "a/b/c"])
    func aMalformedAPIVersionIsNone(text: String) { #expect(GroupVersion(apiVersion: text) == nil) }

    @Test(arguments: [
        ("a", true), ("a-b.c1", true), ("", false), ("-a", false), ("a.", false), ("A", false),
        ("a_b", false),
        (String(repeating: "a", count: 253), true), (String(repeating: "a", count: 254), false),
    ])
    func namesAreDNSSubdomains(name: String, isOne: Bool) {
        #expect(NameRule.isSubdomain(name) == isOne)
    }

    @Test func resourcesHaveTheirPaths() {
        let resource = APIResource(GroupVersion("apps", "v1"), "Deployment", plural: "deployments")
        #expect(
            resource.path(namespace: "shop", name: "web", subresource: "status")
                == "/apis/apps/v1/namespaces/shop/deployments/web/status"
        )
        #expect(
            resource.path() == "/apis/apps/v1/deployments"
                && resource.qualifiedPlural == "deployments.apps"
        )
    }
}
