// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// What a write says beside the object.
public struct WriteOptions: Sendable, Hashable {
    /// What happens to fields that the kind's schema does not know.
    public enum FieldValidation: String, Sendable, Hashable, CaseIterable {
        /// They are dropped.
        case ignore = "Ignore"
        /// They are dropped, and the answer names them.
        case warn = "Warn"
        /// They are refused.
        case strict = "Strict"
    }

    /// Whether everything is done except the write.
    public var isDryRun = false
    /// Who owns the fields that the write sets; empty for a client that does not say.
    public var fieldManager = ""
    /// What happens to unknown fields.
    public var fieldValidation = FieldValidation.warn
    /// Whether server-side apply takes fields away from other managers.
    public var isForced = false

    /// The options of a write that says nothing.
    public init() {}
}

/// What a write gives back.
public struct Written: Sendable, Hashable {
    /// The object as it is stored now, or would be after a dry run.
    public var object: KubeObject
    /// What a person should hear, one sentence each.
    public var warnings: [String] = []
    /// Whether the object was not there before.
    public var isNew = false
}

/// A part of an object that has a path of its own.
public enum Subresource: String, Sendable, Hashable, CaseIterable {
    case status
    case scale
    /// Of namespaces: the finalizers in the specification.
    case finalize
}

/// How a patch says what changes.
public enum ObjectPatch: Sendable, Hashable {
    /// Operations one after the other (RFC 6902).
    case json(JSON)
    /// RFC 7396.
    case merge(JSON)
    /// As `kubectl apply` and `kubectl patch` send it for built-in kinds.
    case strategicMerge(JSON)
    /// Server-side apply: everything that one manager wants.
    case apply(JSON)
}

/// How an object is deleted.
public struct DeleteOptions: Sendable, Hashable {
    /// What happens to the objects that the deleted one owns.
    public enum Propagation: String, Sendable, Hashable, CaseIterable {
        /// They go later.
        case background = "Background"
        /// They go before.
        case foreground = "Foreground"
        /// They stay.
        case orphan = "Orphan"
    }

    /// nil for the kind's usual way, which is ``Propagation/background``.
    public var propagation: Propagation?
    /// The identity that the object has to have; nil for any.
    public var uid: String?
    /// The version that the object has to have; nil for any.
    public var resourceVersion: String?
    /// Whether everything is done except the deletion.
    public var isDryRun = false

    /// The options of a deletion that says nothing.
    public init() {}
}

/// What came of a deletion.
public enum Deleted: Sendable, Hashable {
    /// The object is gone; this was its last state.
    case gone(KubeObject)
    /// The object is marked and goes when its finalizers are removed.
    case waiting(KubeObject)
}
