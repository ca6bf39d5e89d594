// SPDX-License-Identifier: Apache-2.0

import ObjectModel
import Testing

@testable import EmbeddedCluster

@Suite struct HTTPDiscoveryTests {
    private static let deployments = DiscoveryEntry(
        resource: APIResource(
            GroupVersion("apps", "v1"),
            "Deployment",
            plural: "deployments",
            shortNames: ["deploy"]
        ),
        categories: ["all"],
        hasStatus: true,
        hasScale: true
    )
    private static let namespaces = DiscoveryEntry(
        resource: APIResource(
            GroupVersion("", "v1"),
            "Namespace",
            plural: "namespaces",
            isNamespaced: false
        )
    )
    private let discovery = Discovery([Self.deployments, Self.namespaces] + DiscoveryEntry.reviews)

    @Test func theCoreGroupHasAPathOfItsOwn() {
        let versions = self.discovery.coreVersions(address: "a:1")
        #expect(versions["versions"] == ["v1"])
        let names = self.discovery.groupList["groups"]?.array?.compactMap { $0["name"]?.string }
        #expect(names == ["apps", "authentication.k8s.io", "authorization.k8s.io"])
    }

    @Test func partsOfObjectsAreResourcesToo() {
        let list = self.discovery.resourceList(GroupVersion("apps", "v1"))
        let names = list?["resources"]?.array?.compactMap { $0["name"]?.string }
        #expect(names == ["deployments", "deployments/scale", "deployments/status"])
        let scale = list?["resources"]?.array?[1]
        #expect(scale?["group"] == "autoscaling")
        #expect(scale?["kind"] == "Scale")
        #expect(list?["resources"]?.array?[0]["shortNames"] == ["deploy"])
        #expect(self.discovery.resourceList(GroupVersion("apps", "v2")) == nil)
    }

    @Test func theAggregatedFormSaysTheSame() {
        let core = self.discovery.aggregated(isCore: true, version: "v2")
        #expect(core["items"]?.array?.count == 1)
        let groups = self.discovery.aggregated(isCore: false, version: "v2beta1")
        #expect(groups["apiVersion"] == "apidiscovery.k8s.io/v2beta1")
        let apps = groups["items"]?.array?.first { $0["metadata", "name"] == "apps" }
        let resource = apps?["versions"]?.array?.first?["resources"]?.array?.first
        #expect(resource?["resource"] == "deployments")
        #expect(resource?["scope"] == "Namespaced")
        #expect(
            resource?["subresources"]?.array?.map { $0["subresource"] } == ["scale", "status"]
        )
    }

    @Test func patchTellsThatTheServerChecksFields() {
        let schema: JSON = [
            "type": "object", "description": "A thing.",
            "properties": ["spec": ["type": "object", "description": "What is wanted."]],
        ]
        let openAPI = OpenAPI([OpenAPIEntry(entry: Self.deployments, schema: schema)])
        let document = openAPI.document(GroupVersion("apps", "v1"))
        let patch = document?[
            "paths",
            "/apis/apps/v1/namespaces/{namespace}/deployments/{name}",
            "patch"
        ]
        #expect(
            patch?["x-kubernetes-group-version-kind"]
                == ["group": "apps", "version": "v1", "kind": "Deployment"]
        )
        let names = patch?["parameters"]?.array?.compactMap { $0["name"]?.string }
        #expect(names?.contains("fieldValidation") == true)
        let shown = document?["components", "schemas", "apps.v1.Deployment"]
        #expect(shown?["description"] == "A thing.")
        #expect(shown?["properties", "spec", "description"] == "What is wanted.")
        #expect(
            shown?["x-kubernetes-group-version-kind"]
                == [["group": "apps", "version": "v1", "kind": "Deployment"]]
        )
    }

    @Test func theIndexChangesWithADocument() {
        let former = OpenAPI([OpenAPIEntry(entry: Self.deployments, schema: nil)]).index
        let changed = OpenAPI([OpenAPIEntry(entry: Self.deployments, schema: ["type": "object"])])
            .index
        let path = former["paths", "apis/apps/v1", "serverRelativeURL"]?.string
        #expect(path?.hasPrefix("/openapi/v3/apis/apps/v1?hash=") == true)
        #expect(former != changed)
    }
}
