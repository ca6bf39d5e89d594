// SPDX-License-Identifier: Apache-2.0

/// Why a certificate, a key or a pairing is refused.
public struct IdentityError: Error, Hashable {
    /// What a caller acts upon.
    public enum Code: Hashable, Sendable {
        /// A text or bytes that are not what they should be.
        case malformed
        /// A certificate request that is not signed with the key it names, or is of another kind.
        case badRequest
        /// A certificate that is not from this authority, for this key, name and time.
        case notCertified
        /// Certificate and key do not belong together.
        case keyMismatch
        /// The signature library failed; a defect or no memory.
        case failed
    }

    /// What a caller acts upon.
    public let code: Code
    /// What happened, with the values; a fragment for logs and messages, never a secret.
    public let what: String

    /// An error of this module.
    public init(_ code: Code, _ what: String) {
        self.code = code
        self.what = what
    }

    /// Whether the same call may succeed later without anybody changing anything: never.
    public var isRetryable: Bool { false }
}

extension IdentityError: CustomStringConvertible {
    /// What happened.
    public var description: String { self.what }
}
