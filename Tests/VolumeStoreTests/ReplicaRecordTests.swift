// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import Testing
import VolumeStore

@Suite struct ReplicaRecordTests {
    private var source: ReplicaSource {
        var source = ReplicaSource(seed: 60)
        source.begin(size: 10_000)
        return source
    }

    private func roundTrip<Record: StateRecord & Equatable>(_ record: Record) throws {
        let bytes = try StateFile.encode(record)
        #expect(try StateFile.decode(Record.self, from: bytes, path: "x") == record)
    }

    @Test func everyRecordComesBackAsItWas() throws {
        var source = self.source
        try self.roundTrip(source.record())
        try self.roundTrip(source.record(.attached(path: "/dev/loop7", isFrozen: true)))
        let generation = GenerationRecord(
            source.target.generation(root: source.root()),
            algorithm: .ph128,
            clonedFrom: GenerationNumber(7)
        )
        try self.roundTrip(generation)
        try self.roundTrip(CommitRecord())
        try self.roundTrip(
            CommitRecord(
                visible: generation,
                kept: [generation, generation],
                pending: CommitRecord.Pending(generation, by: .apply)
            )
        )
        let request = source.request(.incremental)
        for backend in StageBackend.allCases {
            try self.roundTrip(
                StageRecord(
                    transfer: request.transfer,
                    mode: .incremental,
                    visible: generation,
                    target: source.target,
                    backend: backend,
                    ticket: [0, 255, 7]
                )
            )
        }
    }

    @Test func anyChangedByteIsFound() throws {
        let bytes = try StateFile.encode(self.source.record())
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0x04
            #expect(throws: StoreError.self, "byte \(index)") {
                _ = try StateFile.decode(VolumeRecord.self, from: damaged, path: "x")
            }
        }
        for count in 0..<bytes.count {
            #expect(throws: StoreError.self, "\(count) bytes") {
                _ = try StateFile.decode(
                    VolumeRecord.self,
                    from: Array(bytes.prefix(count)),
                    path: "x"
                )
            }
        }
    }

    @Test func aRecordOfAnotherVersionSaysSo() throws {
        struct Later: StateRecord { static let format = 2 }
        struct Now: StateRecord { static let format = 1 }
        let bytes = try StateFile.encode(Later())
        let found = code { _ = try StateFile.decode(Now.self, from: bytes, path: "x") }
        #expect(found == .unsupported)
    }

    @Test func theTextIsReadableAndEndsWithItsChecksum() throws {
        let text = String(decoding: try StateFile.encode(self.source.record()), as: UTF8.self)
        #expect(text.hasPrefix("{\n  \"format\" : 1,\n  \"record\" : {\n"))
        let last = try #require(text.split(separator: "\n").last)
        #expect(last.hasPrefix("xxh3 ") && last.count == 21)
    }
}
