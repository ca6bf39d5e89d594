// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import Glibc

/// `btrfs send` into `btrfs receive` over TLS, between two loop-mounted file systems.
final class Btrfs: Peer {
    /// How the file systems are mounted, and what the stream carries.
    enum Compression {
        /// Nothing is compressed on the disks or in the stream.
        case none
        /// Both compress with zstd 1 and the stream carries the compressed extents (protocol 2): its
        /// best case, as the work of compressing was done when the data was written.
        case zstd
    }

    let scenarios: Set<Scenario> = [.full, .incremental, .unchanged]
    private let certificates: Certificates
    private let compression: Compression
    private var from: LoopFileSystem?
    private var to: LoopFileSystem?
    private var snapshot = 0
    private var base: Int?

    init(_ certificates: Certificates, _ compression: Compression) {
        self.certificates = certificates
        self.compression = compression
    }

    var name: String {
        switch self.compression {
        case .none: "btrfs-send"
        case .zstd: "btrfs-send-zstd"
        }
    }

    var summary: String {
        let (options, mount) =
            switch self.compression {
            case .none: ("", "not compressed")
            case .zstd: (" --compressed-data", "compress=zstd:1 on both sides")
            }
        return
            "btrfs subvolume snapshot; btrfs send --proto 2\(options) [-p] over openssl s_client into "
            + "s_server | btrfs receive; \(mount)"
    }

    private var mountOptions: String {
        switch self.compression {
        case .none: "defaults"
        case .zstd: "compress=zstd:1"
        }
    }

    private var sendOptions: String {
        switch self.compression {
        case .none: "--proto 2"
        case .zstd: "--proto 2 --compressed-data"
        }
    }

    var obstacle: String? {
        LoopFileSystem.obstacle("btrfs") ?? self.missing("btrfs", "openssl")
    }

    func open(_ source: Source) throws {
        let size = ByteCount(source.size.bytes * 3 + (1 << 30))
        let from = try LoopFileSystem(
            "btrfs",
            name: "\(self.name)-send",
            size: size,
            options: self.mountOptions
        )
        self.from = from
        self.to = try LoopFileSystem(
            "btrfs",
            name: "\(self.name)-receive",
            size: size,
            options: self.mountOptions
        )
        try run(["btrfs", "subvolume", "create", "\(from.mount)/volume"])
        try run(["cp", "--sparse=always", source.path, "\(from.mount)/volume/image"])
        try from.sync()
    }

    func follow(_ difference: any Change, to state: VolumeState) throws {
        guard let from = self.from else { return }
        try difference.apply(state, to: "\(from.mount)/volume/image")
        try from.sync()
    }

    func clear() throws {
        guard let from = self.from, let to = self.to else { return }
        for mount in [from.mount, to.mount] {
            for name in try FileManager.default.contentsOfDirectory(atPath: mount)
            where name.hasPrefix("s") {
                try run(["btrfs", "subvolume", "delete", "--commit-after", "\(mount)/\(name)"])
            }
            try run(["btrfs", "subvolume", "sync", mount])
        }
        self.base = nil
    }

    func transfer(_ scenario: Scenario) throws -> Sample {
        guard let from = self.from, let to = self.to else {
            throw HarnessError("\(self.name) has no source")
        }
        let parent = scenario == .full ? nil : self.base
        let next = self.snapshot + 1
        try RawFile.warm("\(from.mount)/volume/image")
        let option = parent.map { "-p \(from.mount)/s\($0)" } ?? ""
        let sample = try self.certificates.pipe(
            from: "btrfs send -q \(self.sendOptions) \(option) \(from.mount)/s\(next)",
            into: "btrfs receive -q \(to.mount)"
        ) {
            // Freezing is a part of Godwit's time too.
            try run([
                "btrfs", "subvolume", "snapshot", "-r", "\(from.mount)/volume",
                "\(from.mount)/s\(next)",
            ])
        } thenSync: {
            try to.sync()
        }
        self.snapshot = next
        self.base = next
        if let parent {
            for mount in [from.mount, to.mount] {
                try run(["btrfs", "subvolume", "delete", "\(mount)/s\(parent)"])
            }
        }
        return sample
    }

    func isIdentical() throws -> Bool {
        guard let from = self.from, let to = self.to, let base = self.base else { return false }
        let path = "\(to.mount)/s\(base)/image"
        let same = try RawFile.same("\(from.mount)/volume/image", path)
        try RawFile.syncAndEvict(path)
        return same
    }

    func close() throws {
        try self.from?.unmount()
        try self.to?.unmount()
        self.from = nil
        self.to = nil
    }
}
