// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Locks
import SecureTransport
import Synchronization
import VolumeStore
import WireProtocol

/// Looks at an offer with the store at hand: refuses it, or prepares its stage.
struct OfferDesk {
    let transfer: IncomingTransfer

    private var environment: ReceiverEnvironment { self.transfer.environment }
    private var limits: ReceiverLimits { self.transfer.environment.limits }

    /// The decision; with an acceptance, the transfer has its volume and stage.
    func decide(_ offer: Offer) -> OfferDecision {
        do throws(Refusal) {
            try self.claim(offer)
            try self.checkHold(offer)
            let volume = try self.volume(for: offer)
            let stage = try self.stage(for: offer, on: volume)
            return .accept(try self.acceptance(of: offer, stage))
        } catch {
            return .refuse(error)
        }
    }

    // MARK: The place

    /// Takes the volume for this session; an older one of the same transfer gives way.
    private func claim(_ offer: Offer) throws(Refusal) {
        let begin = ContinuousClock.now
        while true {
            guard !self.environment.isDraining.load(ordering: .acquiring) else {
                throw self.later(.draining, "the agent is about to stop")
            }
            let claim = self.environment.registry.claim(
                offer,
                for: self.transfer,
                limit: self.limits.sessions
            )
            switch claim {
            case .claimed:
                // Asked again now that the session can be found and ended: the pair may have been
                // revoked after the handshake (P8).
                guard self.environment.authorise(self.transfer.certificate) != nil else {
                    throw Refusal(code: .notAuthorised, text: "the pair was revoked")
                }
                return
            case .full:
                throw self.later(.busy, "all \(self.limits.sessions) places are taken")
            case .duplicate:
                throw self.later(.duplicateTransfer, "the transfer has a session already")
            case .held(let holder):
                try self.takeOver(holder, offer)
            }
            guard begin.duration(to: ContinuousClock.now) < self.limits.takeoverWait,
                !self.transfer.isClosing
            else { throw self.later(.duplicateTransfer, "the old session does not end") }
            _ = self.transfer.workerWakeup.wait(timeout: .milliseconds(20))
        }
    }

    /// A sender that comes again has lost its old connection, whether we know it or not.
    private func takeOver(_ holder: IncomingTransfer, _ offer: Offer) throws(Refusal) {
        // The volume of another pair: not more than that it cannot be had.
        guard holder.pair.cluster == self.transfer.pair.cluster else {
            throw Refusal(code: .notAuthorised, text: "the volume belongs to another pair")
        }
        let held = holder.state.withLock { ($0.offer?.target.snapshot, $0.commit != nil) }
        // What is being committed will soon be found committed, and its session ended.
        guard !held.1 else { return }
        guard held.0 == offer.target.snapshot else {
            throw self.later(.busy, "another transfer of the volume is under way")
        }
        holder.post(
            .failed(
                ErrorReport(code: .duplicateTransfer, text: "the sender has opened a new session")
            )
        )
    }

    /// What waits for the release of a group is not brought again, and nothing else takes its place.
    private func checkHold(_ offer: Offer) throws(Refusal) {
        switch self.environment.verdict(on: offer, of: self.transfer.pair) {
        case .free: return
        case .held(let group):
            // Only this process's own word: what an earlier one left is proven by going on with it.
            let volume = self.environment.store.volume(offer.volume)
            guard let volume, volume.hasProven(offer.target.snapshot) else { return }
            throw self.later(
                .busy,
                "generation \(offer.target.number.number) is proven and waits for the release of "
                    + "group \(group)"
            )
        case .occupied(let group):
            throw self.later(
                .busy,
                "the volume is held back for group \(group): commit or cancel that first"
            )
        case .dropped(let group):
            throw Refusal(
                code: .cancelled,
                text: "group \(group) was dropped at the destination"
            )
        }
    }

    private func later(_ code: ProtocolCode, _ text: String) -> Refusal {
        Refusal(
            code: code,
            isRetryable: true,
            retryAfterSeconds: self.limits.retryAfterSeconds,
            text: text
        )
    }

    // MARK: The volume

    private func volume(for offer: Offer) throws(Refusal) -> ReplicaVolume {
        let found = try self.replica(of: offer)
        let refusal = OfferPolicy.refusal(
            of: offer,
            from: self.transfer.pair,
            facing: found.map(Self.facts)
        )
        if let refusal { throw refusal }
        try self.checkName(offer)
        let free = try self.refusing { () throws(StoreError) in
            try self.environment.store.freeSpace()
        }
        guard free >= ReplicaLimits.spaceReserve else {
            throw Refusal(
                code: .noSpace,
                text: "the pool has \(free.bytes) bytes left"
            )
        }
        let record = VolumeRecord(
            volume: offer.volume,
            name: offer.name,
            role: .replica,
            size: offer.target.size,
            lineage: offer.lineage,
            key: offer.lineageKey,
            algorithm: offer.algorithm,
            backing: self.environment.configuration.place(self.transfer.pair, offer),
            owner: self.transfer.pair.cluster
        )
        guard let found else { return try self.create(record) }
        // Nothing was ever shown: the volume may begin anew in another history.
        if found.visible == nil, found.record != record, !self.isSameBeginning(found, record) {
            try self.refusing { () throws(StoreError) in
                try self.environment.store.reset(found, to: record)
            }
        }
        return found
    }

    /// The replica that is there already, fit for use; nil where there is none.
    private func replica(of offer: Offer) throws(Refusal) -> ReplicaVolume? {
        let owner = self.transfer.pair.cluster
        let store = self.environment.store
        guard let found = store.volume(offer.volume) else {
            guard !store.hasDamaged(offer.volume, ownedBy: owner) else {
                throw Self.damaged(offer, "its state files cannot be read")
            }
            let active = self.environment.configuration.active(self.transfer.pair, offer.volume)
            if let active { throw Refusal(code: .activeElsewhere, text: active) }
            return nil
        }
        guard found.record.owner == owner, found.needsRecovery else { return found }
        do throws(StoreError) {
            try found.recover()
            return found
        } catch {
            let refusal = self.refusal(error)
            throw error.code == .corrupt ? Self.damaged(offer, refusal.text) : refusal
        }
    }

    /// Not retryable, although the code is by itself: only a person can mend it.
    private static func damaged(_ offer: Offer, _ what: String) -> Refusal {
        Refusal(
            code: .storeFailed,
            isRetryable: false,
            text: "the replica of volume \(offer.name) at the destination is damaged: \(what); "
                + "nothing was changed. The destination agent's log names its directory as "
                + "VolumeFaulty: stop that agent, restore the files or move the directory out of "
                + "the pool, start it, then replicate again; where the directory is gone, "
                + "everything is sent anew"
        )
    }

    /// Whether a stage of an earlier session still belongs to the volume.
    private func isSameBeginning(_ volume: ReplicaVolume, _ record: VolumeRecord) -> Bool {
        var before = volume.record
        before.size = record.size
        return before == record
    }

    private func create(_ record: VolumeRecord) throws(Refusal) -> ReplicaVolume {
        let count = self.environment.store.count(ownedBy: self.transfer.pair.cluster)
        guard count < self.limits.volumesPerPair else {
            throw Refusal(
                code: .noSpace,
                text: "the pair has \(count) volumes here, more are not allowed: delete some"
            )
        }
        do throws(StoreError) {
            return try self.environment.store.create(record)
        } catch {
            guard error.code == .alreadyExists else { throw self.refusal(error) }
            throw Refusal(
                code: .notAuthorised,
                text: "the pool has a volume of this identity already"
            )
        }
    }

    /// A name that is used again would make two volumes one to the people who restore (P4).
    private func checkName(_ offer: Offer) throws(Refusal) {
        let other = self.environment.store.volume(
            named: offer.name,
            ownedBy: self.transfer.pair.cluster,
            except: offer.volume
        )
        guard let other else { return }
        throw Refusal(
            code: .lineageFork,
            text: "the name \(offer.name) belongs to volume \(other.id) of this pair: "
                + "delete that replica at the destination, or send under another name"
        )
    }

    private static func facts(_ volume: ReplicaVolume) -> ReplicaFacts {
        let record = volume.record
        return ReplicaFacts(
            owner: record.owner,
            lineage: record.lineage,
            key: record.key,
            algorithm: record.algorithm,
            visible: volume.visible,
            isProven: volume.isProven
        )
    }

    // MARK: The stage

    private func stage(for offer: Offer, on volume: ReplicaVolume) throws(Refusal) -> Stage {
        let request = StageRequest(
            transfer: offer.transfer,
            mode: offer.mode,
            base: offer.base?.generation(of: offer.volume, lineage: offer.lineage),
            target: StageTarget(
                volume: offer.volume,
                lineage: offer.lineage,
                number: offer.target.number,
                snapshot: offer.target.snapshot,
                size: offer.target.size
            ),
            ticket: offer.ticket.bytes,
            discardsPartial: offer.flags.contains(.discardPartial)
        )
        do throws(StageError) {
            let stage = try volume.openStage(request)
            self.transfer.state.withLock { state in
                state.volume = volume
                state.stage = stage
            }
            return stage
        } catch {
            let report = ErrorReport(error)
            throw Refusal(
                code: report.code,
                retryAfterSeconds: self.limits.retryAfterSeconds,
                visible: volume.visible.map(GenerationStamp.init),
                text: report.text
            )
        }
    }

    private func acceptance(of offer: Offer, _ stage: Stage) throws(Refusal) -> Acceptance {
        guard let ticket = ResumeTicket(stage.record.ticket) else {
            throw Refusal(code: .storeFailed, text: "the stage has a ticket of no known form")
        }
        let streams = min(offer.streams, self.limits.streams)
        let window = self.limits.creditWindow
        let durable = stage.durableRanges
        let progress = try self.progress(of: streams, window)
        self.transfer.state.withLock { state in
            state.streams = progress
            state.status?.streams = streams
            state.status?.resumedBytes = durable.byteCount
            state.status?.state = .receiving
        }
        return Acceptance(
            token: self.environment.joinToken(),
            streams: streams,
            creditWindow: window,
            durable: stage.isResumed ? durable.extents : [],
            isResumed: stage.isResumed,
            ticket: ticket
        )
    }

    private func progress(
        of streams: Int,
        _ window: ByteCount
    ) throws(Refusal) -> [StreamProgress] {
        var all: [StreamProgress] = []
        do throws(TransportError) {
            for index in 0..<streams {
                all.append(
                    StreamProgress(StreamIndex(index), window: window, room: try Wakeup())
                )
            }
        } catch {
            throw self.later(.busy, error.what)
        }
        return all
    }

    private func refusing<Result>(
        _ body: () throws(StoreError) -> Result
    ) throws(Refusal) -> Result {
        do throws(StoreError) {
            return try body()
        } catch {
            throw self.refusal(error)
        }
    }

    private func refusal(_ error: StoreError) -> Refusal {
        self.environment.observer.received(.serviceFailed("\(error)"))
        let report = ErrorReport(error)
        return Refusal(
            code: report.code,
            retryAfterSeconds: self.limits.retryAfterSeconds,
            text: report.text
        )
    }
}
