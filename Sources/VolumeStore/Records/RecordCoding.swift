// SPDX-License-Identifier: Apache-2.0

import BlockTypes

// How our types stand in the JSON of a state file: identifiers, digests and keys as hexadecimal
// digits, counts as plain numbers. BlockTypes knows no file format, so the forms are given here.

extension KeyedDecodingContainer {
    func identifier<ID: Identifier>(_ type: ID.Type, forKey key: Key) throws -> ID {
        let text = try self.decode(String.self, forKey: key)
        guard let value = ID(text) else {
            throw self.malformed(key, "is not an identifier of 32 hexadecimal digits")
        }
        return value
    }

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

    func number(forKey key: Key) throws -> GenerationNumber {
        GenerationNumber(try self.decode(UInt64.self, forKey: key))
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
