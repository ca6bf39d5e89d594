// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Identity
import Testing

@Suite struct SPIFFENameTests {
    let destination = ClusterID(halves: Halves(high: 0x0123_4567_89ab_cdef, low: 1))
    let source = ClusterID(halves: Halves(high: 0xfedc_ba98_7654_3210, low: 2))

    @Test func anAgentIsNamedByItsCluster() {
        let name = SPIFFEName.agent(of: self.destination)
        #expect(name.description == "spiffe://0123456789abcdef0000000000000001/agent")
        #expect(SPIFFEName(name.description) == name)
    }

    @Test func aPairIsNamedByBothClusters() {
        let name = SPIFFEName.pair(of: self.source, at: self.destination)
        #expect(
            name.description
                == "spiffe://0123456789abcdef0000000000000001/pair/fedcba98765432100000000000000002"
        )
        #expect(SPIFFEName(name.description) == name)
    }

    @Test(arguments: [
        "",
        "spiffe://",
        "spiffe:///agent",
        "spiffe://0123456789abcdef0000000000000001",
        "spiffe://0123456789abcdef0000000000000001/",
        "spiffe://0123456789abcdef0000000000000001/agent/",
        "spiffe://0123456789abcdef0000000000000001//agent",
        "spiffe://0123456789abcdef0000000000000001/Agent",
        "spiffe://0123456789ABCDEF0000000000000001/agent",
        "SPIFFE://0123456789abcdef0000000000000001/agent",
        "https://0123456789abcdef0000000000000001/agent",
        "spiffe://0123456789abcdef000000000000001/agent",
        "spiffe://0123456789abcdef00000000000000011/agent",
        "spiffe://0123456789abcdef0000000000000001/pair",
        "spiffe://0123456789abcdef0000000000000001/pair/",
        "spiffe://0123456789abcdef0000000000000001/pair/fedc",
        "spiffe://0123456789abcdef0000000000000001/pair/fedcba98765432100000000000000002/x",
        "spiffe://0123456789abcdef0000000000000001/agent?x",
        "spiffe://0123456789abcdef0000000000000001/agent\0",
        " spiffe://0123456789abcdef0000000000000001/agent",
    ])
    func everyOtherTextIsNoName(text: String) {
        #expect(SPIFFEName(text) == nil)
    }
}
