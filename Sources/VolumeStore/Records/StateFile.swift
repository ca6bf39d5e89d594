// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Codecs
import FoundationEssentials

/// A record that is kept in a state file of the pool (docs/state-files.md).
public protocol StateRecord: Codable, Sendable {
    /// The version of the file's form; a reader refuses every other one.
    static var format: Int { get }
}

/// The bytes of a state file: JSON for people to read, and a checksum for us to believe it.
///
/// ```
/// {
///   "format" : 1,
///   "record" : { … }
/// }
/// xxh3 0123456789abcdef
/// ```
///
/// The last line is the XXH3-64 of every byte before it. The files are replaced as a whole
/// (`DurableFile.replace`), so that a reader finds the old record or the new one (P1).
public enum StateFile {
    /// The most that is read of one state file: 1 MiB; ours have a few kilobytes.
    public static let sizeLimit = ByteCount.mebibytes(1)

    private struct Envelope<Record: StateRecord>: Codable {
        private enum Keys: String, CodingKey {
            case format
            case record
        }

        var record: Record

        init(_ record: Record) { self.record = record }

        /// The format first: what follows may be anything in another one.
        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: Keys.self)
            let format = try values.decode(Int.self, forKey: .format)
            guard format == Record.format else { throw OtherFormat(number: format) }
            self.record = try values.decode(Record.self, forKey: .record)
        }

        func encode(to encoder: any Encoder) throws {
            var values = encoder.container(keyedBy: Keys.self)
            try values.encode(Record.format, forKey: .format)
            try values.encode(self.record, forKey: .record)
        }
    }

    private struct OtherFormat: Error {
        let number: Int
    }

    /// The bytes that are stored for a record.
    ///
    /// - Returns: the JSON text and the line with its checksum.
    /// - Throws: `invalid` for a record that has no JSON form.
    public static func encode<Record: StateRecord>(
        _ record: Record
    ) throws(StoreError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        var bytes: [UInt8]
        do {
            bytes = Array(try encoder.encode(Envelope(record)))
        } catch {
            throw StoreError(.invalid, "cannot encode \(Record.self): \(error)")
        }
        bytes.append(UInt8(ascii: "\n"))
        let checksum = Self.checksumLine(over: bytes)
        return bytes + checksum
    }

    /// The record in the bytes of a state file.
    ///
    /// - Returns: the record, whose checksum was right.
    /// - Throws: `corrupt` for a wrong checksum or form; `unsupported` for another version.
    public static func decode<Record: StateRecord>(
        _ type: Record.Type,
        from bytes: [UInt8],
        path: String
    ) throws(StoreError) -> Record {
        // "xxh3 " + 16 digits + newline
        let lineLength = 22
        guard bytes.count > lineLength else {
            throw StoreError(.corrupt, "the state file is too short", path: path)
        }
        let body = Array(bytes.dropLast(lineLength))
        guard Self.checksumLine(over: body) == Array(bytes.suffix(lineLength)) else {
            throw StoreError(.corrupt, "the checksum of the state file is wrong", path: path)
        }
        do {
            return try JSONDecoder().decode(Envelope<Record>.self, from: Data(body)).record
        } catch let other as OtherFormat {
            throw StoreError(
                .unsupported,
                "the state file has format \(other.number), this program knows \(Record.format)",
                path: path
            )
        } catch {
            throw StoreError(.corrupt, "the state file does not decode: \(error)", path: path)
        }
    }

    /// Reads the record of a state file.
    ///
    /// - Returns: nil when there is no such file.
    /// - Throws: `corrupt`, `unsupported`, or what reading failed with.
    public static func load<Record: StateRecord>(
        _ type: Record.Type,
        from path: String
    ) throws(StoreError) -> Record? {
        let bytes: [UInt8]
        do {
            bytes = try DurableFile.read(path, limit: Self.sizeLimit)
        } catch let error where error.code == .notFound {
            return nil
        } catch {
            throw error
        }
        return try Self.decode(type, from: bytes, path: path)
    }

    /// Reads the records of a directory, which is made where there is none.
    ///
    /// - Returns: the records that can be read, and what is wrong with the others.
    /// - Throws: when the directory cannot be read.
    static func all<Record: StateRecord>(
        _ type: Record.Type,
        in directory: String
    ) throws(StoreError) -> (records: [Record], faults: [VolumeFault]) {
        try DurableFile.makeDirectory(directory)
        var records: [Record] = []
        var faults: [VolumeFault] = []
        for name in try PoolDirectory.names(in: directory) where name.hasSuffix(".json") {
            let path = "\(directory)/\(name)"
            do throws(StoreError) {
                if let record = try Self.load(type, from: path) { records.append(record) }
            } catch {
                faults.append(VolumeFault(directory: path, error: error))
            }
        }
        return (records, faults)
    }

    /// Replaces a state file; durable when it returns.
    ///
    /// - Throws: what writing failed with; the file then still has its old record or none.
    public static func store<Record: StateRecord>(
        _ record: Record,
        to path: String
    ) throws(StoreError) {
        try DurableFile.replace(path, with: try Self.encode(record))
    }

    private static func checksumLine(over bytes: [UInt8]) -> [UInt8] {
        let digits = String(Checksum.xxh3(bytes), radix: 16)
        let padding = String(repeating: "0", count: 16 - digits.count)
        return Array("xxh3 \(padding)\(digits)\n".utf8)
    }
}
