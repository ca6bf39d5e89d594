// SPDX-License-Identifier: Apache-2.0

/// How the values inside an object of a kind are merged and owned.
///
/// Only what differs from the usual is named: objects merge by key and lists are replaced whole.
public struct MergeShape: Hashable, Sendable {
    /// How a list is merged.
    public enum List: Hashable, Sendable {
        /// Replaced whole.
        case atomic
        /// Values, each of which is there or not.
        case set
        /// Objects that are told apart by these keys.
        case map([String])
    }

    /// By key, where a field is not of the usual shape.
    public var fields: [String: MergeShape] = [:]
    /// Of every key that is not in ``fields``; at most one.
    public var others: [MergeShape] = []
    /// Of the elements of a list; at most one.
    public var items: [MergeShape] = []
    /// How a list merges under server-side apply.
    public var list = List.atomic
    /// The key of strategic merge patches; nil where such a patch replaces the list.
    public var patchKey: String?
    /// Whether an object is owned and replaced whole.
    public var isAtomic = false
    /// What keys of list elements are where they are left out, such as `protocol: TCP`.
    public var keyDefaults: [String: String] = [:]

    /// The usual shape.
    public init() {}

    /// The shape of a field.
    public func field(_ key: String) -> MergeShape {
        self.fields[key] ?? self.others.first ?? MergeShape()
    }

    /// The shape of an element.
    public var element: MergeShape { self.items.first ?? MergeShape() }
}
