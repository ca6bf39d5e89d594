// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// What Tools/kubernetes-down.sh may end: needs no clusters.
@Suite struct DownTests {
    @Test func aProcessThatIsRecordedIsEnded() throws {
        let process = try Self.start()
        let tick = try #require(StartedProcess.tick(of: process.processIdentifier))
        try Self.down(recorded: "etcd \(process.processIdentifier) \(tick)")
        process.waitUntilExit()
        // Asked to end; killed only where the machine took 10 s over that.
        #expect(process.terminationReason == .uncaughtSignal)
    }

    @Test func aProcessThatOnlyHasTheNumberIsLeftAlone() throws {
        let process = try Self.start()
        let tick = try #require(StartedProcess.tick(of: process.processIdentifier))
        try Self.down(recorded: "etcd \(process.processIdentifier) \(tick - 1)")
        let stillTheSame = StartedProcess.tick(of: process.processIdentifier)
        #expect(stillTheSame == tick)
        // By this signal and not by the script's, which asks first.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        #expect(process.terminationStatus == SIGKILL)
    }

    @Test func aProcessThatHasEndedIsNoReasonToFail() throws {
        let process = try Self.start()
        let tick = try #require(StartedProcess.tick(of: process.processIdentifier))
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        try Self.down(recorded: "kube-apiserver \(process.processIdentifier) \(tick)")
        #expect(StartedProcess.tick(of: process.processIdentifier) != tick)
    }

    /// A process that waits for a line that never comes.
    private static func start() throws -> ChildProgram {
        let process = ChildProgram()
        process.executableURL = URL(fileURLWithPath: "/bin/cat")
        process.standardInput = Pipe()
        try process.run()
        return process
    }

    private static func down(recorded line: String) throws {
        let place = try TemporaryDirectory()
        let cluster = "\(place.path)/a"
        try FileManager.default.createDirectory(
            atPath: cluster,
            withIntermediateDirectories: false
        )
        try "\(line)\n".write(toFile: "\(cluster)/processes", atomically: false, encoding: .utf8)
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        try Shell.run("bash", "\(root.path)/Tools/kubernetes-down.sh", place.path)
        #expect(!FileManager.default.fileExists(atPath: "\(cluster)/processes"))
        withExtendedLifetime(place) {}
    }
}
