// SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectModel

/// The kinds of every cluster that controllers read.
enum BuiltIn {
    static let core = GroupVersion("", "v1")
    static let namespaces = APIResource(
        core,
        "Namespace",
        plural: "namespaces",
        isNamespaced: false
    )
    static let secrets = APIResource(core, "Secret", plural: "secrets")
    static let pods = APIResource(core, "Pod", plural: "pods")
    static let claims = APIResource(
        core,
        "PersistentVolumeClaim",
        plural: "persistentvolumeclaims"
    )
    static let volumes = APIResource(
        core,
        "PersistentVolume",
        plural: "persistentvolumes",
        isNamespaced: false
    )
}

/// Bytes in the letters of RFC 4648.
enum Base64 {
    /// Nil where the text is none.
    static func decoded(_ text: String) -> [UInt8]? { Data(base64Encoded: text).map(Array.init) }
}
