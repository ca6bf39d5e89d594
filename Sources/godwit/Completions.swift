// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser

/// What a shell offers where a name is wanted: asked of the agent that the line names.
///
/// Whatever goes wrong, nothing is offered and nothing is said: a message would land in the middle of the
/// line that somebody is typing.
enum Completions {
    /// Somebody waits for this with a finger on the key.
    static let patience: Duration = .seconds(1)

    /// The names of volumes.
    static var volumes: CompletionKind {
        Self.offer(AgentRoute.volumes) { (volume: VolumeInfo) in volume.name }
    }

    /// The names of volumes that this agent can freeze and send.
    static var sources: CompletionKind {
        Self.offer(AgentRoute.volumes) { (volume: VolumeInfo) in
            volume.role == .source ? volume.name : nil
        }
    }

    /// The names of pairs.
    static var pairs: CompletionKind {
        Self.offer(AgentRoute.pairs) { (pair: PairInfo) in pair.name }
    }

    /// The names of pairs that this agent sends to.
    static var destinations: CompletionKind {
        Self.offer(AgentRoute.pairs) { (pair: PairInfo) in
            pair.direction == .outgoing ? pair.name : nil
        }
    }

    /// The identities of transfers.
    static var transfers: CompletionKind {
        Self.offer(AgentRoute.transfers) { (transfer: TransferInfo) in transfer.id }
    }

    /// The identities of transfers that have not ended.
    static var openTransfers: CompletionKind {
        Self.offer(AgentRoute.transfers) { (transfer: TransferInfo) in
            transfer.state.isFinal ? nil : transfer.id
        }
    }

    /// The agent that a line names, as far as it was typed.
    static func location(in words: [String]) -> String {
        var given: String?
        for (index, word) in words.enumerated() {
            if word.hasPrefix("--agent=") { given = String(word.dropFirst("--agent=".count)) }
            if word == "--agent", index + 1 < words.count { given = words[index + 1] }
        }
        return AgentOptions.location(given)
    }

    private static func offer<Item: Codable & Sendable>(
        _ route: String,
        _ name: @escaping @Sendable (Item) -> String?
    ) -> CompletionKind {
        .custom { (words, _, _) async -> [String] in
            guard let agent = try? AgentClient(at: Self.location(in: words)) else { return [] }
            let list: ItemList<Item>? = try? await agent.get(route, timeout: Self.patience)
            await agent.close()
            return list?.items.compactMap(name) ?? []
        }
    }
}
