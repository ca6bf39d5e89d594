// SPDX-License-Identifier: Apache-2.0

import ControlPlane
import ObjectModel

/// Objects that a careless program changes: each comes through unchanged but for the documented
/// rewrites.
enum AwkwardObjects {
    static let texts: [(kind: String, text: String)] = [
        ("ConfigMap", #"{"data":{}}"#), ("ConfigMap", #"{"data":null,"binaryData":{"a":""}}"#),
        (
            "ConfigMap",
            #"{"data":{"":"empty key","a.b/c":"x","ü":"\u0000\u001f\u2028\ud83d\udc26"}}"#
        ),
        ("ConfigMap", #"{"immutable":true,"data":{"yes":"no","22:13":"1.0","null":"~"}}"#),
        ("Secret", #"{"type":"kubernetes.io/tls","data":{"tls.key":"AAEC","tls.crt":""}}"#),
        ("Secret", #"{"stringData":{"a":"b"},"immutable":false}"#),
        ("Thing", #"{"spec":{"one":1,"float":1.0,"exp":1E400,"neg":-0,"tiny":-12.50e-3}}"#),
        ("Thing", #"{"spec":{"big":18446744073709551616,"bigger":1234567890123456789012345678}}"#),
        ("Thing", #"{"spec":{"a":{},"b":[],"c":[{}],"d":[[],[null]],"e":null,"f":""}}"#),
        ("Thing", #"{"spec":{"status":{"x":1},"metadata":{"uid":"u","finalizers":["a"]}}}"#),
        ("Thing", #"{"spec":"a text","other":["top","level"],"data":7}"#),
        ("Thing", #"{"spec":{"replicas":3,"suspend":false,"clusterIP":"10.0.0.1"}}"#),
        ("Ingress", #"{"spec":{"rules":[{"host":"*.example.org","unknown":{"deep":[1.10]}}]}}"#),
        ("Role", #"{"rules":[{"apiGroups":[""],"verbs":["*"],"nonResourceURLs":[]}]}"#),
        ("NetworkPolicy", #"{"spec":{"podSelector":{},"policyTypes":["Ingress"],"ingress":[{}]}}"#),
        (
            "DaemonSet",
            #"{"spec":{"template":{"spec":{"containers":[{"name":"a"},{"name":"a"}]}}}}"#
        ),
        (
            "LimitRange",
            #"{"spec":{"limits":[{"type":"Pod","max":{"cpu":"0.10","memory":"1e3"}}]}}"#
        ),
        ("PodDisruptionBudget", #"{"spec":{"minAvailable":"50%","selector":{}}}"#),
        ("ResourceQuota", #"{"spec":{"hard":{"pods":"10"}}}"#),
        (
            "ConfigMap",
            #"{"metadata":{"labels":{"a":"","x.y/z":"1"},"annotations":{"n":"\n","j":"{\"a\":1}"}}}"#
        ),
        ("ConfigMap", #"{"metadata":{"labels":{},"annotations":{}},"data":{"a":"b"}}"#),
    ]

    /// Each of them, with what a server adds.
    static func all() throws -> [KubeObject] {
        var objects: [KubeObject] = []
        for (index, (kind, text)) in self.texts.enumerated() {
            var object = try Sample.object(kind, "shop/awkward-\(index)", text)
            object.finalizers = ["example.org/hold"]
            object.set("/selflink", at: "metadata", "selfLink")
            object.set(7, at: "metadata", "generation")
            if kind != "Thing" { object.set(["phase": "Active"], at: "status") }
            objects.append(object)
        }
        var large = try Sample.object("ConfigMap", "shop/large")
        large.set(
            .string(String(repeating: "0123456789abcde\n", count: 65_536)),
            at: "data",
            "large"
        )
        objects.append(large)
        return objects
    }
}
