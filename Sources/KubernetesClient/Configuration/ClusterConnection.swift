// SPDX-License-Identifier: Apache-2.0

/// The way to one API server: where it is, how it is known, and as whom we come.
public struct ClusterConnection: Sendable, Hashable {
    /// The root of the API without a slash at the end; it may have a path.
    public var server: String
    /// The certificates (PEM) of the server's authority; nil for those that the system trusts.
    public var authority: SecretBytes?
    /// Whether the server's certificate is not looked at: anybody in between can read and change all.
    public var isInsecure: Bool
    /// The name that the server's certificate must have where it is not that of the URL.
    public var serverName: String?
    /// As whom.
    public var user: UserCredentials
    /// The namespace of requests that name none.
    public var namespace: String
    /// The context's name; empty where there is none.
    public var context: String
    /// Where this is written, for errors.
    public var source: String

    /// A connection of these parts.
    public init(
        server: String,
        authority: SecretBytes? = nil,
        isInsecure: Bool = false,
        serverName: String? = nil,
        user: UserCredentials = UserCredentials(),
        namespace: String = "default",
        context: String = "",
        source: String = "the connection"
    ) {
        self.server = server
        self.authority = authority
        self.isInsecure = isInsecure
        self.serverName = serverName
        self.user = user
        self.namespace = namespace
        self.context = context
        self.source = source
    }

    /// What a person should know although it works.
    public var warnings: [String] {
        guard self.isInsecure else { return [] }
        return [
            "\(self.source): the certificate of \(self.server) is not checked "
                + "(insecure-skip-tls-verify); give certificate-authority-data instead"
        ]
    }
}

/// Bytes that were given, or that a file holds and that are read again when it changes.
public enum SecretBytes: Sendable, Hashable, CustomStringConvertible {
    /// The bytes themselves.
    case data([UInt8])
    /// The path of a file.
    case file(String)

    /// Never the bytes.
    public var description: String {
        switch self {
        case .data(let bytes): "\(bytes.count) bytes"
        case .file(let path): path
        }
    }
}

/// How a client shows who it is; what is nil is not used.
public struct UserCredentials: Sendable, Hashable {
    /// The chain (PEM) of our certificate.
    public var certificate: SecretBytes?
    /// The key (PEM) of our certificate.
    public var privateKey: SecretBytes?
    /// A bearer token.
    public var token: SecretBytes?
    /// A name and a password.
    public var basic: BasicCredentials?
    /// A program that gives one of the above.
    public var exec: ExecPlugin?
    /// As whom the server shall treat us.
    public var impersonation: Impersonation?

    /// Nobody yet.
    public init() {}
}

/// A name and a password, as few servers still take them.
public struct BasicCredentials: Sendable, Hashable, CustomStringConvertible {
    /// The name.
    public let name: String
    /// The password.
    public let password: String

    /// A name with its password.
    public init(name: String, password: String) {
        self.name = name
        self.password = password
    }

    /// Never the password.
    public var description: String { self.name }
}

/// Another identity, which the server grants to those who may take it.
public struct Impersonation: Sendable, Hashable {
    /// The user's name.
    public let user: String
    /// The user's groups.
    public let groups: [String]
    /// The user's number; nil for none.
    public let uid: String?

    /// An identity of these parts.
    public init(user: String, groups: [String] = [], uid: String? = nil) {
        self.user = user
        self.groups = groups
        self.uid = uid
    }
}

/// A program that prints credentials, as the clusters of EKS, GKE and AKS use it.
public struct ExecPlugin: Sendable, Hashable {
    /// A name that is looked up in `PATH`, or a path.
    public var command: String
    /// What it is called with; no shell sees it.
    public var arguments: [String] = []
    /// Variables besides those of this process.
    public var variables: [String: String] = [:]
    /// The form of what it prints.
    public var apiVersion: String
    /// How a person gets the program.
    public var installHint = ""
    /// Whether it is told which cluster it is for.
    public var provideClusterInfo = false
    /// What it is told besides: the cluster's entry in the configuration.
    public var clusterInfo: String?
    /// Where it is configured, for errors.
    public var source: String
    /// The entry that configures it, for errors.
    public var entry: String

    /// A program without arguments.
    public init(command: String, apiVersion: String, source: String, entry: String) {
        self.command = command
        self.apiVersion = apiVersion
        self.source = source
        self.entry = entry
    }
}
