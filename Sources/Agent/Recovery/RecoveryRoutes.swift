// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Catalogue
import Hummingbird

/// Failover and failback of volumes: what the socket and controllers may ask.
struct RecoveryRoutes: Sendable {
    let core: AgentCore

    func add(to router: Router<APIContext>) {
        let core = self.core
        let one = "\(AgentRoute.volumes)/{name}"
        router.post("\(one)/promote") { request, context in
            await APIResponse.of(context) {
                let wanted = try await APIResponse.body(
                    VolumePromoteRequest.self,
                    of: request,
                    context
                )
                return try await core.promote(try APIResponse.parameter("name", context), wanted)
            }
        }
        router.post("\(one)/revert") { request, context in
            await APIResponse.of(context) {
                _ = try await APIResponse.body(VolumeRevertRequest.self, of: request, context)
                return try await core.revert(try APIResponse.parameter("name", context))
            }
        }
        router.post("\(one)/fence") { request, context in
            await APIResponse.of(context) {
                let wanted = try await APIResponse.body(
                    VolumeFenceRequest.self,
                    of: request,
                    context
                )
                return try await core.fence(
                    try APIResponse.parameter("name", context),
                    by: wanted.by
                )
            }
        }
        router.post("\(one)/unfence") { request, context in
            await APIResponse.of(context) {
                _ = try await APIResponse.body(VolumeUnfenceRequest.self, of: request, context)
                return try await core.unfence(try APIResponse.parameter("name", context))
            }
        }
        router.post("\(one)/clone") { request, context in
            await APIResponse.of(context) {
                let wanted = try await APIResponse.body(
                    VolumeCloneRequest.self,
                    of: request,
                    context
                )
                return try await core.clone(try APIResponse.parameter("name", context), wanted)
            }
        }
    }
}

extension PeerRoutes {
    /// What the agent of a promoted volume asks, with the pair's certificate (P8).
    func addTakeOver(_ router: Router<APIContext>) {
        let core = self.core
        router.post("\(PeerRoute.volumes)/{id}/take-over") { request, context in
            await APIResponse.of(context) {
                let wanted = try await APIResponse.body(
                    TakeOverRequest.self,
                    of: request,
                    context
                )
                // Asked last: a body can be sent so slowly that a revocation comes before its end.
                let (source, record) = try await self.peer(context)
                return try await core.takeOver(
                    try APIResponse.parameter("id", context),
                    wanted,
                    from: source,
                    pair: record.pair.name
                )
            }
        }
    }
}
