// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BlockTypes
import Foundation
import Glibc

/// `godwit-perf run`: makes the volumes, runs every peer in every case, writes the results.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs Godwit and its peers on the same volumes, interleaved.",
        discussion: """
            Examples:
              godwit-perf run --size 512MiB --repeats 3
              godwit-perf run --size 4GiB --peers godwit,rsync --cases full,clustered
            Cases: \(Case.allCases.map(\.rawValue).joined(separator: ", ")).
            """
    )

    @Option(help: "The size of the volumes, such as 512MiB or 4GiB.") var size = "4GiB"
    @Option(help: "The volumes of the case small, 64 MiB each.") var smallVolumes = 1000
    @Option(help: "How often each peer runs in each case.") var repeats = 7
    @Option(help: "Only these peers, separated by commas.") var peers: String?
    @Option(help: "Only these cases, separated by commas.") var cases: String?
    @Option(help: "The folder for the volumes; it needs about fifteen times the size.")
    var work = "perf/results/tmp"
    @Option(help: "The folder for the JSON file and the plot.") var results = "perf/results"
    @Option(help: "The seed of the volumes and of the order.") var seed: UInt64 = 20_261_121
    @Flag(name: .customLong("in-namespace"), help: .hidden) var inNamespace = false

    func run() throws {
        let size = try Self.bytes(of: self.size)
        guard self.smallVolumes > 0 else {
            throw ValidationError("--small-volumes must be 1 or more")
        }
        guard self.repeats > 0 else { throw ValidationError("--repeats must be 1 or more") }
        let cases = try Self.chosen(self.cases, of: Case.allCases.map(\.rawValue), "case")
            .compactMap { Case(rawValue: $0) }
        if !self.inNamespace { Namespace.enter() }
        let work = URL(fileURLWithPath: self.work).standardizedFileURL.path
        try Scratch.create(in: work)
        Cleanup.shared.handleSignals()
        defer { Cleanup.shared.run() }
        let certificates = try Certificates()
        let all: [any Peer] = [
            Godwit(.workFolder), Godwit(.workFolder, codec: .lz4), Godwit(.reflink(.xfs)),
            Godwit(.reflink(.btrfs)),
            Rsync(compresses: false, certificates), Rsync(compresses: true, certificates),
            NetworkBlockDevice(.nbdcopy, certificates),
            NetworkBlockDevice(.qemu, certificates), CompressedPipe(certificates),
            Btrfs(certificates, .none),
            Btrfs(certificates, .zstd), MinimalProgram(certificates),
        ]
        let names = try Self.chosen(self.peers, of: all.map(\.name), "peer")
        let session = Session(
            size: size,
            smallVolumes: self.smallVolumes,
            repeats: self.repeats,
            seed: self.seed,
            peers: all.filter { names.contains($0.name) },
            certificates: certificates,
            workFolder: work
        )
        try session.run(cases)
        try self.finish(session.results)
    }

    private func finish(_ results: Results) throws {
        let path = try results.write(to: self.results)
        let plot = String(path.dropLast(5)) + ".svg"
        try Plot(results: results).svg.write(toFile: plot, atomically: true, encoding: .utf8)
        if let roofline = results.roofline { print("\n\(roofline.text)") }
        let parts = [results.table, results.comparison, results.perVolume, results.verdicts]
        for part in parts where !part.isEmpty { print("\n\(part)") }
        for line in results.skipped { print("skipped: \(line)") }
        print("\n\(path)\n\(plot)")
        guard results.series.allSatisfy({ $0.samples.allSatisfy(\.identical) }) else {
            throw HarnessError("a destination differs from its source: see the table")
        }
    }

    private static func chosen(
        _ list: String?,
        of known: [String],
        _ what: String
    ) throws -> [String] {
        guard let list else { return known }
        let names = list.split(separator: ",").map(String.init)
        for name in names where !known.contains(name) {
            throw ValidationError(
                "there is no \(what) '\(name)': \(known.joined(separator: ", "))"
            )
        }
        return names
    }

    static func bytes(of text: String) throws -> ByteCount {
        let units = ["MiB": 20, "GiB": 30]
        for (unit, shift) in units where text.hasSuffix(unit) {
            guard let number = Int(text.dropLast(3)), (1...65536).contains(number) else { continue }
            let bytes = number << shift
            if bytes >= 32 << 20, bytes <= 1 << 40 { return ByteCount(bytes) }
        }
        throw ValidationError("'\(text)' is no size from 32MiB to 1024GiB")
    }
}
