// SPDX-License-Identifier: Apache-2.0

/// Why the catalogue could not be opened, read or changed.
public struct CatalogueError: Error, Hashable, Sendable {
    /// What a caller can do about it.
    public enum Code: Hashable, Sendable {
        /// A newer release wrote the file; this one must not touch it.
        case newer
        /// The file is no catalogue, or damaged; it may be put aside: it holds no data of volumes.
        case damaged
        /// A row with this name or identity is there already.
        case exists
        /// The disk or the file system failed.
        case failed
    }

    /// What a caller can do about it.
    public let code: Code
    /// What was being done.
    public let what: String
    /// What made it happen.
    public let cause: String

    init(_ code: Code, _ what: String, cause: String) {
        self.code = code
        self.what = what
        self.cause = cause
    }

    /// Whether the same call can succeed later without anybody's help.
    public var isRetryable: Bool {
        switch self.code {
        case .newer, .damaged, .exists: false
        case .failed: true
        }
    }
}

extension CatalogueError: CustomStringConvertible {
    /// The text that people read.
    public var description: String { "\(self.what): \(self.cause)" }
}
