// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import KubernetesClient

/// The stream of an exec request, event by event.
@Suite struct ExecStreamTests {
    private typealias Event = ExecStream.Event

    private static let success = Array(FakeKubelet.success.utf8)

    @Test func theEndIsAskedForWhenTheStatusIsWhole() {
        var stream = ExecStream()
        #expect(stream.received(.message([1, 65], isLast: true)) == .nothing)
        #expect(stream.received(.ping([7])) == .pong([7]))
        #expect(stream.received(.message([3] + Self.success, isLast: true)) == .close)
        let end = ExecResult(status: 0, output: [65], isCut: false)
        #expect(stream.received(.end) == .finish(.success(end)))
    }

    @Test func partsThatDoNotFitAreRefused() {
        var inside = ExecStream()
        _ = inside.received(.message([1], isLast: false))
        var outside = ExecStream()
        for action in [
            inside.received(.message([1], isLast: true)),
            outside.received(.continuation([1], isLast: true)),
        ] {
            guard case .finish(.failure(let error)) = action else {
                Issue.record("\(action)")
                continue
            }
            #expect(error.reason == .badAnswer)
        }
    }

    @Test func channelsThatAreNotOursAndEmptyMessagesSayNothing() {
        var stream = ExecStream()
        for bytes: [UInt8] in [[], [0], [255, 1], [4, 9]] {
            #expect(stream.received(.message(bytes, isLast: true)) == .nothing)
        }
        guard case .finish(.failure(let error)) = stream.received(.close) else {
            Issue.record("no end was told")
            return
        }
        #expect(error.reason == .connectionLost)
    }

    @Test func noiseNeverTraps() {
        let seed = TestSeed()
        var generator = seed.generator
        for _ in 0..<500 {
            var stream = ExecStream()
            for _ in 0..<20 {
                let bytes = (0..<Int.random(in: 0...30, using: &generator))
                    .map { _ in UInt8.random(in: 0...4, using: &generator) }
                let isLast = Bool.random(using: &generator)
                let event: Event =
                    Bool.random(using: &generator)
                    ? .message(bytes, isLast: isLast) : .continuation(bytes, isLast: isLast)
                _ = stream.received(event)
            }
            guard case .finish = stream.received(.end) else {
                Issue.record("no end with \(seed)")
                return
            }
        }
    }
}
