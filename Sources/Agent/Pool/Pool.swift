// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import VolumeStore

/// What the pool knows of itself: `pool.json`.
struct PoolRecord: StateRecord {
    static let format = 1
    var created: Date
    var createdBy: String
}

/// The directory that one agent owns while it runs.
final class Pool: Sendable {
    let path: String
    private let lock: FileLock

    /// Takes a pool, making it where the directory is empty or missing.
    ///
    /// - Throws: `GW5002` while another agent has it, `GW5004` where it cannot be written,
    ///   `GW5005` for a pool of a later release.
    init(_ path: String, now: Date) throws(APIError) {
        self.path = path
        do {
            try Self.makeParents(path)
            try PoolDirectory.make(path)
            self.lock = try FileLock("\(path)/lock")
        } catch let error where error.code == .busy {
            throw APIError(
                .poolInUse,
                "Another godwit-agent is running on the pool \(path).",
                cause: "it holds \(path)/lock",
                try: "use that one (godwit --agent \(path) version), or stop it first"
            )
        } catch {
            throw APIError(
                .poolNotWritable,
                "The pool \(path) cannot be written.",
                cause: "\(error)",
                try: "give the agent's user a directory of its own: --pool DIR"
            )
        }
        try Self.checkFormat(path, now)
        try Self.checkSocket(path)
    }

    var socket: String { "\(self.path)/agent.sock" }
    var catalogue: String { "\(self.path)/catalogue.sqlite" }
    var identity: String { "\(self.path)/identity" }

    private static func makeParents(_ path: String) throws(StoreError) {
        var parent = ""
        for part in path.split(separator: "/").dropLast() {
            parent += (parent.isEmpty && !path.hasPrefix("/") ? "" : "/") + part
            if !PoolDirectory.exists(parent) { try PoolDirectory.make(parent) }
        }
    }

    private static func checkFormat(_ path: String, _ now: Date) throws(APIError) {
        let file = "\(path)/pool.json"
        do {
            if try StateFile.load(PoolRecord.self, from: file) != nil { return }
            let foreign = try PoolDirectory.names(in: path)
                .filter { name in
                    !["lock", "lost+found", "config"].contains(name)
                }
            guard foreign.isEmpty || foreign.contains("volumes") else {
                throw APIError(
                    .invalidConfiguration,
                    "\(path) is not a pool, and not empty.",
                    cause: "it holds \(foreign.prefix(3).joined(separator: ", "))",
                    try: "give an empty directory: --pool DIR"
                )
            }
            let record = PoolRecord(created: now, createdBy: "godwit \(Release.version)")
            try StateFile.store(record, to: file)
        } catch let error as APIError {
            throw error
        } catch let error as StoreError where error.code == .unsupported {
            throw APIError(
                .poolNewer,
                "The pool \(path) is of another release.",
                cause: error.what,
                try: "run the release of godwit-agent that made it, or a later one"
            )
        } catch let error as StoreError where error.code == .corrupt {
            throw APIError(
                .stateDamaged,
                "\(file) is damaged.",
                cause: "\(error.what)",
                try: "restore the file from a backup; volumes and generations were not touched"
            )
        } catch {
            throw APIError(
                .poolNotWritable,
                "The pool \(path) cannot be written.",
                cause: "\(error)",
                try: "check its permissions and its free space"
            )
        }
    }

    /// A socket's path has a fixed place in the kernel's address: 107 bytes.
    private static func checkSocket(_ path: String) throws(APIError) {
        let length = "\(path)/agent.sock".utf8.count
        guard length <= 107 else {
            throw APIError(
                .invalidConfiguration,
                "The path of the pool is too long for its socket: \(length) of 107 bytes.",
                try: "use a shorter path, such as a symbolic link to the pool"
            )
        }
    }
}

extension APIError {
    /// A failure of the files in the pool, as the API tells it.
    init(_ error: StoreError, _ what: String) {
        let id: ErrorID =
            switch error.code {
            case .noSpace: .noSpace
            case .corrupt: .stateDamaged
            case .busy: .volumeInUse
            case .alreadyExists: .fileExists
            case .notFound, .permission: .fileNotReadable
            case .invalid: .invalidRequest
            case .unsupported: .cannotFreeze
            case .ioFailed, .wrongBase: .storeFailed
            }
        let place = error.path.map { " (\($0))" } ?? ""
        self.init(id, what, cause: error.what + place, try: error.advice)
    }
}
