// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

extension KubeObject {
    /// The value of an annotation, under either prefix.
    func noted(_ annotation: StorkNames.Annotation) -> String? {
        annotation.value(in: self.annotations)
    }

    /// Whether an annotation is `"true"`.
    func isMarked(_ annotation: StorkNames.Annotation) -> Bool { self.noted(annotation) == "true" }

    /// Whether a migration made it.
    var isMigrated: Bool { self.isMarked(.migrated) }

    /// The replicas that were saved when it was scaled down; nil where none were, or no number.
    var savedReplicas: Int? {
        self.noted(.migrationReplicas).flatMap { Int($0) }
    }
}

extension StorkNames.Annotation {
    /// What each migration writes anew on what it brings.
    static let stamps: [Self] = [
        .migrated, .migrationName, .migrationNamespace, .migrationTime, .resourceHash,
    ]
}
