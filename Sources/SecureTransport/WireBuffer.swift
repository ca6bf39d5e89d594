// SPDX-License-Identifier: Apache-2.0
//
// The byte streams under the TLS records: an OpenSSL BIO with a large buffer each way.
//
// libssl 3.0 writes each record of 16 KiB by itself and reads it with two calls; on a socket that
// is more than half of the cost. libssl's own read-ahead instead moves the whole rest of its
// buffer for every record. So the buffering is here: one send and one receive move up to
// ``TransportLimits/wireBuffer`` bytes.

import BlockTypes
import COpenSSL
import Glibc
import Synchronization

/// One connection's buffers between the socket and libssl; used by one thread at a time.
///
/// Waits in three ways: with `deadline` until that time whatever arrives; with `isNonBlocking` not
/// at all; otherwise as long as the socket's own timeouts allow.
final class WireBuffer {
    /// Why the last call could not go on.
    enum Stop: Equatable {
        case wouldBlock
        case timedOut
        case ended
        case failed(Int32)
    }

    let socket: Socket
    var deadline: Deadline?
    var isNonBlocking = false
    private(set) var stop: Stop?

    /// How long sends have waited for the network; for the thread that uses the connection.
    private(set) var sendWaits = Duration.zero

    let sentBytes = Atomic<UInt64>(0)
    let receivedBytes = Atomic<UInt64>(0)

    private let capacity = TransportLimits.wireBuffer.bytes
    private let input: UnsafeMutableRawPointer
    private var inputStart = 0
    private var inputEnd = 0
    private let output: UnsafeMutableRawPointer
    private var outputCount = 0

    init(_ socket: Socket) {
        self.socket = socket
        self.input = .allocate(byteCount: self.capacity, alignment: 4096)
        self.output = .allocate(byteCount: self.capacity, alignment: 4096)
    }

    deinit {
        self.input.deallocate()
        self.output.deallocate()
    }

    var bufferedInput: Int { self.inputEnd - self.inputStart }
    var bufferedOutput: Int { self.outputCount }

    /// Forgets why the last call stopped, before the next one.
    func clearStop() { self.stop = nil }

    // MARK: Reading

    /// Copies what is there, at least one byte; 0 when stopped.
    func read(into target: UnsafeMutableRawPointer, atMost count: Int) -> Int {
        if self.inputStart == self.inputEnd {
            // A peer that waits for what we have buffered will not send: never wait on both.
            guard self.outputCount == 0 || self.isNonBlocking || self.flush() else { return 0 }
            guard self.fill() else { return 0 }
        }
        let taken = min(count, self.inputEnd - self.inputStart)
        target.copyMemory(from: self.input + self.inputStart, byteCount: taken)
        self.inputStart += taken
        return taken
    }

    private func fill() -> Bool {
        while true {
            let flags = self.isNonBlocking || self.deadline != nil ? Int32(MSG_DONTWAIT) : 0
            let count = recv(self.socket.descriptor, self.input, self.capacity, flags)
            if count > 0 {
                self.inputStart = 0
                self.inputEnd = count
                self.receivedBytes.add(UInt64(count), ordering: .relaxed)
                return true
            }
            if count == 0 {
                self.stop = .ended
                return false
            }
            guard self.mayGoOn(after: errno, events: POLLIN) else { return false }
        }
    }

    // MARK: Writing

    /// Keeps the bytes, and sends whenever the buffer is full; false when stopped.
    func write(_ source: UnsafeRawPointer, count: Int) -> Bool {
        var done = 0
        while done < count {
            if self.outputCount == self.capacity {
                guard self.flush() else { return false }
            }
            let taken = min(count - done, self.capacity - self.outputCount)
            (self.output + self.outputCount).copyMemory(from: source + done, byteCount: taken)
            self.outputCount += taken
            done += taken
        }
        return true
    }

    /// Sends everything that is buffered; false when stopped.
    func flush() -> Bool {
        var done = 0
        while done < self.outputCount {
            // What the kernel takes at once is work; only what it does not take is waited for.
            var count = self.send(from: done, Int32(MSG_DONTWAIT))
            if count < 0, errno == EAGAIN, self.deadline == nil {
                let began = ContinuousClock.now
                count = self.send(from: done, 0)
                let number = errno
                self.sendWaits += began.duration(to: .now)
                errno = number
            }
            if count >= 0 {
                done += count
                self.sentBytes.add(UInt64(count), ordering: .relaxed)
                continue
            }
            guard self.mayGoOn(after: errno, events: POLLOUT) else { return false }
        }
        self.outputCount = 0
        return true
    }

    private func send(from start: Int, _ flags: Int32) -> Int {
        Glibc.send(
            self.socket.descriptor,
            self.output + start,
            self.outputCount - start,
            Int32(MSG_NOSIGNAL) | flags
        )
    }

    /// Says that nothing follows, and throws away what arrives until the peer closes too.
    ///
    /// A socket that is closed over unread bytes resets the connection, and what we sent last, an
    /// alert or an error, may never be read.
    func drain(for duration: Duration) {
        self.socket.finishSending()
        self.outputCount = 0
        let deadline = Deadline(after: duration)
        self.deadline = deadline
        repeat {
            self.inputStart = self.inputEnd
        } while deadline.pollMilliseconds > 0 && self.fill()
    }

    /// Waits where waiting is allowed; records why not otherwise.
    private func mayGoOn(after number: Int32, events: Int32) -> Bool {
        switch number {
        case EINTR:
            return true
        case EAGAIN:
            if self.isNonBlocking && events == POLLIN {
                self.stop = .wouldBlock
                return false
            }
            guard let deadline = self.deadline else {
                self.stop = .timedOut
                return false
            }
            var descriptors = [
                pollfd(fd: self.socket.descriptor, events: Int16(events), revents: 0)
            ]
            guard pollDescriptors(&descriptors, until: deadline) > 0 else {
                self.stop = .timedOut
                return false
            }
            return true
        case let number:
            self.stop = .failed(number)
            return false
        }
    }

    // MARK: The BIO

    /// A BIO over this buffer, which must outlive it; nil when memory is out.
    func makeBIO() -> OpaquePointer? {
        guard let method = Self.method, let bio = BIO_new(method) else { return nil }
        BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        BIO_set_init(bio, 1)
        return bio
    }

    // Made once and never changed afterwards, so sharing the pointer is safe.
    nonisolated(unsafe) private static let method: OpaquePointer? = {
        let kind = BIO_get_new_index() | Int32(BIO_TYPE_SOURCE_SINK)
        guard let method = BIO_meth_new(kind, "godwit wire buffer") else { return nil }
        BIO_meth_set_read(method, readWire)
        BIO_meth_set_write(method, writeWire)
        BIO_meth_set_ctrl(method, controlWire)
        return method
    }()
}

private func wireBuffer(of bio: OpaquePointer?) -> WireBuffer? {
    BIO_get_data(bio).map { Unmanaged<WireBuffer>.fromOpaque($0).takeUnretainedValue() }
}

private func readWire(
    _ bio: OpaquePointer?,
    _ target: UnsafeMutablePointer<CChar>?,
    _ count: Int32
) -> Int32 {
    guard let wire = wireBuffer(of: bio), let target, count > 0 else { return 0 }
    BIO_clear_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY)
    let taken = wire.read(into: target, atMost: Int(count))
    if taken > 0 { return Int32(taken) }
    if wire.stop == .wouldBlock { BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY) }
    return -1
}

private func writeWire(
    _ bio: OpaquePointer?,
    _ source: UnsafePointer<CChar>?,
    _ count: Int32
) -> Int32 {
    guard let wire = wireBuffer(of: bio), let source, count > 0 else { return 0 }
    BIO_clear_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY)
    return wire.write(source, count: Int(count)) ? count : -1
}

private func controlWire(
    _ bio: OpaquePointer?,
    _ command: Int32,
    _ number: Int,
    _ pointer: UnsafeMutableRawPointer?
) -> Int {
    guard let wire = wireBuffer(of: bio) else { return 0 }
    switch command {
    case BIO_CTRL_FLUSH: return wire.flush() ? 1 : -1
    case BIO_CTRL_PENDING: return wire.bufferedInput
    case BIO_CTRL_WPENDING: return wire.bufferedOutput
    case BIO_CTRL_DUP: return 1
    case let other where other < 0: return -1
    case _: return 0
    }
}
