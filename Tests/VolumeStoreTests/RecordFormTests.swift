// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import Testing
import VolumeStore

/// The forms of groups and holds in their files, which other versions of the agent read.
@Suite struct RecordFormTests {
    private static let volume = VolumeID(halves: Halves(high: 0, low: 1))
    private static let snapshot = SnapshotID(halves: Halves(high: 0, low: 2))
    private static let group = GroupID(halves: Halves(high: 0, low: 3))
    private static let cluster = ClusterID(halves: Halves(high: 0, low: 4))

    private static func check<Record: StateRecord & Equatable>(
        _ record: Record,
        _ lines: [String]
    ) throws {
        let bytes = try StateFile.encode(record)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.split(separator: "\n").dropLast().map(String.init) == lines, "\(text)")
        #expect(try StateFile.decode(Record.self, from: bytes, path: "") == record)
    }

    @Test func aHoldHasAFixedForm() throws {
        try Self.check(
            HoldRecord(
                group: Self.group,
                pair: Self.cluster,
                members: [.init(volume: Self.volume, snapshot: Self.snapshot)],
                created: 7
            ),
            [
                "{", "  \"format\" : 1,", "  \"record\" : {", "    \"created\" : 7,",
                "    \"group\" : \"00000000000000000000000000000003\",", "    \"members\" : [",
                "      {", "        \"snapshot\" : \"00000000000000000000000000000002\",",
                "        \"volume\" : \"00000000000000000000000000000001\"", "      }", "    ],",
                "    \"pair\" : \"00000000000000000000000000000004\",",
                "    \"state\" : \"held\",", "    \"touched\" : 7", "  }", "}",
            ]
        )
    }

    @Test func aGroupHasAFixedForm() throws {
        let member = GroupRecord.Member(
            name: "db",
            volume: Self.volume,
            number: GenerationNumber(5),
            snapshot: Self.snapshot,
            transfer: TransferID(halves: Halves(high: 0, low: 6))
        )
        try Self.check(
            GroupRecord(
                id: Self.group,
                pair: "remote",
                cluster: Self.cluster,
                isAtomic: true,
                frozen: 8_000_000_000,
                members: [member],
                request: "{}"
            ),
            [
                "{", "  \"format\" : 1,", "  \"record\" : {", "    \"atomic\" : true,",
                "    \"cluster\" : \"00000000000000000000000000000004\",",
                "    \"dropPending\" : false,", "    \"frozen\" : 8000000000,",
                "    \"id\" : \"00000000000000000000000000000003\",", "    \"members\" : [",
                "      {", "        \"name\" : \"db\",", "        \"number\" : 5,",
                "        \"snapshot\" : \"00000000000000000000000000000002\",",
                "        \"transfer\" : \"00000000000000000000000000000006\",",
                "        \"volume\" : \"00000000000000000000000000000001\"", "      }", "    ],",
                "    \"pair\" : \"remote\",", "    \"registered\" : false,",
                "    \"request\" : \"{}\",", "    \"state\" : \"open\",", "    \"touched\" : 8",
                "  }", "}",
            ]
        )
    }

    @Test(arguments: ["", "12", "0000000000000000000000000000000g"])
    func whatIsNoIdentifierIsRefused(text: String) throws {
        let record = HoldRecord(
            group: Self.group,
            pair: Self.cluster,
            members: [],
            created: 0
        )
        let bytes = try StateFile.encode(record)
        let good = String(decoding: bytes.dropLast(22), as: UTF8.self)
        let bad = good.replacing(Self.group.description, with: text)
        #expect(bad != good)
        #expect(throws: StoreError.self) {
            try StateFile.decode(HoldRecord.self, from: Self.sealed(bad), path: "")
        }
    }

    private static func sealed(_ text: String) -> [UInt8] {
        let digits = String(Checksum.xxh3(Array(text.utf8)), radix: 16)
        let zeros = String(repeating: "0", count: 16 - digits.count)
        return Array("\(text)xxh3 \(zeros)\(digits)\n".utf8)
    }
}
