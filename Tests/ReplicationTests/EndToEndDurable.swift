// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import Locks
import Sender
import Testing
import VolumeStore
import WireProtocol

/// Counts what is durable at the destination when a link breaks, and what travels after it (P5).
///
/// What is durable is what the stage's log names, read from the disk as a stranger would; the sender
/// and the receiver are not believed.
final class DurableAccount: ReplicationObserver {
    private struct Session {
        /// What the log named when the session was accepted.
        let logged: Int
        /// What the receiver said.
        let resumed: Int
        /// What the run had sent before.
        let sent: Int
    }

    private struct State {
        var sessions: [Session] = []
        /// What the log named when a broken session was noticed.
        var broken: [Int] = []
    }

    private let state = Locked(State())
    private let volume: VolumeID
    private let replicas: ReplicaStore

    init(of volume: SourceVolume, in world: World) {
        self.volume = volume.id
        self.replicas = world.replicas
    }

    func replication(_ transfer: TransferID, _ event: ReplicationEvent) {
        let logged = self.loggedBytes
        self.state.withLock { state in
            switch event {
            case .started(_, _, _, let resumed, let sent):
                state.sessions.append(
                    Session(logged: logged, resumed: resumed.bytes, sent: sent.bytes)
                )
            case .retrying: state.broken.append(logged)
            default: break
            }
        }
    }

    /// Nothing that was durable was lost, nor sent again beyond what P5 allows.
    func expectResumption(of size: Int, _ result: ReplicationResult, streams: Int) {
        let (sessions, broken) = self.state.withLock { ($0.sessions, $0.broken) }
        let bound = streams * Limits.durableStep.bytes
        guard let last = sessions.last, let durable = broken.last else {
            Issue.record("the run was never broken and resumed")
            return
        }
        #expect(result.streams == streams)
        #expect(sessions.count == broken.count + 1)
        for (session, durable) in zip(sessions.dropFirst(), broken) {
            #expect(session.logged >= durable, "\(durable) bytes were durable and are not any more")
            #expect(session.resumed == session.logged)
        }
        let sent = result.progress.changedBytes.bytes - last.sent
        let again = sent - (size - durable)
        #expect(again <= bound, "\(again) durable bytes travelled again")
        // In fact none did: each byte is in the log, or is sent once.
        #expect(sent == size - last.logged)
        // Else the bound would say nothing.
        if streams == 1 { #expect(durable > bound, "only \(durable) bytes were durable") }
    }

    /// Bytes of data in the log of the stage: 48-byte records, docs/state-files.md.
    private var loggedBytes: Int {
        guard let replica = self.replicas.volume(self.volume),
            let log = FileManager.default.contents(
                atPath: "\(replica.directory)/stage/durable.log"
            )
        else { return 0 }
        return log.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count / 48 * 48, by: 48)
                .reduce(0) { sum, place in
                    guard bytes[place] == 1 else { return sum }
                    let start = bytes.loadUnaligned(fromByteOffset: place + 8, as: Int.self)
                    let end = bytes.loadUnaligned(fromByteOffset: place + 16, as: Int.self)
                    return sum + end - start
                }
        }
    }
}
