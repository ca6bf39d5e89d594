// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

/// What a prompt for a secret leaves of the terminal.
@Suite struct PromptTests {
    private func pairing(on terminal: Terminal) throws -> RunningCommand {
        let place = "<\(terminal.path) 2>\(terminal.path)"
        return try Command.start(
            "/bin/sh",
            [
                "-c", "exec \"$0\" pair create remote --ip 127.0.0.1 --token - \(place)",
                "\(Command.directory)/godwit",
            ]
        )
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func aPromptThatIsInterruptedLeavesTheTerminalWithItsEcho(_ number: Int32) async throws {
        let terminal = try Terminal()
        let command = try self.pairing(on: terminal)
        try terminal.waitFor("Token: ")
        #expect(try !terminal.echoes())
        command.signal(number)
        let result = try await command.result()
        #expect(result.status == 128 + number)
        #expect(try terminal.echoes())
    }

    @Test func aTokenThatIsTypedIsNotShownAndTheEchoComesBack() async throws {
        let terminal = try Terminal()
        let command = try self.pairing(on: terminal)
        try terminal.waitFor("Token: ")
        try terminal.type("no token\n")
        let result = try await command.result()
        #expect(result.status != 0)
        #expect(try terminal.echoes())
        try terminal.waitFor("is not a token")
        #expect(!terminal.seen.contains("no token"))
    }
}

/// A terminal of which the test is the screen and the keyboard.
private final class Terminal {
    let path: String
    private(set) var seen = ""
    private let screen: Int32
    /// Held open: without anybody on the other side the screen would be at its end.
    private let line: Int32

    init() throws {
        // The library's own calls for this are not imported; these are the kernel's.
        let (unlock, number) = (UInt(0x4004_5431), UInt(0x8004_5430))
        let screen = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        try #require(screen >= 0)
        var (isLocked, index): (Int32, UInt32) = (0, 0)
        let unlocked = ioctl(screen, unlock, &isLocked)
        let numbered = ioctl(screen, number, &index)
        try #require(unlocked == 0 && numbered == 0)
        self.path = "/dev/pts/\(index)"
        self.screen = screen
        self.line = open(self.path, O_RDWR | O_NOCTTY)
        try #require(self.line >= 0)
    }

    deinit {
        close(self.screen)
        close(self.line)
    }

    func echoes() throws -> Bool {
        var state = termios()
        let asked = tcgetattr(self.line, &state)
        try #require(asked == 0)
        return state.c_lflag & tcflag_t(ECHO) != 0
    }

    /// Reads the screen until a text is on it; fails when nothing more comes.
    func waitFor(_ text: String) throws {
        var bytes = [UInt8](repeating: 0, count: 4096)
        while !self.seen.contains(text) {
            var ready = pollfd(fd: self.screen, events: Int16(POLLIN), revents: 0)
            let count = poll(&ready, 1, 60_000)
            try #require(count == 1, "the screen shows \(self.seen)")
            let length = read(self.screen, &bytes, bytes.count)
            try #require(length > 0, "the screen shows \(self.seen)")
            self.seen += String(decoding: bytes[0..<length], as: UTF8.self)
        }
    }

    func type(_ text: String) throws {
        let written = write(self.screen, text, text.utf8.count)
        try #require(written == text.utf8.count)
    }
}
