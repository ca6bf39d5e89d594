// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Sender

extension ReportedFullReason {
    /// A reason of the sender, as the API tells it.
    init(_ reason: FullReason) {
        self =
            switch reason {
            case .requested: .requested
            case .seventhRun: .seventhRun
            case .noBase: .noBase
            case .baseRefused: .baseRefused
            case .baseDigestsLost: .baseDigestsLost
            case .proofFailed: .proofFailed
            }
    }
}
