// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation

/// The story of the demonstration; every line that begins with $ is run as it is shown.
struct Demo {
    /// The pieces that are cut short are sent at this speed, so that there is a middle.
    static let slowly = "8MiB/s"
    static let filesBytes = 192 << 20
    static let imageMebibytes = 320

    let stage: DemoStage
    /// Whether surprises in the numbers count as failures.
    let isStrict: Bool
    private var rows: [DemoRow] = []
    private var live = ""

    init(stage: DemoStage, isStrict: Bool) {
        self.stage = stage
        self.isStrict = isStrict
    }

    mutating func play() async throws {
        try await self.prepare()
        try await self.sendAll()
        try await self.killReceiver()
        try await self.killSender()
        try await self.prove()
        try await DemoMigration(stage: self.stage).play()
        try await DemoSchedule(stage: self.stage).play()
        try await DemoFailover(stage: self.stage).play()
        self.stage.say("\n" + DemoRow.table(self.rows))
    }

    // MARK: - Acts

    private mutating func prepare() async throws {
        let stage = self.stage
        stage.headline("Two agents, each with its own pool, on 127.0.0.1 only")
        try await stage.startAgent("destination")
        try await stage.startAgent("source")
        stage.headline("A real ext4 file system of files of this machine")
        let count = try DemoFiles.copy(upTo: Self.filesBytes, to: "\(stage.directory)/files")
        stage.say("(\(count) files of this machine were copied to files/)")
        try stage.shell("mke2fs -q -t ext4 -d files disk.img \(Self.imageMebibytes)M")
        stage.headline("Trust: the destination's token lets the source pair with it")
        try stage.shell(
            "godwit --agent destination cluster token show | "
                + "godwit --agent source pair create destination --ip 127.0.0.1 "
                + "--port \(stage.apiPort("destination")) --token -"
        )
        try stage.shell("godwit --agent source volume create disk --from disk.img")
        self.live = try await stage.livePath(of: "disk")
    }

    private mutating func sendAll() async throws {
        self.stage.headline("Full: the first transfer sends everything that is not zero")
        try self.stage.shell("godwit --agent source replicate disk --to destination")
        let full = try await self.note("full")
        self.stage.headline("Incremental: 1 % changes, 1 % travels")
        try self.write("one-percent", mebibytes: Self.imageMebibytes / 100)
        try self.stage.shell("godwit --agent source replicate disk --to destination")
        let incremental = try await self.note("1 % changed")
        try self.expect(
            incremental.wireBytes * 10 < full.wireBytes && incremental.mode == .incremental,
            "the incremental sent \(incremental.wireBytes) bytes, the full \(full.wireBytes)"
        )
    }

    private mutating func killReceiver() async throws {
        self.stage.headline("The receiver is killed in the middle; the transfer goes on by itself")
        try self.write("receiver-killed", mebibytes: 24)
        let line = "godwit --agent source replicate disk --to destination --limit \(Self.slowly)"
        let command = try self.stage.start(line)
        try await self.waitForMiddle()
        self.stage.kill("destination")
        try await self.stage.startAgent("destination")
        try self.stage.finish(command, line)
        let report = try await self.note("receiver killed")
        try self.expect(report.resumedBytes > 0, "nothing was resumed after the receiver's death")
    }

    private mutating func killSender() async throws {
        self.stage.headline("The sender is killed in the middle; its next start goes on")
        try self.write("sender-killed", mebibytes: 24)
        try self.stage.shell(
            "godwit --agent source replicate disk --to destination --limit \(Self.slowly) --detach"
        )
        try await self.waitForMiddle()
        self.stage.kill("source")
        try await self.stage.startAgent("source")
        let transfer = try await self.newest()
        try self.stage.shell("godwit --agent source transfer show \(transfer.id) --follow")
        let report = try await self.note("sender killed")
        try self.expect(report.resumedBytes > 0, "nothing was resumed after the sender's death")
    }

    private mutating func prove() async throws {
        self.stage.headline("Proof: both sides read every byte again and compare the roots")
        try self.stage.shell("godwit --agent source volume verify disk --against destination")
        self.stage.headline("And without trust in us: export, compare, check the file system")
        try self.stage.shell("godwit --agent destination volume export disk --to copy.img")
        try self.stage.shell("cmp \(self.live) copy.img && echo 'byte for byte the same'")
        try self.stage.shell("e2fsck -fn copy.img >/dev/null 2>&1")
        self.stage.say("(e2fsck finds the copy clean)")
    }

    // MARK: - Pieces

    /// Writes a file into the file system inside the volume, as an application would.
    private func write(_ name: String, mebibytes: Int) throws(APIError) {
        try self.stage.shell("head -c \(mebibytes)M /dev/urandom > \(name)")
        try self.stage.shell("debugfs -w -R 'write \(name) \(name)' \(self.live) 2>/dev/null")
    }

    private func newest() async throws -> TransferInfo {
        let list: ItemList<TransferInfo> = try await self.stage.ask("source", AgentRoute.transfers)
        guard let newest = list.items.first else {
            throw APIError(.failedDemo, "The source has no transfer.")
        }
        return newest
    }

    /// Waits until a third of the change has been sent.
    private func waitForMiddle() async throws {
        for _ in 0..<600 {
            let transfer: TransferInfo? = try? await self.newest()
            if let progress = transfer?.progress, progress.wireBytes > 8 << 20 { return }
            if let transfer, transfer.state.isFinal, transfer.report?.wireBytes ?? 0 > 8 << 20 {
                break
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw APIError(.failedDemo, "The middle of the transfer was not seen.")
    }

    private mutating func note(_ title: String) async throws -> TransferReport {
        let transfer = try await self.newest()
        guard transfer.state == .succeeded, let report = transfer.report else {
            throw APIError(.failedDemo, "The transfer '\(title)' did not succeed.")
        }
        self.rows.append(DemoRow(title: title, report: report))
        return report
    }

    private func expect(_ isTrue: Bool, _ otherwise: String) throws(APIError) {
        guard !isTrue else { return }
        guard self.isStrict else { return self.stage.say("(unexpected: \(otherwise))") }
        throw APIError(.failedDemo, "Unexpected: \(otherwise).")
    }
}

/// One line of the table at the end.
struct DemoRow: Listed {
    let title: String
    let report: TransferReport

    static var kind: String { "step" }
    var listedName: String { self.title }
    static var columns: [Column<Self>] {
        [
            Column("WHAT") { $0.title },
            Column("MODE") { $0.report.mode.rawValue },
            Column("TIME") { shownDuration($0.report.seconds) },
            Column("CHANGED") { ByteSize.text(of: $0.report.changedBytes) },
            Column("ON THE WIRE") { ByteSize.text(of: $0.report.wireBytes) },
            Column("RESUMED") { ByteSize.text(of: $0.report.resumedBytes) },
        ]
    }

    static func table(_ rows: [Self]) -> String {
        (try? Rendering.text(of: rows, .table)) ?? ""
    }
}

/// Files of this machine for the image.
enum DemoFiles {
    private static let places = ["/usr/bin", "/usr/share", "/usr/lib", "/etc"]

    /// Copies readable files until there are enough bytes; returns how many files.
    static func copy(upTo limit: Int, to target: String) throws -> Int {
        let manager = FileManager.default
        try? manager.removeItem(atPath: target)
        try manager.createDirectory(atPath: target, withIntermediateDirectories: true)
        var bytes = 0
        var count = 0
        for place in Self.places {
            guard let found = manager.enumerator(atPath: place) else { continue }
            while let name = found.nextObject() as? String, bytes < limit, count < 20_000 {
                let path = "\(place)/\(name)"
                guard let attributes = found.fileAttributes,
                    attributes[.type] as? FileAttributeType == .typeRegular,
                    let size = (attributes[.size] as? NSNumber)?.intValue, size > 0,
                    bytes + size <= limit, manager.isReadableFile(atPath: path)
                else { continue }
                let copy = "\(target)/\(count)-\(name.split(separator: "/").last ?? "file")"
                guard let content = manager.contents(atPath: path),
                    manager.createFile(atPath: copy, contents: content)
                else { continue }
                bytes += size
                count += 1
            }
        }
        return count
    }
}
