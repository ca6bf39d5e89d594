// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import Glibc

extension Session {
    /// Many small volumes at once, and one large one in which as many bytes change.
    func runSmall(_ volumes: SmallVolumes) throws {
        say("making \(volumes.count) small volumes")
        let folder = try Scratch.makeFolder("small")
        try volumes.write(to: folder)
        let source = Source(
            name: "small",
            path: folder,
            size: volumes.size,
            dataSize: volumes.dataSize,
            names: volumes.names
        )
        let rsyncs = [1, 4].map { ManyRsyncs(atOnce: $0, self.certificates) }
        let isChosen = self.peers.contains { $0.name == "rsync" }
        let godwits = self.peers.filter { ["godwit", "godwit-reflink"].contains($0.name) }
        try self.measureRounds(
            volumes,
            source,
            godwits + (isChosen ? rsyncs.filter { $0.obstacle == nil } : [])
        )
        try FileManager.default.removeItem(atPath: folder)

        let path = Scratch.path("one-large.img")
        try volumes.write(concatenatedTo: path)
        let large = Source(
            name: "small one-large",
            path: path,
            size: volumes.size,
            dataSize: volumes.dataSize
        )
        try self.measureRounds(SmallVolumes.Concatenated(volumes: volumes), large, godwits)
        unlink(path)
    }

    /// Fills the destinations, and measures a run without a change and one with it.
    private func measureRounds(
        _ change: any Change,
        _ source: Source,
        _ peers: [any Peer]
    ) throws {
        try self.withPeers(peers, source) { peers in
            try self.fill(source, peers)
            try self.measure(.unchanged, nil, source, peers, changed: 0, nil)
            try self.measureChanges(nil, change, source, peers, bound: nil)
        }
    }
}
