// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import Foundation
import KubernetesClient
import ObjectModel

/// What a pair is for, in storkctl's words.
enum PairPurpose: String, CaseIterable, ExpressibleByArgument {
    case migration
    case disasterRecovery = "async-dr"
    /// Both sides have the same storage.
    case sharedStorage = "sync-dr"

    /// The option `mode`; nil where there is no storage to pair.
    var mode: String? {
        switch self {
        case .migration: "OneTimeMigration"
        case .disasterRecovery: "DisasterRecovery"
        case .sharedStorage: nil
        }
    }
}

/// One of the two clusters, as the arguments describe it.
struct PairSide {
    let kubeconfig: String
    let endpoint: String?
    let token: String?

    /// The options of the storage there; nil where nothing is said about it.
    func options(_ purpose: PairPurpose) -> [String: String]? {
        guard let mode = purpose.mode, let endpoint, let token else { return nil }
        let place = StorageOptions.hostAndPort(endpoint)
        return ["ip": place.host, "port": place.port, "token": token, "mode": mode]
    }

    /// What a context needs, and its namespace.
    static func config(
        _ path: String?,
        _ context: String?
    ) throws(APIError) -> (config: JSON, namespace: String) {
        do {
            let environment = ClientEnvironment.live(
                variables: ProcessInfo.processInfo.environment
            )
            let kubeconfig = try Kubeconfig.load(path: path, environment: environment)
            return (
                try kubeconfig.pruned(context: context),
                try kubeconfig.connection(context: context).namespace
            )
        } catch { throw APIError(error) }
    }
}

struct CreateClusterPair: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: ClusterPairNoun.word,
        abstract: "Pairs two clusters whose kubeconfigs are here.",
        discussion: """
            Examples:
              godwit create clusterpair remotecluster -n mysql --unidirectional \
            --src-kube-file a.yaml --dest-kube-file b.yaml --dest-ep 192.168.56.74:9001 \
            --dest-token @token
              godwit create clusterpair remotecluster -n mysql --src-kube-file a.yaml \
            --dest-kube-file b.yaml --mode sync-dr
            Without --unidirectional the way back is paired too, and --src-ep and --src-token say where \
            the storage of the source is. Tokens are read from @FILE or, one of them, from standard \
            input with -: they are never arguments.
            """,
        aliases: ClusterPairNoun.aliases
    )

    @Argument(help: "The name of the pair.") var names: [String] = []
    @Option(help: "The kubeconfig of the source.", completion: .file()) var srcKubeFile: String
    @Option(help: "The kubeconfig of the destination.", completion: .file())
    var destKubeFile: String
    @Option(
        help: ArgumentHelp("The agent of the source, for the way back.", valueName: "host:port")
    )
    var srcEp: String?
    @Option(help: ArgumentHelp("The agent of the destination.", valueName: "host:port"))
    var destEp: String?
    @Option(help: ArgumentHelp("The token of the source's agent.", valueName: "-|@file"))
    var srcToken: String?
    @Option(help: ArgumentHelp("The token of the destination's agent.", valueName: "-|@file"))
    var destToken: String?
    @Option(help: "migration, async-dr (never a full copy again) or sync-dr (shared storage).")
    var mode: PairPurpose = .migration
    @Flag(name: .shortAndLong, help: "Only the way from source to destination.")
    var unidirectional = false
    @Option(
        help: ArgumentHelp("Projects of Rancher, from source to destination.", valueName: "k=v,…")
    )
    var projectMappings: String?
    @Option(name: [.short, .long], help: "The namespace of the pair on both sides.")
    var namespace: String = "default"
    @OptionGroup var outputs: OutputOptions

    func validate() throws {
        for (option, token) in [("--src-token", self.srcToken), ("--dest-token", self.destToken)] {
            guard let token, token != "-", !token.hasPrefix("@") || token == "@" else { continue }
            throw ValidationError(
                "\(option) takes '-' (standard input) or @FILE, never the token itself: every user "
                    + "of this machine can read the arguments of a process."
            )
        }
        guard self.srcToken != "-" || self.destToken != "-" else {
            throw ValidationError("Only one token can come from standard input.")
        }
        guard (self.destEp == nil) == (self.destToken == nil),
            (self.srcEp == nil) == (self.srcToken == nil)
        else { throw ValidationError("An endpoint and its token belong together: give both.") }
        if self.unidirectional, self.srcEp != nil {
            throw ValidationError(
                "--src-ep is for the way back, which --unidirectional leaves out."
            )
        }
    }

    func run() async throws {
        guard self.names.count == 1, let name = self.names.first else {
            throw APIError(
                .invalidRequest,
                "exactly one name needs to be provided for clusterpair name",
                try: "godwit create clusterpair --help"
            )
        }
        let key = ObjectKey(self.namespace, name)
        try checkNames(key)
        let mappings = try PairManifest.options(self.projectMappings ?? "")
        let source = try self.side(self.srcKubeFile, self.srcEp, self.srcToken)
        let destination = try self.side(self.destKubeFile, self.destEp, self.destToken)
        var ways = [(from: source, to: destination)]
        if !self.unidirectional { ways.append((destination, source)) }
        let console = self.outputs.console
        var clusters: [Cluster] = []
        do {
            // Everything that can be known to be wrong is, before the first object is made.
            var objects: [KubeObject] = []
            for way in ways {
                let config = try PairSide.config(way.to.kubeconfig, nil).config
                objects.append(
                    PairManifest.object(
                        key,
                        config: config,
                        options: way.to.options(self.mode),
                        projectMappings: mappings
                    )
                )
                clusters.append(
                    try Cluster(
                        kubeconfig: way.from.kubeconfig,
                        context: nil,
                        namespace: self.namespace
                    )
                )
            }
            for (cluster, object) in zip(clusters, objects) {
                try await self.rehearse(cluster, object)
            }
            try await self.make(objects, in: clusters)
            for (cluster, way) in zip(clusters, ways) {
                console.result("ClusterPair \(name) created successfully")
                let server = cluster.client.connection.server
                console.note("at \(server), leads to the cluster of \(way.to.kubeconfig)")
            }
            console.note(
                "Next: godwit get clusterpair \(name) -n \(self.namespace) "
                    + "--kubeconfig \(self.srcKubeFile)"
            )
        } catch {
            for cluster in clusters { await cluster.close() }
            throw error
        }
        for cluster in clusters { await cluster.close() }
    }

    private func side(
        _ file: String,
        _ endpoint: String?,
        _ token: String?
    ) throws(APIError) -> PairSide {
        PairSide(
            kubeconfig: file,
            endpoint: endpoint,
            token: try token.map { source throws(APIError) in
                try TokenInput.read(source, isTerminal: isatty(0) == 1)
            }
        )
    }

    /// Lets a cluster check what will be made in it.
    private func rehearse(_ cluster: Cluster, _ pair: KubeObject) async throws(APIError) {
        // Where the kind is missing, or may not be seen, this says so.
        _ = try await cluster.list(ClusterPairNoun.resource, namespace: self.namespace)
        if try await self.hasNamespace(cluster) {
            _ = try await cluster.create(
                ClusterPairNoun.resource,
                pair,
                self.namespace,
                isDryRun: true
            )
        } else {
            _ = try await cluster.create(
                CoreResource.namespaces,
                self.namespaceObject,
                nil,
                isDryRun: true
            )
        }
    }

    /// Makes the pairs, each with its namespace where that is missing, as storkctl does; all of them or,
    /// where one fails, none.
    private func make(_ objects: [KubeObject], in clusters: [Cluster]) async throws(APIError) {
        var made: [Cluster] = []
        do throws(APIError) {
            for (cluster, object) in zip(clusters, objects) {
                if try await !self.hasNamespace(cluster) {
                    _ = try await cluster.create(
                        CoreResource.namespaces,
                        self.namespaceObject,
                        nil
                    )
                    self.outputs.console.note("namespace/\(self.namespace) created")
                }
                _ = try await cluster.create(ClusterPairNoun.resource, object, self.namespace)
                made.append(cluster)
            }
        } catch {
            for (cluster, object) in zip(made, objects) {
                do throws(APIError) {
                    try await cluster.delete(
                        ClusterPairNoun.resource,
                        object.name,
                        self.namespace
                    )
                } catch {
                    self.outputs.console.note("warning: half of the pair stays: \(error.message)")
                }
            }
            throw error
        }
    }

    private func hasNamespace(_ cluster: Cluster) async throws(APIError) -> Bool {
        try await cluster.find(CoreResource.namespaces, self.namespace, nil) != nil
    }

    private var namespaceObject: KubeObject {
        KubeObject(CoreResource.namespaces.groupVersionKind, ObjectKey("", self.namespace))
    }
}
