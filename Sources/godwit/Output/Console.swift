// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Glibc
import Synchronization

/// Results on standard output, everything else on standard error.
struct Console: Sendable {
    let format: OutputFormat
    /// Whether a person sees standard error.
    let isTerminal: Bool

    init(format: OutputFormat) {
        self.format = format
        self.isTerminal = isatty(2) == 1
    }

    /// Prints things as the format says: a list as an array.
    func show<Item: Listed>(_ items: [Item]) throws(APIError) {
        Self.write(try Rendering.text(of: items, self.format), to: .standardOutput)
    }

    /// Prints one thing: in a table as a list of its facts, in JSON as an object.
    func show<Item: Listed>(one item: Item) throws(APIError) {
        Self.write(try Rendering.text(ofOne: item, self.format), to: .standardOutput)
    }

    /// Prints text that is the result itself.
    func result(_ text: String) { Self.write(text + "\n", to: .standardOutput) }

    /// Prints text that is the result itself, and whose lines have their ends.
    func raw(_ text: String) { Self.write(text, to: .standardOutput) }

    /// Says something to the person, such as the next command.
    func note(_ text: String) {
        let lines = Program.current.named(in: text)
            .split(separator: "\n", omittingEmptySubsequences: false)
        Self.write(lines.map { PlainText.line($0) + "\n" }.joined(), to: .standardError)
    }

    /// Writes over the current line of a terminal, without control sequences but the return.
    func overwrite(_ line: String, width: Int) {
        let cut = String(line.prefix(width))
        let padding = String(repeating: " ", count: max(0, width - cut.count))
        Self.write("\r" + cut + padding + "\r" + cut, to: .standardError)
    }

    /// Whether somebody is there who can be asked.
    var canAsk: Bool { isatty(0) == 1 && self.isTerminal }

    /// Asks before something that cannot be undone.
    ///
    /// - Throws: `GW1105` where nobody can answer and `--yes` is missing, or the answer is no.
    func confirm(_ question: String, yes: Bool) throws(APIError) {
        if yes { return }
        guard self.canAsk else {
            throw APIError(
                .needsConfirmation,
                "\(question) Nobody can be asked here.",
                cause: "standard input is not a terminal",
                try: "add --yes"
            )
        }
        Self.write("\(question) [y/N] ", to: .standardError)
        let answer = readLine()?.lowercased() ?? ""
        guard answer == "y" || answer == "yes" else {
            throw APIError(.needsConfirmation, "Nothing was changed: the answer was not yes.")
        }
    }

    /// Columns of the terminal; 80 where it does not say.
    static var width: Int {
        var size = winsize()
        guard ioctl(2, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return 80 }
        return Int(size.ws_col) - 1
    }

    static func write(_ text: String, to handle: FileHandle) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes {
                Glibc.write(handle.fileDescriptor, $0.baseAddress, $0.count)
            }
            if count >= 0 {
                bytes = bytes.dropFirst(count)
            } else if errno != EINTR {
                // A closed pipe is the reader's choice, not our failure.
                if errno != EPIPE, handle.fileDescriptor == STDOUT_FILENO {
                    lostOutput.store(errno, ordering: .relaxed)
                }
                return
            }
        }
    }

    /// Whether every result was written: a script must not take an empty file for one (P10).
    ///
    /// - Throws: `GW4003` where the disk is full, `GW4004` for everything else.
    static func checkResults() throws(APIError) {
        let number = lostOutput.load(ordering: .relaxed)
        guard number != 0 else { return }
        throw APIError(
            number == ENOSPC || number == EDQUOT ? .noSpace : .storeFailed,
            "The result could not be written; what was asked for is done.",
            cause: String(cString: strerror(number)),
            try: "make room where standard output goes, then ask again"
        )
    }
}

/// Why a result was lost; 0 where none was.
private let lostOutput = Atomic<Int32>(0)
