// SPDX-License-Identifier: Apache-2.0

import CLinuxStorage
import Glibc

/// What went wrong with a file, a device or a state file.
public struct StoreError: Error, Hashable, Sendable {
    /// The kinds of failure that callers tell apart.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// The file system, the quota or the device is full.
        case noSpace
        /// The device or the file system failed; what was written may be lost.
        case ioFailed
        /// There is no such file.
        case notFound
        /// The name is taken.
        case alreadyExists
        /// A state file or an image does not hold what it should.
        case corrupt
        /// Somebody else uses it.
        case busy
        /// The file system or the device cannot do this.
        case unsupported
        /// The base on disk is not the one that was asked for (P4).
        case wrongBase
        /// The agent's user may not do this.
        case permission
        /// The request makes no sense for this file.
        case invalid
    }

    /// The kind of failure.
    public let code: Code

    /// What happened: "cannot write 4096 bytes at 8192", "the state file is too short".
    public let what: String

    /// The file it was to be done to.
    public let path: String?

    /// The kernel's error number; nil when we found the fault ourselves.
    public let errno: Int32?

    /// A failure that was found by us.
    public init(_ code: Code, _ what: String, path: String? = nil, errno: Int32? = nil) {
        self.code = code
        self.what = what
        self.path = path
        self.errno = errno
    }

    /// A failure that the kernel reported; its number decides the code.
    init(system errno: Int32, _ what: String, path: String?) {
        self.init(Self.code(for: errno), what, path: path, errno: errno)
    }

    /// Whether the same call may succeed later, without anybody repairing anything first.
    public var isRetryable: Bool {
        switch self.code {
        case .busy, .noSpace: true
        case .ioFailed, .notFound, .alreadyExists, .corrupt, .unsupported, .wrongBase, .permission,
            .invalid:
            false
        }
    }

    /// What the person who runs the agent can do about it.
    public var advice: String {
        switch self.code {
        case .noSpace: "Free space there or grow it, then run it again."
        case .ioFailed: "Check the device and the kernel log before trusting it again."
        case .notFound: "Check the path."
        case .alreadyExists: "Choose another name or remove it first."
        case .corrupt: "Run a full transfer to replace it; nothing was taken from it."
        case .busy: "Close what uses it, or wait for it to finish."
        case .unsupported: "Use another file system or device, or another method."
        case .wrongBase: "Run a full transfer, or choose the base that is there."
        case .permission: "Give the agent's user access to it."
        case .invalid: "Check the path, the kind of file and the range."
        }
    }

    private static func code(for errno: Int32) -> Code {
        // The kernel's numbers, not an enum of ours.
        switch errno {
        case ENOSPC, EDQUOT: .noSpace
        case ENOENT, ENODEV, ENXIO, ENOMEDIUM: .notFound
        case EEXIST, ENOTEMPTY: .alreadyExists
        // Also what the process or the machine is short of for the moment: no device is to blame.
        case EBUSY, EAGAIN, ETXTBSY, EMFILE, ENFILE, ENOMEM, ENOLCK: .busy
        case EOPNOTSUPP, ENOTTY, ENOSYS, EXDEV, EBADR: .unsupported
        case EACCES, EPERM, EROFS: .permission
        case EINVAL, EISDIR, ENOTDIR, EFBIG, ENAMETOOLONG, ELOOP: .invalid
        default: .ioFailed
        }
    }
}

extension StoreError: CustomStringConvertible {
    /// A sentence with the object, the kernel's words and what to do.
    public var description: String {
        var text = self.what.prefix(1).uppercased() + self.what.dropFirst()
        if let path = self.path { text += " (\(path))" }
        if let errno = self.errno {
            text += ": \(Self.text(of: errno)) (\(Self.name(of: errno)))"
        }
        return text + ". " + self.advice
    }

    private static func text(of errno: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            // Borrowed for the call: the text is copied out before the buffer goes.
            guard let text = gw_error_text(errno, buffer.baseAddress, buffer.count) else {
                return "error \(errno)"
            }
            return String(cString: text)
        }
    }

    private static func name(of errno: Int32) -> String {
        guard let name = gw_error_name(errno) else { return "errno \(errno)" }
        return String(cString: name)
    }
}

/// Repeats a call that a signal interrupted, and turns a negated errno into an error.
///
/// `what` is the rest of a sentence that starts with "cannot".
@discardableResult
func checked<Number: SignedInteger & FixedWidthInteger>(
    _ what: @autoclosure () -> String,
    path: String?,
    _ call: () -> Number
) throws(StoreError) -> Number {
    let result = uninterrupted(call)
    guard result >= 0 else {
        throw StoreError(
            system: Int32(truncatingIfNeeded: -result),
            "cannot " + what(),
            path: path
        )
    }
    return result
}

/// Repeats a call for as long as signals interrupt it.
///
/// A storm of signals is the only thing that could make it last.
func uninterrupted<Number: SignedInteger & FixedWidthInteger>(_ call: () -> Number) -> Number {
    while true {
        let result = call()
        if result != -Number(EINTR) { return result }
    }
}

extension [UInt8] {
    /// Lends the bytes for one call; the library's own way loses the type of the error.
    func lend<Result>(
        _ body: (UnsafeRawBufferPointer) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        let result: Swift.Result<Result, StoreError> = self.withUnsafeBytes { bytes in
            do throws(StoreError) {
                return .success(try body(bytes))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Lends the bytes for one call that fills them.
    mutating func lendMutable<Result>(
        _ body: (UnsafeMutableRawBufferPointer) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        let result: Swift.Result<Result, StoreError> = self.withUnsafeMutableBytes { bytes in
            do throws(StoreError) {
                return .success(try body(bytes))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
