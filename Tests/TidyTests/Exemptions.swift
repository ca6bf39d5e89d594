// SPDX-License-Identifier: Apache-2.0

import Testing

/// A file that may break a rule, with the reason and when to look at it again.
struct Exemption {
    let path: String
    let rule: String
    let reason: String
    let expiry: String

    static let all: [Self] = [
        Self(
            path: "Tests/AgentTests/KillTests.swift",
            rule: "sleep",
            reason: "random instants at which a process is killed are what it is about",
            expiry: "none"
        ),
        Self(
            path: "Tests/AgentTests/ExitCodeTests.swift",
            rule: "sleep",
            reason: "from outside nobody sees when a command has installed its signal handler",
            expiry: "when the command prints a line then"
        ),
        Self(
            path: "Tests/AgentTests/QueueTests.swift",
            rule: "sleep",
            reason: "the stand-in for a blocking run polls its outcome; no time is asserted",
            expiry: "when it waits on a condition"
        ),
    ]
}

@Suite struct ExemptionTests {
    @Test func eachNamesAFileThatExistsAndSaysWhy() {
        for exemption in Exemption.all {
            #expect(Repository.shared.exists(exemption.path), "\(exemption.path) is gone")
            #expect(exemption.reason.count > 20, "\(exemption.path): say why")
            #expect(!exemption.expiry.isEmpty)
        }
    }
}
