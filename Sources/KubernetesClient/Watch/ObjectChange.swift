// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// What became of one object of a cache.
public enum ObjectChange: Sendable, Hashable {
    /// It is there.
    case added(KubeObject)
    /// It changed.
    case modified(from: KubeObject, to: KubeObject)
    /// It is gone; as it was known last.
    case deleted(KubeObject)

    /// The object as it is now, or was last.
    public var object: KubeObject {
        switch self {
        case .added(let object), .modified(_, let object), .deleted(let object): object
        }
    }

    /// Which object.
    public var key: ObjectKey { self.object.key }
}
