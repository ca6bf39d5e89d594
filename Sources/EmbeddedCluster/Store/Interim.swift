// SPDX-License-Identifier: Apache-2.0

import ObjectModel

extension StoreTransaction {
    func allocate(_ object: inout KubeObject, _ kind: ServedKind, former: KubeObject?) throws {}
    func follow(_ object: KubeObject, _ kind: ServedKind) throws {}
    func followRemoval(of object: KubeObject, _ kind: ServedKind) throws {}
}
