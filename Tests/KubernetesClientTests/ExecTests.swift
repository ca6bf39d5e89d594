// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubernetesClient
import NIOCore
import NIOHTTP1
import NIOWebSocket
import ObjectModel
import TestSupport
import Testing

/// Commands in containers, over real connections with TLS.
@Suite(.timeLimit(.minutes(10))) struct ExecTests {
    private func error(_ steps: [FakeKubelet.Step]) async throws -> ClusterError {
        let thrown = try await FakeKubelet.run(steps) { server in
            await #expect(throws: ClusterError.self) { try await server.exec() }
        }
        return try #require(thrown)
    }

    @Test func theRequestSaysWhatRunsWhereAndAsWhom() async throws {
        try await FakeKubelet.run([.verdict(FakeKubelet.success), .close]) { server in
            _ = try await server.exec(["sh", "-c", "echo \"a&b\" > ü"])
            let head = try #require(server.requests.first)
            #expect(
                head.uri
                    == "/base/api/v1/namespaces/shop/pods/db-0/exec?command=sh&command=-c"
                    + "&command=echo%20%22a%26b%22%20%3E%20%C3%BC&container=main"
                    + "&stdout=true&stderr=true"
            )
            #expect(head.headers["Authorization"] == ["Bearer secret"])
            #expect(
                head.headers["Sec-WebSocket-Protocol"] == ["v5.channel.k8s.io, v4.channel.k8s.io"]
            )
            #expect(head.headers["Host"].first?.hasPrefix("127.0.0.1:") == true)
        }
    }

    @Test func whatACommandPrintsAndHowItEndsIsTold() async throws {
        let steps: [FakeKubelet.Step] = [
            .output(""), .output("one\n"), .errors("two\n"), .verdict(FakeKubelet.exit(3)), .close,
        ]
        let result = try await FakeKubelet.run(steps) { try await $0.exec() }
        #expect(result.status == 3 && !result.isCut)
        #expect(String(decoding: result.output, as: UTF8.self) == "one\ntwo\n")
    }

    @Test func aServerThatDoesNotCloseAfterTheEndIsNotWaitedFor() async throws {
        let steps: [FakeKubelet.Step] = [.verdict(FakeKubelet.success)]
        let result = try await FakeKubelet.run(steps) { try await $0.exec() }
        #expect(result.status == 0)
    }

    @Test func messagesMayComeInParts() async throws {
        let verdict = [3] + Array(FakeKubelet.exit(42).utf8)
        for cut in [0, 1, 2, verdict.count / 2, verdict.count] {
            let steps: [FakeKubelet.Step] = [
                .part(.binary, [1, 97], isLast: false), .part(.ping, [9], isLast: true),
                .part(.continuation, [98], isLast: true),
                .part(.binary, Array(verdict[..<cut]), isLast: false),
                .part(.continuation, Array(verdict[cut...]), isLast: true), .close,
            ]
            let result = try await FakeKubelet.run(steps) { try await $0.exec() }
            #expect(result.status == 42 && result.output == Array("ab".utf8), "cut at \(cut)")
        }
    }

    @Test func ofMuchOutputTheLastIsKept() async throws {
        var steps: [FakeKubelet.Step] = (0..<32)
            .map { .message(1, [UInt8](repeating: UInt8($0), count: 32 << 10)) }
        steps += [.verdict(FakeKubelet.success), .close]
        let result = try await FakeKubelet.run(steps) { try await $0.exec() }
        #expect(result.isCut && result.output.count == 64 << 10)
        #expect(result.output.first == 30 && result.output.last == 31)
    }

    @Test(arguments: [true, false]) func anEndWithoutAWordIsNoSuccess(isClosed: Bool) async throws {
        let error = try await self.error([.output("half"), isClosed ? .close : .hangUp])
        #expect(error.reason == .connectionLost && error.mayBeDone)
        #expect(error.message.contains("ended with nothing about the command's end"))
    }

    @Test func aStatusThatIsNoExitIsTheServersError() async throws {
        let status =
            #"{"kind":"Status","status":"Failure","reason":"NotFound","code":404,"#
            + #""message":"container \"main\" not found in pod \"db-0\""}"#
        let error = try await self.error([.verdict(status), .close])
        #expect(error.reason == .notFound && error.message.contains("container \"main\" not found"))
    }

    @Test func aFrameThatIsTooLargeIsRefused() async throws {
        let frame = FakeKubelet.Step.message(1, [UInt8](repeating: 0, count: 2 << 20))
        #expect(try await self.error([frame]).reason == .badAnswer)
    }

    @Test func aStatusWithoutAnEndIsRefused() async throws {
        let part = FakeKubelet.Step.message(3, [UInt8](repeating: 0x20, count: 40 << 10))
        #expect(try await self.error([part, part]).reason == .badAnswer)
    }

    @Test func noiseIsAnErrorAndNothingElse() async throws {
        let seed = TestSeed()
        var generator = seed.generator
        for round in 0..<20 {
            let bytes = (0..<200).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let error = try await self.error([.raw(bytes), .hangUp])
            #expect(
                [.badAnswer, .connectionLost].contains(error.reason),
                "round \(round), \(seed): \(error)"
            )
        }
    }

    @Test func whoeverDoesNotWaitAnyMoreClosesTheConnection() async throws {
        try await FakeKubelet.run([.output("begun")]) { server in
            let run = Task { try await server.exec() }
            var iterator = server.endedConnections.makeAsyncIterator()
            while server.requests.isEmpty { await Task.yield() }
            run.cancel()
            let error = await #expect(throws: ClusterError.self) { try await run.value }
            #expect(error?.reason == .cancelled)
            await iterator.next()
        }
    }

    @Test func anAuthorityThatWeDoNotKnowIsNotTrusted() async throws {
        let stranger = try TestAuthority("stranger")
        let error = try await FakeKubelet.run([]) { server in
            await #expect(throws: ClusterError.self) { try await server.exec(trusting: stranger) }
        }
        #expect(error?.reason == .untrusted, "\(String(describing: error))")
    }

    // MARK: Servers that do not upgrade

    private func refusal(
        _ reply: FakeServer.Reply,
        limits: ClientLimits = ClientLimits()
    ) async throws -> ClusterError {
        let thrown = try await FakeServer.run { _ in
            reply
        } during: { server in
            let client = try server.client(limits: limits)
            let error = await #expect(throws: ClusterError.self) {
                try await client.run(["true"], inPod: ObjectKey("shop", "db-0"), container: "main")
            }
            await client.shutdown()
            return error
        }
        return try #require(thrown)
    }

    @Test func aRefusalHasTheServersReasonAndWords() async throws {
        let denied = try await self.refusal(.failure(403, "Forbidden"))
        #expect(denied.reason == .forbidden && denied.message == "as the test wants")
        #expect(try await self.refusal(.failure(404, "NotFound")).reason == .notFound)
        #expect(try await self.refusal(.text(502, "a proxy")).message == "a proxy")
    }

    @Test func aServerThatAnswersWithoutUpgradingIsToldOf() async throws {
        let error = try await self.refusal(.ok([:]))
        #expect(error.statusCode == 200, "\(error)")
    }

    @Test func aServerThatHangsUpOrSaysNothingIsToldOf() async throws {
        #expect(try await self.refusal(.hangUp).reason == .connectionLost)
        var limits = ClientLimits()
        limits.requestTimeout = .milliseconds(100)
        #expect(try await self.refusal(.silence, limits: limits).reason == .timeout)
    }

    @Test func nobodyThereIsToldOf() async throws {
        let client = try KubernetesClient(
            ClusterConnection(server: "http://127.0.0.1:1"),
            environment: testEnvironment()
        )
        let error = await #expect(throws: ClusterError.self) {
            try await client.run(["true"], inPod: ObjectKey("shop", "db-0"), container: "main")
        }
        await client.shutdown()
        #expect(error?.reason == .unreachable)
    }
}
