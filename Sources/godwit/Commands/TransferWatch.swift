// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Glibc
import Synchronization

/// Waits for transfers and shows how far they are.
///
/// The work is the agent's: ending the wait ends
/// nothing else.
struct TransferWatch {
    let agent: AgentClient
    let console: Console
    let prefix: String
    let timeout: Duration?

    /// How long an agent may be away: a restart with recovery of its volumes takes seconds.
    static let patience: Duration = .seconds(30)

    /// Follows transfers until each has ended.
    ///
    /// - Throws: `GW3005` on Ctrl-C and `GW3006` at the timeout; the transfers go on.
    func untilFinal(_ transfers: [TransferInfo]) async throws -> [TransferInfo] {
        let interrupt = Interrupt()
        defer { interrupt.stop() }
        var view = ProgressView(console: self.console)
        var current = transfers
        var order = LookOrder()
        let clock = ContinuousClock()
        let start = clock.now
        var told: Set<String> = []
        var lost: ContinuousClock.Instant?
        while true {
            let asked = clock.now
            do throws(APIError) {
                try await self.look(at: &current, in: &order)
                lost = nil
            } catch {
                guard error.id == .agentUnreachable else { throw error }
                let since = lost ?? clock.now
                guard clock.now - since < Self.patience else { throw self.gone(error, current) }
                if lost == nil {
                    view.finish()
                    self.console.note("the agent does not answer; waiting for its next start")
                }
                lost = since
            }

            if current.allSatisfy(\.state.isFinal) { break }
            self.tellRetries(current, &told, &view)
            view.show(current, now: clock.now)
            if interrupt.happened { throw self.detached(current, &view) }
            if let timeout, clock.now - start >= timeout { throw self.timedOut(current, &view) }
            // An agent that is away, or of a release that does not wait, answers at once.
            try await clock.sleep(until: asked + Self.beat)
        }
        if self.console.isTerminal { view.show(current, now: clock.now) }
        view.finish()
        return current
    }

    /// How often the view changes.
    static let beat = Duration.milliseconds(200)

    /// Asks for some of what has not ended; the agent answers for the first of them when it ends, or at
    /// the next beat: a run of a small change takes 0.1 s, and nobody should wait for a look at it.
    private func look(
        at transfers: inout [TransferInfo],
        in order: inout LookOrder
    ) async throws(APIError) {
        var wait = 200
        let open = transfers.indices.filter { !transfers[$0].state.isFinal }
        try await order.look(at: open) { index throws(APIError) in
            transfers[index] = try await self.agent.get(
                AgentRoute.transfer(transfers[index].id, waitingMilliseconds: wait)
            )
            wait = 0
            return !transfers[index].state.isFinal
        }
    }

    /// A try that failed is said once, with its cause: waiting in silence looks like work.
    private func tellRetries(
        _ transfers: [TransferInfo],
        _ told: inout Set<String>,
        _ view: inout ProgressView
    ) {
        for transfer in transfers {
            guard case .waiting = transfer.state, let error = transfer.error,
                told.insert("\(transfer.id)/\(transfer.attempt)").inserted
            else { continue }
            view.finish()
            self.console.note(
                "volume \(transfer.volume): try \(transfer.attempt) failed, another "
                    + "follows: \(error)"
            )
        }
    }

    private func detached(_ transfers: [TransferInfo], _ view: inout ProgressView) -> APIError {
        view.finish()
        return APIError(
            .detached,
            "Stopped watching; the transfers go on.",
            cause: "interrupted",
            try: self.reattach(transfers)
        )
    }

    private func timedOut(_ transfers: [TransferInfo], _ view: inout ProgressView) -> APIError {
        view.finish()
        let open = transfers.filter { !$0.state.isFinal }.map(\.volume)
        return APIError(
            .waitTimedOut,
            "Not finished within \(self.timeout?.components.seconds ?? 0) s: "
                + "\(open.joined(separator: ", ")). The transfers go on.",
            try: self.reattach(transfers)
        )
    }

    private func gone(_ error: APIError, _ transfers: [TransferInfo]) -> APIError {
        APIError(
            .agentUnreachable,
            "The agent has not answered for \(Self.patience.components.seconds) s; what was "
                + "not finished goes on at its next start.",
            cause: error.cause,
            try: self.reattach(transfers)
        )
    }

    private func reattach(_ transfers: [TransferInfo]) -> String {
        "\(self.prefix) transfer show \(transfers.map(\.id).joined(separator: " ")) --follow"
    }
}

/// How often Ctrl-C came; a signal handler may touch nothing but an atomic.
private let interrupts = Atomic(0)

/// Notices Ctrl-C; the second one ends the command at once.
struct Interrupt {
    init() {
        // The first access makes the global: it must not be the handler's.
        interrupts.store(0, ordering: .sequentiallyConsistent)
        signal(SIGINT) { number in
            let seen = interrupts.add(1, ordering: .sequentiallyConsistent).newValue
            if seen > 1 { Glibc._exit(128 + number) }
        }
    }

    var happened: Bool { interrupts.load(ordering: .sequentiallyConsistent) > 0 }

    func stop() { signal(SIGINT, SIG_DFL) }
}
