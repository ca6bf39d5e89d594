// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// A TCP connection of this process to itself: what the kernel takes to move bytes.
enum Loopback {
    /// Bytes per processor second of both ends together.
    static func bytesPerProcessorSecond(count: Int) throws -> Double {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let sender = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(sender) }
        let connected = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(listener, generic, length) == 0 && listen(listener, 1) == 0
                    && getsockname(listener, generic, &length) == 0
                    && connect(sender, generic, length) == 0
            }
        }
        guard connected else { throw HarnessError.system("connect", "to loopback") }
        let receiver = accept(listener, nil, nil)
        guard receiver >= 0 else { throw HarnessError.system("accept", "on loopback") }
        let clock = ProcessorClock(CLOCK_PROCESS_CPUTIME_ID)
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            let memory = UnsafeMutableRawPointer.allocate(byteCount: 1 << 20, alignment: 4096)
            var left = count
            while left > 0 {
                let taken = read(receiver, memory, 1 << 20)
                if taken <= 0 { break }
                left -= taken
            }
            memory.deallocate()
            close(receiver)
            done.signal()
        }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        memory.initializeMemory(as: UInt8.self, repeating: 7, count: 1 << 20)
        defer { memory.deallocate() }
        var sent = 0
        while sent < count {
            let given = write(sender, memory, min(1 << 20, count - sent))
            guard given > 0 else { throw HarnessError.system("write", "to loopback") }
            sent += given
        }
        done.wait()
        return Double(count) / clock.seconds
    }
}
