// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Catalogue
import Foundation
import Identity
import Locks
import SecureTransport
import VolumeStore

/// One pair with its certificates and, for an outgoing one, the key.
///
/// `identity/pairs/<direction>-<cluster>.json`, mode 0600. These files are the trust: the
/// catalogue's rows follow them, and an agent that lost its catalogue adopts them.
struct TrustRecord: StateRecord, Hashable {
    static let format = 1
    var pair: PairEntry
    /// The other cluster's authority, PEM.
    var authority: String
    /// What opens the destination to its source, PEM: of an outgoing pair ours, with its key; of an
    /// incoming one the newest that we have signed.
    var certificate: String?
    /// Only of outgoing pairs.
    var privateKey: String?
    /// Only of incoming pairs: certificates of the source that begin before are not taken, for
    /// they were revoked with an earlier pair of this cluster.
    var since: Date?
    /// Only of outgoing pairs: bytes per second of all transfers together; nil for none.
    var limit: UInt64?
}

/// The pairs in force, readable from every thread; a revoked one is gone when `remove` returns.
final class PairRegistry: Sendable {
    private let directory: String
    private let catalogue: Catalogue
    private let pairs: Locked<[String: TrustRecord]>
    let limits = PairLimits()
    let clients = PairClients()

    /// Reads the trust files and brings the catalogue's rows in line with them.
    init(directory: String, catalogue: Catalogue) throws(APIError) {
        self.directory = directory
        self.catalogue = catalogue
        do {
            try PoolDirectory.make(directory)
            var pairs: [String: TrustRecord] = [:]
            for name in try PoolDirectory.names(in: directory) where name.hasSuffix(".json") {
                let path = "\(directory)/\(name)"
                guard let record = try StateFile.load(TrustRecord.self, from: path) else {
                    continue
                }
                pairs[Self.key(record.pair)] = record
            }
            self.pairs = Locked(pairs)
            try Self.reconcile(catalogue, with: pairs)
        } catch {
            throw APIError(
                .stateDamaged,
                "The pairs of this agent cannot be read.",
                cause: "\(error)",
                try: "remove the damaged file in \(directory) and pair again"
            )
        }
    }

    /// Every pair, by name.
    var all: [TrustRecord] {
        self.pairs.withLock { Array($0.values) }
            .sorted {
                ($0.pair.name, $0.pair.direction.rawValue) < (
                    $1.pair.name, $1.pair.direction.rawValue
                )
            }
    }

    func pair(named name: String) -> TrustRecord? { self.all.first { $0.pair.name == name } }

    func outgoing(named name: String) throws(APIError) -> TrustRecord {
        let named = self.all.filter { $0.pair.name == name }
        if let outgoing = named.first(where: { $0.pair.direction == .outgoing }) {
            return outgoing
        }
        let names = self.all.filter { $0.pair.direction == .outgoing }.map(\.pair.name)
        guard named.isEmpty else {
            throw APIError(
                .pairNotFound,
                "Pair \(name) sends to this agent; nothing can be sent to it.",
                try: "pair with it: godwit pair create NAME --ip IP --token -"
            )
        }
        throw APIError(
            .pairNotFound,
            "There is no pair \(name).",
            try: Suggestion.nearest(to: name, in: names).map { "did you mean \($0)?" }
                ?? "godwit pair list"
        )
    }

    /// The source cluster that may send here; nil where it is not paired, or not any more.
    func incoming(_ cluster: ClusterID) -> TrustRecord? {
        self.pairs.withLock { $0["incoming-\(cluster)"] }
    }

    func outgoing(_ cluster: ClusterID) -> TrustRecord? {
        self.pairs.withLock { $0["outgoing-\(cluster)"] }
    }

    /// A name that no pair has yet: the wanted one, else with the cluster behind it.
    func freeName(_ wanted: String, for cluster: ClusterID) -> String {
        let others = self.all.filter {
            $0.pair.cluster != "\(cluster)" || $0.pair.direction == .outgoing
        }
        let taken = Set(others.map(\.pair.name))
        guard taken.contains(wanted) else { return wanted }
        let longer = "\(wanted)-\("\(cluster)".prefix(8))"
        // Somebody may have taken that too; of one name more than there are pairs, one is free.
        let names = [longer] + (2...taken.count + 1).map { "\(longer)-\($0)" }
        return names.first { !taken.contains($0) } ?? longer
    }

    /// Adds or replaces a pair; durable when it returns.
    ///
    /// - Parameters:
    ///   - record: the pair.
    ///   - keepingName: whether a pair of the same clusters that is there keeps its name: of two
    ///     pairings at once both found none.
    /// - Returns: what was stored.
    /// - Throws: `GW1004` where another pair has the name: of two pairings at once, both found it
    ///   free.
    @discardableResult
    func store(
        _ record: TrustRecord,
        keepingName: Bool = false
    ) throws(APIError) -> TrustRecord {
        let key = Self.key(record.pair)
        let stored = try self.pairs.withLock { (pairs) throws(APIError) -> TrustRecord in
            var record = record
            if keepingName, let known = pairs[key] { record.pair.name = known.pair.name }
            // Who renews the trust says nothing about the bandwidth.
            record.limit = record.limit ?? pairs[key]?.limit
            let name = record.pair.name
            guard !pairs.contains(where: { $0.key != key && $0.value.pair.name == name }) else {
                throw APIError(
                    .pairExists,
                    "There is a pair \(name) already, with another agent.",
                    try: "choose another name, or: godwit pair delete \(name)"
                )
            }
            try self.write(record)
            pairs[key] = record
            return record
        }
        // The file is what holds: a row that could not be written is made at the next start.
        try? self.catalogue.replace(stored.pair)
        return stored
    }

    /// Changes a pair that is still in force; a revoked one does not come back.
    ///
    /// - Returns: whether it was in force.
    @discardableResult
    func update(
        _ record: TrustRecord,
        _ change: @Sendable (inout TrustRecord) -> Void
    ) throws(APIError) -> Bool {
        let key = Self.key(record.pair)
        let changed = try self.pairs.withLock { (pairs) throws(APIError) -> TrustRecord? in
            guard var current = pairs[key] else { return nil }
            change(&current)
            try self.write(current)
            pairs[key] = current
            return current
        }
        guard let changed else { return false }
        try? self.catalogue.replace(changed.pair)
        return true
    }

    /// Revokes a pair: refused from now on, and after every restart.
    func remove(_ record: TrustRecord) throws(APIError) {
        let key = Self.key(record.pair)
        try self.pairs.withLock { (pairs) throws(APIError) in
            pairs[key] = nil
            do throws(StoreError) { try DurableFile.remove("\(self.directory)/\(key).json") } catch
            {
                throw APIError(
                    error,
                    "Pair \(record.pair.name) is revoked until the next start only: its "
                        + "file is there."
                )
            }
        }
        if record.pair.direction == .outgoing { self.clients.forget(record) }
        _ = try? self.catalogue.removePair(record.pair.direction, named: record.pair.name)
    }

    private func write(_ record: TrustRecord) throws(APIError) {
        do throws(StoreError) {
            try StateFile.store(record, to: "\(self.directory)/\(Self.key(record.pair)).json")
        } catch { throw APIError(error, "The pair \(record.pair.name) cannot be stored.") }
    }

    private static func key(_ pair: PairEntry) -> String {
        "\(pair.direction.rawValue)-\(pair.cluster)"
    }

    private static func reconcile(
        _ catalogue: Catalogue,
        with pairs: [String: TrustRecord]
    ) throws(CatalogueError) {
        for row in try catalogue.pairs() where pairs[Self.key(row)]?.pair != row {
            _ = try catalogue.removePair(row.direction, named: row.name)
        }
        let rows = Set(try catalogue.pairs().map(Self.key))
        for (key, record) in pairs where !rows.contains(key) {
            try catalogue.replace(record.pair)
        }
    }
}

extension TrustRecord {
    /// What TLS to the destination needs, for an outgoing pair.
    func credentials() throws(APIError) -> TLSCredentials {
        guard let certificate, let privateKey else {
            throw APIError(.stateDamaged, "Pair \(self.pair.name) has no certificate of ours.")
        }
        return TLSCredentials(
            certificateChainPEM: certificate,
            privateKeyPEM: privateKey,
            trustPEM: self.authority
        )
    }

    /// Whether our certificate still opens the destination.
    ///
    /// TLS would only say that the other side does not want us.
    ///
    /// - Throws: `pairExpired`.
    func checkValidity(at now: Date) throws(APIError) {
        guard let end = self.expires, end <= now else { return }
        throw APIError(
            .pairExpired,
            "The certificate of pair \(self.pair.name) ended at \(end.formatted(.iso8601)).",
            cause:
                "this agent did not run, or did not reach the other one, when it had to be renewed",
            try: "pair again with the token of the destination; volumes keep what is there"
        )
    }

    /// Whether a certificate that begins at `start` belongs to this pair; times in certificates
    /// are whole seconds.
    func admits(certificateFrom start: Date) -> Bool {
        guard let since else { return true }
        return start.timeIntervalSince1970.rounded(.down)
            >= since.timeIntervalSince1970.rounded(.down)
    }

    /// The other cluster.
    var cluster: ClusterID? { ClusterID(self.pair.cluster) }

    /// When the source's certificate ends.
    var expires: Date? {
        self.certificate.flatMap { try? IssuedCertificate(pem: $0) }?.notAfter
    }

    /// The pair as the API shows it.
    var info: PairInfo {
        let authority = try? AuthorityCertificate(pem: self.authority)
        return PairInfo(
            name: self.pair.name,
            direction: self.pair.direction == .outgoing ? .outgoing : .incoming,
            cluster: self.pair.cluster,
            host: self.pair.host,
            apiPort: self.pair.apiPort,
            dataPort: self.pair.dataPort,
            mode: self.pair.disasterRecovery ? .disasterRecovery : .migration,
            created: self.pair.created,
            certificateExpires: self.expires,
            fingerprint: authority.map { "SHA256:" + Hexadecimal.text(of: $0.fingerprint) },
            limit: self.limit
        )
    }
}
