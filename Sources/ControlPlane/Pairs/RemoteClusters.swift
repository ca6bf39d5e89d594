// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import Locks
import ObjectModel

/// Clients of the destinations, one for each kubeconfig, kept while they are in use and a while after.
///
/// A kubeconfig of a ClusterPair is written by whoever may create one: it must not make this process
/// read its files or start programs, unless whoever runs the controller has allowed it.
actor RemoteClusters {
    /// Makes a client out of a kubeconfig; tests put theirs in.
    typealias Maker = @Sendable (JSON) throws -> KubernetesClient

    /// Clients that are kept without being used.
    private static let idleLimit = 64

    private struct Entry {
        let client: KubernetesClient
        var users = 0
        var lastUse = 0
    }

    private let make: Maker
    private var entries: [JSON: Entry] = [:]
    private var uses = 0

    init(make: @escaping Maker) { self.make = make }

    /// A maker of clients whose kubeconfigs may do what `permissions` say.
    static func maker(
        environment: ClientEnvironment,
        permissions: Kubeconfig.Permissions
    ) -> Maker {
        { config in
            let kubeconfig = try Kubeconfig(
                config,
                source: "the kubeconfig of the ClusterPair",
                permissions: permissions
            )
            return try KubernetesClient(try kubeconfig.connection(), environment: environment)
        }
    }

    /// Runs `body` with the client of a kubeconfig.
    ///
    /// - Throws: ``Trouble`` where the kubeconfig cannot be used, and what `body` throws.
    func with<Result: Sendable>(
        _ config: JSON,
        _ body: @Sendable (KubernetesClient) async throws -> Result
    ) async throws -> Result {
        let client = try self.borrow(config)
        do {
            let result = try await body(client)
            await self.giveBack(config)
            return result
        } catch {
            await self.giveBack(config)
            throw error
        }
    }

    private func borrow(_ config: JSON) throws -> KubernetesClient {
        var entry: Entry
        if let known = self.entries[config] {
            entry = known
        } else {
            do { entry = Entry(client: try self.make(config)) } catch {
                throw Trouble(
                    .invalidOptions,
                    "\(error)",
                    remedy: "make it anew on the destination: godwit generate clusterpair",
                    isPassing: false
                )
            }
        }
        self.uses += 1
        entry.users += 1
        entry.lastUse = self.uses
        self.entries[config] = entry
        return entry.client
    }

    private func giveBack(_ config: JSON) async {
        self.entries[config]?.users -= 1
        let idle = self.entries.filter { $0.value.users == 0 }
        guard idle.count > Self.idleLimit else { return }
        guard let oldest = idle.min(by: { $0.value.lastUse < $1.value.lastUse }) else { return }
        self.entries[oldest.key] = nil
        await oldest.value.client.shutdown()
    }

    /// Closes every connection; call once, when nothing uses a client any more.
    func shutdown() async {
        let entries = self.entries.values
        self.entries = [:]
        for entry in entries { await entry.client.shutdown() }
    }
}

extension Trouble {
    /// What a failure of the destination's API server means.
    init(destination error: ClusterError) {
        let (reason, remedy) = Self.meaning(of: error)
        self.init(reason, "the destination: \(error)", remedy: remedy, isPassing: error.isRetryable)
    }

    /// What it means that the objects that move could not be read.
    init(source error: ClusterError) {
        let isDenied = error.reason == .forbidden
        self.init(
            isDenied ? .notAllowed : .clusterFailed,
            "Error getting resource: \(error)",
            remedy: isDenied
                ? "give the controllers of this cluster the rights that are named"
                : "look at the API server of this cluster",
            isPassing: error.isRetryable
        )
    }

    private static func meaning(of error: ClusterError) -> (Reason, String?) {
        switch error.reason {
        case .unreachable, .connectionLost, .timeout, .serviceUnavailable, .tooManyRequests:
            (.destinationUnreachable, "check the server's address, its health and the firewall")
        case .untrusted:
            (
                .certificateInvalid,
                "check dates and authority of the certificates in the ClusterPair's kubeconfig"
            )
        case .unauthorized, .credentials:
            (.credentialsRefused, "put new credentials into the ClusterPair's kubeconfig")
        case .forbidden: (.notAllowed, "give the kubeconfig's user the rights that are named")
        case .notFound, .methodNotAllowed: (.kindMissing, "install the CRD on the destination")
        case .badRequest, .conflict, .alreadyExists, .gone, .invalid, .tooLarge, .notAcceptable,
            .unsupportedMediaType:
            (.resourceRejected, nil)
        case .internalError, .badAnswer, .unknown: (.clusterFailed, "read the server's log")
        case .cancelled: (.cancelled, nil)
        }
    }
}
