// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// The receiver's no to an offer; nothing was changed (P4).
public struct Refusal: Error, Hashable, Sendable {
    /// Why.
    public let code: ProtocolCode

    /// Whether the same offer may succeed later although nobody changes anything.
    public let isRetryable: Bool

    /// How many seconds the sender should wait before it asks again.
    public let retryAfterSeconds: UInt32

    /// What the volume shows now, so that the sender can build on it; nil where there is none.
    public let visible: GenerationStamp?

    /// What happened, with values, and what to do.
    public let text: String

    /// A refusal; whether to retry follows from the code unless said otherwise.
    ///
    /// Long texts are cut.
    public init(
        code: ProtocolCode,
        isRetryable: Bool? = nil,
        retryAfterSeconds: UInt32 = 0,
        visible: GenerationStamp? = nil,
        text: String
    ) {
        self.code = code
        self.isRetryable = isRetryable ?? code.isRetryable
        self.retryAfterSeconds = retryAfterSeconds
        self.visible = visible
        self.text = WireText.cleaned(text, limit: Limits.textLength)
    }

    init(from reader: inout BodyReader) throws(FrameError) {
        self.code = try ProtocolCode(from: &reader, "refuse.code")
        self.isRetryable = try reader.flag("refuse.retryable")
        self.retryAfterSeconds = try reader.number(UInt32.self, "refuse.retryAfter")
        self.visible = try GenerationStamp.optional(from: &reader, "refuse.visible")
        self.text = try reader.text("refuse.text", limit: Limits.textLength)
    }

    func write(to writer: inout BodyWriter) {
        writer.put(self.code.rawValue)
        writer.put(self.isRetryable)
        writer.put(self.retryAfterSeconds)
        self.visible.write(to: &writer)
        writer.put(counted: Array(self.text.utf8), limit: Limits.textLength)
    }
}

/// Ends a transfer before its commit, on purpose, from either side.
public struct Abort: Hashable, Sendable {
    /// Why.
    public let code: ProtocolCode

    /// Whether the receiver throws the stage away; otherwise the transfer can be resumed.
    public let discard: Bool

    /// What happened, with values, and what to do.
    public let text: String

    /// An abort; long texts are cut.
    public init(code: ProtocolCode, discard: Bool, text: String) {
        self.code = code
        self.discard = discard
        self.text = WireText.cleaned(text, limit: Limits.textLength)
    }

    init(from reader: inout BodyReader) throws(FrameError) {
        self.code = try ProtocolCode(from: &reader, "abort.code")
        self.discard = try reader.flag("abort.discard")
        self.text = try reader.text("abort.text", limit: Limits.textLength)
    }

    func write(to writer: inout BodyWriter) {
        writer.put(self.code.rawValue)
        writer.put(self.discard)
        writer.put(counted: Array(self.text.utf8), limit: Limits.textLength)
    }
}

/// Why a side closes a connection; the last frame before it does.
public struct ErrorReport: Error, Hashable, Sendable {
    /// Why.
    public let code: ProtocolCode

    /// Whether the same transfer may succeed later although nobody changes anything.
    public let isRetryable: Bool

    /// Where in the volume, if the reason has a place.
    public let offset: ByteOffset?

    /// What happened, with values, and what to do.
    public let text: String

    /// A report; whether to retry follows from the code unless said otherwise.
    ///
    /// Long texts are cut.
    public init(
        code: ProtocolCode,
        isRetryable: Bool? = nil,
        offset: ByteOffset? = nil,
        text: String
    ) {
        self.code = code
        self.isRetryable = isRetryable ?? code.isRetryable
        self.offset = offset
        self.text = WireText.cleaned(text, limit: Limits.textLength)
    }

    init(from reader: inout BodyReader) throws(FrameError) {
        self.code = try ProtocolCode(from: &reader, "error.code")
        self.isRetryable = try reader.flag("error.retryable")
        if try reader.flag("error.offset.present") {
            let place = try reader.count("error.offset", limit: Geometry.maximumVolume.bytes)
            self.offset = ByteOffset(place.bytes)
        } else {
            self.offset = nil
        }
        self.text = try reader.text("error.text", limit: Limits.textLength)
    }

    func write(to writer: inout BodyWriter) {
        writer.put(self.code.rawValue)
        writer.put(self.isRetryable)
        writer.put(self.offset != nil)
        if let offset = self.offset { writer.put(offset) }
        writer.put(counted: Array(self.text.utf8), limit: Limits.textLength)
    }
}

extension ProtocolCode {
    fileprivate init(from reader: inout BodyReader, _ field: String) throws(FrameError) {
        let number = try reader.number(UInt16.self, field)
        guard let code = Self(rawValue: number) else {
            throw .badValue(field: field, value: UInt64(number))
        }
        self = code
    }
}
