// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// What the receiver may do to make an offer fit.
public struct OfferFlags: OptionSet, Hashable, Sendable {
    /// The bits.
    public let rawValue: UInt8

    /// The flags with these bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The target may be smaller than what the receiver has.
    public static let allowShrink = Self(rawValue: 1)

    /// Begin anew also where a stage of this transfer could be continued.
    public static let discardPartial = Self(rawValue: 2)

    /// Every flag of version 1.
    public static let known: Self = [.allowShrink, .discardPartial]
}

/// Opens a transfer: from which generation to which, and how.
public struct Offer: Hashable, Sendable {
    /// Names the transfer in logs of both sides; new with each session.
    public let transfer: TransferID

    /// The volume.
    public let volume: VolumeID

    /// The history that base and target belong to.
    public let lineage: LineageID

    /// The secret under which the digests are made.
    public let lineageKey: LineageKey

    /// How the digests are made.
    public let algorithm: DigestAlgorithm

    /// Which bytes the sender will ship.
    public let mode: TransferMode

    /// What the receiver may do.
    public let flags: OfferFlags

    /// The codecs that chunks may have.
    public let codecs: CodecSet

    /// The data connections that the sender wants, 1...16.
    public let streams: Int

    /// What the receiver must have; exactly there where the mode needs it.
    public let base: GenerationStamp?

    /// What the receiver will have.
    public let target: TargetGeneration

    /// The volume's name at the source, for people.
    public let name: String

    /// Sealed by the sender; the receiver keeps it with the stage and returns it unchanged.
    public let ticket: ResumeTicket

    /// The parts of an offer that say what is to be sent.
    public struct Route: Hashable, Sendable {
        /// Which bytes the sender will ship.
        public let mode: TransferMode

        /// What the receiver must have.
        public let base: GenerationStamp?

        /// What the receiver will have.
        public let target: TargetGeneration

        /// From `base` to `target`; a base exactly where the mode needs one.
        public init(mode: TransferMode, base: GenerationStamp?, target: TargetGeneration) {
            precondition(
                (base != nil) == mode.needsBase,
                "mode \(mode) \(base == nil ? "needs a" : "has no") base"
            )
            self.mode = mode
            self.base = base
            self.target = target
        }
    }

    /// The parts of an offer that say whose bytes they are.
    public struct Subject: Hashable, Sendable {
        /// The volume.
        public let volume: VolumeID

        /// The history that base and target belong to.
        public let lineage: LineageID

        /// The secret under which the digests are made.
        public let lineageKey: LineageKey

        /// How the digests are made.
        public let algorithm: DigestAlgorithm

        /// The volume's name at the source, for people.
        public let name: String

        /// A volume in one lineage; `name` has at most 253 bytes.
        public init(
            volume: VolumeID,
            lineage: LineageID,
            lineageKey: LineageKey,
            algorithm: DigestAlgorithm = .ph128,
            name: String
        ) {
            precondition(
                name.utf8.count <= Limits.nameLength && WireText.isClean(name),
                "the volume name \(name) is too long or has control characters"
            )
            self.volume = volume
            self.lineage = lineage
            self.lineageKey = lineageKey
            self.algorithm = algorithm
            self.name = name
        }
    }

    /// The offer of this side.
    public init(
        transfer: TransferID,
        subject: Subject,
        route: Route,
        flags: OfferFlags = [],
        codecs: CodecSet = .all,
        streams: Int = Limits.defaultStreams,
        ticket: ResumeTicket
    ) {
        precondition(
            (1...Limits.streams).contains(streams),
            "\(streams) streams are not in 1...\(Limits.streams)"
        )
        self.transfer = transfer
        self.volume = subject.volume
        self.lineage = subject.lineage
        self.lineageKey = subject.lineageKey
        self.algorithm = subject.algorithm
        self.mode = route.mode
        self.flags = flags
        self.codecs = codecs.union(.none)
        self.streams = streams
        self.base = route.base
        self.target = route.target
        self.name = subject.name
        self.ticket = ticket
    }

    /// The same offer for a peer that has fewer codecs.
    func limited(to codecs: CodecSet) -> Self {
        Self(
            transfer: self.transfer,
            subject: Subject(
                volume: self.volume,
                lineage: self.lineage,
                lineageKey: self.lineageKey,
                algorithm: self.algorithm,
                name: self.name
            ),
            route: Route(mode: self.mode, base: self.base, target: self.target),
            flags: self.flags,
            codecs: self.codecs.intersection(codecs),
            streams: self.streams,
            ticket: self.ticket
        )
    }
}

extension Offer {
    init(from reader: inout BodyReader) throws(FrameError) {
        let transfer = try reader.identifier(TransferID.self, "offer.transfer")
        let volume = try reader.identifier(VolumeID.self, "offer.volume")
        let lineage = try reader.identifier(LineageID.self, "offer.lineage")
        guard let key = LineageKey(try reader.raw(32, "offer.lineageKey")) else {
            throw .truncated(.offer, field: "offer.lineageKey")
        }
        let algorithmNumber = try reader.number(UInt8.self, "offer.algorithm")
        guard let algorithm = DigestAlgorithm(rawValue: algorithmNumber) else {
            throw .badValue(field: "offer.algorithm", value: UInt64(algorithmNumber))
        }
        let modeNumber = try reader.number(UInt8.self, "offer.mode")
        guard let mode = TransferMode(rawValue: modeNumber) else {
            throw .badValue(field: "offer.mode", value: UInt64(modeNumber))
        }
        let flags = OfferFlags(rawValue: try reader.number(UInt8.self, "offer.flags"))
        guard OfferFlags.known.isSuperset(of: flags) else {
            throw .badValue(field: "offer.flags", value: UInt64(flags.rawValue))
        }
        let codecs = CodecSet(rawValue: try reader.number(UInt8.self, "offer.codecs"))
        guard CodecSet.all.isSuperset(of: codecs), codecs.isSuperset(of: .none) else {
            throw .badValue(field: "offer.codecs", value: UInt64(codecs.rawValue))
        }
        let streams = Int(try reader.number(UInt8.self, "offer.streams"))
        guard (1...Limits.streams).contains(streams) else {
            throw .badValue(field: "offer.streams", value: UInt64(streams))
        }
        let base = try GenerationStamp.optional(from: &reader, "offer.base")
        guard (base != nil) == mode.needsBase else {
            throw .badValue(field: "offer.base.present", value: base == nil ? 0 : 1)
        }
        let target = TargetGeneration(
            number: GenerationNumber(try reader.number(UInt64.self, "offer.target.number")),
            snapshot: try reader.identifier(SnapshotID.self, "offer.target.snapshot"),
            size: try reader.count("offer.target.size")
        )
        let name = try reader.text("offer.name", limit: Limits.nameLength)
        self.init(
            transfer: transfer,
            subject: Subject(
                volume: volume,
                lineage: lineage,
                lineageKey: key,
                algorithm: algorithm,
                name: name
            ),
            route: Route(mode: mode, base: base, target: target),
            flags: flags,
            codecs: codecs,
            streams: streams,
            ticket: try ResumeTicket(from: &reader, "offer.ticket")
        )
    }

    func write(to writer: inout BodyWriter) {
        writer.put(self.transfer)
        writer.put(self.volume)
        writer.put(self.lineage)
        writer.put(raw: self.lineageKey.bytes)
        writer.put(self.algorithm.rawValue)
        writer.put(self.mode.rawValue)
        writer.put(self.flags.rawValue)
        writer.put(self.codecs.rawValue)
        writer.put(UInt8(self.streams))
        self.base.write(to: &writer)
        writer.put(self.target.number.number)
        writer.put(self.target.snapshot)
        writer.put(self.target.size)
        writer.put(counted: Array(self.name.utf8), limit: Limits.nameLength)
        self.ticket.write(to: &writer)
    }
}
