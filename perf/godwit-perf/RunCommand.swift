// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BlockTypes

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
    @OptionGroup var options: TransferOptions

    func run() throws {
        let size = try Self.bytes(of: self.size)
        guard self.smallVolumes > 0 else {
            throw ValidationError("--small-volumes must be 1 or more")
        }
        guard self.repeats > 0 else { throw ValidationError("--repeats must be 1 or more") }
        let cases = try Self.chosen(self.cases, of: Case.allCases.map(\.rawValue), "case")
            .compactMap { Case(rawValue: $0) }
        try self.options.measure { origin in
            let certificates = try Certificates()
            let peers = Self.peers(certificates)
            let names = try Self.chosen(self.peers, of: peers.map(\.name), "peer")
            let session = Session(
                origin,
                size: size,
                smallVolumes: self.smallVolumes,
                repeats: self.repeats,
                seed: self.options.seed,
                peers: peers.filter { names.contains($0.name) },
                certificates: certificates
            )
            try session.run(cases)
            return session.results
        }
    }

    private static func peers(_ certificates: Certificates) -> [any Peer] {
        [
            Godwit(.workFolder), Godwit(.workFolder, codec: .lz4), Godwit(.reflink(.xfs)),
            Godwit(.reflink(.btrfs)),
            Rsync(compresses: false, certificates), Rsync(compresses: true, certificates),
            NetworkBlockDevice(.nbdcopy, certificates),
            NetworkBlockDevice(.qemu, certificates), CompressedPipe(certificates),
            Btrfs(certificates, .none),
            Btrfs(certificates, .zstd), MinimalProgram(certificates),
        ]
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
