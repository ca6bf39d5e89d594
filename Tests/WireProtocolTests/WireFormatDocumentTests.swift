// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import Testing
import WireProtocol

/// `docs/wire-format.md` says what the code does: each table is compared with it.
@Suite("The wire format document")
struct WireFormatDocumentTests {
    private let document: Document

    init() throws { self.document = try Document() }

    @Test("its table of frames has every type with its number and its body lengths")
    func frameTable() throws {
        let rows = self.document.rows(under: "## 6. Frames")
        let expected = FrameType.allCases.map { type in
            let code = String(type.rawValue, radix: 16)
            let lengths = type.bodyLengths
            return [
                "0x" + (code.count == 1 ? "0" : "") + code,
                type.name,
                lengths.lowerBound == lengths.upperBound
                    ? "\(lengths.lowerBound)" : "\(lengths.lowerBound)…\(lengths.upperBound)",
            ]
        }
        #expect(rows.map { [$0[0], $0[1], $0[4]] } == expected)
    }

    @Test(
        "the fields of every frame follow each other without a gap",
        arguments: FrameType.allCases
    )
    func fieldsFollowEachOther(type: FrameType) throws {
        var next: Int? = 0
        for field in try self.document.fields(of: type) {
            if let offset = field.offset { #expect(offset == next, "\(type.name).\(field.name)") }
            next = field.offset.flatMap { offset in field.size.map { offset + $0 } }
        }
        // A frame of fields with fixed sizes alone has exactly their sum and the checksum.
        let lengths = type.bodyLengths
        if lengths.count == 1 { #expect(next == lengths.lowerBound - ControlFrame.checksumSize) }
    }

    @Test("every field is where the document says, with the value that its vector describes")
    func fieldsAreInTheVectors() throws {
        var checked = 0
        let vectors = [
            "hello", "offer", "accept-resumed", "ranges", "refuse-visible", "join", "joined",
            "data",
            "zero", "leaf-query", "leaf-digests", "granule-query", "granule-digests", "end", "ack",
            "commit", "committed", "abort", "ping", "pong", "error-offset",
        ]
        for name in vectors {
            let vector = try #require(try ValidVector.all().first { $0.name == name })
            let type = try #require(FrameType(rawValue: vector.bytes[4]))
            let values = FrameDescription.fields(vector.frame)
            let body = vector.bytes[FrameHeader.encodedSize...]
            for field in try self.document.fields(of: type) {
                guard let offset = field.offset, let size = field.size,
                    let value = values[field.name] ?? field.impliedValue(values)
                else { continue }
                let start = body.startIndex + offset
                let bytes = Array(body[start..<start + size])
                #expect(field.text(of: bytes) == value, "\(name).\(field.name)")
                checked += 1
            }
        }
        #expect(checked >= 60, "only \(checked) fields were compared")
    }

    @Test("the header is as the document says")
    func header() throws {
        let rows = self.document.rows(under: "## 4. The frame header")
        var next = 0
        for row in rows {
            #expect(Int(row[0]) == next)
            next += try #require(Int(row[1]))
        }
        #expect(next == FrameHeader.encodedSize)
        let bytes = ControlFrame.ping(1).encodedFrame(sequence: 5)
        #expect(Array(bytes[..<4]) == [0x47, 0x44, 0x57, 0x54])
        #expect(bytes[16] == 5)
    }

    @Test("its table of errors has every code")
    func errorTable() {
        let rows = self.document.rows(under: "## 11. Errors")
        let expected = ProtocolCode.allCases.map {
            ["\($0.rawValue)", $0.name, $0.isRetryable ? "yes" : "no", $0.meaning]
        }
        #expect(rows.map { Array($0[..<4]) } == expected)
        #expect(rows.allSatisfy { !$0[4].isEmpty })
    }

    @Test("its table of limits has every limit with its value")
    func limitTable() throws {
        let rows = self.document.rows(under: "## 12. Limits")
        let documented = rows.map { [$0[0].filter { $0 != "`" }, $0[1]] }
        let expected: [[String]] = [
            ["controlBody", "\(Limits.controlBody.bytes)"],
            ["dataBody", "\(Limits.dataBody.bytes)"],
            ["nameLength", "\(Limits.nameLength)"],
            ["textLength", "\(Limits.textLength)"],
            ["featureNameLength", "\(Limits.featureNameLength)"],
            ["features", "\(Limits.features)"],
            ["ticketLength", "\(Limits.ticketLength)"],
            ["rangesPerFrame", "\(Limits.rangesPerFrame)"],
            ["rangesPerTransfer", "\(Limits.rangesPerTransfer)"],
            ["leavesPerQuery", "\(Limits.leavesPerQuery)"],
            ["leavesPerGranuleQuery", "\(Limits.leavesPerGranuleQuery)"],
            ["streams", "\(Limits.streams)"],
            ["defaultStreams", "\(Limits.defaultStreams)"],
            ["creditWindow", "\(Limits.creditWindow.bytes)"],
            ["minimumCreditWindow", "\(Limits.minimumCreditWindow.bytes)"],
            ["maximumCreditWindow", "\(Limits.maximumCreditWindow.bytes)"],
            ["zeroCharge", "\(Limits.zeroCharge.bytes)"],
            ["durableStep", "\(Limits.durableStep.bytes)"],
            ["pingInterval", "\(Limits.pingInterval.components.seconds) s"],
            ["peerTimeout", "\(Limits.peerTimeout.components.seconds) s"],
            ["handshakeTimeout", "\(Limits.handshakeTimeout.components.seconds) s"],
            ["lingerTime", "\(Limits.lingerTime.components.seconds) s"],
            ["restingTime", "\(Limits.restingTime.components.seconds) s"],
            ["restingAge", "\(Limits.restingAge.components.seconds) s"],
            ["timeoutResolution", "\(Limits.timeoutResolution.components.seconds) s"],
            ["bytesPerKey", "\(Limits.bytesPerKey.bytes)"],
        ]
        #expect(documented == expected)
        let source = try Document.text("Sources/WireProtocol/Limits.swift")
        let declared = source.matches(of: /public static let (\w+)/).map { String($0.1) }
        #expect(declared == expected.map { $0[0] })
    }

    @Test("its features are those of the code, and its version is the current one")
    func features() {
        let rows = self.document.rows(under: "## 5. Handshake and negotiation")
        #expect(rows.map { $0[0].filter { $0 != "`" } } == Feature.current.map(\.name.text))
        #expect(self.document.lines.first == "# Wire format \(WireVersion.current)")
        #expect(self.document.lines.contains { $0.hasPrefix("- **\(WireVersion.current)**") })
    }
}

/// The Markdown of `docs/wire-format.md`, taken apart as far as the tests need it.
private struct Document {
    let lines: [String]

    init() throws {
        self.lines = try Self.text("docs/wire-format.md").components(separatedBy: "\n")
    }

    static func text(_ path: String) throws -> String {
        // The tests' folder may be a link into the repository.
        let folder = URL(filePath: #filePath).deletingLastPathComponent().resolvingSymlinksInPath()
        let root = folder.deletingLastPathComponent().deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// The cells of the first table after a heading, without its own heading.
    func rows(under heading: String) -> [[String]] {
        let section = self.lines.drop { $0 != heading }.dropFirst()
            .prefix { !$0.hasPrefix("#") }
        return section.drop { !$0.hasPrefix("|") }.prefix { $0.hasPrefix("|") }.dropFirst(2)
            .map { line in
                line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast()
                    .map { $0.trimmingCharacters(in: .whitespaces) }
            }
    }

    struct Field {
        let offset: Int?
        let size: Int?
        let kind: String
        let name: String

        /// A number, or digits for what is not a number, as the vector's description has it.
        func text(of bytes: [UInt8]) -> String {
            switch self.kind {
            case "u8", "u16", "u32", "u64", "size", "flag":
                "\(bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })"
            default: Hexadecimal.text(of: bytes)
            }
        }

        /// The value of a field that counts or announces other fields.
        func impliedValue(_ values: [String: String]) -> String? {
            if self.name.hasSuffix("Present") {
                let stem = String(self.name.dropLast("Present".count))
                return values.keys.contains { $0.hasPrefix(stem) } ? "1" : "0"
            }
            guard self.name.hasSuffix("Count") else { return nil }
            let list = [
                "featureCount": "features", "rangeCount": "extents", "digestCount": "digests",
                "leafCount": "leaves",
            ][self.name]
            guard let list else { return nil }
            let elements = values.keys.filter { $0.hasPrefix(list + ".") }
                .map {
                    $0.split(separator: ".")[1]
                }
            return "\(Set(elements).count)"
        }
    }

    func fields(of type: FrameType) throws -> [Field] {
        let code = String(type.rawValue, radix: 16)
        let heading = "### 0x" + (code.count == 1 ? "0" : "") + code + " " + type.name
        #expect(self.lines.contains(heading), "there is no section \(heading)")
        return self.rows(under: heading)
            .map { cells in
                Field(
                    offset: Int(cells[0]),
                    size: Int(cells[1]),
                    kind: cells[2],
                    name: cells[3].filter { $0 != "`" }
                )
            }
    }
}
