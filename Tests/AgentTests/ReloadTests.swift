// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Locks
import Logging
import Testing

@testable import Agent

/// What SIGHUP changes, and what waits for the next start (docs/agent.md).
@Suite struct ReloadTests {
    private let scratch: Scratch

    init() throws { self.scratch = try Scratch() }

    @Test func whatIsBoundToTheStartStaysAndIsNamed() throws {
        let live = LiveConfiguration(AgentConfiguration())
        var wanted = AgentConfiguration()
        wanted.threads = 3
        wanted.keepGenerations = 7
        wanted.certificateLifetime = 60
        #expect(live.change(to: wanted).isEmpty)
        #expect(live.current == wanted)
        wanted.pool = "/elsewhere"
        wanted.data = HostPort(host: "127.0.0.1", port: 1)
        wanted.drainTimeout = 1
        wanted.threads = 4
        #expect(live.change(to: wanted) == ["pool", "data", "drainTimeout"])
        #expect(live.current.threads == 4)
        #expect(live.current.pool == nil && live.current.drainTimeout == 30)
        // Named again as long as it differs.
        #expect(live.change(to: wanted) == ["pool", "data", "drainTimeout"])
    }

    @Test func everyKeyIsEitherTakenOverOrNamed() throws {
        let texts = [
            "pool": "/x", "data": "127.0.0.1:1", "api": "127.0.0.1:2", "name": "n",
            "control.address": "127.0.0.1:3", "control.tls": "/tls",
            "limits.transfers": "9", "limits.threads": "9", "limits.bandwidth": "1MiB/s",
            "limits.retries": "9", "keepGenerations": "9", "certificates.lifetime": "9h",
            "log.format": "json", "log.level": "debug", "drainTimeout": "9s",
        ]
        #expect(Set(texts.keys) == Set(Setting.all.map(\.key)))
        for setting in Setting.all {
            let before = AgentConfiguration()
            let live = LiveConfiguration(before)
            var wanted = before
            try setting.apply(&wanted, try #require(texts[setting.key]))
            let named = live.change(to: wanted)
            #expect(named == (live.current == before ? [setting.key] : []), "\(setting.key)")
        }
    }

    @Test func loggersFollowTheThresholdUntilTheyAreToldTheirOwnLevel() {
        let threshold = LogThreshold(.warning)
        let lines = Locked<[String]>([])
        var logger = Logger(label: "test") { _ in
            LogOutput(isJSON: false, threshold: threshold, now: { Date() }) { line in
                lines.withLock { $0.append(line) }
            }
        }
        logger.info("too little")
        threshold.level = .info
        logger.info("enough")
        logger.logLevel = .error
        logger.info("not from this one")
        let found = lines.withLock { $0 }
        #expect(found.count == 1 && found[0].contains("enough"))
    }

    @Test func aHangupIsHeardAndNamesWhatItCannotChange() async throws {
        let file = try self.scratch.file("a.yaml", "log:\n  level: info\n")
        let agent = try await TestAgent("s", in: self.scratch.path, extra: ["--config", file])
        _ = try self.scratch.file("a.yaml", "log:\n  level: debug\ndrainTimeout: 5s\nname: other\n")
        agent.process.signal(SIGHUP)
        _ = try await agent.log.first(reason: "ConfigurationReloaded")
        let events = try await agent.value([EventInfo].self, "events")
        let reloaded = try #require(events.first { $0.reason == "ConfigurationReloaded" })
        #expect(reloaded.message.hasSuffix("; a restart is needed for name, drainTimeout"))
        #expect(try await agent.stop().status == 0)
    }
}
