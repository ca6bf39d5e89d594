// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KubernetesClient
import ObjectModel

/// What a shell offers where the name of an object is wanted: asked of the cluster that the line names.
///
/// Whatever goes wrong, nothing is offered and nothing is said.
enum ClusterCompletions {
    /// The names of the objects of a kind in the namespace of the line.
    static func names<Noun: ClusterNoun>(of noun: Noun.Type) -> CompletionKind {
        Self.offer { words in
            await Self.names(Noun.resource, words, Noun.owns)
        }
    }

    /// The names of namespaces.
    static var namespaces: CompletionKind {
        Self.offer { words in
            await Self.names(CoreResource.namespaces, words) { _ in true }
        }
    }

    private static func offer(
        _ names: @escaping @Sendable ([String]) async -> [String]
    ) -> CompletionKind {
        .custom { (words, _, _) async -> [String] in await names(words) }
    }

    /// The value of an option on a line, as far as it was typed; the last one counts.
    static func value(_ names: Set<String>, in words: [String]) -> String? {
        var value: String?
        for (index, word) in words.enumerated() {
            if names.contains(word), index + 1 < words.count { value = words[index + 1] }
            guard let equals = word.firstIndex(of: "=") else { continue }
            if names.contains(String(word[..<equals])) {
                value = String(word[word.index(after: equals)...])
            }
        }
        return value
    }

    private static func names(
        _ resource: APIResource,
        _ words: [String],
        _ isOne: (KubeObject) -> Bool
    ) async -> [String] {
        var limits = ClientLimits()
        // Somebody waits for this with a finger on the key.
        limits.requestTimeout = Completions.patience
        limits.attempts = 1
        guard
            let cluster = try? Cluster(
                kubeconfig: Self.value(["--kubeconfig"], in: words),
                context: Self.value(["--context"], in: words),
                namespace: Self.value(["-n", "--namespace"], in: words),
                limits: limits
            )
        else { return [] }
        let list = try? await cluster.list(resource, namespace: cluster.namespace)
        await cluster.close()
        return list?.items.filter(isOne).map(\.name) ?? []
    }
}
