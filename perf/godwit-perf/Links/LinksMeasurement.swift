// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Glibc

/// Full copies of one volume between two agents at the ends of a link.
final class LinksMeasurement {
    private let codecs: [String]
    private let repeats: Int
    private let seed: UInt64
    private var generator: Generator
    private let link: ShapedLink
    private let pair: GodwitPair
    private var count = 0

    /// Agents that are paired, over a link without a shape.
    init(codecs: [String], repeats: Int, seed: UInt64) throws {
        self.codecs = codecs
        self.repeats = repeats
        self.seed = seed
        self.generator = Generator(seed: seed)
        self.link = try ShapedLink()
        self.pair = try GodwitPair("link", .workFolder, room: .zero, over: self.link)
    }

    /// All codecs on one link, in another order in each repetition.
    func measure(_ shape: LinkShape, _ size: ByteCount) throws -> LinksResults.Link {
        say("\(shape.name): making a volume of \(size.bytes >> 20) MiB")
        let volume = MixedVolume(size: size, seed: self.seed)
        let path = Scratch.path("link.img")
        try volume.write(to: path)
        defer { unlink(path) }
        try self.link.shape(shape)
        var found = LinksResults.Link(shape: shape, sizeBytes: volume.size.bytes)
        found.series = self.codecs.map { LinksResults.CodecSeries(codec: $0) }
        for repetition in 1...self.repeats {
            var order = Array(self.codecs.indices)
            self.generator.shuffle(&order)
            for index in order {
                let sample = try self.copy(path, self.codecs[index], size, first: repetition == 1)
                found.series[index].samples.append(sample)
                say(
                    "\(shape.name), \(self.codecs[index]), \(repetition) of \(self.repeats): "
                        + "\(fixed(sample.wallSeconds, 2)) s, \(sample.wireBytes / 1_000_000) MB"
                )
            }
        }
        return found
    }

    /// One full copy, to a destination that has nothing; the first of each codec is compared.
    private func copy(
        _ path: String,
        _ codec: String,
        _ size: ByteCount,
        first: Bool
    ) throws -> Sample {
        self.count += 1
        let name = "volume-\(self.count)"
        try self.pair.sender.run(["volume", "create", name, "--attach", path, "--frozen"])
        try Machine.touchMemory(for: size)
        try RawFile.warm(path)
        let report = Scratch.path("link.json")
        unlink(report)
        let wire = ShapedLink.bytes()
        var sample = try self.pair.meter.measure {
            try self.pair.replicate([name], options: ["--codec", codec], report: report).wait()
        }
        sample.wireBytes = ShapedLink.bytes() - wire
        sample.reported = try self.pair.report(in: report)
        sample.identical = try !first || self.isIdentical(name, path)
        for agent in [self.pair.sender, self.pair.receiver] {
            try agent.run(["volume", "delete", name, "--yes"])
        }
        return sample
    }

    private func isIdentical(_ name: String, _ path: String) throws -> Bool {
        let copy = Scratch.path("link.copy")
        defer { unlink(copy) }
        try self.pair.receiver.run(["volume", "export", name, "--to", copy])
        let same = try RawFile.same(path, copy)
        try RawFile.syncAndEvict(copy)
        return same
    }

    func close() throws {
        try self.pair.close()
        try self.link.close()
    }
}
