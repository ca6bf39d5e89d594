// SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectModel

/// What the server does with secrets.
enum Secrets {
    /// Moves texts that were written for people into the data, where they are in base64.
    static func encode(_ object: inout KubeObject) {
        guard let texts = object["stringData"]?.strings else {
            if object["stringData"]?.isNull == true { object.set(nil, at: "stringData") }
            return
        }
        var data = object["data"]?.object ?? [:]
        for (key, text) in texts {
            data[key] = .string(Data(text.utf8).base64EncodedString())
        }
        object.set(.object(data), at: "data")
        object.set(nil, at: "stringData")
    }

    static func causes(_ object: KubeObject) -> [APIStatus.Cause] {
        guard let value = object["data"], !value.isNull else { return [] }
        guard let data = value.object else {
            return [.invalid("data", value, "must be an object")]
        }
        return data.sorted { $0.key < $1.key }
            .filter { $0.value.string.flatMap { Data(base64Encoded: $0) } == nil }
            // The value itself is a secret and stays out of the message.
            .map { .invalid("data[\($0.key)]", "***", "must be base64") }
    }
}
