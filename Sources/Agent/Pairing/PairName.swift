// SPDX-License-Identifier: Apache-2.0

import AgentAPI

/// What a pair may be called, whoever chooses the name.
enum PairName {
    /// The longest name, in bytes.
    private static let longest = 253

    /// Refuses what is no name; a peer's name ends in files, in logs and on terminals.
    static func check(_ name: String) throws(APIError) {
        let isAllowed = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"):
                true
            case _: false
            }
        }
        guard isAllowed, !name.isEmpty, name.utf8.count <= Self.longest, name.first != "-",
            name.first != "."
        else {
            throw APIError(
                .invalidName,
                "'\(PlainText.line(name.prefix(Self.longest)))' cannot be the name of a pair.",
                try: "use letters, digits, '-', '_' and '.', not beginning with '-' or '.'; an "
                    + "agent calls itself by 'name' in its configuration, or its host's name"
            )
        }
    }
}
