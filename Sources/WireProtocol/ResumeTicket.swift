// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Codecs

/// Proof, for the sender alone, that a stage belongs to the transfer it is about to continue.
///
/// The receiver keeps the bytes with the stage and returns them; it cannot make them, because the
/// seal is made under a secret of the sender's pool. Without it a receiver could tell a sender to
/// leave out bytes of a transfer that it never began.
///
/// Layout: nonce 16 bytes, then HMAC-SHA-256 under the pool's secret over the text
/// "godwit ticket v1", pair, volume, lineage, base snapshot (zeros without a base), target
/// snapshot, size as u64, mode as u8, nonce.
public struct ResumeTicket: Hashable, Sendable {
    /// Bytes of a ticket of version 1: 48.
    public static let encodedSize = 48

    /// What stands in the frame; at most 256 bytes.
    public let bytes: [UInt8]

    /// A ticket that a peer or a file gave; nil where it is longer than any ticket.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count <= Limits.ticketLength else { return nil }
        self.bytes = bytes
    }

    private init(fitting bytes: [UInt8]) { self.bytes = bytes }

    /// What a ticket is good for; another pair, volume, base, target, size or mode needs another.
    public struct Scope: Hashable, Sendable {
        /// The destination's installation.
        public let pair: ClusterID

        /// The volume.
        public let volume: VolumeID

        /// The history that base and target belong to.
        public let lineage: LineageID

        /// The snapshot of the base, where there is one.
        public let base: SnapshotID?

        /// The snapshot of the target.
        public let target: SnapshotID

        /// The bytes of the target.
        public let size: ByteCount

        /// Which bytes the sender ships.
        public let mode: TransferMode

        /// The transfer with these parts.
        public init(
            pair: ClusterID,
            volume: VolumeID,
            lineage: LineageID,
            base: SnapshotID?,
            target: SnapshotID,
            size: ByteCount,
            mode: TransferMode
        ) {
            self.pair = pair
            self.volume = volume
            self.lineage = lineage
            self.base = base
            self.target = target
            self.size = size
            self.mode = mode
        }

        /// The transfer of an offer to `pair`.
        public init(
            pair: ClusterID,
            subject: Offer.Subject,
            route: Offer.Route
        ) {
            self.init(
                pair: pair,
                volume: subject.volume,
                lineage: subject.lineage,
                base: route.base?.snapshot,
                target: route.target.snapshot,
                size: route.target.size,
                mode: route.mode
            )
        }

        fileprivate func message(nonce: [UInt8]) -> [UInt8] {
            var writer = BodyWriter()
            writer.put(raw: Array("godwit ticket v1".utf8))
            writer.put(self.pair)
            writer.put(self.volume)
            writer.put(self.lineage)
            writer.put(self.base ?? SnapshotID(halves: Halves(high: 0, low: 0)))
            writer.put(self.target)
            writer.put(self.size)
            writer.put(self.mode.rawValue)
            writer.put(raw: nonce)
            return writer.bytes
        }
    }

    /// A ticket for one transfer under the secret of the sender's pool.
    ///
    /// - Parameters:
    ///   - scope: what the ticket is good for.
    ///   - secret: known to this pool only, at least 32 random bytes.
    ///   - nonce: new random bytes; makes equal transfers have different tickets.
    /// - Returns: 48 bytes.
    public static func seal(_ scope: Scope, secret: [UInt8], nonce: SessionNonce) -> Self {
        precondition(secret.count >= 32, "a secret of \(secret.count) bytes can be guessed")
        let nonce = nonce.bytes
        return Self(
            fitting: nonce + Checksum.hmacSHA256(key: secret, scope.message(nonce: nonce))
        )
    }

    /// Whether this pool sealed the ticket for exactly this transfer.
    public func verify(_ scope: Scope, secret: [UInt8]) -> Bool {
        guard self.bytes.count == Self.encodedSize else { return false }
        let nonce = Array(self.bytes[..<16])
        return ConstantTime.areEqual(
            Array(self.bytes[16...]),
            Checksum.hmacSHA256(key: secret, scope.message(nonce: nonce))
        )
    }

    init(from reader: inout BodyReader, _ field: String) throws(FrameError) {
        self.bytes = try reader.counted(field, limit: Limits.ticketLength)
    }

    func write(to writer: inout BodyWriter) {
        writer.put(counted: self.bytes, limit: Limits.ticketLength)
    }
}
