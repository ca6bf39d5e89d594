// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// The built-in resources that the command line names itself; all others come from discovery.
enum CoreResource {
    static let namespaces = APIResource(
        GroupVersion("", "v1"),
        "Namespace",
        plural: "namespaces",
        isNamespaced: false
    )
    static let events = APIResource(GroupVersion("", "v1"), "Event", plural: "events")
}
