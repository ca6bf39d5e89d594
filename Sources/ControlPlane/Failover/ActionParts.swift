// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

/// What the controller of Actions runs on: copies of its objects, and a queue that changes go to.
struct ActionParts: Sendable {
    let queue: Controller
    let actions: Reflector

    init(
        _ client: KubernetesClient,
        workers: Int,
        _ environment: ControllerEnvironment,
        _ transform: @escaping @Sendable (KubeObject) -> KubeObject
    ) {
        let queue = Controller("action", workers: workers, environment: environment)
        self.queue = queue
        self.actions = Reflector(
            client,
            StorkResource.actions,
            onChange: { queue.enqueue($0.key) },
            onTrouble: environment.watchFailed,
            transform: transform
        )
    }
}
