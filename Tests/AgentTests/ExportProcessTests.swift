// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Testing

/// Exports make files, and never take one away that they did not make.
@Suite(.serialized) struct ExportProcessTests {
    private let scratch: Scratch

    init() throws { self.scratch = try Scratch() }

    @Test func aLinkThatLeadsNowhereIsInTheWayAndStays() async throws {
        let agent = try await TestAgent("a", in: self.scratch.path)
        try await agent.createVolume("db", size: "1MiB")
        let link = "\(self.scratch.path)/out.img"
        try FileManager.default.createSymbolicLink(
            atPath: link,
            withDestinationPath: "\(self.scratch.path)/nowhere"
        )
        let result = try await agent.godwit("volume", "export", "db", "--to", link)
        #expect(result.status == 5, "\(result.errors)")
        #expect(throws: Never.self) {
            try FileManager.default.destinationOfSymbolicLink(atPath: link)
        }
    }
}
