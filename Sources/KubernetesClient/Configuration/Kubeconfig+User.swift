// SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectModel

extension Kubeconfig {
    /// How the user of an entry shows who they are.
    func credentials(of user: Entry) throws(KubeconfigError) -> UserCredentials {
        var credentials = UserCredentials()
        credentials.certificate = try self.bytes(user, "user", "client-certificate")
        credentials.privateKey = try self.bytes(user, "user", "client-key")
        guard (credentials.certificate == nil) == (credentials.privateKey == nil) else {
            throw Self.error(
                user,
                "client-certificate and client-key belong together, and one is missing",
                try: "give both or none"
            )
        }
        // The file wins over the text, as with kubectl: the text may be an old copy of it.
        credentials.token = try self.file(user, "user", "tokenFile")
        if credentials.token == nil, !user.text("token").isEmpty {
            credentials.token = .data(Array(user.text("token").utf8))
        }
        if !user.text("username").isEmpty {
            credentials.basic = BasicCredentials(
                name: user.text("username"),
                password: user.text("password")
            )
        }
        if let provider = user.fields["auth-provider", "name"]?.string {
            throw Self.error(
                user,
                "auth-provider \"\(provider)\" is not supported; kubectl 1.26 removed it too",
                try: "use the exec plug-in of your platform"
            )
        }
        if let exec = user.fields["exec"], !exec.isNull {
            credentials.exec = try self.plugin(exec, of: user)
        }
        credentials.impersonation = Self.impersonation(user)
        return credentials
    }

    private static func impersonation(_ user: Entry) -> Impersonation? {
        let name = user.text("as")
        guard !name.isEmpty else { return nil }
        let uid = user.text("as-uid")
        return Impersonation(
            user: name,
            groups: user.fields["as-groups"]?.array?.compactMap(\.string) ?? [],
            uid: uid.isEmpty ? nil : uid
        )
    }

    private func plugin(_ exec: JSON, of user: Entry) throws(KubeconfigError) -> ExecPlugin {
        guard self.permissions.contains(.programs) else {
            throw Self.error(
                user,
                "exec names a program, which is not started here",
                try: "use a token or a client certificate, or allow exec plug-ins"
            )
        }
        let command = exec["command"]?.string ?? ""
        guard !command.isEmpty else {
            throw Self.error(user, "exec has no command", try: "name the program to start")
        }
        let version = exec["apiVersion"]?.string ?? ""
        let known = ExecPlugin.apiVersions
        guard known.contains(version) else {
            throw Self.error(
                user,
                "exec has the apiVersion \"\(version)\", which is not supported",
                try:
                    "update the configuration and its plug-in to \(known.joined(separator: " or "))"
            )
        }
        guard exec["interactiveMode"]?.string != "Always" else {
            throw Self.error(
                user,
                "exec wants to ask at a terminal (interactiveMode: Always), and there is none",
                try: "use a login that needs no questions, or a service account token"
            )
        }
        var plugin = ExecPlugin(
            // A path, other than a name, is seen from the file.
            command: command.contains("/")
                ? Self.resolve(command, from: user.directory) : command,
            apiVersion: version,
            source: user.source,
            entry: "user \"\(user.name)\""
        )
        plugin.arguments = exec["args"]?.array?.compactMap(\.string) ?? []
        for variable in exec["env"]?.array ?? [] {
            guard let name = variable["name"]?.string else { continue }
            plugin.variables[name] = variable["value"]?.string ?? ""
        }
        plugin.installHint = exec["installHint"]?.string ?? ""
        plugin.provideClusterInfo = exec["provideClusterInfo"]?.bool ?? false
        return plugin
    }

    private static func error(
        _ user: Entry,
        _ problem: String,
        try advice: String
    ) -> KubeconfigError {
        KubeconfigError(
            source: user.source,
            entry: "user \"\(user.name)\"",
            problem,
            try: advice
        )
    }
}

extension ExecPlugin {
    /// The forms of credentials that are read.
    static let apiVersions = [
        "client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1",
    ]
}

/// The bytes of a text in base64, line breaks allowed; nil where it is none.
func decodeBase64(_ text: String) -> [UInt8]? {
    let oneLine = text.filter { !$0.isWhitespace }
    return Data(base64Encoded: oneLine).map { Array($0) }
}
