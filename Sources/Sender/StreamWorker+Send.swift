// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import SecureTransport
import WireProtocol

// Sending: credit, bandwidth, compression, and the runs of granules that need the same.

extension StreamWorker {
    /// Sends the granules of `target` as `kinds` says; adjacent ones of a kind go as one.
    mutating func sendRuns(at place: ByteOffset, granules: Int) throws(StreamFailure) {
        let granule = Geometry.granule.bytes
        var first = 0
        while first < granules {
            let kind = self.kinds[first]
            var end = first + 1
            while end < granules, self.kinds[end] == kind { end += 1 }
            let start = place + ByteCount(first * granule)
            let stop = min(place + ByteCount(end * granule), ByteOffset(self.context.size.bytes))
            switch kind {
            case .same: break
            case .zero: try self.send(zeros: Extent(start, stop))
            case .data: try self.send(data: Extent(start, stop), bufferAt: place)
            }
            first = end
        }
    }

    // MARK: Zeros

    /// Sends zeros, except what is durable; holds them back for as long as more may follow.
    mutating func send(zeros extent: Extent) throws(StreamFailure) {
        if self.durable.isEmpty {
            try self.append(zeros: extent)
            return
        }
        for gap in self.durable.gaps(in: extent) { try self.append(zeros: gap) }
    }

    private mutating func append(zeros extent: Extent) throws(StreamFailure) {
        if let held = self.zeros, held.end == extent.start {
            self.zeros = Extent(held.start, extent.end)
            return
        }
        try self.sendZeros()
        self.zeros = extent
    }

    /// Sends the zeros that were held back.
    mutating func sendZeros() throws(StreamFailure) {
        guard let extent = self.zeros else { return }
        self.zeros = nil
        try self.reserve(extent, .zero)
        try self.pass(Self.zeroFrame)
        try self.append(.zero(ZeroExtent(extent)))
        self.context.progress.zero.add(extent.length)
    }

    // MARK: Data

    /// Sends bytes of `target`, which begins at the place `origin`, except what is durable.
    private mutating func send(
        data extent: Extent,
        bufferAt origin: ByteOffset
    ) throws(StreamFailure) {
        if self.durable.isEmpty {
            try self.sendChunk(extent, bufferAt: origin)
            return
        }
        for gap in self.durable.gaps(in: extent) { try self.sendChunk(gap, bufferAt: origin) }
    }

    private mutating func sendChunk(
        _ extent: Extent,
        bufferAt origin: ByteOffset
    ) throws(StreamFailure) {
        let length = extent.length.bytes
        let offset = (extent.start - origin).bytes
        let range = offset..<offset + length
        let checksum = Checksum.xxh3(self.target, range)
        let (codec, size) = self.compress(extent, range)
        let began = self.context.environment.now()
        let writeWaits = self.connection.connection.writeWaits
        try self.reserve(extent, .data)
        try self.pass(ByteCount((size ?? length) + Self.dataOverhead))
        let allowed = self.context.environment.now()
        let header = DataHeader(
            offset: extent.start,
            rawLength: length,
            codec: codec,
            checksum: checksum
        )
        do throws(TransportError) {
            if let size {
                try self.connection.sendData(header, payload: self.packed, 0..<size, flush: false)
            } else {
                try self.connection.sendData(header, payload: self.target, range, flush: false)
            }
        } catch {
            throw .transport(error)
        }
        let waits = self.connection.connection.writeWaits - writeWaits
        self.policy.sent(
            extent.length,
            as: ByteCount(size ?? length),
            in: self.context.environment.now().elapsed(since: allowed) - waits,
            blocked: allowed.elapsed(since: began) + waits
        )
        self.context.progress.changed.add(extent.length)
        self.context.progress.compressedAway.add(ByteCount(length - (size ?? length)))
    }

    /// Compresses a chunk into `packed`; nil for the size where it goes as it is.
    private mutating func compress(_ extent: Extent, _ range: Range<Int>) -> (ChunkCodec, Int?) {
        let codec = self.policy.codec(at: extent.start)
        guard codec != .none else { return (.none, nil) }
        let began = self.context.environment.now()
        let size = self.compressor.compress(
            self.target,
            range,
            into: &self.packed,
            at: 0,
            codec: codec
        )
        self.policy.compressed(
            at: extent.start,
            extent.length,
            to: size.map { ByteCount($0) },
            in: self.context.environment.now().elapsed(since: began)
        )
        return (size == nil ? .none : codec, size)
    }

    // MARK: Bandwidth

    /// What stands around the payload of a data frame, and what a zero frame has in all.
    private static let dataOverhead = FrameHeader.encodedSize + DataHeader.encodedSize
    private static let zeroFrame = ByteCount(FrameHeader.encodedSize + 24)

    /// Waits until so many bytes may pass.
    private mutating func pass(_ count: ByteCount) throws(StreamFailure) {
        let state = self.context.state
        guard self.context.request.limit.pass(count, isCancelled: { state.read { $0.isOver } })
        else { throw .stopped }
    }

    // MARK: Credit

    /// Waits until the destination allows an extent more.
    private mutating func reserve(_ extent: Extent, _ kind: ExtentKind) throws(StreamFailure) {
        if self.stream.reserve(extent, kind) { return }
        // What the destination waits for must not lie in our own buffer.
        try self.flush()
        let index = self.index.index
        repeat {
            let known = self.stream.credit?.limit ?? .zero
            var isCounted = false
            let ack = self.context.state.wait { state -> Ack?? in
                let ack = state.acks[index].flatMap { $0.creditLimit > known ? $0 : nil }
                let ends = state.isOver || ack != nil
                // Counted while it waits, so that a wait without end is seen (P6).
                if ends == isCounted { state.waiting += ends ? -1 : 1 }
                isCounted = !ends
                guard ends else { return nil }
                return state.isOver ? .some(nil) : .some(ack)
            }
            guard let ack else { throw .stopped }
            _ = try self.perform(self.stream.acknowledged(ack))
        } while !self.stream.reserve(extent, kind)
    }
}
