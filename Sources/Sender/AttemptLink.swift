// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import SecureTransport
import VolumeStore
import WireProtocol

/// What the threads of an attempt share from its beginning, before it is known what there is to read.
final class AttemptLink: Sendable {
    let transfer: TransferID
    let request: ReplicationRequest
    let environment: SenderEnvironment
    let progress: ProgressCounters
    let state = Monitor(AttemptState())
    /// Wakes the control thread.
    let wakeup: Wakeup
    /// Breaks off connections that are being made.
    let connecting = ConnectInterruption()

    init(
        _ transfer: TransferID,
        _ request: ReplicationRequest,
        _ environment: SenderEnvironment,
        _ progress: ProgressCounters
    ) throws(StreamFailure) {
        self.transfer = transfer
        self.request = request
        self.environment = environment
        self.progress = progress
        self.wakeup = try transporting { () throws(TransportError) in try Wakeup() }
    }

    /// Finds out what there is to read, then asks the disk for the first of it.
    ///
    /// The body of a thread: meanwhile the destination looks at the offer and prepares its stage, which
    /// takes it as long. Nothing is read ahead before the streams begin: where both sides share a disk,
    /// the records of the stage would wait 40 ms behind it.
    func prepare(_ make: () throws(StoreError) -> AttemptSource) {
        do throws(StoreError) {
            let source = try make()
            let work = source.dispenser.lookAhead()
            self.state.update { state in
                state.source = source
                state.work = work
            }
            self.wakeup.signal()
            let isOver = self.state.wait { state -> Bool? in
                state.isOver || !state.acks.isEmpty ? state.isOver : nil
            }
            if !isOver { source.dispenser.readAhead() }
        } catch {
            self.state.update { state in state.fail(.store(error)) }
            self.wakeup.signal()
        }
    }

    /// Ends whatever still runs of the attempt; nothing waits for anything afterwards.
    func end() {
        let (connections, source) = self.state.update { state in
            state.isOver = true
            return (state.connections, state.source)
        }
        source?.dispenser.stop()
        self.connecting.interrupt()
        for connection in connections { connection.interrupt() }
    }
}
