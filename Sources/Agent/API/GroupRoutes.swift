// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Hummingbird

extension LocalRoutes {
    /// Groups that are sent from here.
    func addGroups(_ router: Router<APIContext>) {
        let core = self.core
        let one: RouterPath = "\(AgentRoute.groups)/{id}"
        router.get("\(AgentRoute.groups)") { _, context in
            await APIResponse.of(context) { ItemList(items: await core.listGroups()) }
        }
        router.post("\(AgentRoute.groups)") { request, context in
            await APIResponse.of(context) {
                let wanted = try await APIResponse.body(GroupRequest.self, of: request, context)
                return try await core.beginGroup(wanted)
            }
        }
        router.get(one) { request, context in
            let wait = request.uri.queryParameters["wait"].flatMap { Int($0) } ?? 0
            return await APIResponse.of(context) {
                try await core.group(
                    try APIResponse.parameter("id", context),
                    within: .milliseconds(min(max(wait, 0), 60_000))
                )
            }
        }
        router.delete(one) { _, context in
            await APIResponse.of(context) {
                try await core.cancelGroup(try APIResponse.parameter("id", context))
            }
        }
        router.post("\(AgentRoute.groups)/{id}/commit") { _, context in
            await APIResponse.of(context) {
                try await core.commitGroup(try APIResponse.parameter("id", context))
            }
        }
    }

    /// Groups that are held back here.
    func addHolds(_ router: Router<APIContext>) {
        let core = self.core
        router.get("\(AgentRoute.holds)") { _, context in
            await APIResponse.of(context) { ItemList(items: try core.holds.list()) }
        }
        router.post("\(AgentRoute.holds)/{id}/release") { _, context in
            await APIResponse.of(context) {
                let id = try APIResponse.parameter("id", context)
                return ItemList(items: try await core.holds.release(id))
            }
        }
        router.delete("\(AgentRoute.holds)/{id}") { _, context in
            await APIResponse.of(context) {
                let id = try APIResponse.parameter("id", context)
                return try await onThread("drop") { () throws(APIError) in
                    ItemList(items: try core.holds.drop(id))
                }
            }
        }
    }
}

extension PeerRoutes {
    /// Groups of the pair that asks; nobody else's (P8).
    func addGroups(_ router: Router<APIContext>) {
        let holds = self.core.holds
        let one: RouterPath = "\(PeerRoute.groups)/{id}"
        router.put(one) { request, context in
            await APIResponse.of(context) {
                let wanted = try await APIResponse.body(
                    PeerGroupRequest.self,
                    of: request,
                    context
                )
                let (source, _) = try await self.peer(context)
                let id = try APIResponse.parameter("id", context)
                return try await onThread("hold") { () throws(APIError) in
                    try holds.register(id, wanted, of: source)
                }
            }
        }
        router.get(one) { _, context in
            await APIResponse.of(context) {
                let (source, _) = try await self.peer(context)
                return try holds.show(try APIResponse.parameter("id", context), of: source)
            }
        }
        router.post("\(PeerRoute.groups)/{id}/commit") { _, context in
            await APIResponse.of(context) {
                let (source, _) = try await self.peer(context)
                return try await holds.commit(
                    try APIResponse.parameter("id", context),
                    of: source
                )
            }
        }
        router.delete(one) { _, context in
            await APIResponse.of(context) {
                let (source, _) = try await self.peer(context)
                let id = try APIResponse.parameter("id", context)
                return try await onThread("drop") { () throws(APIError) in
                    try holds.drop(id, of: source)
                }
            }
        }
    }
}
