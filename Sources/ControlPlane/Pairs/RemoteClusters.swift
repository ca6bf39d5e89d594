// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import ObjectModel

/// Clients of the destinations, one for each kubeconfig, kept while they are in use and a while after.
///
/// A kubeconfig of a ClusterPair is written by whoever may create one: it must not make this process
/// read its files or start programs, unless whoever runs the controller has allowed it.
struct RemoteClusters: Sendable {
    /// Makes a client out of a kubeconfig; tests put theirs in.
    typealias Maker = @Sendable (JSON) throws -> KubernetesClient

    /// Clients that are kept without being used.
    private static let idleLimit = 64

    private let make: Maker
    private let pool = ClientPool<JSON, KubernetesClient>(idleLimit: idleLimit) {
        await $0.shutdown()
    }

    init(make: @escaping Maker) { self.make = make }

    /// A maker of clients whose kubeconfigs may do what `permissions` say, all counted by `tally`.
    static func maker(
        environment: ClientEnvironment,
        permissions: Kubeconfig.Permissions,
        tally: RequestTally = RequestTally()
    ) -> Maker {
        { config in
            let kubeconfig = try Kubeconfig(
                config,
                source: "the kubeconfig of the ClusterPair",
                permissions: permissions
            )
            return try KubernetesClient(
                try kubeconfig.connection(),
                environment: environment,
                tally: tally
            )
        }
    }

    /// Runs `body` with the client of a kubeconfig.
    ///
    /// - Throws: ``Trouble`` where the kubeconfig cannot be used, and what `body` throws.
    func with<Result: Sendable>(
        _ config: JSON,
        _ body: @Sendable (KubernetesClient) async throws -> Result
    ) async throws -> Result {
        try await self.pool.with(
            config,
            make: { () throws(any Error) in try self.client(config) },
            use: body
        )
    }

    private func client(_ config: JSON) throws -> KubernetesClient {
        do { return try self.make(config) } catch {
            throw Trouble(
                .invalidOptions,
                "\(error)",
                remedy: "make it anew on the destination: godwit generate clusterpair",
                isPassing: false
            )
        }
    }

    /// Closes every connection; call once, when nothing uses a client any more.
    func shutdown() async { await self.pool.shutdown() }
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
                ? "give the controllers of this cluster the rights that are named, or leave the "
                    + "kind where it is: excludeResourceTypes"
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
