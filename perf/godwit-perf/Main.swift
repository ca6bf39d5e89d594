// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BlockTypes
import Foundation
import Glibc

@main
struct Main: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "godwit-perf",
        abstract: "Measures Godwit beside what one would use instead. See perf/README.md.",
        subcommands: [
            RunCommand.self, ControllersCommand.self, SchedulesCommand.self, LinksCommand.self,
            SparseCommand.self, CompareCommand.self,
            TouchMemoryCommand.self, TransportSendCommand.self, TransportReceiveCommand.self,
        ]
    )
}

/// `godwit-perf compare OLD NEW`.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Prints what changed between two results, and whether it exceeds the spread."
    )

    @Argument(help: "The JSON file of the older run.") var old: String
    @Argument(help: "The JSON file of the newer run.") var new: String

    func run() throws {
        print(Comparison(old: try Results.read(self.old), new: try Results.read(self.new)).text)
    }
}

/// Touches memory and ends; a process of its own, so that the harness itself stays small.
struct TouchMemoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "touch-memory",
        abstract: "Touches memory and gives it back.",
        shouldDisplay: false
    )

    @Argument var bytes: Int

    func run() throws {
        let protection = PROT_READ | PROT_WRITE
        let memory = mmap(nil, max(1, self.bytes), protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory, memory != MAP_FAILED else { return }
        for place in stride(from: 0, to: self.bytes, by: 4096) {
            memory.storeBytes(of: 1, toByteOffset: place, as: UInt8.self)
        }
    }
}
