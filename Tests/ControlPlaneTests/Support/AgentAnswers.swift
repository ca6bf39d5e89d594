// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation

@testable import ControlPlane

extension TransferInfo {
    /// The transfer of a volume, as an agent tells it.
    init(
        _ state: TransferState,
        attempt: Int = 1,
        progress: TransferProgress? = nil,
        report: TransferReport? = nil,
        error: APIError? = nil
    ) {
        self.init(
            id: "1",
            volume: "pvc-1",
            pair: "p",
            state: state,
            attempt: attempt,
            created: Date(timeIntervalSince1970: 0),
            progress: progress,
            report: report,
            error: error
        )
    }
}

extension VolumeProgress {
    /// What a driver makes of a transfer that is the only one of its group.
    init(_ info: TransferInfo, ofGroup state: GroupState) {
        let member = GroupMember(
            volume: info.volume,
            volumeID: "1",
            transfer: info.id,
            generation: 1,
            snapshot: "s",
            state: info.state
        )
        let group = GroupInfo(
            id: "1",
            pair: info.pair,
            state: state,
            isAtomic: true,
            frozen: info.created,
            members: [member]
        )
        self.init(info, of: member, group, at: "here")
    }
}
