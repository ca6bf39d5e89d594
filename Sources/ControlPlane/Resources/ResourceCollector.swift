// SPDX-License-Identifier: Apache-2.0

import Kinds
public import ObjectModel

/// Decides what of a source's objects a migration moves: a pure function of what was listed.
///
/// The order of the rules is the order in which a person would look for a reason: what was asked for,
/// what the object says of itself, what its kind says, and then what depends on the others.
public struct ResourceCollector: Sendable {
    /// What was asked for.
    public let options: CollectionOptions
    let volumes: any VolumeOwnership
    let custom: CustomKinds

    /// A collector.
    ///
    /// - Parameters:
    ///   - options: what the Migration asks for.
    ///   - volumes: whose volumes move.
    ///   - custom: the custom kinds that move.
    public init(
        _ options: CollectionOptions,
        volumes: any VolumeOwnership = CSIVolumes.pool,
        custom: CustomKinds = .none
    ) {
        self.options = options
        self.volumes = volumes
        self.custom = custom
    }

    /// What of these objects is moved.
    ///
    /// - Parameter objects: what the source lists of the namespaces, and of the kinds without one.
    /// - Returns: each of them, either moved or left out.
    /// - Complexity: O(n log n).
    public func collect(_ objects: [KubeObject]) -> CollectedResources {
        var sieve = Sieve(kept: objects)
        var seen: Set<String> = []
        sieve.leaveOut { object in
            self.general(object)
                ?? (object.uid.isEmpty || seen.insert(object.uid).inserted ? nil : .seenBefore)
        }
        let endpoints = GeneratedEndpoints(services: objects)
        sieve.leaveOut { self.byItsKind($0, endpoints) }
        self.leaveOutClaims(&sieve)
        self.leaveOutOwned(&sieve)
        self.pruneBindings(&sieve)
        self.leaveOutUnreferenced(&sieve)
        return CollectedResources(
            moved: sieve.kept.sorted(by: ApplyPhase.comesBefore),
            leftOut: sieve.leftOut
        )
    }

    /// The claims whose data moves, each with its volume: the rules for claims of ``collect(_:)``.
    ///
    /// - Parameter objects: the claims of the namespaces and the volumes of the source.
    /// - Returns: pairs of claim and volume, by namespace and name.
    public func claims(
        among objects: [KubeObject]
    ) -> [(claim: KubeObject, volume: KubeObject)] {
        let collected = self.collect(
            objects.filter {
                let kind = MovedKind($0.groupVersionKind)
                return kind == .persistentVolume || kind == .persistentVolumeClaim
            }
        )
        let volumes = Dictionary(
            collected.moved(.persistentVolume).map { ($0.name, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        return collected.moved(.persistentVolumeClaim)
            .compactMap { claim in
                volumes[claim["spec", "volumeName"]?.string ?? ""].map { (claim, $0) }
            }
    }
}

/// What still moves and what was found to stay.
struct Sieve {
    var kept: [KubeObject]
    var leftOut: [CollectedResources.LeftOut] = []

    mutating func leaveOut(_ reason: (KubeObject) -> LeftOutReason?) {
        self.keep { object in reason(object).map(Result.failure) ?? .success(object) }
    }

    /// Keeps what the decision gives, which may be a changed object.
    mutating func keep(_ decide: (KubeObject) -> Result<KubeObject, LeftOutReason>) {
        var kept: [KubeObject] = []
        kept.reserveCapacity(self.kept.count)
        for object in self.kept {
            switch decide(object) {
            case .success(let object): kept.append(object)
            case .failure(let reason):
                self.leftOut.append(CollectedResources.LeftOut(object, reason))
            }
        }
        self.kept = kept
    }
}

extension LeftOutReason: Error {}

// MARK: What holds for every kind

extension ResourceCollector {
    private func general(_ object: KubeObject) -> LeftOutReason? {
        let kind = MovedKind(object.groupVersionKind)
        if let reason = self.namespace(object) ?? self.kind(object, kind) { return reason }
        if object.isMarked(.skipResource)
            || object.isMarked(.formerSkipResource)
        {
            return .markedToSkip
        }
        if object.isBeingDeleted { return .beingDeleted }
        // A volume has the labels that its driver gave it: its claim's are tested in its place.
        if kind == .persistentVolume { return nil }
        return self.labels(object.labels)
    }

    private func namespace(_ object: KubeObject) -> LeftOutReason? {
        if object.namespace.isEmpty { return nil }
        if object.namespace == CollectionOptions.neverMoved { return .clusterNamespace }
        return self.options.namespaces.contains(object.namespace) ? nil : .namespaceNotMigrated
    }

    private func kind(_ object: KubeObject, _ kind: MovedKind?) -> LeftOutReason? {
        guard let kind else {
            guard self.custom.moved.contains(GroupKind(object.groupVersionKind)) else {
                return .kindNotMoved
            }
            return self.excluded(object)
        }
        let isVolume = kind == .persistentVolume || kind == .persistentVolumeClaim
        if self.options.volumesOnly { return isVolume ? nil : .volumesOnly }
        if kind == .job,
            !CollectionOptions.names(self.options.includeOptionalResourceTypes, kind.rawValue)
        {
            return .kindOnRequest
        }
        if kind == .serviceAccount, !self.options.includeServiceAccounts { return .serviceAccount }
        return self.excluded(object)
    }

    private func excluded(_ object: KubeObject) -> LeftOutReason? {
        if self.options.volumesOnly { return .volumesOnly }
        return CollectionOptions.names(self.options.excludeResourceTypes, object.kind)
            ? .kindExcluded : nil
    }

    private func labels(_ labels: [String: String]) -> LeftOutReason? {
        if !LabelSelector(labels: self.options.selectors).matches(labels) {
            return .selectorsDoNotMatch
        }
        let isExcluded = self.options.excludeSelectors.contains { labels[$0.key] == $0.value }
        return isExcluded ? .excludeSelectorMatches : nil
    }
}

// MARK: Claims and volumes

extension ResourceCollector {
    /// A claim moves with its volume, and a volume only with its claim.
    private func leaveOutClaims(_ sieve: inout Sieve) {
        let volumes = Dictionary(
            sieve.kept.filter { MovedKind($0.groupVersionKind) == .persistentVolume }
                .map { ($0.name, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        let left = Dictionary(
            sieve.leftOut.filter { MovedKind($0.object.groupVersionKind) == .persistentVolume }
                .map { ($0.object.name, $0.reason) },
            uniquingKeysWith: { first, _ in first }
        )
        sieve.leaveOut { object in
            guard MovedKind(object.groupVersionKind) == .persistentVolumeClaim else { return nil }
            guard object["status", "phase"]?.string == "Bound",
                let name = object["spec", "volumeName"]?.string
            else { return .claimNotBound }
            guard let volume = volumes[name] else { return left[name] ?? .claimNotBound }
            return self.volumes.owns(volume) ? nil : .volumeOfAnotherDriver
        }
        let claims = Dictionary(
            sieve.kept.filter { MovedKind($0.groupVersionKind) == .persistentVolumeClaim }
                .map { ($0.key, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        sieve.leaveOut { object in
            guard MovedKind(object.groupVersionKind) == .persistentVolume else { return nil }
            guard object["status", "phase"]?.string == "Bound" else { return .volumeNotBound }
            let reference = object["spec", "claimRef"]
            let key = ObjectKey(
                reference?["namespace"]?.string ?? "",
                reference?["name"]?.string ?? ""
            )
            guard let claim = claims[key], claim["spec", "volumeName"]?.string == object.name,
                claim.uid == reference?["uid"]?.string ?? claim.uid
            else { return .claimNotMoved }
            return nil
        }
    }
}

// MARK: Owners

extension ResourceCollector {
    /// Leaves out what an owner that moves makes again at the destination, and what that one makes.
    private func leaveOutOwned(_ sieve: inout Sieve) {
        var makers: [String: String] = [:]
        for object in sieve.kept {
            guard MovedKind(object.groupVersionKind)?.remakesItsChildren == true,
                !object.uid.isEmpty
            else { continue }
            makers[object.uid] = "\(object.kind) \(object.key)"
        }
        var count: Int
        repeat {
            count = sieve.kept.count
            sieve.leaveOut { object in
                let reason = self.owned(object, by: makers)
                // What it makes in its turn is made again as well.
                if reason != nil { makers[object.uid] = "\(object.kind) \(object.key)" }
                return reason
            }
        } while sieve.kept.count < count
    }

    private func owned(_ object: KubeObject, by makers: [String: String]) -> LeftOutReason? {
        let kind = MovedKind(object.groupVersionKind)
        // Data is moved whoever owns its claim; the owner is entered again at the destination.
        if kind == .persistentVolumeClaim || kind == .persistentVolume { return nil }
        let owners = object.ownerReferences
        if kind == .replicaSet, owners.contains(where: { $0.kind == "Deployment" }) {
            return .ownedByDeployment
        }
        if self.options.ignoreOwnerReferencesCheck
            || object.isMarked(.skipOwnerReferencesCheck)
        {
            return nil
        }
        if owners.contains(where: { $0.kind == "Pod" && $0.apiVersion == "v1" }) {
            return .ownedByPod
        }
        return owners.lazy.compactMap { makers[$0.uid] }.first.map(LeftOutReason.ownerIsMoved)
    }
}
