// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Synchronization

/// What the terminal was before it was silenced; zero while it is not.
///
/// A signal handler may touch nothing but an atomic, and may call `tcsetattr`.
private let silenced = Atomic<UInt>(0)

/// Gives the terminal back as it was; the signal then does what it does by itself.
private func endSilence(_ number: Int32) {
    let place = silenced.load(ordering: .sequentiallyConsistent)
    if let saved = UnsafePointer<termios>(bitPattern: place) { tcsetattr(0, TCSANOW, saved) }
    signal(number, SIG_DFL)
    raise(number)
}

/// Reads from the terminal what nobody should see.
enum HiddenInput {
    private static let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    /// One line of standard input, which is a terminal, without its end.
    ///
    /// Whatever ends the command meanwhile, Ctrl-C above all: the terminal has its echo again.
    static func line(after prompt: String) -> String {
        let saved = UnsafeMutablePointer<termios>.allocate(capacity: 1)
        saved.initialize(to: termios())
        defer { saved.deallocate() }
        tcgetattr(0, saved)
        // Before the handlers: theirs must not be the first access, which makes the global.
        silenced.store(UInt(bitPattern: saved), ordering: .sequentiallyConsistent)
        for number in Self.signals { signal(number, endSilence) }
        defer {
            for number in Self.signals { signal(number, SIG_DFL) }
            silenced.store(0, ordering: .sequentiallyConsistent)
        }
        var silent = saved.pointee
        silent.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(0, TCSANOW, &silent)
        // Only now: who has seen the prompt may type.
        Console.write(prompt, to: .standardError)
        defer {
            tcsetattr(0, TCSANOW, saved)
            Console.write("\n", to: .standardError)
        }
        return readLine() ?? ""
    }
}
