// SPDX-License-Identifier: Apache-2.0

import ControlPlane
import ObjectModel
import Testing

@Suite struct ResourceCollectorVolumeTests {
    private func reasons(
        _ objects: [KubeObject],
        _ change: (inout CollectionOptions) -> Void = { _ in }
    ) -> [String: LeftOutReason] {
        var options = CollectionOptions(namespaces: ["shop"])
        change(&options)
        let collected = ResourceCollector(options).collect(objects)
        return Dictionary(collected.leftOut.map { ($0.object.label, $0.reason) }) { first, _ in
            first
        }
    }

    private let claim = "PersistentVolumeClaim shop/data"
    private let volume = "PersistentVolume pvc-1"

    @Test func aBoundClaimMovesWithItsVolume() throws {
        let objects = try Sample.claim("shop/data")
        let collector = ResourceCollector(CollectionOptions(namespaces: ["shop"]))
        #expect(collector.collect(objects).moved == [objects[1], objects[0]])
        let pairs = collector.claims(among: objects)
        #expect(pairs.map(\.claim) == [objects[0]] && pairs.map(\.volume) == [objects[1]])
    }

    @Test func volumesMoveAloneWhereResourcesDoNot() throws {
        let objects = try Sample.claim("shop/data") + [try Sample.object("ConfigMap", "shop/a")]
        let reasons = self.reasons(objects) {
            $0.volumesOnly = true
            $0.excludeResourceTypes = ["PersistentVolumeClaim"]
        }
        #expect(reasons == ["ConfigMap shop/a": .volumesOnly])
    }

    @Test(arguments: ["Pending", "Lost", ""]) func aClaimThatIsNotBoundStays(phase: String) throws {
        var objects = try Sample.claim("shop/data")
        objects[0].set(.string(phase), at: "status", "phase")
        #expect(
            self.reasons(objects) == [self.claim: .claimNotBound, self.volume: .claimNotMoved]
        )
    }

    @Test(arguments: ["Available", "Released", "Failed"])
    func aVolumeThatIsNotBoundStays(phase: String) throws {
        var objects = try Sample.claim("shop/data")
        objects[1].set(.string(phase), at: "status", "phase")
        #expect(self.reasons(objects)[self.volume] == .volumeNotBound)
    }

    @Test func aVolumeOfAnotherDriverStaysWithItsClaim() throws {
        let objects = try Sample.claim("shop/data", driver: "ebs.csi.aws.com")
        #expect(
            self.reasons(objects) == [
                self.claim: .volumeOfAnotherDriver, self.volume: .claimNotMoved,
            ]
        )
    }

    @Test func aVolumeWithoutItsClaimStays() throws {
        let objects = try Sample.claim("shop/data")
        #expect(self.reasons([objects[1]]) == [self.volume: .claimNotMoved])
        #expect(self.reasons([objects[0]]) == [self.claim: .claimNotBound])
        let elsewhere = try Sample.claim("other/data", volume: "pvc-2")
        #expect(self.reasons(elsewhere)["PersistentVolume pvc-2"] == .claimNotMoved)
    }

    @Test func aVolumeOfAnEarlierClaimOfThatNameStays() throws {
        var objects = try Sample.claim("shop/data")
        objects[1].set("other-uid", at: "spec", "claimRef", "uid")
        #expect(self.reasons(objects)[self.volume] == .claimNotMoved)
    }

    @Test func aClaimStaysWithAVolumeThatIsMarkedOrExcluded() throws {
        var objects = try Sample.claim("shop/data")
        let excluded = self.reasons(objects) { $0.excludeResourceTypes = ["PersistentVolume"] }
        #expect(excluded == [self.claim: .kindExcluded, self.volume: .kindExcluded])
        objects[1].annotations["stork.libopenstorage.org/skip-resource"] = "true"
        #expect(self.reasons(objects) == [self.claim: .markedToSkip, self.volume: .markedToSkip])
    }

    @Test func theLabelsOfTheClaimDecideAboutItsVolume() throws {
        var objects = try Sample.claim("shop/data", labels: ["app": "shop"])
        objects[1].labels = ["zone": "a"]
        #expect(self.reasons(objects) { $0.selectors = ["app": "shop"] } == [:])
        let none = self.reasons(objects) { $0.selectors = ["zone": "a"] }
        #expect(none == [self.claim: .selectorsDoNotMatch, self.volume: .claimNotMoved])
        let excluded = self.reasons(objects) { $0.excludeSelectors = ["app": "shop"] }
        #expect(excluded == [self.claim: .excludeSelectorMatches, self.volume: .claimNotMoved])
    }

    @Test func everyReasonIsSaidInWords() {
        let reasons: [LeftOutReason] = [
            .namespaceNotMigrated, .clusterNamespace, .kindNotMoved, .kindExcluded, .kindOnRequest,
            .volumesOnly, .markedToSkip, .selectorsDoNotMatch, .excludeSelectorMatches, .seenBefore,
            .beingDeleted, .madeByTheCluster, .generatedEndpoints, .serviceAccountToken,
            .serviceAccount, .subjectsElsewhere, .notReferenced, .namesAddressRange, .claimNotBound,
            .volumeOfAnotherDriver, .volumeNotBound, .claimNotMoved,
            .ownerIsMoved("Service shop/a"),
            .ownedByPod, .ownedByDeployment,
        ]
        #expect(Set(reasons.map(\.description)).count == reasons.count)
        #expect(LeftOutReason.ownerIsMoved("Service shop/a").description.contains("Service shop/a"))
    }
}
