// SPDX-License-Identifier: Apache-2.0

internal import Crypto
import Kinds
import ObjectModel

/// What an object was made of, so that an equal one is left alone the next time.
enum ResourceHash {
    /// The hash over all of a prepared object but what each migration writes anew.
    ///
    /// SHA-256, because the text of some objects is chosen by tenants and an equal hash means that a
    /// change is not carried over.
    static func of(_ object: KubeObject, owners: [OwnerReference] = []) -> String {
        var content = object
        for stamp in StorkNames.Annotation.stamps {
            content.set(nil, at: "metadata", "annotations", stamp.key)
        }
        var bytes = content.json.bytes
        for owner in owners {
            bytes += Array("\(owner.apiVersion)/\(owner.kind)/\(owner.name)".utf8)
        }
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in SHA256.hash(data: bytes) {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
