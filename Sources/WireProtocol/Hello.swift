// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// What a connection is for.
public enum ConnectionKind: UInt8, Hashable, Sendable, CaseIterable {
    /// Opens, steers and commits one transfer.
    case control = 1
    /// Carries one stream of a transfer.
    case data = 2
}

/// Sixteen random bytes of the client, the same on all connections of a session.
///
/// Lets the logs of both sides be matched. Not a secret and not a proof: that is ``JoinToken``.
public struct SessionNonce: Identifier {
    /// The sixteen bytes as two big-endian halves.
    public let halves: Halves

    /// The nonce with these halves.
    public init(halves: Halves) { self.halves = halves }
}

/// The first frame of each side on each connection; the client's comes first.
public struct Hello: Hashable, Sendable {
    /// The newest version that the side speaks.
    public let version: WireVersion

    /// What the connection is for; the server repeats what the client says.
    public let kind: ConnectionKind

    /// The installation that the side belongs to; the shell compares it with the certificate.
    public let cluster: ClusterID

    /// The session, for logs.
    public let nonce: SessionNonce

    /// What the side can do, each name once.
    public let features: [Feature]

    /// Program and version, for logs, for example "godwit-agent 0.1.0".
    public let software: String

    /// What a side says; an over-long `software` is cut.
    public init(
        kind: ConnectionKind,
        cluster: ClusterID,
        nonce: SessionNonce,
        software: String,
        version: WireVersion = .current,
        features: [Feature] = Feature.current
    ) {
        precondition(features.count <= Limits.features, "\(features.count) features are too many")
        self.version = version
        self.kind = kind
        self.cluster = cluster
        self.nonce = nonce
        self.features = features
        self.software = WireText.cleaned(software, limit: Limits.nameLength)
    }

    init(from reader: inout BodyReader) throws(FrameError) {
        let major = try reader.number(UInt16.self, "hello.major")
        let version = WireVersion(
            major: major,
            minor: try reader.number(UInt16.self, "hello.minor")
        )
        guard major == WireVersion.current.major else {
            throw .versionMismatch(ours: .current, theirs: version)
        }
        let kindNumber = try reader.number(UInt8.self, "hello.kind")
        guard let kind = ConnectionKind(rawValue: kindNumber) else {
            throw .badValue(field: "hello.kind", value: UInt64(kindNumber))
        }
        self.version = version
        self.kind = kind
        self.cluster = try reader.identifier(ClusterID.self, "hello.cluster")
        self.nonce = try reader.identifier(SessionNonce.self, "hello.nonce")
        self.features = try Self.features(from: &reader)
        self.software = try reader.text("hello.software", limit: Limits.nameLength)
    }

    private static func features(from reader: inout BodyReader) throws(FrameError) -> [Feature] {
        let count = try reader.number(UInt8.self, "hello.featureCount")
        guard Int(count) <= Limits.features else {
            throw .badValue(field: "hello.featureCount", value: UInt64(count))
        }
        var features: [Feature] = []
        for _ in 0..<count {
            let isRequired = try reader.flag("hello.featureRequired")
            let length = try reader.number(UInt8.self, "hello.featureLength")
            guard (1...Limits.featureNameLength).contains(Int(length)) else {
                throw .badValue(field: "hello.featureLength", value: UInt64(length))
            }
            let bytes = try reader.raw(Int(length), "hello.featureName")
            guard let text = String(validating: bytes, as: UTF8.self),
                let name = FeatureName(text),
                !features.contains(where: { $0.name == name })
            else { throw .badText(field: "hello.featureName") }
            features.append(Feature(name, isRequired: isRequired))
        }
        return features
    }

    func write(to writer: inout BodyWriter) {
        writer.put(self.version.major)
        writer.put(self.version.minor)
        writer.put(self.kind.rawValue)
        writer.put(self.cluster)
        writer.put(self.nonce)
        writer.put(UInt8(self.features.count))
        for feature in self.features {
            let name = Array(feature.name.text.utf8)
            writer.put(feature.isRequired)
            writer.put(UInt8(name.count))
            writer.put(raw: name)
        }
        writer.put(counted: Array(self.software.utf8), limit: Limits.nameLength)
    }
}

/// What two hellos agree on.
public struct Agreement: Hashable, Sendable {
    /// The version that both sides use from here on.
    public let version: WireVersion

    /// The features that both sides have.
    public let features: Set<FeatureName>

    /// What the peer said.
    public let peer: Hello

    /// The codecs that both sides have; `none` is always among them.
    public var codecs: CodecSet {
        var codecs: CodecSet = .none
        if self.features.contains(.codecLZ4) { codecs.insert(.lz4) }
        if self.features.contains(.codecDeflate) { codecs.insert(.deflate) }
        if self.features.contains(.codecZstd) { codecs.insert(.zstd) }
        return codecs
    }
}

extension Hello {
    /// Whether the side has the feature.
    public func names(_ feature: FeatureName) -> Bool {
        self.features.contains { $0.name == feature }
    }

    /// What both sides can use: the smaller minor version, the features that both have.
    ///
    /// - Returns: the agreement.
    /// - Throws: the report for the peer: `versionMismatch` naming both versions, or
    ///   `missingFeature` naming the features. Retrying helps after an upgrade only.
    public func agreement(with peer: Self) throws(ErrorReport) -> Agreement {
        guard self.version.major == peer.version.major else {
            throw FrameError.versionMismatch(ours: self.version, theirs: peer.version).report
        }
        guard self.kind == peer.kind else {
            throw ErrorReport(code: .violation, text: "the hello is for the other connection kind")
        }
        let ours = Set(self.features.map(\.name))
        let theirs = Set(peer.features.map(\.name))
        let missingHere = peer.features.filter { $0.isRequired && !ours.contains($0.name) }
        let missingThere = self.features.filter { $0.isRequired && !theirs.contains($0.name) }
        guard missingHere.isEmpty else {
            throw ErrorReport(
                code: .missingFeature,
                text: "the peer requires \(Self.list(missingHere)), which this side does not have"
            )
        }
        guard missingThere.isEmpty else {
            throw ErrorReport(
                code: .missingFeature,
                text: "this side requires \(Self.list(missingThere)), which the peer does not have"
            )
        }
        return Agreement(
            version: min(self.version, peer.version),
            features: ours.intersection(theirs),
            peer: peer
        )
    }

    private static func list(_ features: [Feature]) -> String {
        features.map(\.name.text).joined(separator: ", ")
    }
}
