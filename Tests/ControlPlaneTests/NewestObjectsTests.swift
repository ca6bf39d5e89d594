// SPDX-License-Identifier: Apache-2.0

import ObjectModel
import Testing

@testable import ControlPlane

@Suite struct NewestObjectsTests {
    private func object(_ version: String) -> KubeObject {
        KubeObject([
            "metadata": ["name": "a", "namespace": "n", "resourceVersion": .string(version)]
        ])
    }

    private let key = ObjectKey("n", "a")

    @Test func whatWasWrittenCountsUntilTheWatchHasIt() {
        let objects = NewestObjects()
        objects.note(self.object("5"), insteadOf: "4")
        objects.note(self.object("7"), insteadOf: "5")
        #expect(objects.newest(self.object("4"), self.key)?.resourceVersion == "7")
        #expect(objects.newest(self.object("5"), self.key)?.resourceVersion == "7")
        #expect(objects.newest(self.object("7"), self.key)?.resourceVersion == "7")
        #expect(objects.newest(self.object("9"), self.key)?.resourceVersion == "9")
    }

    @Test func whatIsGoneStaysGone() {
        let objects = NewestObjects()
        objects.note(self.object("5"), insteadOf: "4")
        #expect(objects.newest(nil, self.key) == nil)
        #expect(objects.newest(self.object("4"), self.key)?.resourceVersion == "4")
    }
}
