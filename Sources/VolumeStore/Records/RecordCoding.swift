// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

// How our types stand in the JSON of a state file: identifiers, digests and keys as hexadecimal
// digits, counts as plain numbers. BlockTypes knows no file format, so the forms are given here.

extension Identifier {
    /// Reads 32 hexadecimal digits.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = Self(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "is not an identifier of 32 hexadecimal digits"
            )
        }
        self = value
    }

    /// Writes 32 hexadecimal digits.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.description)
    }
}

extension VolumeID: Codable {}
extension LineageID: Codable {}
extension SnapshotID: Codable {}
extension TransferID: Codable {}
extension GroupID: Codable {}
extension ClusterID: Codable {}

extension GenerationNumber: Codable {
    /// Reads a plain number.
    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(UInt64.self))
    }

    /// Writes a plain number.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.number)
    }
}

extension KeyedDecodingContainer {
    func bytes(forKey key: Key) throws -> [UInt8] {
        let text = try self.decode(String.self, forKey: key)
        guard let bytes = Hexadecimal.bytes(of: text) else {
            throw self.malformed(key, "is not made of pairs of hexadecimal digits")
        }
        return bytes
    }

    func root(forKey key: Key) throws -> RootDigest {
        guard let root = RootDigest(try self.bytes(forKey: key)) else {
            throw self.malformed(key, "does not have 32 bytes")
        }
        return root
    }

    func size(forKey key: Key) throws -> ByteCount {
        guard let size = ByteCount(untrusted: try self.decode(UInt64.self, forKey: key)),
            size <= Geometry.maximumVolume
        else {
            throw self.malformed(key, "is larger than the largest volume")
        }
        return size
    }

    func algorithm(forKey key: Key) throws -> DigestAlgorithm {
        switch try self.decode(String.self, forKey: key) {
        case "ph128": return .ph128
        case let name: throw self.malformed(key, "names an unknown algorithm, \(name)")
        }
    }

    func mode(forKey key: Key) throws -> TransferMode {
        let name = try self.decode(String.self, forKey: key)
        guard let mode = TransferMode.allCases.first(where: { $0.recordName == name }) else {
            throw self.malformed(key, "names an unknown mode, \(name)")
        }
        return mode
    }

    func malformed(_ key: Key, _ what: String) -> DecodingError {
        DecodingError.dataCorruptedError(
            forKey: key,
            in: self,
            debugDescription: "\(key.stringValue) \(what)"
        )
    }
}

extension DigestAlgorithm {
    /// The name in state files.
    var recordName: String {
        switch self {
        case .ph128: "ph128"
        }
    }
}

extension TransferMode {
    /// The name in state files.
    var recordName: String {
        switch self {
        case .incremental: "incremental"
        case .fullCopy: "fullCopy"
        case .fullVerify: "fullVerify"
        }
    }
}
