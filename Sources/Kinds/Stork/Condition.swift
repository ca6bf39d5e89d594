// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// A condition of an object, as the conventions of Kubernetes have it.
public struct Condition: Hashable, Sendable {
    /// Whether it holds.
    public enum Status: String, Hashable, Sendable, CaseIterable {
        case yes = "True"
        case no = "False"
        case unknown = "Unknown"
    }

    /// Such as `Ready`; once in a list.
    public var type: String
    /// Whether it holds.
    public var status: Status
    /// One word in CamelCase, for programs.
    public var reason: String
    /// A sentence with the cause and what to do, for people.
    public var message: String
    /// Which generation of the object was looked at.
    public var observedGeneration: Int
    /// When ``status`` last changed; RFC 3339.
    public var lastTransitionTime: String

    /// Reads an entry of `status.conditions`; missing fields are empty.
    public init(_ json: JSON) {
        self.type = json["type"]?.string ?? ""
        self.status = json["status"]?.string.flatMap(Status.init(rawValue:)) ?? .unknown
        self.reason = json["reason"]?.string ?? ""
        self.message = json["message"]?.string ?? ""
        self.observedGeneration = json["observedGeneration"]?.int ?? 0
        self.lastTransitionTime = json["lastTransitionTime"]?.string ?? ""
    }

    /// As it is written.
    public var json: JSON {
        [
            "type": .string(self.type), "status": .string(self.status.rawValue),
            "reason": .string(self.reason), "message": .string(self.message),
            "observedGeneration": JSON(self.observedGeneration),
            "lastTransitionTime": .string(self.lastTransitionTime),
        ]
    }
}

extension [Condition] {
    /// The conditions of a status; nil reads as none.
    public init(_ json: JSON?) { self = (json?.array ?? []).map { Condition($0) } }

    /// The condition of a type.
    public subscript(_ type: String) -> Condition? { self.first { $0.type == type } }

    /// Says whether a condition holds.
    ///
    /// The time changes only with the status, so that saying the same again changes nothing.
    public mutating func set(
        _ type: String,
        _ status: Condition.Status,
        reason: String,
        message: String,
        generation: Int,
        now: Timestamp
    ) {
        let place = self.firstIndex { $0.type == type }
        var condition = place.map { self[$0] } ?? Condition(["type": .string(type)])
        if place == nil || condition.status != status {
            condition.lastTransitionTime = now.description
        }
        condition.status = status
        condition.reason = reason
        condition.message = message
        condition.observedGeneration = generation
        if let place { self[place] = condition } else { self.append(condition) }
    }
}
