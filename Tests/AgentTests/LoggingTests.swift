// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Testing

@testable import Agent

@Suite struct LoggingTests {
    private let facts = ["volume": "db", "transfer": "t1", "error": "no space left"]

    @Test func aJSONLineIsOneObjectWithItsKeys() throws {
        let line = LogOutput.json("2026-11-21T12:00:00Z", .warning, "it\nfailed", self.facts)
        #expect(!line.contains("\n"))
        let object = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
        #expect(object["level"] == "warning" && object["message"] == "it\nfailed")
        #expect(object["volume"] == "db" && object["transfer"] == "t1")
    }

    @Test func aHumanLineIsOneLine() {
        let line = LogOutput.human("2026-11-21T12:00:00Z", .info, "it\nworked", self.facts)
        #expect(
            line
                == "2026-11-21T12:00:00Z INFO it worked  error=\"no space left\"  transfer=t1  "
                + "volume=db"
        )
    }
}
