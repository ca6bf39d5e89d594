// SPDX-License-Identifier: Apache-2.0

import AgentAPI

extension VolumeInfo: Listed {
    static var kind: String { "volume" }
    var listedName: String { self.name }
    static var columns: [Column<Self>] {
        [
            Column("NAME") { $0.name },
            Column("ROLE") { $0.role.rawValue + ($0.fenced == nil ? "" : ",fenced") },
            Column("SIZE") { ByteSize.text(of: $0.sizeBytes) },
            Column("GENERATION") { $0.generation.map { "\($0.number)" } ?? "" },
            Column("BACKING") { $0.backing },
            Column("OWNER") { $0.owner ?? "" },
            Column("CREATED") { shownTime($0.generation?.created) },
            Column("ID", wide: true) { $0.id },
            Column("LINEAGE", wide: true) { $0.lineage },
            Column("KEPT", wide: true) {
                $0.generations.map { "\($0.number)" }.joined(separator: ",")
            },
            Column("ROOT", wide: true) { $0.generation?.rootDigest ?? "" },
            Column("PATH", wide: true) { $0.path ?? "" },
            Column("FROM", wide: true) { $0.shownOrigin },
        ]
    }

    /// What the volume was before, or was copied from.
    private var shownOrigin: String {
        if let from = self.promotedFrom {
            return "promoted from \(from.owner ?? from.cluster), generation \(from.generation)"
        }
        if let taken = self.takenOver {
            return "source until \(shownTime(taken.since))"
                + (taken.savedAs.map { ", kept as \($0)" } ?? "")
        }
        guard let from = self.clonedFrom else { return "" }
        if from.isBeforeFailback { return "\(from.volume) before its failback" }
        return "copy of \(from.volume)"
            + (from.generation.map { ", generation \($0)" } ?? "")
    }
}

extension PairInfo: Listed {
    static var kind: String { "pair" }
    var listedName: String { self.name }
    static var columns: [Column<Self>] {
        [
            Column("NAME") { $0.name },
            Column("DIRECTION") { $0.direction.rawValue },
            Column("HOST") { $0.host ?? "" },
            Column("PORT") { $0.apiPort.map { "\($0)" } ?? "" },
            Column("MODE") { $0.mode.rawValue },
            Column("EXPIRES") { shownTime($0.certificateExpires) },
            Column("CREATED") { shownTime($0.created) },
            Column("CLUSTER", wide: true) { $0.cluster },
            Column("DATA-PORT", wide: true) { $0.dataPort.map { "\($0)" } ?? "" },
            Column("FINGERPRINT", wide: true) { $0.fingerprint ?? "" },
            Column("LIMIT", wide: true) {
                $0.limit.map { ByteSize.rateText(of: Double($0)) } ?? "none"
            },
        ]
    }
}

extension TransferInfo: Listed {
    static var kind: String { "transfer" }
    var listedName: String { self.id }
    static var columns: [Column<Self>] {
        [
            Column("ID") { $0.id },
            Column("VOLUME") { $0.volume },
            Column("PAIR") { $0.pair },
            Column("STATE") { $0.state.rawValue },
            Column("PROGRESS") { $0.shownProgress },
            Column("MODE") { $0.report?.mode.rawValue ?? "" },
            Column("CHANGED") { $0.report.map { ByteSize.text(of: $0.changedBytes) } ?? "" },
            Column("WIRE") { $0.report.map { ByteSize.text(of: $0.wireBytes) } ?? "" },
            Column("TOOK") { $0.report.map { shownDuration($0.seconds) } ?? "" },
            Column("CREATED") { shownTime($0.created) },
            Column("TRIES", wide: true) { "\($0.attempt)" },
            Column("LIMIT", wide: true) {
                $0.limit.map { ByteSize.rateText(of: Double($0)) } ?? "none"
            },
            Column("GENERATION", wide: true) {
                $0.report?.targetGeneration.map { "\($0)" } ?? ""
            },
            Column("RESUMED", wide: true) {
                $0.report.map { ByteSize.text(of: $0.resumedBytes) } ?? ""
            },
            Column("SOURCE", wide: true) { $0.report?.changeSource ?? "" },
            Column("ROOT", wide: true) { $0.report?.rootDigest ?? "" },
            Column("ERROR", wide: true) { $0.error.map { "\($0)" } ?? "" },
        ]
    }

    private var shownProgress: String {
        switch self.state {
        case .succeeded: return "100%"
        case .queued, .failed, .cancelled, .waiting: return ""
        case .running:
            guard let percent = self.progress?.percent else { return "estimating" }
            return "\(Int(percent))%"
        }
    }
}

extension TransferReport: Listed {
    static var kind: String { "volume" }
    var listedName: String { self.volume }
    static var columns: [Column<Self>] {
        [
            Column("VOLUME") { $0.volume },
            Column("MODE") { $0.mode.rawValue },
            Column("GENERATION") { $0.targetGeneration.map { "\($0)" } ?? "" },
            Column("SIZE") { ByteSize.text(of: $0.volumeBytes) },
            Column("CHANGED") { ByteSize.text(of: $0.changedBytes) },
            Column("WIRE") { ByteSize.text(of: $0.wireBytes) },
            Column("RESUMED") { ByteSize.text(of: $0.resumedBytes) },
            Column("TOOK") { shownDuration($0.seconds) },
            Column("RESULT") { $0.error == nil ? "equal" : "failed" },
            Column("BASE", wide: true) { $0.baseGeneration.map { "\($0)" } ?? "" },
            Column("READ", wide: true) { ByteSize.text(of: $0.readBytes) },
            Column("ZERO", wide: true) { ByteSize.text(of: $0.zeroBytes) },
            Column("STREAMS", wide: true) { "\($0.streams)" },
            Column("SOURCE", wide: true) { $0.changeSource ?? "" },
            Column("ROOT", wide: true) { $0.rootDigest ?? "" },
            Column("TRANSFER", wide: true) { $0.transfer },
        ]
    }
}

extension VolumeVerifyResult: Listed {
    static var kind: String { "volume" }
    var listedName: String { self.volume }
    static var columns: [Column<Self>] {
        [
            Column("VOLUME") { $0.volume },
            Column("GENERATION") { "\($0.generation)" },
            Column("AGAINST") { $0.pair ?? "" },
            Column("RESULT") { $0.equal ? "equal" : "DIFFERENT" },
            Column("READ") { ByteSize.text(of: $0.readBytes) },
            Column("TOOK") { shownDuration(max($0.local.seconds, $0.remote?.seconds ?? 0)) },
            Column("ROOT", wide: true) { $0.local.computedRoot ?? $0.local.recordedRoot ?? "" },
            Column("PEER-ROOT", wide: true) { $0.remote?.computedRoot ?? "" },
        ]
    }
}

extension VolumeVerifyResult {
    /// On both sides; the other one's number is a peer's, which may be any (P7).
    fileprivate var readBytes: UInt64 {
        let (sum, overflow) = self.local.readBytes
            .addingReportingOverflow(self.remote?.readBytes ?? 0)
        return overflow ? .max : sum
    }
}

extension VolumeExportResult: Listed {
    static var kind: String { "volume" }
    var listedName: String { self.volume }
    static var columns: [Column<Self>] {
        [
            Column("VOLUME") { $0.volume },
            Column("GENERATION") { "\($0.generation)" },
            Column("SIZE") { ByteSize.text(of: $0.sizeBytes) },
            Column("TOOK") { shownDuration($0.seconds) },
            Column("PATH") { $0.path },
            Column("ROOT", wide: true) { $0.rootDigest ?? "" },
        ]
    }
}

extension VersionInfo: Listed {
    static var kind: String { "version" }
    var listedName: String { self.version }
    static var columns: [Column<Self>] {
        [
            Column("VERSION") { $0.version },
            Column("PROTOCOL") { $0.protocolVersion },
            Column("CLUSTER") { $0.cluster ?? "" },
            Column("API") { $0.api ?? "" },
            Column("DATA") { $0.data ?? "" },
        ]
    }
}

extension TokenInfo: Listed {
    static var kind: String { "token" }
    var listedName: String { self.token }
    static var columns: [Column<Self>] { [Column("TOKEN") { $0.token }] }
}

extension EventInfo: Listed {
    static var kind: String { "event" }
    var listedName: String { self.reason }
    static var columns: [Column<Self>] {
        [
            Column("TIME") { shownTime($0.time) },
            Column("REASON") { $0.reason },
            Column("VOLUME") { $0.volume ?? "" },
            Column("PAIR") { $0.pair ?? "" },
            Column("MESSAGE") { $0.message },
            Column("TRANSFER", wide: true) { $0.transfer ?? "" },
        ]
    }
}
