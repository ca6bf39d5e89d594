// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import Kinds

/// What a Migration may say beside its pair and its namespaces; for every command that makes one.
struct MigrationOptions: ParsableArguments {
    @Flag(inversion: .prefixedNo, help: "Move the volumes; without them, both sides share them.")
    var includeVolumes = true
    @Option(help: "The Rule that runs before the volumes are copied.") var preExecRule: String?
    @Option(help: "The Rule that runs once the copies began.") var postExecRule: String?
    @Option(help: "The ClusterPair of the admin namespace, for objects without a namespace.")
    var adminClusterPair: String?
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("Only objects with all of these labels.", valueName: "k=v,…")
    )
    var selectors: [String] = []
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("No object with any of these labels.", valueName: "k=v,…")
    )
    var excludeSelectors: [String] = []
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("Kinds that stay.", valueName: "kind,…")
    )
    var excludeResourceTypes: [String] = []
    @Option(help: "The ResourceTransformation that rewrites objects on their way.")
    var transformSpec: String?
    @Flag(help: "Delete at the destination what is gone at the source.")
    var purgeDeletedResources = false
    @Flag(help: "Leave the addresses of Services as they are.") var skipServiceUpdate = false
    @Flag(help: "Move NetworkPolicies with address blocks too.")
    var includeNetworkPolicyWithCidr = false
    @Flag(help: "Move Jobs too.") var includeJobs = false
    @Flag(help: "Move objects that others own too.") var ignoreOwnerReferencesCheck = false
    @Flag(help: "Fail where a namespace is gone; without it, only a warning is given.")
    var disableSkipDeletedNamespaces = false

    func validate() throws {
        try refuseEmpty([
            "--pre-exec-rule": self.preExecRule, "--post-exec-rule": self.postExecRule,
            "--admin-cluster-pair": self.adminClusterPair, "--transform-spec": self.transformSpec,
        ])
        _ = try parsed { () throws(APIError) in try Self.labels(self.selectors) }
        _ = try parsed { () throws(APIError) in try Self.labels(self.excludeSelectors) }
    }

    /// Writes these options into a specification.
    func apply(to spec: inout MigrationSpec) throws(APIError) {
        spec.includesVolumes = self.includeVolumes
        spec.preExecRule = self.preExecRule ?? ""
        spec.postExecRule = self.postExecRule ?? ""
        spec.adminClusterPair = self.adminClusterPair ?? ""
        spec.selectors = try Self.labels(self.selectors)
        spec.excludeSelectors = try Self.labels(self.excludeSelectors)
        spec.excludeResourceTypes = Self.words(self.excludeResourceTypes)
        spec.transformSpecs = self.transformSpec.map { [$0] } ?? []
        spec.purgesDeletedResources = self.purgeDeletedResources
        spec.skipsServiceUpdate = self.skipServiceUpdate
        spec.includesNetworkPolicyWithCIDR = self.includeNetworkPolicyWithCidr
        spec.includeOptionalResourceTypes = self.includeJobs ? ["Job"] : []
        spec.ignoresOwnerReferences = self.ignoreOwnerReferencesCheck
        spec.skipsDeletedNamespaces = !self.disableSkipDeletedNamespaces
    }

    /// The parts of options that may come several times and hold several words each.
    static func words(_ values: [String]) -> [String] {
        values.flatMap { $0.split(separator: ",").map(String.init) }
    }

    /// The same, of labels.
    static func labels(_ values: [String]) throws(APIError) -> [String: String] {
        var labels: [String: String] = [:]
        for word in Self.words(values) {
            guard let equals = word.firstIndex(of: "="), equals > word.startIndex else {
                throw APIError(.invalidRequest, "'\(word)' is no label: write it as KEY=VALUE.")
            }
            labels[String(word[..<equals])] = String(word[word.index(after: equals)...])
        }
        return labels
    }
}
