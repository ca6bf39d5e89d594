// SPDX-License-Identifier: Apache-2.0

import Foundation
import Locks

/// Bytes that were given, or a file's, read again when the file changes.
///
/// Looking at a file costs a system call for each request; Kubernetes replaces projected files by
/// moving a symbolic link, which changes the inode that is found.
final class WatchedBytes: Sendable {
    private struct Stamp: Equatable {
        let inode: UInt64
        let size: UInt64
        let modified: Date
    }

    private struct State {
        var stamp: Stamp?
        var bytes: [UInt8] = []
    }

    private let source: SecretBytes
    private let state = Locked(State())

    init(_ source: SecretBytes) { self.source = source }

    /// The bytes as they are now.
    func current() throws(ClusterError) -> [UInt8] {
        switch self.source {
        case .data(let bytes): return bytes
        case .file(let path): return try self.read(path)
        }
    }

    private func read(_ path: String) throws(ClusterError) -> [UInt8] {
        let known = self.state.withLock { ($0.stamp, $0.bytes) }
        do {
            let attributes = try FileManager.default.attributesOfItem(
                atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path
            )
            let stamp = Stamp(
                inode: (attributes[.systemFileNumber] as? NSNumber)?.uint64Value ?? 0,
                size: (attributes[.size] as? NSNumber)?.uint64Value ?? 0,
                modified: attributes[.modificationDate] as? Date ?? .distantPast
            )
            if stamp == known.0 { return known.1 }
            let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
            self.state.withLock { $0 = State(stamp: stamp, bytes: bytes) }
            return bytes
        } catch {
            throw ClusterError(
                .credentials,
                "\(path) cannot be read: \(error.localizedDescription)"
                    + "; check that it is there and that you may read it"
            )
        }
    }
}
