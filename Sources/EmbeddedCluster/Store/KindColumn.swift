// SPDX-License-Identifier: Apache-2.0

public import Foundation
public import ObjectModel

/// A column that `kubectl get` shows for a kind.
public struct KindColumn: Sendable {
    /// The heading.
    public let name: String
    /// `string`, `integer`, `number`, `boolean` or `date`.
    public let type: String
    /// `name` for the column that names the object, else empty.
    public let format: String
    /// What the column means.
    public let summary: String
    /// 0 for columns that always show; more for those of `-o wide`.
    public let priority: Int
    /// What an object shows in it at a time; null where there is nothing to show.
    public let cell: @Sendable (KubeObject, Date) -> JSON

    /// A column with its parts.
    public init(
        _ name: String,
        type: String = "string",
        format: String = "",
        summary: String = "",
        priority: Int = 0,
        cell: @escaping @Sendable (KubeObject, Date) -> JSON
    ) {
        self.name = name
        self.type = type
        self.format = format
        self.summary = summary
        self.priority = priority
        self.cell = cell
    }
}
