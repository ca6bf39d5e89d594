// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// The source cluster on the other side of a connection, as its certificate proves it (P8).
public struct PairIdentity: Hashable, Sendable {
    /// The source cluster; what it may touch is what it owns here.
    public let cluster: ClusterID
    /// The name under which the pair is known here.
    public let name: String

    /// A pair that may connect.
    public init(cluster: ClusterID, name: String) {
        self.cluster = cluster
        self.name = name
    }
}
