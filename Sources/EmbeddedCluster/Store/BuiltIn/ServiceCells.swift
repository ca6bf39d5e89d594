// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// What `kubectl get services` and `kubectl get endpoints` show.
enum ServiceCells {
    static let columns: [KindColumn] = [
        Cells.name, Cells.text("Type", "spec.type"),
        Cells.text("Cluster-IP", "spec.clusterIP", absent: Cells.none),
        KindColumn("External-IP") { object, _ in .string(Self.external(object)) },
        KindColumn("Port(s)") { object, _ in Self.ports(object) },
        Cells.age, Cells.selector("Selector", "spec.selector", wide: true),
    ]

    private static func external(_ object: KubeObject) -> String {
        let own = (object["spec", "externalIPs"]?.array ?? []).compactMap(\.string)
        switch object["spec", "type"]?.string {
        case "ExternalName": return object["spec", "externalName"]?.string ?? ""
        case "LoadBalancer":
            let given = (object["status", "loadBalancer", "ingress"]?.array ?? [])
                .compactMap { ($0["ip"] ?? $0["hostname"])?.string }
            let all = given + own
            return all.isEmpty ? "<pending>" : all.joined(separator: ",")
        default: return own.isEmpty ? "<none>" : own.joined(separator: ",")
        }
    }

    private static func ports(_ object: KubeObject) -> JSON {
        let texts = (object["spec", "ports"]?.array ?? [])
            .map { port -> String in
                let node = port["nodePort"]?.int ?? 0
                let number = port["port"]?.int ?? 0
                return "\(number)\(node > 0 ? ":\(node)" : "")/\(port["protocol"]?.string ?? "TCP")"
            }
        return texts.isEmpty ? Cells.none : .string(texts.joined(separator: ","))
    }

    static func endpoints(_ object: KubeObject) -> JSON {
        var texts: [String] = []
        for subset in object["subsets"]?.array ?? [] {
            let ports = (subset["ports"]?.array ?? []).compactMap { $0["port"]?.int }
            for address in subset["addresses"]?.array ?? [] {
                let ip = address["ip"]?.string ?? ""
                texts += ports.isEmpty ? [ip] : ports.map { "\(ip):\($0)" }
            }
        }
        guard !texts.isEmpty else { return Cells.none }
        let rest = texts.count > 3 ? " + \(texts.count - 3) more..." : ""
        return .string(texts.prefix(3).joined(separator: ",") + rest)
    }
}
