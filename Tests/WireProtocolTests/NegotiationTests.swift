// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Testing
import WireProtocol

/// Who works with whom, and who is refused with which words.
@Suite("Negotiation")
struct NegotiationTests {
    private static let nextMinor = WireVersion(major: 1, minor: 1)

    private func name(_ text: String) throws -> FeatureName {
        try #require(FeatureName(text))
    }

    @Test("a peer of the next minor version with new optional features works, both ways")
    func nextMinor() throws {
        let later = Sample.hello(
            .control,
            version: Self.nextMinor,
            features: Feature.current + [Feature(try self.name("codec.next"), isRequired: false)]
        )
        // What it says is understood from its bytes.
        let body = ControlFrame.hello(later).encoded()
        let decoded = try ControlFrame.decode(type: .hello, body: body)
        #expect(decoded == .hello(later))

        var sender = SenderSession(hello: Sample.hello(.control), offer: try Sample.offer())
        let offered = sender.received(decoded)
        #expect(offered == .send([.offer(try Sample.offer())]))
        #expect(sender.agreement?.version == .current)

        var receiver = ReceiverSession(hello: Sample.hello(.control))
        let answered = receiver.received(decoded)
        #expect(answered == .send([.hello(Sample.hello(.control))]))
        let features = receiver.agreement?.features
        #expect(features == Set(Feature.current.map(\.name)))
    }

    @Test("an optional frame of a later version is read over, anywhere in a connection")
    func optionalFrames() throws {
        let ping = ControlFrame.ping(1)
        let bytes =
            ping.encodedFrame(sequence: 0)
            + WireBytes.header(type: 0x6f, flags: 1, length: 3, sequence: 1) + [1, 2, 3]
            + ping.encodedFrame(sequence: 2, flags: .optional)
        #expect(
            try assemble(bytes) == [
                .control(ping), .skipped(type: 0x6f, length: 3), .control(ping),
            ]
        )
    }

    @Test("a peer of the next major version is refused with both versions named")
    func nextMajor() throws {
        let theirs = WireVersion(major: 2, minor: 3)
        let bytes = WireBytes.frame(
            type: .hello,
            body: [2, 0, 3, 0] + Array("whatever 2.3 has here".utf8)
        )
        let error = FrameError.versionMismatch(ours: .current, theirs: theirs)
        #expect(throws: error) { try assemble(bytes) }
        var receiver = ReceiverSession(hello: Sample.hello(.control))
        guard case .close(.failing(let report)) = receiver.malformed(error) else {
            Issue.record("the session goes on")
            return
        }
        #expect(report.code == .versionMismatch)
        #expect(report.text.contains("1.0") && report.text.contains("2.3"))
        #expect(!report.isRetryable)
        // The same where a later version of this code has the older peer.
        let newer = Sample.hello(.control, version: theirs)
        #expect(throws: error.report.mirrored) {
            try newer.agreement(with: Sample.hello(.control))
        }
    }

    @Test("a version is read from its text, and from nothing else")
    func versionTexts() {
        #expect(WireVersion("1.0") == WireVersion(major: 1, minor: 0))
        #expect(WireVersion("\(Self.nextMinor)") == Self.nextMinor)
        for text in ["", "1", "1.", ".1", "1.x", "1.0.0", "-1.0", "1.65536"] {
            #expect(WireVersion(text) == nil, "\(text)")
        }
    }

    @Test("a required feature that the other side lacks is named in the refusal")
    func requiredFeatures() throws {
        let next = Feature(try self.name("codec.next"), isRequired: true)
        let later = Sample.hello(.control, features: Feature.current + [next])
        let older = Sample.hello(.control)
        for (ours, theirs) in [(older, later), (later, older)] {
            do throws(ErrorReport) {
                _ = try ours.agreement(with: theirs)
                Issue.record("they agree")
            } catch {
                #expect(error.code == .missingFeature)
                #expect(error.text.contains("codec.next"))
            }
        }
        var receiver = ReceiverSession(hello: older)
        let action = receiver.received(.hello(later))
        guard case .close(.failing(let report)) = action else {
            Issue.record("\(action)")
            return
        }
        #expect(report.code == .missingFeature)
    }

    @Test("codecs that one side lacks are left out of the offer")
    func codecs() throws {
        let few = [Feature(.digestPH128, isRequired: true), Feature(.codecLZ4, isRequired: false)]
        var sender = SenderSession(hello: Sample.hello(.control), offer: try Sample.offer())
        let action = sender.received(.hello(Sample.hello(.control, features: few)))
        let offer = try Sample.offer(codecs: [.none, .lz4])
        #expect(action == .send([.offer(offer)]))
        var receiver = ReceiverSession(hello: Sample.hello(.control, features: few))
        _ = receiver.received(.hello(Sample.hello(.control)))
        let wrong = receiver.received(.offer(try Sample.offer()))
        #expect(wrong.violates)
    }

    @Test("a hello of the other kind of connection is a violation")
    func kinds() throws {
        var receiver = ReceiverSession(hello: Sample.hello(.control))
        let control = receiver.received(.hello(Sample.hello(.data)))
        #expect(control.violates)
        var stream = ReceiverStream(hello: Sample.hello(.data))
        let data = stream.received(.hello(Sample.hello(.control)))
        #expect(data.violates)
    }

    @Test(
        "names of features have few characters",
        arguments: ["", "Codec", "codec lz4", "codec_lz4", "ü", String(repeating: "a", count: 65)]
    )
    func featureNames(text: String) { #expect(FeatureName(text) == nil) }
}

extension ErrorReport {
    /// The report of the other side about the same versions.
    fileprivate var mirrored: ErrorReport {
        FrameError.versionMismatch(
            ours: WireVersion(major: 2, minor: 3),
            theirs: .current
        )
        .report
    }
}
