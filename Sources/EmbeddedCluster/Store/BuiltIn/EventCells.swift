// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// What `kubectl get events` shows.
enum EventCells {
    static let columns: [KindColumn] = [
        Cells.since("Last Seen") { object in
            Self.first(object, ["series.lastObservedTime", "lastTimestamp", "eventTime"])
                ?? object.creationTimestamp
        },
        Cells.text("Type", "type"), Cells.text("Reason", "reason"),
        KindColumn("Object") { object, _ in
            let involved = object["involvedObject"]
            let kind = involved?["kind"]?.string?.lowercased() ?? ""
            return .string("\(kind)/\(involved?["name"]?.string ?? "")")
        },
        Cells.text("Subobject", "involvedObject.fieldPath", priority: 1),
        KindColumn("Source", priority: 1) { object, _ in
            let source = object["source", "component"]?.string ?? ""
            let parts = [
                source.isEmpty ? object["reportingComponent"]?.string ?? "" : source,
                object["source", "host"]?.string ?? "",
            ]
            return .string(parts.filter { !$0.isEmpty }.joined(separator: ", "))
        },
        KindColumn("Message") { object, _ in
            .string((object["message"]?.string ?? "").trimmed)
        },
        Cells.since("First Seen", priority: 1) { object in
            Self.first(object, ["firstTimestamp", "eventTime"]) ?? object.creationTimestamp
        },
        KindColumn("Count", type: "integer", priority: 1) { object, _ in
            object["series", "count"] ?? object["count"] ?? 1
        },
        KindColumn("Name", format: "name", priority: 1) { object, _ in .string(object.name) },
    ]

    private static func first(_ object: KubeObject, _ paths: [String]) -> String? {
        paths.lazy
            .compactMap { object.json.at($0.split(separator: ".").map(String.init))?.string }
            .first
    }

    /// An event lives beside the object that it is about.
    static func causes(_ object: KubeObject) -> [APIStatus.Cause] {
        let involved = object["involvedObject", "namespace"]?.string ?? ""
        let expected = involved.isEmpty ? "default" : involved
        guard object.namespace != expected, !(involved.isEmpty && object.namespace == "kube-system")
        else { return [] }
        return [
            .invalid(
                "involvedObject.namespace",
                .string(involved),
                "does not match event.namespace"
            )
        ]
    }
}

extension String {
    /// Without white space at both ends.
    fileprivate var trimmed: String {
        let start = self.drop(while: \.isWhitespace)
        return String(start.reversed().drop(while: \.isWhitespace).reversed())
    }
}
