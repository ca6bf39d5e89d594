// SPDX-License-Identifier: Apache-2.0

import ObjectModel

extension StorkKinds {
    /// The trust of this cluster in a destination.
    static func clusterPair() throws(JSONPathError) -> KindDefinition {
        let schema = Schema.object(
            "A destination of migrations: its API server and its storage.",
            ["spec": Self.clusterPairSpec, "status": Self.clusterPairStatus],
            required: ["spec"]
        )
        return Self.kind(
            "ClusterPair",
            plural: "clusterpairs",
            shortNames: ["cpair"],
            schema: schema,
            columns: [
                try PrinterColumn("Storage-Status", path: ".status.storageStatus"),
                try PrinterColumn("Scheduler-Status", path: ".status.schedulerStatus"),
                try PrinterColumn(
                    "Ready",
                    path: ".status.conditions[?(@.type==\"Ready\")].status",
                    priority: 1
                ),
                try PrinterColumn("Remote-ID", path: ".status.remoteStorageId", priority: 1),
                try PrinterColumn("Mode", path: ".spec.options.mode", priority: 1),
                try StatusParts.age(),
            ]
        )
    }

    private static var clusterPairSpec: Schema {
        .object(
            "How the destination is reached.",
            [
                "config": self.kubeconfig,
                "options": self.pairOptions,
                "secretRef": .object(
                    "A Secret in the pair's namespace with the keys kubeconfig and token, which then "
                        + "need not stand in the pair. What stands in the pair counts first.",
                    ["name": .string("The name of the Secret.").with { $0.bounds.minLength = 1 }],
                    required: ["name"]
                ),
                "platformOptions": .object(
                    "What platforms on top of Kubernetes need.",
                    [
                        "rancher": .object(
                            "For Rancher.",
                            [
                                "projectMappings": StatusParts.labels(
                                    "Projects of the source and the ones that take their place."
                                )
                            ]
                        )
                    ]
                ),
            ]
        )
    }

    private static var pairOptions: Schema {
        let modes = PairMode.allCases.map(\.rawValue)
        let words = modes.map { "'\($0)'" }.joined(separator: ", ")
        // A port without quotes is a number, and nobody means anything else by it.
        return
            .map(
                "How the storage of the destination is reached: ip, port (9001), token, mode "
                    + "(\(modes.joined(separator: ", "))), backuplocation. Without a token no storage is "
                    + "paired.",
                of: Schema().with { $0.isIntOrString = true }
            )
            .with { schema in
                schema.rules = [
                    ValidationRule(
                        "!('mode' in self) || self['mode'] in ['', \(words)]",
                        message: "the option mode must be one of \(modes.joined(separator: ", "))"
                    ) { options, _ in
                        guard let mode = options["mode"] else { return true }
                        return mode.string.map { $0.isEmpty || modes.contains($0) } ?? false
                    }
                ]
            }
    }

    /// A kubeconfig with maps by name; what newer tools put into its entries is kept.
    private static var kubeconfig: Schema {
        func entries(_ description: String, _ fields: [String: Schema]) -> Schema {
            .map(
                description,
                of: .object("An entry.", fields)
                    .with { schema in
                        schema.properties["LocationOfOrigin"] = .string("Where it was read.")
                        schema.preservesUnknownFields = true
                    }
            )
        }
        return .object(
            "The kubeconfig of the destination; only its current context is used.",
            [
                "apiVersion": .string("The version of the kubeconfig."),
                "kind": .string("Config."),
                "clusters": entries(
                    "API servers by name.",
                    [
                        "server": .string("The address, with https://."),
                        "certificate-authority": .string("A file with the server's authority."),
                        "certificate-authority-data": .string("The server's authority, in Base64."),
                        "insecure-skip-tls-verify": .flag("Whether any server is believed."),
                        "tls-server-name": .string("The name in the server's certificate."),
                        "proxy-url": .string("The proxy on the way."),
                    ]
                ),
                "contexts": entries(
                    "Who is at which cluster, by name.",
                    [
                        "cluster": .string("The name of a cluster."),
                        "user": .string("The name of a user."),
                        "namespace": .string("The namespace when none is given."),
                    ]
                ),
                "users": entries(
                    "Credentials by name.",
                    [
                        "client-certificate": .string("A file with the certificate."),
                        "client-certificate-data": .string("The certificate, in Base64."),
                        "client-key": .string("A file with the key."),
                        "client-key-data": .string("The key, in Base64."),
                        "token": .string("A bearer token."),
                        "tokenFile": .string("A file with a bearer token."),
                        "exec": .anyObject("A program that prints credentials."),
                    ]
                ),
                "current-context": .string("The context that is used."),
                "preferences": .anyObject("Nothing that is used."),
                "extensions": .anyObject("Nothing that is used."),
            ]
        )
    }

    private static var clusterPairStatus: Schema {
        let words = PairStatus.allCases.map(\.rawValue)
        return StatusParts.status(
            "What the controller found.",
            [
                "schedulerStatus": .word("The state of the API server.", words),
                "storageStatus": .word("The state of the storage.", words),
                "remoteStorageId": .string("The identity of the destination's storage."),
            ]
        )
    }
}
