// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes

/// The redo journal of a stage: its bytes, and the list of what they are.
struct StageJournal {
    /// The received bytes, in the order of arrival.
    let bytes: BlockFile

    private let list: BlockFile
    private let stage: StageRecord

    init(of stage: StageRecord, in paths: StagePaths) throws(StoreError) {
        self.stage = stage
        self.bytes = try BlockFile.open(paths.journal, writable: false)
        self.list = try BlockFile.open(paths.log, writable: false)
    }

    /// Calls `body` with each record; there must be exactly `count` of them.
    func visit(
        _ count: Int?,
        _ body: (StageLogRecord) throws(StoreError) -> Void
    ) throws(StoreError) {
        var log = StageLog(self.list, of: self.stage.transfer)
        try log.replayDecided(count, body)
    }

    /// Looks whether all is there that a decided commit has to apply; reads no data.
    ///
    /// - Throws: `corrupt` for what cannot be applied whole.
    func check(_ pending: CommitRecord.Pending) throws(StoreError) {
        let stored = try self.bytes.size()
        let size = pending.target.generation.size
        try self.visit(pending.journalRecords) { (record) throws(StoreError) in
            let end = record.position + record.extent.length
            guard record.extent.end.bytes <= size.bytes,
                record.kind != .data || end.bytes <= stored.bytes
            else {
                throw StoreError(
                    .corrupt,
                    "the journal of the decided commit has \(stored.bytes) bytes and does not hold "
                        + "\(record.extent); it waits until the file is put back",
                    path: self.bytes.path
                )
            }
        }
    }

    /// Takes the space for what will be written over the base, while the commit can still be refused.
    ///
    /// After the commit is decided there is no way back, and a full file system would leave a volume
    /// that shows nothing. Bytes that the base shares with other files are not counted.
    ///
    /// - Throws: `noSpace`; the base reads as before.
    func reserve(
        _ records: Int,
        in image: BlockFile,
        _ pages: DigestPageMap,
        in digests: DigestFile?
    ) throws(StoreError) {
        // The records are nearly in the order of the volume. To find the end of a run of data the file
        // system looks at each of its extents, so one look has to do for all records in it.
        var data: Extent?
        try self.visit(records) { (record) throws(StoreError) in
            guard record.kind == .data, data?.intersection(record.extent) != record.extent
            else { return }
            data = try image.reserve(record.extent)
        }
        guard let digests else { return }
        try pages.visit { (level, index) throws(StoreError) in
            try digests.reserve(level: level, index: index)
        }
    }
}
