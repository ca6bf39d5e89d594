// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Testing
import WireProtocol

@Suite struct SizesAndNamesTests {
    @Test(
        arguments: [
            ("0", 0), ("512", 512), ("512B", 512), ("1KiB", 1024), ("1.5 MiB", 1_572_864),
            ("10GiB", 10_737_418_240), ("16TiB", 17_592_186_044_416), ("0.5KiB", 512),
        ] as [(String, UInt64)]
    )
    func aSizeIsReadExactly(text: String, bytes: UInt64) throws {
        #expect(try ByteSize.bytes(of: text) == bytes)
    }

    @Test(
        arguments: [
            ("", nil), ("GiB", nil), ("10GB", "did you mean 10GiB?"),
            ("10G", "did you mean 10GiB?"),
            ("-1GiB", nil), ("1.3B", nil), ("99999999TiB", nil), ("10gib", "did you mean 10GiB?"),
            ("1e3", nil), ("nan", nil), ("1.2.3KiB", nil),
        ] as [(String, String?)]
    )
    func whatIsNoSizeIsRefusedWithAdvice(text: String, remedy: String?) {
        do {
            let bytes = try ByteSize.bytes(of: text)
            Issue.record("'\(text)' was read as \(bytes)")
        } catch {
            #expect(error.exitCode == 64)
            #expect(error.message.contains("'\(text)'"))
            if let remedy { #expect(error.try == remedy) }
        }
    }

    @Test func ratesNeedTheirSecond() throws {
        #expect(try ByteSize.rate(of: "100MiB/s") == 100 << 20)
        #expect(try ByteSize.rate(of: "none") == nil)
        #expect(throws: APIError.self) { try ByteSize.rate(of: "100MiB") }
        #expect(throws: APIError.self) { try ByteSize.rate(of: "0B/s") }
    }

    @Test(
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (10_000_000, "9.54 MiB"),
            (1 << 20, "1.00 MiB"), (999_999_999, "954 MiB"), (1_073_741_823, "1.00 GiB"),
            (10 << 30, "10.0 GiB"), (412 << 20, "412 MiB"), (5000 << 40, "5000 TiB"),
        ] as [(UInt64, String)]
    )
    func sizesHaveThreeDigits(bytes: UInt64, text: String) {
        #expect(ByteSize.text(of: bytes) == text)
    }

    @Test func whatPeopleMeantIsAtMostTwoEditsAway() {
        #expect(Suggestion.nearest(to: "volum", in: ["volume", "verify"]) == "volume")
        #expect(Suggestion.nearest(to: "lsit", in: ["list", "show"]) == "list")
        #expect(Suggestion.nearest(to: "frobnicate", in: ["list", "show"]) == nil)
        #expect(Suggestion.nearest(to: "x", in: ["y"]) == nil)
    }

    @Test func everyErrorHasOneNameAndACodeOfTheTable() {
        let names = ErrorID.allCases.map(\.rawValue)
        #expect(Set(names).count == names.count)
        let codes = Set(ErrorID.allCases.map(\.category.exitCode))
        #expect(codes.isSubset(of: [1, 3, 4, 5, 7, 8, 10, 11, 64, 78, 130]))
        #expect(ErrorCategory.allCases.map(\.exitCode) == [1, 3, 4, 5, 7, 8, 10, 11, 64, 78, 130])
    }

    @Test func theProtocolOfThisReleaseIsTheOneOnTheWire() {
        #expect(
            Release.protocolVersion == "\(WireVersion.current.major).\(WireVersion.current.minor)"
        )
    }
}
