// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Locks

/// The folder that holds everything a run makes, and that it removes at its end.
enum Scratch {
    private static let place = Locked("")

    static var folder: String { self.place.withLock { $0 } }

    /// Makes an empty folder inside `parent`.
    static func create(in parent: String) throws(HarnessError) {
        let path = "\(parent)/run-\(getpid())"
        guard
            (try? FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true
            )) != nil
        else { throw .system("make", path) }
        self.place.withLock { $0 = path }
    }

    static func remove() {
        guard !self.folder.isEmpty else { return }
        // After Control-C a peer may be removing its own files: who meets the other stops half-way.
        for _ in 0..<200 where FileManager.default.fileExists(atPath: self.folder) {
            if (try? FileManager.default.removeItem(atPath: self.folder)) != nil { return }
            usleep(5000)
        }
    }

    /// A path inside of it.
    static func path(_ name: String) -> String { "\(self.folder)/\(name)" }

    /// A new, empty folder inside of it.
    static func makeFolder(_ name: String) throws(HarnessError) -> String {
        let path = self.path(name)
        try? FileManager.default.removeItem(atPath: path)
        guard
            (try? FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true
            )) != nil
        else { throw .system("make", path) }
        return path
    }

    /// A TCP port on the loopback interface that nobody listens on at the moment.
    static func freePort() throws(HarnessError) -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0
                    && getsockname(descriptor, generic, &length) == 0
            }
        }
        guard bound else { throw .system("bind", "a loopback port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// Waits until something accepts connections on a loopback port, at most 10 s.
    static func waitForPort(_ port: Int) throws(HarnessError) {
        // A connection would be taken for the one that `openssl s_server -naccept 1` waits for.
        let listening = String(port, radix: 16, uppercase: true)
        let wanted = ":" + String(repeating: "0", count: 4 - listening.count) + listening + " "
        for _ in 0..<2000 {
            // By a handle, to the end: a short read of such a file is not its end.
            let table = try? FileHandle(forReadingAtPath: "/proc/net/tcp")?.readToEnd()
            for line in String(decoding: table ?? Data(), as: UTF8.self).split(separator: "\n") {
                let words = line.split(separator: " ")
                if words.count > 3, words[3] == "0A", (words[1] + " ").hasSuffix(wanted) { return }
            }
            usleep(5000)
        }
        throw HarnessError("nothing listens on port \(port) after 10 s")
    }
}
