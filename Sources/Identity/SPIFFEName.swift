// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// The one URI name in every certificate of ours: who holds it, and in whose trust domain.
///
/// The trust domain is always the destination cluster, because its authority signs both: the
/// server certificate of its own agent and the client certificates of the pairs it has accepted.
///
///     spiffe://<destination cluster>/agent
///     spiffe://<destination cluster>/pair/<source cluster>
///
/// Both clusters are 32 lower-case hexadecimal digits. Nothing else parses: no upper case, no
/// trailing slash, no query, so that two texts never name the same holder.
public struct SPIFFEName: Hashable, Sendable {
    /// What the holder may do.
    public enum Role: Hashable, Sendable {
        /// Serves ports 9010 and 9001 of the destination.
        case agent
        /// Sends volumes of this source cluster to the destination.
        case pair(source: ClusterID)
    }

    /// The destination cluster, whose authority signed the certificate.
    public let trustDomain: ClusterID
    /// What the holder may do.
    public let role: Role

    /// The name of `role` in the trust domain of the destination cluster.
    public init(trustDomain: ClusterID, role: Role) {
        self.trustDomain = trustDomain
        self.role = role
    }

    /// The name of a destination's own agent.
    public static func agent(of destination: ClusterID) -> Self {
        Self(trustDomain: destination, role: .agent)
    }

    /// The name under which a source cluster sends to a destination.
    public static func pair(of source: ClusterID, at destination: ClusterID) -> Self {
        Self(trustDomain: destination, role: .pair(source: source))
    }

    /// The name in the text; nil for anything but exactly one of the two forms.
    public init?(_ text: some StringProtocol) {
        let scheme = "spiffe://"
        guard text.hasPrefix(scheme) else { return nil }
        let parts = text.dropFirst(scheme.count)
            .split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, let domain = Self.cluster(first) else { return nil }
        switch (parts.count, parts.dropFirst().first) {
        case (2, "agent"):
            self.init(trustDomain: domain, role: .agent)
        case (3, "pair"):
            guard let source = Self.cluster(parts[2]) else { return nil }
            self.init(trustDomain: domain, role: .pair(source: source))
        case (_, _):
            return nil
        }
        // Only the canonical spelling: the digits accept upper case, a name does not.
        guard self.description == text else { return nil }
    }

    private static func cluster(_ text: some StringProtocol) -> ClusterID? {
        text.utf8.count == 32 ? ClusterID(text) : nil
    }
}

extension SPIFFEName: CustomStringConvertible {
    /// The name as it stands in certificates.
    public var description: String {
        switch self.role {
        case .agent: "spiffe://\(self.trustDomain)/agent"
        case .pair(let source): "spiffe://\(self.trustDomain)/pair/\(source)"
        }
    }
}
