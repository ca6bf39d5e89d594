// SPDX-License-Identifier: Apache-2.0

/// Where an embedded cluster lives and listens.
public struct EmbeddedServerOptions: Sendable, Hashable {
    /// Holds everything of the cluster; one process at a time has it.
    public var directory: String
    /// How kubeconfigs name the cluster.
    public var cluster = "godwit"
    /// A name or address of this machine; others than loopback let other machines in.
    public var host = "127.0.0.1"
    /// 0 for any free one; nil for the one of last time, or a free one at the first start.
    public var port: Int?
    /// Further names and addresses under which clients reach the server; its certificate has them.
    public var otherHosts: [String] = []
    /// Namespaces that have a user of their own, and so a `user-NAMESPACE.kubeconfig`.
    public var userNamespaces: [String] = []
    /// The version of this release, as `/version` tells it.
    public var version = "0.0.0"

    /// A cluster in a directory, on loopback.
    public init(directory: String) { self.directory = directory }
}
