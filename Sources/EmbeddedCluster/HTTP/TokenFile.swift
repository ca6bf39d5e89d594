// SPDX-License-Identifier: Apache-2.0

import Crypto
import Locks

/// The bearer tokens of a cluster: `TOKEN,USER,UID,"GROUP,GROUP"` on each line, as the token file of
/// an API server of Kubernetes has it.
///
/// The file is read again when it has changed. One that cannot be read opens nothing.
final class TokenFile: Sendable {
    static let name = "tokens"

    private struct State {
        var file: ClusterDirectory.FileState?
        /// Users by the digest of their token: a look-up tells nothing by the time it takes.
        var users: [SHA256.Digest: ClusterUser] = [:]
    }

    private let directory: ClusterDirectory
    private let state = Locked(State())

    init(_ directory: ClusterDirectory) { self.directory = directory }

    /// Whose token it is; nil where it is nobody's.
    func user(of token: String) -> ClusterUser? {
        let file = self.directory.state(of: Self.name)
        let digest = SHA256.hash(data: Array(token.utf8))
        return self.state.withLock { known in
            if known.file != file {
                let isUsable = file?.isPrivate ?? false
                let text = isUsable ? (try? self.directory.read(Self.name)) : nil
                known = State(file: file, users: Self.users(in: text ?? ""))
            }
            return known.users[digest]
        }
    }

    /// The users of the lines that name a token, a user and an identity; `#` begins a comment.
    static func users(in text: String) -> [SHA256.Digest: ClusterUser] {
        var users: [SHA256.Digest: ClusterUser] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let fields = Self.fields(of: line)
            guard fields.count >= 3, fields.prefix(2).allSatisfy({ !$0.isEmpty }) else { continue }
            let groups = fields.count > 3 ? fields[3].split(separator: ",").map(String.init) : []
            users[SHA256.hash(data: Array(fields[0].utf8))] = ClusterUser(
                name: fields[1],
                groups: groups
            )
        }
        return users
    }

    /// The fields of a line with commas, of which those in quotes count as text.
    private static func fields(of line: Substring) -> [String] {
        var fields = [""]
        var isQuoted = false
        for character in line where character != "\r" {
            if character == "\"" {
                isQuoted.toggle()
            } else if character == ",", !isQuoted {
                fields.append("")
            } else {
                fields[fields.count - 1].append(character)
            }
        }
        return fields.map { $0.trimming(\.isWhitespace) }
    }

    /// A new file: one token of 256 bits for the administrator.
    static func initial(_ token: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        let text = String(token.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
        return """
            # One bearer token a line: TOKEN,USER,UID,"GROUP,GROUP"
            # The group system:masters may do everything, godwit:namespace:NAME everything in NAME.
            # The file is read again when it changes; it has to be readable for its user only.
            \(text),\(ClusterUser.admin.name),1,"\(ClusterUser.admins)"

            """
    }
}
