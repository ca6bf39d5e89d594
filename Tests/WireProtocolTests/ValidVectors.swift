// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import WireProtocol

/// A frame that must be understood, and its bytes.
struct ValidVector {
    let name: String
    let frame: Assembled
    let bytes: [UInt8]

    init(_ name: String, _ frame: ControlFrame) {
        self.name = name
        self.frame = .control(frame)
        self.bytes = frame.encodedFrame(sequence: 0)
    }

    init(_ name: String, _ header: DataHeader, _ payload: [UInt8]) {
        self.name = name
        self.frame = .data(header, payload: payload)
        self.bytes = WireBytes.data(header, payload)
    }

    init(skipped name: String, type: UInt8, body: [UInt8]) {
        self.name = name
        self.frame = .skipped(type: type, length: body.count)
        self.bytes = WireBytes.header(type: type, flags: 1, length: body.count) + body
    }

    /// Every frame type at least once, every optional part both there and not there.
    static func all() throws -> [Self] {
        try self.opening() + self.streaming() + self.closing()
    }

    private static func opening() throws -> [Self] {
        guard let later = FeatureName("codec.zstd") else { throw Sample.Missing() }
        let nextMinor = Sample.hello(
            .data,
            version: WireVersion(major: 1, minor: 1),
            features: Sample.firstFeatures + [Feature(later, isRequired: false)]
        )
        return [
            Self("hello", .hello(Sample.hello(.control, features: Sample.firstFeatures))),
            Self("hello-next-minor", .hello(nextMinor)),
            Self("offer", .offer(try Sample.offer())),
            Self(
                "offer-full-copy",
                .offer(try Sample.offer(.fullCopy, flags: [.discardPartial, .allowShrink]))
            ),
            Self("offer-full-verify", .offer(try Sample.offer(.fullVerify, streams: 16))),
            Self("accept", .accept(try Sample.accept())),
            Self("accept-resumed", .accept(try Sample.accept(resumed: true))),
            Self("ranges", .ranges(Ranges(Sample.durable, isLast: true))),
            Self(
                "refuse",
                .refuse(
                    Refusal(code: .noSpace, retryAfterSeconds: 60, text: "the pool is full")
                )
            ),
            Self(
                "refuse-visible",
                .refuse(
                    Refusal(
                        code: .wrongBase,
                        visible: try Sample.stamp(4),
                        text: "the volume shows generation 4, the base is 6"
                    )
                )
            ),
            Self("join", .join(try Sample.join(stream: 2))),
            Self(
                "joined",
                .joined(Joined(stream: StreamIndex(2), creditLimit: Limits.creditWindow))
            ),
        ]
    }

    private static func streaming() throws -> [Self] {
        let tail = Sample.bytes(100, from: 0)
        let letters = [UInt8](repeating: 0x41, count: 4096)
        let shares = (1...16).map(Sample.digest)
        return [
            Self(
                "data",
                DataHeader(
                    offset: ByteOffset(8192),
                    rawLength: 100,
                    codec: .none,
                    checksum: Checksum.xxh3(tail)
                ),
                tail
            ),
            Self(
                "data-lz4",
                DataHeader(
                    offset: ByteOffset(0),
                    rawLength: 4096,
                    codec: .lz4,
                    checksum: Checksum.xxh3(letters)
                ),
                Sample.lz4Block
            ),
            Self(
                "data-zstd",
                DataHeader(
                    offset: ByteOffset(0),
                    rawLength: 4096,
                    codec: .zstd,
                    checksum: Checksum.xxh3(letters)
                ),
                Sample.zstdFrame
            ),
            Self("zero", .zero(ZeroExtent(Sample.extent(1 << 20, 3 << 20)))),
            Self("leaf-query", .leafQuery(LeafQuery(first: LeafIndex(3), count: 2))),
            Self(
                "leaf-digests",
                .leafDigests(
                    LeafDigests(
                        first: LeafIndex(3),
                        digests: [.zero, Sample.digest(4)]
                    )
                )
            ),
            Self("granule-query", .granuleQuery(GranuleQuery([LeafIndex(1), LeafIndex(5)]))),
            Self(
                "granule-digests",
                .granuleDigests(
                    GranuleDigests([
                        GranuleShares(leaf: LeafIndex(1), shares: shares),
                        GranuleShares(
                            leaf: LeafIndex(5),
                            shares: Array(repeating: .zero, count: 16)
                        ),
                    ])
                )
            ),
            Self("end", .end(Sample.totals)),
            Self(
                "ack",
                .ack(Sample.ack(3 << 20, 2 << 20, 1 << 20, limit: 33 << 20, stream: 2))
            ),
        ]
    }

    private static func closing() throws -> [Self] {
        [
            Self("commit", .commit(Commit(root: try Sample.root(7), totals: Sample.totals))),
            Self("committed", .committed(Committed(try Sample.stamp(7)))),
            Self(
                "abort",
                .abort(Abort(code: .cancelled, discard: true, text: "cancelled by a person"))
            ),
            Self("drain", .drain),
            Self("ping", .ping(0x0102_0304_0506_0708)),
            Self("pong", .pong(0x0102_0304_0506_0708)),
            Self("error", .error(ErrorReport(code: .streamLost, text: "stream 2 broke"))),
            Self(
                "error-offset",
                .error(
                    ErrorReport(
                        code: .corruptData,
                        offset: ByteOffset(8192),
                        text: "the chunk at 8192 does not have its checksum"
                    )
                )
            ),
            Self(skipped: "skipped-optional", type: 0x7f, body: Sample.bytes(21, from: 1)),
        ]
    }
}
