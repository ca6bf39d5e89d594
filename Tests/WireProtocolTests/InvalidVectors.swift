// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import WireProtocol

/// Bytes that must not be understood, and why.
struct InvalidVector {
    let name: String
    let bytes: [UInt8]
    let error: FrameError

    init(_ name: String, _ bytes: [UInt8], _ error: FrameError) {
        self.name = name
        self.bytes = bytes
        self.error = error
    }

    init(_ name: String, _ bytes: [UInt8], field: String, value: UInt64) {
        self.init(name, bytes, .badValue(field: field, value: value))
    }

    static func all() throws -> [Self] {
        try self.headers() + self.bodies() + self.hellos() + self.opening() + self.answers()
            + self.reports() + self.streams()
            + self.queries() + self.progress()
    }

    private static func headers() -> [Self] {
        var flipped = ControlFrame.drain.encodedFrame(sequence: 0)
        flipped[20] ^= 1
        var badBody = ControlFrame.ping(7).encodedFrame(sequence: 0)
        badBody[33] ^= 0x80
        let ping = FrameType.ping.rawValue
        return [
            Self(
                "header-http",
                Array("GET / HTTP/1.1\r\nHost: example\r\n\r\n".utf8),
                .badMagic(0x2054_4547)
            ),
            Self("header-checksum", flipped, .badHeaderChecksum),
            Self("header-flags", WireBytes.header(type: ping, flags: 2, length: 16), .badFlags(2)),
            Self(
                "header-reserved-6",
                WireBytes.header(type: ping, reserved: 1, length: 16),
                .badReserved(field: "header 6", value: 1)
            ),
            Self(
                "header-reserved-12",
                WireBytes.header(type: ping, length: 16, tail: 9),
                .badReserved(field: "header 12", value: 9)
            ),
            Self("header-type", WireBytes.header(type: 0x7f, length: 8), .unknownType(0x7f)),
            Self(
                "header-skipped-too-long",
                WireBytes.header(type: 0x7f, flags: 1, length: 65537),
                .skippedTooLong(type: 0x7f, length: 65537, limit: 65536)
            ),
            Self(
                "header-too-long",
                WireBytes.header(type: 0x10, length: 4_294_967_295),
                .bodyTooLong(.data, length: 4_294_967_295, limit: (1 << 20) + 24)
            ),
            Self(
                "header-too-short",
                WireBytes.header(type: ping, length: 15),
                .bodyTooShort(.ping, length: 15, minimum: 16)
            ),
            Self(
                "header-sequence",
                ControlFrame.drain.encodedFrame(sequence: 1),
                .badSequence(expected: 0, got: 1)
            ),
            Self("body-checksum", badBody, .badBodyChecksum(.ping)),
        ]
    }

    private static func bodies() throws -> [Self] {
        let hello = ControlFrame.hello(Sample.hello(.control, features: Sample.firstFeatures))
        let offer = ControlFrame.offer(try Sample.offer())
        let abort = ControlFrame.abort(Abort(code: .cancelled, discard: false, text: "abc"))
        return [
            Self(
                "body-truncated-hello",
                WireBytes.resized(hello, by: -1),
                .truncated(.hello, field: "hello.software")
            ),
            Self(
                "body-truncated-offer",
                WireBytes.resized(offer, by: -49),
                .truncated(.offer, field: "offer.ticket")
            ),
            Self(
                "body-trailing",
                WireBytes.resized(abort, by: 2),
                .trailingBytes(.abort, count: 2)
            ),
            Self(
                "hello-next-major",
                WireBytes.frame(
                    type: .hello,
                    body: [2, 0, 3, 0] + Array("another world".utf8)
                ),
                .versionMismatch(ours: .current, theirs: WireVersion(major: 2, minor: 3))
            ),
            Self(
                "abort-text-control",
                WireBytes.changed(abort, at: 6, to: [0x0a]),
                .badText(field: "abort.text")
            ),
            Self(
                "abort-text-utf8",
                WireBytes.changed(abort, at: 6, to: [0xff]),
                .badText(field: "abort.text")
            ),
        ]
    }

    private static func hellos() throws -> [Self] {
        let hello = ControlFrame.hello(Sample.hello(.control, features: Sample.firstFeatures))
        return [
            Self(
                "hello-kind",
                WireBytes.changed(hello, at: 4, to: [3]),
                field: "hello.kind",
                value: 3
            ),
            Self(
                "hello-feature-count",
                WireBytes.changed(hello, at: 37, to: [33]),
                field: "hello.featureCount",
                value: 33
            ),
            Self(
                "hello-feature-required",
                WireBytes.changed(hello, at: 38, to: [2]),
                field: "hello.featureRequired",
                value: 2
            ),
            Self(
                "hello-feature-length",
                WireBytes.changed(hello, at: 39, to: [65]),
                field: "hello.featureLength",
                value: 65
            ),
            Self(
                "hello-feature-name",
                WireBytes.changed(hello, at: 40, to: [0x44]),
                .badText(field: "hello.featureName")
            ),
            Self(
                "hello-feature-twice",
                WireBytes.frame(type: .hello, body: try Self.helloWithFeatureTwice()),
                .badText(field: "hello.featureName")
            ),
        ]
    }

    private static func helloWithFeatureTwice() throws -> [UInt8] {
        let body = ControlFrame.hello(Sample.hello(.control, features: Sample.firstFeatures))
            .encoded()
        let feature: [UInt8] = [0, 1, 0x61]
        return Array(body[..<37]) + [2] + feature + feature + [0, 0]
    }

    private static func opening() throws -> [Self] {
        let offer = ControlFrame.offer(try Sample.offer())
        let full = ControlFrame.offer(try Sample.offer(.fullCopy))
        let most = WireBytes.number(UInt64.max)
        func changed(_ offset: Int, _ bytes: [UInt8]) -> [UInt8] {
            WireBytes.changed(offer, at: offset, to: bytes)
        }
        return [
            Self("offer-algorithm", changed(80, [9]), field: "offer.algorithm", value: 9),
            Self("offer-mode", changed(81, [0]), field: "offer.mode", value: 0),
            Self("offer-flags", changed(82, [4]), field: "offer.flags", value: 4),
            Self("offer-codecs", changed(83, [17]), field: "offer.codecs", value: 17),
            Self("offer-codecs-none", changed(83, [2]), field: "offer.codecs", value: 2),
            Self("offer-no-stream", changed(84, [0]), field: "offer.streams", value: 0),
            Self("offer-streams", changed(84, [17]), field: "offer.streams", value: 17),
            Self("offer-base-flag", changed(85, [2]), field: "offer.base.present", value: 2),
            Self("offer-base-size", changed(110, most), field: "offer.base.size", value: .max),
            Self(
                "offer-size",
                changed(174, most),
                field: "offer.target.size",
                value: .max
            ),
            Self(
                "offer-name-length",
                changed(182, [254, 0]),
                field: "offer.name",
                value: 254
            ),
            Self(
                "offer-name-control",
                changed(184, [0x1b]),
                .badText(field: "offer.name")
            ),
            Self(
                "offer-full-with-base",
                changed(81, [2]),
                field: "offer.base.present",
                value: 1
            ),
            Self(
                "offer-incremental-without-base",
                WireBytes.changed(full, at: 81, to: [1]),
                field: "offer.base.present",
                value: 0
            ),
            Self(
                "offer-ticket-length",
                changed(197, [1, 1]),
                field: "offer.ticket",
                value: 257
            ),
        ]
    }

    private static func answers() throws -> [Self] {
        let accept = ControlFrame.accept(try Sample.accept(resumed: true))
        let fresh = ControlFrame.accept(try Sample.accept())
        let beyond = UInt64(64 << 40) + 1
        func changed(_ offset: Int, _ bytes: [UInt8]) -> [UInt8] {
            WireBytes.changed(accept, at: offset, to: bytes)
        }
        return [
            Self("accept-streams", changed(48, [17]), field: "accept.streams", value: 17),
            Self(
                "accept-window-small",
                changed(49, WireBytes.number(UInt64(4096))),
                field: "accept.creditWindow",
                value: 4096
            ),
            Self(
                "accept-window-large",
                changed(49, WireBytes.number(UInt64(1 << 31))),
                field: "accept.creditWindow",
                value: 1 << 31
            ),
            Self(
                "accept-durable",
                changed(57, WireBytes.number(beyond)),
                field: "accept.durableBytes",
                value: beyond
            ),
            Self(
                "accept-range-count",
                changed(65, WireBytes.number(UInt32(1_048_577))),
                field: "accept.rangeCount",
                value: 1_048_577
            ),
            Self("accept-not-resumed", changed(69, [0]), field: "accept.rangeCount", value: 2),
            Self(
                "accept-durable-without-ranges",
                WireBytes.changed(fresh, at: 57, to: [1]),
                field: "accept.rangeCount",
                value: 0
            ),
        ]
    }

    private static func reports() -> [Self] {
        let ranges = ControlFrame.ranges(Ranges(Sample.durable, isLast: true))
        let refuse = ControlFrame.refuse(Refusal(code: .busy, text: "later"))
        let error = ControlFrame.error(
            ErrorReport(code: .corruptData, offset: .zero, text: "x")
        )
        let beyond = UInt64(64 << 40) + 1
        return [
            Self(
                "ranges-count",
                WireBytes.changed(ranges, at: 0, to: [3, 0]),
                field: "ranges.count",
                value: 3
            ),
            Self(
                "ranges-empty",
                WireBytes.changed(ranges, at: 10, to: WireBytes.number(UInt64(0))),
                field: "ranges.range",
                value: 0
            ),
            Self(
                "ranges-order",
                WireBytes.changed(ranges, at: 18, to: WireBytes.number(UInt64(4096))),
                field: "ranges.start",
                value: 4096
            ),
            Self(
                "ranges-place",
                WireBytes.changed(ranges, at: 26, to: WireBytes.number(beyond)),
                field: "ranges.range",
                value: beyond
            ),
            Self(
                "refuse-code",
                WireBytes.changed(refuse, at: 0, to: [0xe7, 0x03]),
                field: "refuse.code",
                value: 999
            ),
            Self(
                "error-offset-place",
                WireBytes.changed(error, at: 4, to: WireBytes.number(beyond)),
                field: "error.offset",
                value: beyond
            ),
        ]
    }
}
