// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// What a reflector knows and does next: no clock, no network.
///
/// ```
///   list ──ok──▶ watch ──ended──▶ watch …      from the last version
///    ▲  │ failed    │ failed ───▶ watch …      from the last version, after a while
///    └──┘           │ version unknown to the server
///    ▲──────────────┘
/// ```
/// A list comes at the beginning and where the server has forgotten our version, never else.
struct ReflectorCore {
    enum Step: Equatable {
        case list
        case watch(from: String)
    }

    /// A watch that lived shorter than this is counted as a failure: a server that ends each watch at
    /// once would be asked without end.
    static let shortWatch = Duration.seconds(1)

    private(set) var objects: [ObjectKey: KubeObject] = [:]
    private(set) var step = Step.list
    /// Lists so far.
    private(set) var lists = 0
    /// Failures since the last watch that lived.
    private(set) var failures = 0
    private let backoff: RetryPolicy
    private let transform: @Sendable (KubeObject) -> KubeObject

    init(
        _ backoff: RetryPolicy,
        transform: @escaping @Sendable (KubeObject) -> KubeObject = { $0 }
    ) {
        self.backoff = backoff
        self.transform = transform
    }

    /// Takes over a whole list: what is not in it is gone.
    mutating func listed(_ list: ObjectList) -> [ObjectChange] {
        self.lists += 1
        self.step = .watch(from: list.resourceVersion)
        var changes: [ObjectChange] = []
        var former = self.objects
        for item in list.items {
            former[item.key] = nil
            if let change = self.put(item) { changes.append(change) }
        }
        for (key, object) in former.sorted(by: { $0.key.description < $1.key.description }) {
            self.objects[key] = nil
            changes.append(.deleted(object))
        }
        return changes
    }

    /// Takes over an event; nil where it tells nothing new.
    mutating func received(_ event: WatchEvent) -> ObjectChange? {
        // Servers before 1.16 send no version with some bookmarks; an empty one would begin anew.
        if !event.resourceVersion.isEmpty { self.step = .watch(from: event.resourceVersion) }
        switch event {
        case .added(let object), .modified(let object): return self.put(object)
        case .deleted(let object):
            return self.objects.removeValue(forKey: object.key)
                .map { _ in
                    .deleted(self.transform(object))
                }
        case .bookmark: return nil
        }
    }

    private mutating func put(_ object: KubeObject) -> ObjectChange? {
        let former = self.objects[object.key]
        let isKnown =
            former?.resourceVersion == object.resourceVersion && former?.uid == object.uid
        guard former == nil || !isKnown else { return nil }
        let kept = self.transform(object)
        self.objects[object.key] = kept
        guard let former else { return .added(kept) }
        return .modified(from: former, to: kept)
    }

    /// The server ended a watch in order.
    ///
    /// - Returns: how long to wait before the next step.
    mutating func ended(after life: Duration, jitter: Double) -> Duration {
        guard life < Self.shortWatch else {
            self.failures = 0
            return .zero
        }
        return self.failed(jitter: jitter)
    }

    /// A list or a watch failed.
    ///
    /// - Returns: how long to wait before the next step.
    mutating func failed(_ error: ClusterError, after life: Duration, jitter: Double) -> Duration {
        if case .watch = self.step, Self.losesVersion(error) { self.step = .list }
        if life >= Self.shortWatch { self.failures = 0 }
        return self.failed(jitter: jitter)
    }

    private mutating func failed(jitter: Double) -> Duration {
        self.failures += 1
        return self.backoff.backoff(self.failures, jitter: jitter)
    }

    /// Whether the server can tell nothing from our version on.
    private static func losesVersion(_ error: ClusterError) -> Bool {
        switch error.reason {
        case .gone, .badRequest, .invalid, .tooLarge, .badAnswer: true
        case .timeout, .internalError: error.isFutureVersion
        case .unauthorized, .forbidden, .notFound, .alreadyExists, .conflict, .methodNotAllowed,
            .notAcceptable, .unsupportedMediaType, .tooManyRequests, .serviceUnavailable,
            .unreachable, .connectionLost, .untrusted, .credentials, .cancelled, .unknown:
            false
        }
    }
}
