// SPDX-License-Identifier: Apache-2.0

/// Why an embedded cluster cannot start or go on.
public struct EmbeddedServerError: Error, Hashable, CustomStringConvertible {
    /// What a caller would act on differently.
    public enum Code: Hashable, Sendable {
        /// Another process has the cluster's directory.
        case directoryInUse
        /// The directory cannot be made or written.
        case notWritable
        /// A file of the directory does not hold what we wrote, or others can read it.
        case damaged
        /// Another process listens on the address.
        case addressInUse
        /// The address is none of this machine's.
        case addressInvalid
        /// Something else ended the server.
        case failed
    }

    /// What a caller would act on differently.
    public let code: Code
    /// A sentence for a person: what happened, to what, and why.
    public let message: String
    /// What to do.
    public let advice: String

    /// Whether the same may succeed later without anything being changed.
    public var isRetryable: Bool {
        switch self.code {
        case .directoryInUse, .addressInUse: true
        case .notWritable, .damaged, .addressInvalid, .failed: false
        }
    }

    /// Message and advice.
    public var description: String { "\(self.message) \(self.advice)" }

    init(_ code: Code, _ message: String, try advice: String) {
        self.code = code
        self.message = message
        self.advice = advice
    }
}
