// SPDX-License-Identifier: Apache-2.0

import ControlPlane
import ObjectModel
import Testing

@Suite struct MovedKindTests {
    @Test(arguments: MovedKind.allCases) func everyKindIsFoundInEachOfItsGroups(kind: MovedKind) {
        #expect(!kind.groups.isEmpty)
        for group in kind.groups {
            #expect(MovedKind(GroupVersionKind(group, "v1", kind.rawValue)) == kind)
            #expect(MovedKind(GroupVersionKind(group, "v1beta1", kind.rawValue)) == kind)
        }
        #expect(MovedKind(GroupVersionKind("example.org", "v1", kind.rawValue)) == nil)
    }

    @Test(arguments: [
        ("serving.knative.dev", "Service"), ("extensions", "Deployment"), ("", "Pod"),
        ("", "Event"), ("coordination.k8s.io", "Lease"), ("", "Deployment"), ("apps", "Service"),
    ])
    func theSameWordInAnotherGroupIsAnotherKind(group: String, kind: String) {
        #expect(MovedKind(GroupVersionKind(group, "v1", kind)) == nil)
    }
}
