// SPDX-License-Identifier: Apache-2.0

import Glibc
import Locks
import SecureTransport
import TestSupport

/// Stands between a sender and a receiver, and breaks all connections at chosen numbers of bytes.
final class Breaker: Sendable {
    let port: UInt16
    private let listening: Int32
    private let target: UInt16

    private struct State {
        /// After how many more bytes of the sender everything breaks, one after the other.
        var cuts: [Int]
        var passed = 0
        var breaks = 0
        var accepted = 0
        /// Of both directions.
        var total = 0
        var open: Set<Int32> = []
        var threads: [DataThread.Joinable] = []
    }

    private let state: Locked<State>

    init(to target: UInt16, cutsAfter cuts: [Int]) throws {
        self.target = target
        self.state = Locked(State(cuts: cuts))
        (self.listening, self.port) = try Loopback.listen(backlog: 32)
        let thread = try DataThread.spawn(name: "breaker") { self.accept() }
        self.state.withLock { $0.threads.append(thread) }
    }

    /// How often everything was broken.
    var breaks: Int { self.state.withLock { $0.breaks } }

    /// The connections that were made so far.
    var accepted: Int { self.state.withLock { $0.accepted } }

    /// The bytes of both directions that were passed on.
    var passed: Int { self.state.withLock { $0.total } }

    /// Ends it: no connection passes any more.
    func close() {
        shutdown(self.listening, Int32(SHUT_RDWR))
        self.breakAll()
        while let thread = self.state.withLock({ $0.threads.popLast() }) { thread.join() }
        Glibc.close(self.listening)
    }

    private func accept() {
        while true {
            let client = Glibc.accept(self.listening, nil, nil)
            guard client >= 0 else { return }
            guard let server = try? Loopback.connect(to: self.target) else {
                Glibc.close(client)
                continue
            }
            self.state.withLock { state in
                state.accepted += 1
                state.open.formUnion([client, server])
            }
            let thread = try? DataThread.spawn(name: "breaker") { self.serve(client, server) }
            if let thread { self.state.withLock { $0.threads.append(thread) } }
        }
    }

    private func serve(_ client: Int32, _ server: Int32) {
        let back = try? DataThread.spawn(name: "breaker") {
            self.copy(server, client, counting: false)
            shutdown(client, Int32(SHUT_WR))
        }
        self.copy(client, server, counting: true)
        shutdown(server, Int32(SHUT_WR))
        back?.join()
        self.state.withLock { $0.open.subtract([client, server]) }
        Glibc.close(client)
        Glibc.close(server)
    }

    private func copy(_ from: Int32, _ to: Int32, counting: Bool) {
        var part = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(from, &part, part.count, 0)
            guard count > 0 else { return }
            if counting, self.reachesCut(count) {
                self.breakAll()
                return
            }
            var sent = 0
            while sent < count {
                let step = part.withUnsafeBytes { bytes in
                    send(
                        to,
                        bytes.baseAddress.map { $0 + sent },
                        count - sent,
                        Int32(MSG_NOSIGNAL)
                    )
                }
                guard step > 0 else { return }
                sent += step
            }
            self.state.withLock { $0.total += count }
        }
    }

    private func reachesCut(_ count: Int) -> Bool {
        self.state.withLock { state in
            state.passed += count
            guard let cut = state.cuts.first, state.passed >= cut else { return false }
            state.cuts.removeFirst()
            state.passed = 0
            state.breaks += 1
            return true
        }
    }

    private func breakAll() {
        self.state.withLock { state in
            for descriptor in state.open { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }
}
