// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Synchronization

/// One end of a transfer: the processes whose time and memory are counted together.
///
/// Where a cgroup can be made, the time is the kernel's count for the group, whatever its processes
/// start; elsewhere it is the sum over our children and the children that they waited for.
final class Side {
    let name: String
    private let group: String?
    private(set) var children: [ChildProcess] = []

    init(_ name: String) {
        self.name = name
        self.group = Self.hierarchy.flatMap { root in
            // A number, as the agents' sides live on while other peers have theirs.
            let number = Self.count.add(1, ordering: .relaxed).newValue
            let path = "\(root)/godwit-perf-\(getpid())-\(number)"
            guard mkdir(path, 0o755) == 0 || errno == EEXIST else { return nil }
            Cleanup.shared.made(group: path)
            return path
        }
    }

    deinit { if let group = self.group { Self.remove(group) } }

    /// Ends what is still in the group, which a group must not have when it goes.
    static func remove(_ group: String) {
        Cleanup.shared.removed(group: group)
        for _ in 0..<200 where rmdir(group) != 0 && errno == EBUSY {
            try? "1".write(toFile: "\(group)/cgroup.kill", atomically: false, encoding: .utf8)
            usleep(5000)
        }
    }

    private static let count = Atomic(0)

    /// The cgroup v2 hierarchy, where we may make groups in it.
    static let hierarchy: String? = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
        .first {
            access("\($0)/cgroup.procs", W_OK) == 0
        }

    /// Starts a process on this side.
    @discardableResult
    func start(_ launch: Launch) throws(HarnessError) -> ChildProcess {
        var launch = launch
        if let group = self.group {
            // The shell joins before it becomes the program, so nothing it starts is missed.
            let join = "echo $$ > \"$0\"; exec \"$@\""
            launch.arguments = ["/bin/sh", "-c", join, "\(group)/cgroup.procs"] + launch.arguments
        }
        let child = try ChildProcess(launch)
        self.children.append(child)
        return child
    }

    /// Starts a pipeline of the shell on this side.
    @discardableResult
    func start(
        shell script: String,
        errors: String,
        keepsInputOpen: Bool = false
    )
        throws(HarnessError) -> ChildProcess
    {
        var launch = Launch(["/bin/sh", "-c", script], errors: errors)
        launch.keepsInputOpen = keepsInputOpen
        return try self.start(launch)
    }

    /// Ends every process of this side.
    func stop() throws(HarnessError) {
        for child in self.children.reversed() { try child.stop() }
        self.children.removeAll { $0.exitCode != nil && self.group != nil }
    }

    /// User and system seconds so far.
    var processorSeconds: Double {
        if let group = self.group,
            let text = try? String(contentsOfFile: "\(group)/cpu.stat", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("usage_usec ") }),
            let used = Double(line.dropFirst("usage_usec ".count))
        {
            return used / 1e6
        }
        return self.children.reduce(0) { sum, child in
            sum
                + (child.exitCode == nil
                    ? Self.processorSeconds(of: child.pid) : child.processorSeconds)
        }
    }

    /// The processes that are alive.
    var processes: [pid_t] {
        if let group = self.group {
            let text = (try? String(contentsOfFile: "\(group)/cgroup.procs", encoding: .utf8)) ?? ""
            return text.split(separator: "\n").compactMap { pid_t($0) }
        }
        var found: [pid_t] = []
        var open = self.children.filter { $0.exitCode == nil }.map(\.pid)
        while let next = open.popLast() {
            found.append(next)
            let path = "/proc/\(next)/task/\(next)/children"
            let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            open += text.split(separator: " ").compactMap { pid_t($0) }
        }
        return found
    }

    /// From `/proc`: own time and that of children it has waited for, in ticks of 1/100 s.
    private static func processorSeconds(of process: pid_t) -> Double {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return 0 }
        let fields = text[end...].split(separator: " ")
        guard fields.count > 15 else { return 0 }
        return fields[12...15].compactMap { Double($0) }.reduce(0, +)
            / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
