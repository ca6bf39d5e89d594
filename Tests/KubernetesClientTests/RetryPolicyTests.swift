// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import KubernetesClient

@Suite struct RetryPolicyTests {
    private let policy = RetryPolicy(ClientLimits())

    private func wait(
        _ reason: ClusterError.Reason,
        isRead: Bool,
        attempt: Int = 1,
        asked: Duration? = nil,
        status: Int? = nil
    ) -> Duration? {
        self.policy.wait(
            after: ClusterError(reason, "", statusCode: status, retryAfter: asked),
            isRead: isRead,
            attempt: attempt,
            jitter: 0
        )
    }

    @Test func whatWasNeverSentIsSentAgain() {
        #expect(self.wait(.unreachable, isRead: false) == .milliseconds(200))
        #expect(self.wait(.unreachable, isRead: true) == .milliseconds(200))
    }

    @Test(arguments: [
        ClusterError.Reason.connectionLost, .serviceUnavailable, .internalError,
    ])
    func onlyReadsAreRepeatedWhereAWriteMayBeDone(reason: ClusterError.Reason) {
        #expect(self.wait(reason, isRead: true) != nil)
        #expect(self.wait(reason, isRead: false) == nil)
    }

    @Test func patienceThatIsAskedForIsGiven() {
        #expect(self.wait(.tooManyRequests, isRead: false, asked: .seconds(3)) == .seconds(3))
        #expect(self.wait(.tooManyRequests, isRead: false) == nil)
        #expect(self.wait(.tooManyRequests, isRead: true) == .milliseconds(200))
    }

    @Test func patienceThatIsTooLongIsTheCallers() {
        #expect(self.wait(.tooManyRequests, isRead: true, asked: .seconds(31)) == nil)
    }

    @Test func aServersTimeoutIsRepeatedAndOursIsNot() {
        #expect(self.wait(.timeout, isRead: true, status: 504) != nil)
        #expect(self.wait(.timeout, isRead: false, status: 504) == nil)
        #expect(self.wait(.timeout, isRead: true) == nil)
    }

    @Test(arguments: [
        ClusterError.Reason.notFound, .conflict, .invalid, .forbidden, .unauthorized, .gone,
        .untrusted, .badAnswer, .cancelled,
    ])
    func answersAreNotAskedForAgain(reason: ClusterError.Reason) {
        #expect(self.wait(reason, isRead: true) == nil)
    }

    @Test func waitsDoubleUpToTheLongestAndTheAttemptsEnd() {
        #expect(self.wait(.unreachable, isRead: true, attempt: 3) == .milliseconds(800))
        #expect(self.wait(.unreachable, isRead: true, attempt: 4) == nil)
        #expect(self.policy.backoff(100, jitter: 0) == .seconds(30))
        #expect(self.policy.backoff(1, jitter: 1) == .milliseconds(100))
    }
}
