// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import KubernetesClient
import ObjectModel

extension APIError {
    /// What an API server said, with what to do about it where there is something.
    init(_ error: ClusterError) {
        // kubectl's texts; those of our own begin with the word that is put before every error.
        let text = error.description
        let opening = "error: "
        let message = text.hasPrefix(opening) ? String(text.dropFirst(opening.count)) : text
        // The fields of an invalid object come one a line.
        let lines = message.split(separator: "\n").map(String.init)
        // Old servers take a field of the wrong type for a failure of their own.
        let isMistyped = message.contains("failed to create typed patch object")
        self.init(
            isMistyped ? .objectInvalid : error.reason.id,
            lines.first ?? "",
            cause: lines.count > 1 ? lines.dropFirst().joined(separator: "; ") : nil,
            try: error.reason.remedy,
            retryAfter: error.retryAfter.map { Int($0.components.seconds) }
        )
    }

    /// What is wrong with the way to a cluster.
    init(_ error: KubeconfigError) {
        let place = error.entry.isEmpty ? error.source : "\(error.source), \(error.entry)"
        self.init(
            .invalidKubeconfig,
            "The way to the cluster cannot be used.",
            cause: "\(place): \(error.problem)",
            try: error.advice
        )
    }
}

extension ClusterError.Reason {
    fileprivate var id: ErrorID {
        switch self {
        case .notFound: .objectNotFound
        case .alreadyExists: .objectExists
        case .conflict, .gone: .objectConflict
        case .unauthorized, .forbidden, .untrusted, .credentials: .clusterDenied
        case .invalid, .badRequest, .tooLarge: .objectInvalid
        case .unreachable, .connectionLost, .serviceUnavailable, .timeout, .tooManyRequests:
            .clusterUnreachable
        case .methodNotAllowed, .notAcceptable, .unsupportedMediaType, .internalError, .badAnswer,
            .cancelled, .unknown:
            .clusterFailed
        }
    }

    fileprivate var remedy: String? {
        switch self {
        case .unreachable, .connectionLost, .serviceUnavailable, .timeout:
            "check that the cluster runs and that --kubeconfig and --context name it: godwit check"
        case .unauthorized, .credentials:
            "log in to the cluster again, or take another --context"
        case .forbidden: "ask who administers the cluster for the permission: godwit check"
        case .untrusted: "compare certificate-authority-data with the cluster's own authority"
        case .tooManyRequests: "try again in a moment"
        case .conflict, .gone: "read it again and repeat what you did"
        case .notFound, .alreadyExists, .invalid, .badRequest, .tooLarge, .methodNotAllowed,
            .notAcceptable, .unsupportedMediaType, .internalError, .badAnswer, .cancelled,
            .unknown:
            nil
        }
    }
}

extension Cluster {
    /// The answer of a server that has no such object, where it was looked for in a list.
    static func notFound(_ resource: APIResource, _ name: String) -> APIError {
        APIError(
            ClusterError(.notFound, "\(resource.qualifiedPlural) \"\(name)\" not found")
        )
    }
}
