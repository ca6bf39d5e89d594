// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
public import ObjectModel

extension KubernetesClient {
    /// The changes of objects from a version on.
    ///
    /// The request begins with the first element that is asked for, and ends with the iterator or
    /// when the task is cancelled. The server ends it after ``ClientLimits/watchTimeout`` or some less;
    /// the sequence is then over without an error, and a new one goes on from the last version.
    ///
    /// - Parameters:
    ///   - resource: the kind.
    ///   - namespace: nil for all namespaces, and for kinds that have none.
    ///   - selection: which objects.
    ///   - version: of a list or of the last event; empty for all that is there, then its changes.
    /// - Returns: the events; each iterator is a request of its own.
    public func watch(
        _ resource: APIResource,
        namespace: String? = nil,
        _ selection: ObjectSelection = .all,
        from version: String
    ) -> WatchSequence {
        WatchSequence(
            client: self,
            resource: resource,
            namespace: namespace,
            selection: selection,
            version: version
        )
    }

    /// Opens the stream of a watch; the pool's bound is for the opening only.
    fileprivate func open(_ watch: WatchSequence) async throws(ClusterError) -> HTTPClientResponse {
        let call = try watch.call(jitter: self.environment.jitter())
        let identity = try await self.identity()
        self.tally.count(call.verb)
        let response = try await self.transport.open(call, as: identity)
        if response.status.code == 401, let fresh = try await self.renewed(identity) {
            self.tally.count(call.verb)
            return try await self.accepted(try await self.transport.open(call, as: fresh))
        }
        return try await self.accepted(response)
    }

    private func accepted(
        _ response: HTTPClientResponse
    ) async throws(ClusterError) -> HTTPClientResponse {
        guard response.status == .ok else { throw await self.transport.refusal(response) }
        return response
    }
}

/// The events of a watch, as they come.
public struct WatchSequence: AsyncSequence, Sendable {
    fileprivate let client: KubernetesClient
    fileprivate let resource: APIResource
    fileprivate let namespace: String?
    fileprivate let selection: ObjectSelection
    fileprivate let version: String

    /// A request that has not begun.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(watch: self) }

    fileprivate func call(jitter: Double) throws(ClusterError) -> Call {
        let path = try KubernetesClient.path(self.resource, namespace: self.namespace)
        var call = Call(method: .get, path: path, query: self.selection.query)
        call.reading = .watch
        let longest = self.client.limits.watchTimeout
        // Up to a fifth less, so that watches that begin together do not end together.
        let seconds = Int((longest * (1 - jitter / 5)).components.seconds)
        call.query += [
            ("watch", "true"), ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", "\(Swift.max(seconds, 1))"),
        ]
        if !self.version.isEmpty { call.query.append(("resourceVersion", self.version)) }
        return call
    }

    /// One request and what has come of it.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private let watch: WatchSequence
        private var body: HTTPClientResponse.Body.AsyncIterator?
        private var lines = LineSplitter()
        private var isOver = false

        fileprivate init(watch: WatchSequence) { self.watch = watch }

        /// The next event; nil when the server ends the watch in order.
        ///
        /// - Throws: ``ClusterError``, `gone` where the version is too old, `connectionLost` where the
        ///   stream breaks or is silent for longer than the server was asked to keep it.
        public mutating func next() async throws(ClusterError) -> WatchEvent? {
            guard !self.isOver else { return nil }
            do {
                while true {
                    if let line = self.lines.next() { return try WatchEvent(line: line) }
                    guard try await self.receive() else { break }
                }
            } catch {
                self.finish()
                throw error
            }
            let rest = self.lines.pending
            self.finish()
            guard rest == 0 else {
                throw ClusterError(.connectionLost, "a watch ended in the middle of an event")
            }
            return nil
        }

        private mutating func finish() {
            self.isOver = true
            self.body = nil
        }

        /// Takes the next bytes; false where there are no more.
        private mutating func receive() async throws(ClusterError) -> Bool {
            let client = self.watch.client
            if self.body == nil {
                self.body = try await client.open(self.watch).body.makeAsyncIterator()
            }
            let limit = client.limits.eventBytes
            do {
                guard let chunk = try await self.body?.next() else { return false }
                self.lines.append(chunk.readableBytesView)
            } catch {
                let call = try self.watch.call(jitter: 0)
                throw client.transport.told(error, call, client.limits.watchTimeout)
            }
            guard self.lines.pending <= limit + Self.chunk else {
                throw ClusterError(.tooLarge, "an event of a watch has more than \(limit) bytes")
            }
            return true
        }

        /// What may come at once behind the end of an event.
        private static let chunk = 1 << 20
    }
}
