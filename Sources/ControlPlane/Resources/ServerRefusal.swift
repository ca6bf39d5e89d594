// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import ObjectModel

/// What a refused write means for the object that was to be written: pure, from the server's words.
///
/// Which fields may not be changed differs between versions of Kubernetes and with rules of their
/// users; the server that refuses is the only one who knows. Its reasons are few, so the words of its
/// message decide; they are those of Kubernetes since 1.16.
enum ServerRefusal: Hashable, Sendable {
    /// It was changed in the meantime: read it again, and decide again.
    case changed
    /// What differs may not be changed: only a new object can have it.
    case immutable
    /// Ports of nodes that another Service of the destination has; empty where none is named.
    case nodePortsTaken(Set<Int>)
    /// A list has two entries with the same key, which only a whole object may have.
    case notAppliable
    /// Nothing is wrong with the object; the cluster cannot be used at the moment.
    case interruption
    /// It stays refused.
    case final

    private static let immutableWords = [
        "immutable", "may not change once set", "may not be changed", "cannot be changed",
        "cannot change roleRef", "for fields other than", "updates to parameters are forbidden",
        "only dynamically provisioned pvc can be resized", "updates to provisioner are forbidden",
        "must not be changed",
    ]
    private static let appliedWords = [
        "duplicate entries for key", "failed to create typed patch", "failed to create manager",
    ]

    init(_ error: ClusterError) {
        let words = ([error.message] + error.causes.map(\.message)).joined(separator: "\n")
        let isRule = error.reason == .invalid || error.reason == .forbidden
        if isRule, words.contains("provided port is already allocated") {
            self = .nodePortsTaken(Self.ports(error))
            return
        }
        if isRule, Self.immutableWords.contains(where: words.contains) {
            self = .immutable
            return
        }
        if Self.appliedWords.contains(where: words.contains) {
            self = .notAppliable
            return
        }
        switch error.reason {
        case .conflict, .alreadyExists, .gone: self = .changed
        case .methodNotAllowed, .unsupportedMediaType: self = .notAppliable
        case .unauthorized, .tooManyRequests, .timeout, .serviceUnavailable, .internalError,
            .unreachable, .connectionLost, .untrusted, .credentials, .badAnswer, .cancelled:
            self = .interruption
        case .badRequest, .forbidden, .notFound, .invalid, .tooLarge, .notAcceptable, .unknown:
            self = .final
        }
    }

    /// The numbers behind `spec.ports[1].nodePort: Invalid value: 30080: provided port is …`.
    private static func ports(_ error: ClusterError) -> Set<Int> {
        let texts = [error.message] + error.causes.map { "\($0.field): \($0.message)" }
        var ports: Set<Int> = []
        for text in texts {
            for match in text.matches(of: /Invalid value: ([0-9]+): provided port is already/) {
                if let port = Int(match.1) { ports.insert(port) }
            }
        }
        return ports
    }
}

extension KubeObject {
    /// A Service without these ports of nodes, or without any where none is named.
    ///
    /// - Returns: the Service and the ports that it gave up; nil where it has none of them.
    func withoutNodePorts(_ taken: Set<Int>) -> (KubeObject, [Int])? {
        var dropped: [Int] = []
        let ports = (self["spec", "ports"]?.array ?? [])
            .map { port -> JSON in
                guard let number = port["nodePort"]?.int, taken.isEmpty || taken.contains(number)
                else { return port }
                dropped.append(number)
                var freed = port
                freed.set(nil, at: "nodePort")
                return freed
            }
        var service = self
        service.set(.array(ports), at: "spec", "ports")
        if let health = self["spec", "healthCheckNodePort"]?.int,
            taken.isEmpty || taken.contains(health)
        {
            dropped.append(health)
            service.set(nil, at: "spec", "healthCheckNodePort")
        }
        return dropped.isEmpty ? nil : (service, dropped)
    }
}
