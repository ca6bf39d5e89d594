// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

/// Who is paired with whom.
enum ClusterPairNoun: ClusterNoun {
    typealias Filter = NoFilter

    static let resource = StorkResource.clusterPairs
    static let word = "clusterpair"
    static let aliases = ["clusterpairs", "cp", "cpair"]
    static let title = "ClusterPair"
    static let example = "remotecluster"
    static let columns = [
        ObjectColumn.name,
        ObjectColumn("STORAGE-STATUS", path: "status", "storageStatus"),
        ObjectColumn("SCHEDULER-STATUS", path: "status", "schedulerStatus"),
        ObjectColumn.created,
        ObjectColumn("MODE", isWide: true, path: "spec", "options", "mode"),
        ObjectColumn("REMOTE-STORAGE-ID", isWide: true, path: "status", "remoteStorageId"),
        ObjectColumn("MESSAGE", isWide: true) { pair, _ in
            ClusterPairStatus(pair["status"]).conditions["Ready"]?.message ?? ""
        },
    ]
}
