// SPDX-License-Identifier: Apache-2.0

import ObjectModel
import Testing

@testable import EmbeddedCluster

@Suite struct HTTPRequestTargetTests {
    private static func objects(
        _ apiVersion: String,
        _ resource: String,
        _ namespace: String? = nil,
        _ name: String? = nil,
        _ subresource: String? = nil
    ) -> RequestTarget? {
        GroupVersion(apiVersion: apiVersion)
            .map {
                .objects(
                    ObjectPath(
                        groupVersion: $0,
                        namespace: namespace,
                        resource: resource,
                        name: name,
                        subresource: subresource
                    )
                )
            }
    }

    private static let paths: [(String, RequestTarget?)] = [
        ("/version", .version), ("/version/", .version), ("/version/x", nil),
        ("/livez", .health("livez")), ("/readyz/ping", .health("readyz")),
        ("/api", .coreVersions), ("/api/", .coreVersions), ("/apis", .groups),
        ("/apis/apps", .group("apps")),
        ("/api/v1", .resources(GroupVersion("", "v1"))),
        ("/apis/apps/v1", .resources(GroupVersion("apps", "v1"))),
        ("/openapi/v2", .formerSchemas), ("/openapi/v3", .schemaIndex),
        ("/openapi/v3/api/v1", .schemas(GroupVersion("", "v1"))),
        ("/openapi/v3/apis/apps/v1", .schemas(GroupVersion("apps", "v1"))),
        ("/openapi/v3/apis/apps", nil), ("/openapi", nil),
        ("/api/v1/nodes", Self.objects("v1", "nodes")),
        ("/api/v1/namespaces", Self.objects("v1", "namespaces")),
        ("/api/v1/namespaces/a", Self.objects("v1", "namespaces", nil, "a")),
        ("/api/v1/namespaces/a/status", Self.objects("v1", "namespaces", nil, "a", "status")),
        ("/api/v1/namespaces/a/finalize", Self.objects("v1", "namespaces", nil, "a", "finalize")),
        ("/api/v1/namespaces/a/pods", Self.objects("v1", "pods", "a")),
        ("/api/v1/namespaces/a/pods/b", Self.objects("v1", "pods", "a", "b")),
        ("/api/v1/namespaces/a/pods/b/log", Self.objects("v1", "pods", "a", "b", "log")),
        ("/api/v1/namespaces/a/pods/b/log/c", nil),
        (
            "/apis/apps/v1/namespaces/a/deployments/b/scale",
            Self.objects("apps/v1", "deployments", "a", "b", "scale")
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Aadmin",
            Self.objects("rbac.authorization.k8s.io/v1", "clusterroles", nil, "system:admin")
        ),
        ("/api/v1/namespaces/a%2Fb/pods", nil), ("/api/v1/nodes/%zz", nil), ("/", nil), ("/x", nil),
    ]

    @Test(arguments: Self.paths)
    func aPathNamesWhatItSays(_ path: String, _ target: RequestTarget?) {
        #expect(RequestTarget(path: path) == target)
    }

    @Test func parametersAreDecoded() throws {
        let options = QueryOptions("labelSelector=a%3Db+c&watch&limit=5&limit=6&empty=&=x")
        #expect(options["labelSelector"] == "a=b c")
        #expect(try options.flag("watch"))
        #expect(try !options.flag("force"))
        #expect(try options.number("limit") == 6)
        #expect(options["empty"] == nil)
    }

    @Test(arguments: ["limit=x", "limit=-1", "limit=1.5"])
    func aNumberThatIsNoneIsRefused(_ query: String) {
        #expect(throws: APIStatus.self) { try QueryOptions(query).number("limit") }
    }

    @Test func aWordThatIsNotKnownIsRefused() {
        let options = QueryOptions("dryRun=Some&force=perhaps")
        #expect(throws: APIStatus.self) { try options.word("dryRun", of: ["All"]) }
        #expect(throws: APIStatus.self) { try options.flag("force") }
    }
}

@Suite struct HTTPMediaTypeTests {
    private static let get =
        "application/json;as=Table;v=v1;g=meta.k8s.io,"
        + "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"

    private static let forms: [(String?, AnswerForm?)] = [
        (nil, .object), ("*/*", .object), ("application/json", .object),
        (Self.get, .table(version: "v1")),
        ("application/json;as=Table;v=v1beta1;g=meta.k8s.io", .table(version: "v1beta1")),
        ("application/json;as=Table;v=v9;g=meta.k8s.io, application/json", .object),
        ("application/json;as=Table;v=v1;g=other, application/json", .object),
        (
            "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
            .metadata(version: "v1")
        ),
        ("application/vnd.kubernetes.protobuf, */*", .object),
        ("application/vnd.kubernetes.protobuf", nil), ("text/html", nil),
    ]

    @Test(arguments: Self.forms)
    func theFirstFormThatWeMakeIsTaken(_ field: String?, _ form: AnswerForm?) {
        #expect(AnswerForm(accepting: MediaType.accepted(field)) == form)
    }

    @Test func discoveryIsAggregatedForWhoTakesIt() {
        let field =
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
            + "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
        #expect(DiscoveryForm(accepting: MediaType.accepted(field)) == .aggregated(version: "v2"))
        #expect(DiscoveryForm(accepting: MediaType.accepted("application/json")) == .plain)
        #expect(DiscoveryForm(accepting: MediaType.accepted("text/html")) == nil)
    }
}
