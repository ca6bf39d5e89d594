// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Testing

/// The bandwidth that all transfers to a pair share.
@Suite(.serialized) struct PairLimitTests {
    private let scratch: Scratch

    init() throws { self.scratch = try Scratch() }

    @Test func aLimitOfAPairIsChangedWhileItsTransfersRun() async throws {
        let (source, destination) = try await TestAgent.paired(in: self.scratch.path)
        let image = try self.scratch.random("image", bytes: 24 << 20, seed: 7)
        for name in ["one", "two"] { try await source.createVolume(name, from: image) }
        let limited = try await source.value(PairInfo.self, "pair", "limit", "remote", "1KiB/s")
        #expect(limited.limit == 1024)
        var transfers: [TransferInfo] = []
        for name in ["one", "two"] { transfers.append(try await source.beginReplicating(name)) }
        for transfer in transfers {
            _ = try await source.log.first {
                $0.reason == "TransferStarted" && $0.transfer == transfer.id
            }
        }
        // 24 MiB take hours: both are at work still.
        for transfer in transfers {
            let shown = try await source.value([TransferInfo].self, "transfer", "list")
            #expect(shown.first { $0.id == transfer.id }?.state == .running)
        }
        let free = try await source.value(PairInfo.self, "pair", "limit", "remote", "none")
        #expect(free.limit == nil)
        for transfer in transfers {
            let end = try await source.log.first {
                $0.transfer == transfer.id && $0.reason?.hasPrefix("TransferSucceeded") == true
            }
            #expect(end.facts["volume"] != nil)
        }
        #expect(try await source.stop().status == 0)
        #expect(try await destination.stop().status == 0)
    }

    @Test func itOutlivesARestartAndThatTheTrustIsRenewed() async throws {
        let (source, destination) = try await TestAgent.paired(in: self.scratch.path)
        _ = try await source.value(PairInfo.self, "pair", "limit", "remote", "3MiB/s")
        #expect(try await source.stop().status == 0)
        try await source.restart()
        try await source.pair(with: destination)
        let pair = try await source.value(PairInfo.self, "pair", "show", "remote")
        #expect(pair.limit == 3 << 20)
        let wide = try await source.godwit("pair", "list", "-o", "wide")
        #expect(wide.output.contains("3.00 MiB/s"))
        #expect(try await source.stop().status == 0)
        #expect(try await destination.stop().status == 0)
    }

    @Test func onlyTheSourceOfAPairHasALimitAndOnlyOneThatLetsSomethingThrough() async throws {
        let (source, destination) = try await TestAgent.paired(in: self.scratch.path)
        let unknown = try await source.godwit("pair", "limit", "remot", "1MiB/s")
        #expect(unknown.status != 0 && unknown.errors.contains("did you mean remote?"))
        let nothing = try await source.godwit("pair", "limit", "remote", "0")
        #expect(nothing.status != 0 && !nothing.errors.isEmpty)
        let pairs = try await destination.value([PairInfo].self, "pair", "list")
        let incoming = try #require(pairs.first)
        let wrongSide = try await destination.godwit("pair", "limit", incoming.name, "1MiB/s")
        #expect(wrongSide.status != 0)
        #expect(wrongSide.errors.contains("sends to this agent"))
    }
}
