// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Locks
import WireProtocol

extension ReceiverService {
    /// Ends the session that has a volume, for good: its sender does not come again by itself.
    ///
    /// The session still ends in its own time; the caller asks again until the volume is free.
    ///
    /// - Parameter volume: the replica that is about to be promoted.
    /// - Returns: whether there was such a session.
    @discardableResult
    public func endSession(of volume: VolumeID) -> Bool {
        let holder = self.sessions.first { transfer in
            transfer.state.withLock { $0.offer?.volume == volume }
        }
        guard let holder else { return false }
        holder.post(
            .failed(
                ErrorReport(
                    code: .activeElsewhere,
                    text: "the replica is being promoted at the destination"
                )
            )
        )
        return true
    }
}
