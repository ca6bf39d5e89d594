// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A process as the scripts remember it: one line of a cluster's file `processes`.
struct StartedProcess {
    let name: String
    let identifier: Int32

    /// When the kernel started it, in its ticks since the machine came up.
    let tick: UInt64

    /// What the scripts have started for the cluster in a directory, ended or not.
    static func recorded(in directory: String) throws -> [Self] {
        try String(contentsOfFile: "\(directory)/processes", encoding: .utf8)
            .split(separator: "\n")
            .compactMap { line in
                let fields = line.split(separator: " ")
                guard fields.count == 3, let identifier = Int32(fields[1]),
                    let tick = UInt64(fields[2])
                else { return nil }
                return Self(name: String(fields[0]), identifier: identifier, tick: tick)
            }
    }

    /// Whether it is there, and not another one with its number.
    var runs: Bool { Self.tick(of: self.identifier) == self.tick }

    /// What the descriptors of its sockets lead to.
    var sockets: Set<String> {
        get throws {
            let folder = "/proc/\(self.identifier)/fd"
            let descriptors = try FileManager.default.contentsOfDirectory(atPath: folder)
            // One may be closed since the list was made.
            let targets = descriptors.compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)")
            }
            return Set(targets.filter { $0.hasPrefix("socket:") })
        }
    }

    /// When the process that has this number now was started; nil where none has it.
    static func tick(of identifier: Int32) -> UInt64? {
        let stat = try? String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8)
        // Counted from behind the name, field 2, which may hold spaces: the tick is field 22.
        guard let end = stat?.lastIndex(of: ")"), let rest = stat?[end...].dropFirst() else {
            return nil
        }
        let fields = rest.split(separator: " ")
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }
}
