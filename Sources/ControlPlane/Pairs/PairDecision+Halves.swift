// SPDX-License-Identifier: Apache-2.0

import Kinds

extension PairDecision {
    /// One half of the verdict.
    struct Half {
        let former: PairStatus
        let health: PairStatus
        let finding: Finding
        let notice: Notice
    }

    static func storage(_ facts: PairFacts, _ answer: Result<String, Trouble>?) -> Half? {
        let type = ConditionType.storageReady
        switch (facts.wish.storage, answer) {
        case (.notWanted, _):
            return Self.skipped(
                type,
                facts.storage,
                "Skipping storage pairing since no storage options provided"
            )
        case (.unusable(let trouble), _), (.paired, .failure(let trouble)):
            return Self.failed(type, facts.storage, trouble)
        case (.paired, .success):
            return Self.ready(
                type,
                facts.storage,
                facts.storage == .degraded
                    ? "Storage pairing works again" : "Storage successfully paired"
            )
        case (.paired, nil): return nil
        }
    }

    static func scheduler(_ facts: PairFacts, _ answer: Result<String, Trouble>?) -> Half? {
        let type = ConditionType.schedulerReady
        switch (facts.wish.scheduler, answer) {
        case (.notWanted, _):
            return Self.skipped(
                type,
                facts.scheduler,
                "Skipping scheduler pairing since no kubeconfig was provided"
            )
        case (.unusable(let trouble), _), (.reached, .failure(let trouble)):
            return Self.failed(type, facts.scheduler, trouble)
        case (.reached, .success):
            return Self.ready(
                type,
                facts.scheduler,
                facts.scheduler == .degraded
                    ? "Scheduler pairing works again" : "Scheduler successfully paired"
            )
        case (.reached, nil): return nil
        }
    }

    private static func ready(_ type: String, _ former: PairStatus, _ message: String) -> Half {
        Half(
            former: former,
            health: .ready,
            finding: Finding(type, .yes, "Ready", "The other side answers."),
            notice: .normal(PairStatus.ready.rawValue, message)
        )
    }

    private static func skipped(_ type: String, _ former: PairStatus, _ message: String) -> Half {
        Half(
            former: former,
            health: .notProvided,
            finding: Finding(type, .unknown, "NotProvided", message),
            notice: .normal(PairStatus.notProvided.rawValue, message)
        )
    }

    private static func failed(_ type: String, _ former: PairStatus, _ trouble: Trouble) -> Half {
        let health: PairStatus = former.wasReady ? .degraded : .error
        return Half(
            former: former,
            health: health,
            finding: Finding(type, .no, trouble.reason.rawValue, trouble.text),
            notice: .warning(health.rawValue, trouble.text)
        )
    }

    static func together(_ verdict: Verdict) -> Finding {
        let halves = [("storage", verdict.storage), ("scheduler", verdict.scheduler)]
        let wrong = halves.filter { $0.1 != .ready && $0.1 != .notProvided }
        guard wrong.isEmpty else {
            let words = wrong.map { "\($0.0): \($0.1.rawValue)" }.joined(separator: ", ")
            return Finding(ConditionType.ready, .no, "NotReady", words)
        }
        return Finding(ConditionType.ready, .yes, "Ready", "What was asked for is paired.")
    }
}
