// SPDX-License-Identifier: Apache-2.0

import EmbeddedCluster
import ObjectModel
import Testing

@Suite struct ServiceTests {
    private func service(_ name: String, _ spec: JSON = [:]) -> JSON {
        let ports: JSON = ["ports": [["port": 80]]]
        return ["metadata": ["name": .string(name)], "spec": ports.merged(with: spec)]
    }

    @Test func aServiceGetsAnAddressAndKeepsIt() async throws {
        let bed = try await StoreBed()
        let made = try await bed.create(bed.services, self.service("a"))
        let address = try #require(made["spec", "clusterIP"]?.string)
        #expect(address.hasPrefix("10.96."))
        #expect(made["spec", "clusterIPs"] == [.string(address)])
        #expect(made["spec", "type"] == "ClusterIP")
        #expect(made["spec", "ports"] == [["port": 80, "protocol": "TCP", "targetPort": 80]])
        var without = KubeObject(self.service("a", ["selector": ["app": "a"]]))
        without.set(.string(made.resourceVersion), at: "metadata", "resourceVersion")
        let updated = try await bed.store.update(bed.services, made.key, without).object
        #expect(updated["spec", "clusterIP"]?.string == address)
    }

    @Test func anAddressBelongsToOneService() async throws {
        let bed = try await StoreBed()
        let made = try await bed.create(bed.services, self.service("a", ["clusterIP": "10.96.0.9"]))
        let taken = await status {
            try await bed.create(bed.services, self.service("b", ["clusterIP": "10.96.0.9"]))
        }
        #expect(taken?.causes.map(\.field) == ["spec.clusterIPs"])
        #expect(taken?.message.contains("provided IP is already allocated") == true)
        let outside = await status {
            try await bed.create(bed.services, self.service("b", ["clusterIP": "10.1.0.9"]))
        }
        #expect(outside?.message.contains("not in the valid range") == true)
        _ = try await bed.store.delete(bed.services, made.key)
        try await bed.create(bed.services, self.service("b", ["clusterIP": "10.96.0.9"]))
    }

    @Test func headlessServicesHaveNoAddress() async throws {
        let bed = try await StoreBed()
        let made = try await bed.create(bed.services, self.service("a", ["clusterIP": "None"]))
        #expect(made["spec", "clusterIP"] == "None")
        let name = try await bed.create(
            bed.services,
            self.service("b", ["type": "ExternalName", "externalName": "a.io"])
        )
        #expect(name["spec", "clusterIP"] == nil)
    }

    @Test func aNodePortBelongsToOneService() async throws {
        let bed = try await StoreBed()
        func spec(_ port: Int) -> JSON {
            ["type": "NodePort", "ports": [["port": 80, "nodePort": JSON(port)]]]
        }
        let made = try await bed.create(bed.services, self.service("a", spec(30080)))
        let taken = await status {
            try await bed.create(bed.services, self.service("b", spec(30080)))
        }
        #expect(
            taken?.message == "Service \"b\" is invalid: spec.ports[0].nodePort: "
                + "Invalid value: 30080: provided port is already allocated"
        )
        let outside = await status {
            try await bed.create(bed.services, self.service("b", spec(80)))
        }
        #expect(outside?.message.contains("30000-32767") == true)
        let other = try await bed.create(
            bed.services,
            self.service("b", ["type": "NodePort", "ports": [["port": 80]]])
        )
        let port = try #require(other["spec", "ports"]?.array?.first?["nodePort"]?.int)
        #expect((30000...32767).contains(port))
        #expect(port != 30080)
        // Another type gives the port back.
        let patch = ObjectPatch.merge(["spec": ["type": "ClusterIP"]])
        let plain = try await bed.store.patch(bed.services, made.key, patch).object
        #expect(plain["spec", "ports"]?.array?.first?["nodePort"] == nil)
        try await bed.create(bed.services, self.service("c", spec(30080)))
    }

    @Test func severalPortsNeedNames() async throws {
        let bed = try await StoreBed()
        let status = await status {
            try await bed.create(
                bed.services,
                self.service("a", ["ports": [["port": 80], ["port": 0, "name": "x"]]])
            )
        }
        #expect(status?.causes.map(\.field) == ["spec.ports[0].name", "spec.ports[1].port"])
    }
}
