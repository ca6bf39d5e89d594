// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// What a watch tells.
public enum WatchEvent: Sendable, Hashable {
    /// The object is there, for the first time in this watch.
    case added(KubeObject)
    /// The object was changed.
    case modified(KubeObject)
    /// The object is gone; as it was last.
    case deleted(KubeObject)
    /// Nothing happened up to here: a later watch can go on from this version.
    case bookmark(resourceVersion: String)

    /// The object, if it is about one.
    public var object: KubeObject? {
        switch self {
        case .added(let object), .modified(let object), .deleted(let object): object
        case .bookmark: nil
        }
    }

    /// Where a later watch goes on.
    public var resourceVersion: String {
        switch self {
        case .added(let object), .modified(let object), .deleted(let object):
            object.resourceVersion
        case .bookmark(let version): version
        }
    }

    /// Reads one line of a watch.
    ///
    /// - Throws: ``ClusterError``, the one of the line where it is an error, `badAnswer` where it cannot
    ///   be read.
    init(line: [UInt8]) throws(ClusterError) {
        let json: JSON
        do { json = try JSON(parsing: line) } catch {
            throw ClusterError(.badAnswer, "an event of a watch is no JSON: \(error)")
        }
        let object = KubeObject(json["object"] ?? [:])
        switch json["type"]?.string {
        case "ADDED": self = .added(object)
        case "MODIFIED": self = .modified(object)
        case "DELETED": self = .deleted(object)
        case "BOOKMARK": self = .bookmark(resourceVersion: object.resourceVersion)
        case "ERROR": throw ClusterError(status: object.json)
        case let type:
            throw ClusterError(.badAnswer, "a watch has events of type \(type ?? "none")")
        }
    }
}
