// SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectModel

/// A kubeconfig for one user of one embedded cluster, as its server writes it.
struct KubeconfigFile: Sendable {
    /// Of cluster, context and user, as `kubectl config get-contexts` shows them.
    let cluster: String
    /// `https://127.0.0.1:6443`.
    let server: String
    /// PEM.
    let authority: String
    let user: ClusterUser
    let certificate: CertificatePair
    /// Where commands without `-n` act; nil for `default`.
    var namespace: String?

    /// The file: YAML, and as such JSON, which needs no quoting rules of its own.
    var text: String {
        var context: JSONFields = [
            "cluster": .string(self.cluster), "user": .string(self.userName),
        ]
        if let namespace = self.namespace { context["namespace"] = .string(namespace) }
        let document: JSON = [
            "apiVersion": "v1", "kind": "Config", "preferences": .object([:]),
            "current-context": .string(self.contextName),
            "clusters": [
                [
                    "name": .string(self.cluster),
                    "cluster": [
                        "server": .string(self.server),
                        "certificate-authority-data": Self.encoded(self.authority),
                    ],
                ]
            ],
            "contexts": [["name": .string(self.contextName), "context": .object(context)]],
            "users": [
                [
                    "name": .string(self.userName),
                    "user": [
                        "client-certificate-data": Self.encoded(self.certificate.certificate),
                        "client-key-data": Self.encoded(self.certificate.key),
                    ],
                ]
            ],
        ]
        return document.pretty + "\n"
    }

    private var userName: String { "\(self.cluster)-\(self.user.name)" }
    private var contextName: String { "\(self.user.name)@\(self.cluster)" }

    private static func encoded(_ pem: String) -> JSON {
        .string(Data(pem.utf8).base64EncodedString())
    }

    /// The certificate of a file that was written before; nil where it holds none.
    static func certificate(in text: String) -> CertificatePair? {
        guard let document = try? JSON(parsing: text),
            let user = document["users"]?.array?.first?["user"],
            let certificate = Self.decoded(user["client-certificate-data"]),
            let key = Self.decoded(user["client-key-data"])
        else { return nil }
        return CertificatePair(certificate: certificate, key: key)
    }

    private static func decoded(_ value: JSON?) -> String? {
        guard let text = value?.string, let data = Data(base64Encoded: text) else { return nil }
        return String(data: data, encoding: .utf8)
    }
}
