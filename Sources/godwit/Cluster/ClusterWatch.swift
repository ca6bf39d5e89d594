// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import KubernetesClient
import ObjectModel

extension Cluster {
    /// Shows each object that changes from a list on, until the command ends.
    ///
    /// A connection that breaks is made again; where the server has forgotten the version meanwhile, what
    /// is there now and was not shown is shown.
    ///
    /// - Parameters:
    ///   - resource: the kind.
    ///   - namespace: nil for all.
    ///   - list: what is known already.
    ///   - trouble: gets each failure after which it goes on.
    ///   - show: gets each object as it is now, or was last.
    /// - Throws: what trying again does not help against.
    func watch(
        _ resource: APIResource,
        namespace: String?,
        after list: ObjectList,
        trouble: (APIError) -> Void,
        _ show: (KubeObject) -> Void
    ) async throws(APIError) {
        var version = list.resourceVersion
        var shown: [ObjectKey: String] = [:]
        for object in list.items { shown[object.key] = object.resourceVersion }
        while !Task.isCancelled {
            do throws(ClusterError) {
                var events = self.client
                    .watch(
                        resource,
                        namespace: resource.isNamespaced ? namespace : nil,
                        from: version
                    )
                    .makeAsyncIterator()
                while let event = try await events.next() {
                    version = event.resourceVersion
                    guard let object = event.object else { continue }
                    shown[object.key] = object.resourceVersion
                    show(object)
                }
            } catch {
                guard error.reason == .gone || error.isRetryable else { throw APIError(error) }
                if error.reason != .gone { trouble(APIError(error)) }
                guard let now = try await self.listAgain(resource, namespace, trouble) else {
                    return
                }
                version = now.resourceVersion
                for object in now.items where shown[object.key] != object.resourceVersion {
                    shown[object.key] = object.resourceVersion
                    show(object)
                }
            }
        }
    }

    /// The list once it can be had; nil where the command ends before.
    private func listAgain(
        _ resource: APIResource,
        _ namespace: String?,
        _ trouble: (APIError) -> Void
    ) async throws(APIError) -> ObjectList? {
        while (try? await Task.sleep(for: Self.pause)) != nil {
            do throws(ClusterError) {
                return try await self.client.list(
                    resource,
                    namespace: resource.isNamespaced ? namespace : nil
                )
            } catch {
                guard error.isRetryable else { throw APIError(error) }
                trouble(APIError(error))
            }
        }
        return nil
    }

    /// Between two attempts to reach a server that is away.
    private static let pause: Duration = .seconds(1)
}
