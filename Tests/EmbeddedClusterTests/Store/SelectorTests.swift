// SPDX-License-Identifier: Apache-2.0

import EmbeddedCluster
import ObjectModel
import Testing

@Suite struct SelectorTests {
    private static let table: [(String, Bool)] = [
        ("", true), ("metadata.name=a", true), ("metadata.name==a", true),
        ("metadata.name!=a", false), ("status.phase=Bound,metadata.name=a", true),
        ("status.phase=Bound,metadata.name=b", false), ("status.count=3", true),
        ("status.absent=", true), ("status.absent!=x", true), ("status.text=x\\,y\\=z", true),
    ]

    @Test(arguments: Self.table)
    func fieldsAreCompared(text: String, matches: Bool) throws {
        let object = KubeObject([
            "metadata": ["name": "a"],
            "status": ["phase": "Bound", "count": 3, "text": "x,y=z"],
        ])
        #expect(try FieldSelector(parsing: text).matches(object) == matches, "\(text)")
    }

    @Test func versionsAreOrderedAsClientsPreferThem() {
        let names = ["v1beta1", "v2", "v1", "v1alpha2", "v10", "v1beta2", "other"]
        let registry = KindRegistry(
            names.map {
                ServedKind(APIResource(GroupVersion("a.io", $0), "Boat", plural: "boats"))
            }
        )
        #expect(
            registry.groups.first?.versions.map(\.version)
                == ["v10", "v2", "v1", "v1beta2", "v1beta1", "v1alpha2", "other"]
        )
    }
}
