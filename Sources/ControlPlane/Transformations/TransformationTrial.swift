// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import ObjectModel

/// What trying a ResourceTransformation on the objects of its namespace has shown.
struct TransformationVerdict: Hashable, Sendable {
    /// An object on which the changes were tried.
    struct Tried: Hashable, Sendable {
        let kind: GroupVersionKind
        let key: ObjectKey
        /// Why it cannot be changed so; nil where it can.
        let refusal: String?
        /// What was not tried, and why; empty where everything was.
        var remark = ""
    }

    /// What is wrong with the transformation itself; nil where only objects can be.
    var fault: Trouble?
    var tried: [Tried] = []
    /// Objects that fit but were not tried, because there are too many.
    var untried = 0

    var refusals: [Tried] { self.tried.filter { $0.refusal != nil } }
    var isReady: Bool { self.fault == nil && self.refusals.isEmpty }
}

/// Tries a ResourceTransformation: each object that it concerns is prepared as a Migration would
/// prepare it, and the server says whether it would take the result.
///
/// Nothing is written: the server gets a dry run under a name that no object has, so that neither the
/// object itself nor a namespace made for it is in the way. What the controllers may not create here
/// the server does not judge, and the destination has the last word anyhow (docs/decisions/0018-transformations-are-tried-before-they-are-used.md).
struct TransformationTrial: Sendable {
    /// Objects that are tried: the status lists them, and an object has an end.
    static let limit = 256

    private static let name = "godwit-transformation-trial"

    let cluster: any ResourceCluster

    /// - Throws: ``ClusterError`` where the cluster cannot be asked: that says nothing about the
    ///   transformation.
    func verdict(on object: KubeObject) async throws(ClusterError) -> TransformationVerdict {
        var verdict = TransformationVerdict()
        let transformation: ResourceTransformation
        do { transformation = try ResourceTransformation(object) } catch {
            verdict.fault = Trouble(
                .invalidOptions,
                "Error validating resource transformation specs: \(error)",
                remedy: "correct specs.transformSpecs",
                isPassing: false
            )
            return verdict
        }
        let served = ServedKinds(try await self.cluster.served())
        for kind in transformation.kinds {
            guard let resource = served.resource(kind) else {
                verdict.fault = Trouble(
                    .kindMissing,
                    "Unsupported resource for resource transformation found: "
                        + "\(kind.group)/\(kind.version)/\(kind.kind) is not served here",
                    remedy: "correct group, version and kind, or install the definition"
                )
                return verdict
            }
            try await self.tryAll(resource, object.key, transformation, &verdict)
        }
        return verdict
    }

    private func tryAll(
        _ resource: APIResource,
        _ key: ObjectKey,
        _ transformation: ResourceTransformation,
        _ verdict: inout TransformationVerdict
    ) async throws(ClusterError) {
        var options = PreparationOptions(migration: key, time: "")
        options.transformation = transformation
        options.startApplications = true
        let preparation = ResourcePreparation(options)
        let namespace = resource.isNamespaced ? key.namespace : nil
        for object in try await self.cluster.listed(resource, namespace: namespace) {
            let prepared: PreparedResource
            do { prepared = try preparation.prepare(object) } catch {
                verdict.add(object, refusal: error.description)
                continue
            }
            guard !prepared.transformedBy.isEmpty else { continue }
            guard verdict.tried.count < Self.limit else {
                verdict.untried += 1
                continue
            }
            try await self.rehearse(resource, object, prepared.object, &verdict)
        }
    }

    private func rehearse(
        _ resource: APIResource,
        _ object: KubeObject,
        _ changed: KubeObject,
        _ verdict: inout TransformationVerdict
    ) async throws(ClusterError) {
        // The ports belong to the object that is there.
        var copy = changed.withoutNodePorts([])?.0 ?? changed
        copy.set(.string(Self.name), at: "metadata", "name")
        do throws(ClusterError) {
            try await self.cluster.rehearse(resource, copy)
            verdict.add(object, refusal: nil)
        } catch {
            if ServerRefusal(error) == .interruption { throw error }
            // The words of the authoriser; what admission forbids has others.
            guard error.reason == .forbidden, error.message.contains("cannot create resource")
            else { return verdict.add(object, refusal: error.message) }
            verdict.add(
                object,
                refusal: nil,
                remark: "Not tried on the server: the controllers may not create "
                    + "\(resource.plural) here."
            )
        }
    }
}

extension TransformationVerdict {
    fileprivate mutating func add(_ object: KubeObject, refusal: String?, remark: String = "") {
        self.tried.append(
            Tried(
                kind: object.groupVersionKind,
                key: object.key,
                refusal: refusal,
                remark: remark
            )
        )
    }
}
