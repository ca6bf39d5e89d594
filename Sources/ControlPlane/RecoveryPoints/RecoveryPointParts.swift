// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

/// What the controller of RecoveryPoints runs on: copies of its objects, which of them follow one
/// another, and a queue that new ones go to.
struct RecoveryPointParts: Sendable {
    let queue: Controller
    let index: RecoveryPointIndex
    let points: Reflector

    init(
        _ client: KubernetesClient,
        workers: Int,
        _ environment: ControllerEnvironment,
        _ transform: @escaping @Sendable (KubeObject) -> KubeObject
    ) {
        let queue = Controller("recoverypoint", workers: workers, environment: environment)
        let index = RecoveryPointIndex()
        self.queue = queue
        self.index = index
        self.points = Reflector(
            client,
            StorkResource.recoveryPoints,
            onChange: { change in
                let grown = index.take(change, now: environment.elapsed())
                if let grown { queue.enqueue(grown) }
            },
            onTrouble: environment.watchFailed,
            transform: transform
        )
    }
}
