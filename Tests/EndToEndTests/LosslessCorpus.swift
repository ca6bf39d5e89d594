// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubernetesClient
import ObjectModel

/// Objects that a careless program changes on their way.
///
/// `NS` stands for the namespace, `GROUP` for the group of the custom kind, `OWNER` for the identity of
/// an object that stays at the source.
enum LosslessCorpus {
    /// What the others refer to; it does not move, as service accounts do not by default.
    static let owner = """
        {"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"keeper","namespace":"NS"}}
        """

    /// A kind that keeps whatever it is given.
    static let definition = """
        {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
         "metadata":{"name":"things.GROUP"},"spec":{"group":"GROUP","scope":"Namespaced",
          "names":{"kind":"Thing","plural":"things","singular":"thing","listKind":"ThingList"},
          "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":
           {"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}
        """

    /// Name, kind and the fields of each.
    static let objects: [(name: String, kind: String, fields: String)] =
        Self.volumes + Self.plain + Self.things + Self.workloads + Self.networks + Self.rights
        + [Self.large]

    private static let plain: [(String, String, String)] = [
        ("empty", "ConfigMap", #"{"data":{}}"#), ("nothing", "ConfigMap", #"{"data":null}"#),
        ("bare", "ConfigMap", "{}"),
        ("binary", "ConfigMap", #"{"binaryData":{"a":"","b":"/+8A"},"data":{"c":""}}"#),
        (
            "frozen", "ConfigMap",
            #"{"immutable":true,"data":{"yes":"no","22.13":"1.0","null":"~"}}"#
        ),
        (
            "unicode", "ConfigMap",
            #"""
            {"data":{"one":"\u00e9","two":"e\u0301","kelvin":"\u212a","order":"a\u0323\u0307",
             "bird":"\ud83d\udc26","control":"\u0000\u0001\u001f\u007f","lines":"\u2028\u2029\u0085",
             "mark":"\ufeffx","escapes":"\"\\\/\b\f\n\r\t","right":"\u202eabc","space":" \n "}}
            """#
        ),
        (
            "marked", "ConfigMap",
            #"""
            {"metadata":{"labels":{"empty":"","x.y/z":"1"},"annotations":{"n":"\n","j":"{\"a\":1.0}",
             "u":"e\u0301\u00e9"},"finalizers":["example.org/hold"],"ownerReferences":[{"apiVersion":
             "v1","kind":"ServiceAccount","name":"keeper","uid":"OWNER","controller":true,
             "blockOwnerDeletion":false}]},"data":{"a":"b"}}
            """#
        ),
        ("hollow", "ConfigMap", #"{"metadata":{"labels":{},"annotations":{}},"data":{"a":"b"}}"#),
        ("tls", "Secret", #"{"type":"kubernetes.io/tls","data":{"tls.key":"AAEC","tls.crt":""}}"#),
        ("texts", "Secret", #"{"stringData":{"a":"\u00fc"},"immutable":false}"#),
    ]

    private static let things: [(String, String, String)] = [
        (
            "numbers", "Thing",
            #"{"spec":{"one":1,"half":0.5,"tiny":-0.0125,"big":9007199254740993,"max":9223372036854775807}}"#
        ),
        (
            "hollows", "Thing",
            #"{"spec":{"a":{},"b":[],"c":[{}],"d":[[],[null]],"e":null,"f":"","g":[null,{"h":null}]}}"#
        ),
        (
            "keys", "Thing",
            #"""
            {"spec":{"\u00e9":1,"e\u0301":2,"K":3,"\u212a":4,"a/b~c":5,"a.b":6,"":7," ":8,"$x":9,
             "f:name":10,".":11,"k:{\"a\":1}":12}}
            """#
        ),
        (
            "names", "Thing",
            #"{"spec":{"status":{"x":1},"metadata":{"uid":"u","finalizers":["a"]},"kind":"Other"}}"#
        ), ("top", "Thing", #"{"spec":"a text","other":["top","level"],"data":7,"replicas":3}"#),
        ("likeness", "Thing", #"{"spec":{"replicas":3,"suspend":false,"clusterIP":"10.0.0.1"}}"#),
        (
            "doubles", "Thing",
            #"{"spec":{"list":[{"name":"a","v":1},{"name":"a","v":2}],"set":["x","x"]}}"#
        ), ("deep", "Thing", Self.deep),
    ]

    private static let deep: String = {
        let levels = 60
        let open = String(repeating: #"{"a":["#, count: levels)
        return #"{"spec":\#(open)1\#(String(repeating: "]}", count: levels))}"#
    }()

    /// What API servers that keep numbers in machine types change themselves, or refuse.
    static let exactNumbers = (
        "exact", "Thing",
        #"""
        {"spec":{"float":1.0,"exp":1E400,"neg":-0,"tiny":-12.50e-3,"more":18446744073709551616,
         "most":1234567890123456789012345678901234567890}}
        """#
    )

    private static let template =
        #"{"metadata":{"labels":{"app":"x"}},"spec":{"containers":[{"name":"a","image":"i:1"}]}}"#

    private static let workloads: [(String, String, String)] = [
        (
            "web", "Deployment",
            #"{"spec":{"replicas":3,"selector":{"matchLabels":{"app":"x"}},"template":\#(Self.template)}}"#
        ),
        (
            "idle", "Deployment",
            #"{"spec":{"replicas":0,"selector":{"matchLabels":{"app":"x"}},"template":\#(Self.template)}}"#
        ),
        (
            "db", "StatefulSet",
            #"""
            {"spec":{"replicas":2,"serviceName":"db","selector":{"matchLabels":{"app":"x"}},
             "template":\#(Self.template)}}
            """#
        ),
        (
            "nodes", "DaemonSet",
            #"{"spec":{"selector":{"matchLabels":{"app":"x"}},"template":\#(Self.template)}}"#
        ),
        (
            "nightly", "CronJob",
            #"""
            {"spec":{"schedule":"0 3 * * *","jobTemplate":{"spec":{"template":{"spec":{
             "restartPolicy":"Never","containers":[{"name":"a","image":"i:1"}]}}}}}}
            """#
        ),
    ]

    private static let networks: [(String, String, String)] = [
        ("service", "Service", #"{"spec":{"selector":{"app":"x"},"ports":[{"port":80}]}}"#),
        (
            "headless", "Service",
            #"{"spec":{"clusterIP":"None","selector":{"app":"x"},"ports":[{"port":5432}]}}"#
        ),
        (
            "outside", "Service",
            #"{"spec":{"type":"ExternalName","externalName":"db.example.org"}}"#
        ),
        (
            "open", "NetworkPolicy",
            #"{"spec":{"podSelector":{},"policyTypes":["Ingress"],"ingress":[{}]}}"#
        ),
        (
            "way", "Ingress",
            #"""
            {"spec":{"rules":[{"host":"*.example.org","http":{"paths":[{"path":"/ü","pathType":
             "Prefix","backend":{"service":{"name":"service","port":{"number":80}}}}]}}]}}
            """#
        ),
        (
            "half", "PodDisruptionBudget",
            #"{"spec":{"minAvailable":"50%","selector":{"matchLabels":{"app":"x"}}}}"#
        ),
    ]

    private static let rights: [(String, String, String)] = [
        ("all", "Role", #"{"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]}"#),
        (
            "bound", "RoleBinding",
            #"""
            {"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"all"},
             "subjects":[{"kind":"ServiceAccount","name":"keeper","namespace":"NS"}]}
            """#
        ), ("most", "ResourceQuota", #"{"spec":{"hard":{"pods":"10","cpu":"1500m"}}}"#),
        (
            "range", "LimitRange",
            #"{"spec":{"limits":[{"type":"Pod","max":{"cpu":"100m","memory":"1Ki"}}]}}"#
        ),
    ]

    /// A mebibyte, which is all that a ConfigMap may hold.
    private static let large = (
        "large", "ConfigMap",
        #"{"data":{"large":"\#(String(repeating: "0123456789abcde\\n", count: 65_536))"}}"#
    )

    /// A volume and its claim; bytes of the volume are another test's.
    private static let volumes: [(String, String, String)] = [
        (
            "disk-NS", "PersistentVolume",
            #"""
            {"metadata":{"annotations":{"u":"e\u0301"}},"spec":{"capacity":{"storage":"256Ki"},
             "accessModes":["ReadWriteOnce"],"persistentVolumeReclaimPolicy":"Delete",
             "volumeMode":"Block","csi":{"driver":"pool.godwit.io","volumeHandle":"disk-NS",
             "volumeAttributes":{"a":""}},"claimRef":{"apiVersion":"v1",
             "kind":"PersistentVolumeClaim","namespace":"NS","name":"disk"}}}
            """#
        ),
        (
            "disk", "PersistentVolumeClaim",
            #"""
            {"metadata":{"labels":{"empty":""}},"spec":{"accessModes":["ReadWriteOnce"],
             "volumeMode":"Block","storageClassName":"","volumeName":"disk-NS",
             "resources":{"requests":{"storage":"256Ki"}}}}
            """#
        ),
    ]

    /// The groups of kinds that are in one.
    private static let groups: [String: String] = [
        "Deployment": "apps", "StatefulSet": "apps", "DaemonSet": "apps", "CronJob": "batch",
        "NetworkPolicy": "networking.k8s.io", "Ingress": "networking.k8s.io",
        "Role": "rbac.authorization.k8s.io", "RoleBinding": "rbac.authorization.k8s.io",
        "PodDisruptionBudget": "policy",
    ]

    /// The kind of an entry, in the version that the cluster prefers.
    static func resource(
        _ kind: String,
        group: String,
        among kinds: Discovery
    ) -> APIResource? {
        let group = kind == "Thing" ? group : Self.groups[kind] ?? ""
        return kinds.resources.first { $0.kind == kind && $0.groupVersion.group == group }
    }

    /// One of them as it is created.
    static func object(
        _ entry: (name: String, kind: String, fields: String),
        _ resource: APIResource,
        replacing words: [String: String]
    ) throws -> KubeObject {
        func written(_ text: String) -> String {
            words.reduce(text) { $0.replacing($1.key, with: $1.value) }
        }
        var object = KubeObject(try JSON(parsing: written(entry.fields)))
        object.set(.string(resource.groupVersion.apiVersion), at: "apiVersion")
        object.set(.string(entry.kind), at: "kind")
        object.set(.string(written(entry.name)), at: "metadata", "name")
        if resource.isNamespaced {
            object.set(.string(words["NS"] ?? ""), at: "metadata", "namespace")
        }
        return object
    }
}
