// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Hummingbird
import Identity

/// What the administrator of this machine may ask: everything.
///
/// Protected by the file permissions
/// of the socket.
struct LocalRoutes: Sendable {
    let core: AgentCore

    func add(to router: Router<APIContext>) {
        self.addCluster(router)
        self.addPairs(router)
        self.addPairCheck(router)
        self.addVolumes(router)
        RecoveryRoutes(core: self.core).add(to: router)
        self.addTransfers(router)
        self.addGroups(router)
        self.addHolds(router)
    }

    private func addCluster(_ router: Router<APIContext>) {
        let core = self.core
        router.get("\(AgentRoute.version)") { _, context in
            await APIResponse.of(context) { core.version }
        }
        router.get("\(AgentRoute.token)") { _, context in
            await APIResponse.of(context) { TokenInfo(token: core.identity.token.text) }
        }
        router.post("\(AgentRoute.tokenReset)") { _, context in
            await APIResponse.of(context) {
                let token = try core.identity.resetToken()
                core.journal.note("TokenReset", "the pairing token was made anew")
                return TokenInfo(token: token.text)
            }
        }
        router.get("\(AgentRoute.events)") { _, context in
            await APIResponse.of(context) {
                ItemList(items: try core.events(limit: 200))
            }
        }
    }

    private func addPairs(_ router: Router<APIContext>) {
        let core = self.core
        router.get("\(AgentRoute.pairs)") { _, context in
            await APIResponse.of(context) { ItemList(items: core.registry.all.map(\.info)) }
        }
        router.post("\(AgentRoute.pairs)") { request, context in
            await APIResponse.of(context) {
                let wanted = try await APIResponse.body(
                    PairCreateRequest.self,
                    of: request,
                    context
                )
                return try await core.pair(wanted)
            }
        }
        router.get("\(AgentRoute.pairs)/{name}") { _, context in
            await APIResponse.of(context) {
                try core.knownPair(try APIResponse.parameter("name", context)).info
            }
        }
        router.delete("\(AgentRoute.pairs)/{name}") { _, context in
            await APIResponse.of(context) {
                try await core.revoke(try APIResponse.parameter("name", context))
            }
        }
    }

    private func addPairCheck(_ router: Router<APIContext>) {
        let core = self.core
        router.post("\(AgentRoute.pairs)/{name}/check") { _, context in
            await APIResponse.of(context) {
                try await core.check(try APIResponse.parameter("name", context))
            }
        }
        router.post("\(AgentRoute.pairs)/{name}/reach") { _, context in
            await APIResponse.of(context) {
                try await core.reach(try APIResponse.parameter("name", context))
            }
        }
        router.post("\(AgentRoute.pairs)/{name}/limit") { request, context in
            await APIResponse.of(context) {
                let wanted = try await APIResponse.body(
                    PairLimitRequest.self,
                    of: request,
                    context
                )
                return try core.limitPair(
                    try APIResponse.parameter("name", context),
                    to: wanted.limit
                )
            }
        }
    }

    private func addVolumes(_ router: Router<APIContext>) {
        let core = self.core
        let one: RouterPath = "\(AgentRoute.volumes)/{name}"
        router.get("\(AgentRoute.volumes)") { _, context in
            await APIResponse.of(context) {
                ItemList(
                    items: try await onThread("volumes") { () throws(APIError) in
                        try core.volumes.list()
                    }
                )
            }
        }
        router.post("\(AgentRoute.volumes)") { request, context in
            await APIResponse.of(context) {
                let wanted = try await APIResponse.body(
                    VolumeCreateRequest.self,
                    of: request,
                    context
                )
                return try await core.create(wanted)
            }
        }
        router.get(one) { _, context in
            await APIResponse.of(context) {
                let name = try APIResponse.parameter("name", context)
                return try await onThread("volume") { () throws(APIError) in
                    try core.volumes.show(name)
                }
            }
        }
        router.delete(one) { _, context in
            await APIResponse.of(context) {
                try await core.deleteVolume(try APIResponse.parameter("name", context))
            }
        }
        router.post("\(AgentRoute.volumes)/{name}/snapshot") { _, context in
            await APIResponse.of(context) {
                let name = try APIResponse.parameter("name", context)
                return try await onThread("snapshot") { () throws(APIError) in
                    try core.volumes.snapshot(name)
                }
            }
        }
        router.post("\(AgentRoute.volumes)/{name}/export") { request, context in
            await APIResponse.of(context) {
                let name = try APIResponse.parameter("name", context)
                let wanted = try await APIResponse.body(
                    VolumeExportRequest.self,
                    of: request,
                    context
                )
                return try await onThread("export") { () throws(APIError) in
                    try core.volumes.export(name, wanted, now: core.environment.now)
                }
            }
        }
        router.post("\(AgentRoute.volumes)/{name}/verify") { request, context in
            await APIResponse.of(context) {
                let name = try APIResponse.parameter("name", context)
                let wanted = try await APIResponse.body(
                    VolumeVerifyRequest.self,
                    of: request,
                    context
                )
                return try await core.verify(name, wanted)
            }
        }
    }

    private func addTransfers(_ router: Router<APIContext>) {
        let core = self.core
        router.get("\(AgentRoute.transfers)") { _, context in
            await APIResponse.of(context) {
                ItemList(items: try await core.queue.list(limit: 200))
            }
        }
        router.post("\(AgentRoute.transfers)") { request, context in
            await APIResponse.of(context) {
                let wanted = try await APIResponse.body(
                    ReplicateRequest.self,
                    of: request,
                    context
                )
                return ItemList(items: try await core.replicate(wanted))
            }
        }
        router.get("\(AgentRoute.transfers)/{id}") { request, context in
            let wait = request.uri.queryParameters["wait"].flatMap { Int($0) } ?? 0
            return await APIResponse.of(context) {
                try await core.queue.show(
                    try APIResponse.parameter("id", context),
                    within: .milliseconds(min(max(wait, 0), 60_000))
                )
            }
        }
        router.post("\(AgentRoute.transfers)/{id}/cancel") { _, context in
            await APIResponse.of(context) {
                try await core.queue.cancel(try APIResponse.parameter("id", context))
            }
        }
        router.post("\(AgentRoute.transfers)/{id}/limit") { request, context in
            await APIResponse.of(context) {
                let wanted = try await APIResponse.body(
                    TransferLimitRequest.self,
                    of: request,
                    context
                )
                return try await core.queue.limit(
                    try APIResponse.parameter("id", context),
                    to: wanted.limit
                )
            }
        }
    }
}
