// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

/// Reads what a ClusterPair asks for, its secrets too: what stands in the pair counts first.
struct PairSpec: Sendable {
    let cluster: any ClusterAccess

    func wish(of pair: KubeObject) async throws(ClusterError) -> PairWish {
        PairWish(
            storage: try await self.storage(of: pair),
            scheduler: try await self.scheduler(of: pair)
        )
    }

    // MARK: - Storage

    private func storage(of pair: KubeObject) async throws(ClusterError) -> PairWish.Storage {
        let spec = ClusterPairSpec(pair["spec"])
        var token = spec.token
        if token == nil, let secret = spec.secretName {
            switch try await self.secret(secret, ClusterPairSpec.tokenKey, pair.namespace) {
            case .success(let text): token = text
            case .failure(let trouble): return .unusable(trouble)
            }
        }
        // As it is copied from a terminal, a token has its line's end.
        let bare = (token ?? "").filter { !$0.isWhitespace }
        guard !bare.isEmpty else { return .notWanted }
        switch Self.request(spec, bare, name: "\(pair.namespace)-\(pair.name)") {
        case .success(let request): return .paired(request)
        case .failure(let trouble): return .unusable(trouble)
        }
    }

    static func request(
        _ spec: ClusterPairSpec,
        _ token: String,
        name: String
    ) -> Result<StoragePairRequest, Trouble> {
        let port: Int
        do { port = try spec.port() } catch {
            return .failure(
                Trouble(
                    .invalidOptions,
                    "invalid port (\(spec.options["port"] ?? "")) specified for cluster pair",
                    remedy: "set spec.options.port to the API port of the destination's agent",
                    isPassing: false
                )
            )
        }
        guard let ip = spec.ip else {
            return .failure(
                Trouble(
                    .invalidOptions,
                    "no ip specified for cluster pair",
                    remedy: "set spec.options.ip to an address of the destination's agent",
                    isPassing: false
                )
            )
        }
        return .success(
            StoragePairRequest(
                name: name,
                ip: ip,
                port: port,
                token: token,
                cadence: Cadence(spec.mode)
            )
        )
    }

    // MARK: - Scheduler

    /// The kubeconfig of a pair, from its spec or from a secret.
    func scheduler(of pair: KubeObject) async throws(ClusterError) -> PairWish.Scheduler {
        let spec = ClusterPairSpec(pair["spec"])
        if let config = spec.kubeconfig { return .reached(config) }
        guard let secret = spec.secretName else { return .notWanted }
        let key = ClusterPairSpec.kubeconfigKey
        switch try await self.secret(secret, key, pair.namespace) {
        case .failure(let trouble): return .unusable(trouble)
        case .success(nil): return .notWanted
        case .success(let text?):
            do { return .reached(try JSON(yaml: text)) } catch {
                return .unusable(
                    Trouble(
                        .invalidOptions,
                        "secret \(pair.namespace)/\(secret), key \(key), holds no kubeconfig: "
                            + "\(error)",
                        isPassing: false
                    )
                )
            }
        }
    }

    /// The kubeconfig of a pair that has to have one.
    ///
    /// - Parameters:
    ///   - pair: the ClusterPair.
    ///   - missing: what it is to whoever asks that there is none.
    /// - Returns: the kubeconfig.
    /// - Throws: `missing`, what is wrong with the pair, `ClusterError`.
    func kubeconfig(of pair: KubeObject, missing: () -> Trouble) async throws -> JSON {
        switch try await self.scheduler(of: pair) {
        case .reached(let config): return config
        case .unusable(let trouble): throw trouble
        case .notWanted: throw missing()
        }
    }

    /// A text of a secret in the pair's own namespace, so that nobody reads another one's; nil where
    /// the secret has no such key.
    private func secret(
        _ name: String,
        _ field: String,
        _ namespace: String
    ) async throws(ClusterError) -> Result<String?, Trouble> {
        let key = ObjectKey(namespace, name)
        let secret: KubeObject
        do { secret = try await self.cluster.read(BuiltIn.secrets, key) } catch {
            guard error.reason == .notFound else { throw error }
            return .failure(
                Trouble(
                    .secretNotFound,
                    "secrets \"\(name)\" not found in namespace \(namespace)",
                    remedy: "create it there, or correct secretRef in the ClusterPair"
                )
            )
        }
        guard let encoded = secret["data", field]?.string else { return .success(nil) }
        guard let bytes = Base64.decoded(encoded), !bytes.isEmpty,
            let text = String(validating: bytes, as: UTF8.self)
        else {
            return .failure(
                Trouble(
                    .secretNotFound,
                    "secret \(key) has no text under the key \(field)",
                    remedy: "kubectl describe secret \(name) -n \(namespace)"
                )
            )
        }
        return .success(text)
    }
}

extension Cadence {
    /// Of the option `mode`.
    init(_ mode: PairMode) {
        switch mode {
        case .standard, .oneTimeMigration: self = .everySeventhFull
        case .disasterRecovery: self = .alwaysIncremental
        }
    }
}
