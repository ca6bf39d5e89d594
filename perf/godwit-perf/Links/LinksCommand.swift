// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BlockTypes

/// `godwit-perf links`: what the choice of the codec is worth on links of several speeds.
struct LinksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "links",
        abstract: "Measures full copies over shaped links, with each codec and with the choice.",
        discussion: """
            Examples:
              godwit-perf links
              godwit-perf links --links 100Mbit=64MiB,veth=256MiB --delay 20 --repeats 1
            """
    )

    @Option(help: "Links with the size of their volume: 100Mbit, 1Gbit, …, or veth, unshaped.")
    var links = "100Mbit=256MiB,1Gbit=1GiB,10Gbit=4GiB,veth=4GiB"
    @Option(help: "Only these codecs, separated by commas.") var codecs =
        "none,lz4,deflate,zstd,auto"
    @Option(help: "Milliseconds that each direction takes.") var delay = 0
    @Option(help: "How often each codec runs on each link.") var repeats = 3
    @OptionGroup var options: TransferOptions

    func validate() throws {
        _ = try Self.links(self.links, delay: self.delay)
        guard self.repeats > 0, (0...10_000).contains(self.delay), !self.codecs.isEmpty else {
            throw ValidationError("--repeats must be 1 or more, --delay 0 to 10000")
        }
    }

    func run() throws {
        try self.options.measure(unless: ShapedLink.obstacle) { origin in
            var results = LinksResults(
                date: origin.date,
                machine: origin.machine,
                seed: self.options.seed,
                repeats: self.repeats
            )
            let measurement = try LinksMeasurement(
                codecs: self.codecs.split(separator: ",").map(String.init),
                repeats: self.repeats,
                seed: self.options.seed
            )
            for (shape, size) in try Self.links(self.links, delay: self.delay) {
                results.links.append(try measurement.measure(shape, size))
            }
            try measurement.close()
            return results
        }
    }

    /// Reads `100Mbit=256MiB,veth=4GiB`.
    static func links(_ text: String, delay: Int) throws -> [(LinkShape, ByteCount)] {
        try text.split(separator: ",")
            .map { item in
                let words = item.split(separator: "=", maxSplits: 1).map(String.init)
                guard words.count == 2, let bits = Self.bits(of: words[0]) else {
                    throw ValidationError(
                        "'\(item)' is no link: write 100Mbit=256MiB, 1Gbit=1GiB or veth=4GiB"
                    )
                }
                let shape = LinkShape(
                    bitsPerSecond: bits == 0 ? nil : bits,
                    delayMilliseconds: delay
                )
                return (shape, try RunCommand.bytes(of: words[1]))
            }
    }

    /// 0 for a link that nothing shapes; nil for what is no speed.
    private static func bits(of text: String) -> Int? {
        if text == "veth" { return 0 }
        let units = ["Mbit": 1_000_000, "Gbit": 1_000_000_000]
        for (unit, factor) in units where text.hasSuffix(unit) {
            guard let number = Int(text.dropLast(4)), (1...100_000).contains(number) else {
                return nil
            }
            return number * factor
        }
        return nil
    }
}
