// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// What holds for services, apart from addresses and node ports, which need to know the others.
enum ServiceRules {
    static func prepare(_ object: inout KubeObject) {
        guard let ports = object["spec", "ports"]?.array else { return }
        let filled = ports.map { port -> JSON in
            guard port.object != nil else { return port }
            var port = port
            if port["protocol"] == nil { port.set("TCP", at: "protocol") }
            if port["targetPort"] == nil { port.set(port["port"], at: "targetPort") }
            return port
        }
        object.set(.array(filled), at: "spec", "ports")
    }

    static func causes(_ object: KubeObject, _ former: KubeObject?) -> [APIStatus.Cause] {
        let type = object["spec", "type"]?.string ?? ""
        let ports = object["spec", "ports"]?.array ?? []
        var causes = Self.portCauses(ports)
        if type == "ExternalName", (object["spec", "externalName"]?.string ?? "").isEmpty {
            causes.append(.required("spec.externalName"))
        }
        if type != "ExternalName", ports.isEmpty, object["spec", "clusterIP"] != "None" {
            causes.append(.required("spec.ports"))
        }
        let before = former?["spec", "clusterIP"]?.string ?? ""
        let now = object["spec", "clusterIP"]?.string ?? ""
        if !before.isEmpty, before != now, type != "ExternalName" {
            causes.append(
                .invalid("spec.clusterIP", .string(now), "may not change once set")
            )
        }
        return causes
    }

    private static func portCauses(_ ports: [JSON]) -> [APIStatus.Cause] {
        var causes: [APIStatus.Cause] = []
        var names: Set<String> = []
        var numbers: Set<String> = []
        for (index, port) in ports.enumerated() {
            let path = "spec.ports[\(index)]"
            let number = port["port"]?.int ?? 0
            if !(1...65535).contains(number) {
                causes.append(
                    .invalid("\(path).port", port["port"], "must be between 1 and 65535, inclusive")
                )
            }
            let name = port["name"]?.string ?? ""
            if name.isEmpty, ports.count > 1 { causes.append(.required("\(path).name")) }
            if !name.isEmpty, !names.insert(name).inserted {
                causes.append(.duplicate("\(path).name", name))
            }
            let kind = port["protocol"]?.string ?? ""
            if !["TCP", "UDP", "SCTP"].contains(kind) {
                causes.append(.unsupported("\(path).protocol", kind, ["SCTP", "TCP", "UDP"]))
            }
            if !numbers.insert("\(number)/\(kind)").inserted {
                causes.append(.duplicate(path, "\(number)/\(kind)"))
            }
        }
        return causes
    }
}
