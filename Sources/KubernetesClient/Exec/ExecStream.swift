// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// How a command in a container has ended.
public struct ExecResult: Hashable, Sendable {
    /// The exit status.
    public var status: Int
    /// The last that it has printed, on both of its outputs, as it came.
    public var output: [UInt8]
    /// Whether it has printed more than was kept.
    public var isCut: Bool
}

/// What comes over the WebSocket of an exec request, in the words of `v4.channel.k8s.io`: pure.
///
/// The first byte of each message names its channel: 1 and 2 are outputs of the command, 3 is a
/// Status with its end. `v5` differs in channel 255 alone, which concerns input.
struct ExecStream {
    /// Bytes of output that are kept, the last ones.
    static let keptBytes = 64 << 10
    /// Bytes of a Status: it names one exit status.
    static let verdictBytes = 64 << 10

    /// A part of the stream.
    enum Event: Hashable, Sendable {
        /// The first part of a message.
        case message([UInt8], isLast: Bool)
        /// A further part.
        case continuation([UInt8], isLast: Bool)
        case ping([UInt8])
        case close
        /// The connection is over.
        case end
    }

    /// What to do about it.
    enum Action: Hashable, Sendable {
        case nothing
        case pong([UInt8])
        /// The end is known: nothing more is wanted.
        case close
        case finish(Result<ExecResult, ClusterError>)
    }

    private enum Channel: UInt8 {
        case output = 1
        case errors = 2
        case verdict = 3
    }

    /// The channel of a message whose last part is still to come; nil inside where it is none of ours.
    private var open: (channel: Channel?, isAtBegin: Bool)?
    private var output: [UInt8] = []
    private var isCut = false
    private var verdict: [UInt8] = []

    /// What an event asks for.
    mutating func received(_ event: Event) -> Action {
        switch event {
        case .message(let bytes, let isLast):
            guard self.open == nil else {
                return Self.broken("a message began inside another one")
            }
            self.open = (nil, true)
            return self.take(bytes, isLast)
        case .continuation(let bytes, let isLast):
            guard self.open != nil else { return Self.broken("a message has no first part") }
            return self.take(bytes, isLast)
        case .ping(let bytes): return .pong(bytes)
        case .close, .end: return .finish(self.result)
        }
    }

    private mutating func take(_ bytes: [UInt8], _ isLast: Bool) -> Action {
        var rest = bytes[...]
        if self.open?.isAtBegin == true, let first = rest.popFirst() {
            self.open = (Channel(rawValue: first), false)
        }
        let channel = self.open?.channel
        if isLast { self.open = nil }
        switch channel {
        case nil: return .nothing
        case .output, .errors:
            self.keep(rest)
            return .nothing
        case .verdict:
            guard self.verdict.count + rest.count <= Self.verdictBytes else {
                return Self.broken("the Status has more than \(Self.verdictBytes) bytes")
            }
            self.verdict += rest
            return isLast && (try? JSON(parsing: self.verdict)) != nil ? .close : .nothing
        }
    }

    private mutating func keep(_ bytes: ArraySlice<UInt8>) {
        self.output += bytes.suffix(Self.keptBytes)
        let over = self.output.count - Self.keptBytes
        self.isCut = self.isCut || over > 0 || bytes.count > Self.keptBytes
        if over > 0 { self.output.removeFirst(over) }
    }

    private var result: Result<ExecResult, ClusterError> {
        guard let status = try? JSON(parsing: self.verdict) else {
            let what = self.verdict.isEmpty ? "nothing" : "no Status"
            return .failure(
                ClusterError(
                    self.verdict.isEmpty ? .connectionLost : .badAnswer,
                    "the connection to the container ended with \(what) about the command's end"
                )
            )
        }
        let causes = status["details", "causes"]?.array ?? []
        let code = causes.first { $0["reason"] == "ExitCode" }?["message"]?.string
            .flatMap { Int($0) }
        if status["status"] == "Success" { return .success(self.result(0)) }
        if status["reason"] == "NonZeroExitCode", let code {
            return .success(self.result(code))
        }
        return .failure(ClusterError(status: status))
    }

    private func result(_ status: Int) -> ExecResult {
        ExecResult(status: status, output: self.output, isCut: self.isCut)
    }

    private static func broken(_ what: String) -> Action {
        .finish(
            .failure(ClusterError(.badAnswer, "the container's stream cannot be read: \(what)"))
        )
    }
}
