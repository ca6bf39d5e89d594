// SPDX-License-Identifier: Apache-2.0

import GRDB
import ObjectModel

/// The addresses and ports that services get out of ranges.
enum ServiceAllocator {
    static let resource = "services"
    static let addresses = "10.96.0.0/16"
    static let nodePorts = 30000...32767

    /// The address with a number in the range; the first is the network's own.
    static func address(_ number: UInt64) -> String {
        let host = number % 65_534 + 1
        return "10.96.\(host / 256).\(host % 256)"
    }

    static func isInRange(_ address: String) -> Bool {
        let parts = address.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 4, parts[0] == 10, parts[1] == 96 else { return false }
        return parts[2...].allSatisfy { $0.map((0...255).contains) ?? false }
    }

    enum Kind: String {
        case address
        case port
    }

    static func hasAddress(_ object: KubeObject) -> Bool {
        object["spec", "type"]?.string != "ExternalName"
            && object["spec", "clusterIP"]?.string != "None"
    }

    static func hasNodePorts(_ object: KubeObject) -> Bool {
        ["NodePort", "LoadBalancer"].contains(object["spec", "type"]?.string ?? "")
    }
}

extension StoreTransaction {
    /// Gives a service its address and node ports, and refuses those that others have.
    func allocate(_ object: inout KubeObject, _ kind: ServedKind, former: KubeObject?) throws {
        if let former { Self.keepAllocations(of: former, in: &object) }
        var causes: [APIStatus.Cause] = []
        try self.allocateAddress(&object, &causes)
        try self.allocatePorts(&object, &causes)
        guard causes.isEmpty else {
            throw APIStatus.invalid(kind.resource, object.name, causes)
        }
    }

    /// Who leaves out what was allocated means to keep it.
    private static func keepAllocations(of former: KubeObject, in object: inout KubeObject) {
        guard ServiceAllocator.hasAddress(object), ServiceAllocator.hasAddress(former) else {
            return
        }
        if (object["spec", "clusterIP"]?.string ?? "").isEmpty {
            object.set(former["spec", "clusterIP"], at: "spec", "clusterIP")
        }
        guard ServiceAllocator.hasNodePorts(object), var ports = object["spec", "ports"]?.array
        else { return }
        let before = former["spec", "ports"]?.array ?? []
        for (index, port) in ports.enumerated() where (port["nodePort"]?.int ?? 0) == 0 {
            let same = before.first {
                $0["port"] == port["port"] && $0["protocol"] == port["protocol"]
            }
            ports[index].set(same?["nodePort"], at: "nodePort")
        }
        object.set(.array(ports), at: "spec", "ports")
    }

    private func allocateAddress(
        _ object: inout KubeObject,
        _ causes: inout [APIStatus.Cause]
    ) throws {
        guard ServiceAllocator.hasAddress(object) else {
            if object["spec", "type"] == "ExternalName" {
                object.set(nil, at: "spec", "clusterIP")
                object.set(nil, at: "spec", "clusterIPs")
            } else {
                object.set(["None"], at: "spec", "clusterIPs")
            }
            return
        }
        var address = object["spec", "clusterIP"]?.string ?? ""
        if address.isEmpty {
            address = try self.freeAddress()
        } else if !ServiceAllocator.isInRange(address) {
            causes.append(
                .invalid(
                    "spec.clusterIPs",
                    [.string(address)],
                    "failed to allocate IP \(address): the provided IP is not in the valid range. "
                        + "The range of valid IPs is \(ServiceAllocator.addresses)"
                )
            )
        } else if try self.isTaken(.address, address, by: object) {
            causes.append(
                .invalid(
                    "spec.clusterIPs",
                    [.string(address)],
                    "failed to allocate IP \(address): provided IP is already allocated"
                )
            )
        }
        object.set(.string(address), at: "spec", "clusterIP")
        object.set([.string(address)], at: "spec", "clusterIPs")
        for (field, value) in [
            ("ipFamilies", ["IPv4"] as JSON), ("ipFamilyPolicy", "SingleStack"),
            ("internalTrafficPolicy", "Cluster"),
        ] where object["spec", field] == nil {
            object.set(value, at: "spec", field)
        }
    }

    private func freeAddress() throws -> String {
        let start = self.environment.random()
        for number in 0..<UInt64(65_534) {
            let address = ServiceAllocator.address(start % 65_534 &+ number)
            if try !self.isTaken(.address, address, by: nil) { return address }
        }
        throw APIStatus(.internalError, "no address of \(ServiceAllocator.addresses) is free")
    }

    private func allocatePorts(
        _ object: inout KubeObject,
        _ causes: inout [APIStatus.Cause]
    ) throws {
        guard var ports = object["spec", "ports"]?.array else { return }
        guard ServiceAllocator.hasNodePorts(object) else {
            // Another type of service has no ports on nodes: they become free.
            for index in ports.indices where ports[index].object != nil {
                ports[index].set(nil, at: "nodePort")
            }
            object.set(.array(ports), at: "spec", "ports")
            return
        }
        var used = Set(ports.compactMap { $0["nodePort"]?.int })
        for index in ports.indices where ports[index].object != nil {
            let wanted = ports[index]["nodePort"]?.int ?? 0
            guard wanted != 0 else {
                let port = try self.freePort(except: used)
                used.insert(port)
                ports[index].set(JSON(port), at: "nodePort")
                continue
            }
            let field = "spec.ports[\(index)].nodePort"
            if !ServiceAllocator.nodePorts.contains(wanted) {
                causes.append(
                    .invalid(
                        field,
                        JSON(wanted),
                        "provided port is not in the valid range. The range of valid ports is "
                            + "\(ServiceAllocator.nodePorts.lowerBound)-"
                            + "\(ServiceAllocator.nodePorts.upperBound)"
                    )
                )
            } else if try self.isTaken(.port, "\(wanted)", by: object) {
                causes.append(
                    .invalid(field, JSON(wanted), "provided port is already allocated")
                )
            }
        }
        object.set(.array(ports), at: "spec", "ports")
    }

    private func freePort(except used: Set<Int>) throws -> Int {
        let ports = ServiceAllocator.nodePorts
        let start = Int(self.environment.random() % UInt64(ports.count))
        for offset in 0..<ports.count {
            let port = ports.lowerBound + (start + offset) % ports.count
            if used.contains(port) { continue }
            if try !self.isTaken(.port, "\(port)", by: nil) { return port }
        }
        throw APIStatus(.internalError, "no node port is free")
    }

    private func isTaken(
        _ kind: ServiceAllocator.Kind,
        _ value: String,
        by object: KubeObject?
    ) throws -> Bool {
        let statement = try self.database.cachedStatement(
            sql: "SELECT uid FROM allocation WHERE kind = ? AND value = ?"
        )
        let owner = try String.fetchOne(statement, arguments: [kind.rawValue, value])
        return owner != nil && owner != object?.uid
    }

    /// Keeps the table of allocations equal to what the services say.
    func noteAllocations(of object: KubeObject) throws {
        try self.execute("DELETE FROM allocation WHERE uid = ?", [object.uid])
        var values: [(ServiceAllocator.Kind, String)] = []
        if ServiceAllocator.hasAddress(object), let address = object["spec", "clusterIP"]?.string {
            values.append((.address, address))
        }
        for port in object["spec", "ports"]?.array ?? [] {
            if let number = port["nodePort"]?.int, number != 0 {
                values.append((.port, "\(number)"))
            }
        }
        for (kind, value) in values {
            try self.execute(
                "INSERT OR IGNORE INTO allocation (kind, value, uid) VALUES (?, ?, ?)",
                [kind.rawValue, value, object.uid]
            )
        }
    }
}
