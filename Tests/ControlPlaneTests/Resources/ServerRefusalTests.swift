// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import ObjectModel
import Testing

@testable import ControlPlane

@Suite struct ServerRefusalTests {
    /// The words of API servers from 1.20 to 1.36.
    @Test(
        arguments: [
            (.invalid, "spec.selector: Invalid value: v1.LabelSelector{}: field is immutable"),
            (.invalid, "data: Forbidden: field is immutable when `immutable` is set"),
            (.invalid, "spec.clusterIPs[0]: Invalid value: []string(nil): may not change once set"),
            (.invalid, "roleRef: Invalid value: rbac.RoleRef{}: cannot change roleRef"),
            (
                .invalid,
                "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', "
                    + "'template' are forbidden"
            ),
            (.invalid, "parameters: Forbidden: updates to parameters are forbidden."),
            (
                .forbidden,
                "persistentvolumeclaims \"data\" is forbidden: only dynamically provisioned pvc can be "
                    + "resized and the storageclass that provisions the pvc must support resize"
            ),
        ] as [(ClusterError.Reason, String)]
    )
    func whatMayNotBeChangedIsRecognised(reason: ClusterError.Reason, message: String) {
        #expect(ServerRefusal(ClusterError(reason, message)) == .immutable)
        let cause = ClusterError.Cause(message: message)
        #expect(ServerRefusal(ClusterError(reason, "invalid", causes: [cause])) == .immutable)
        // The same words of a server that broke down say nothing about the object.
        #expect(ServerRefusal(ClusterError(.serviceUnavailable, message)) == .interruption)
    }

    @Test(arguments: [
        (ClusterError.Reason.conflict, ServerRefusal.changed), (.alreadyExists, .changed),
        (.gone, .changed), (.methodNotAllowed, .notAppliable),
        (.unsupportedMediaType, .notAppliable), (.unauthorized, .interruption),
        (.untrusted, .interruption), (.credentials, .interruption), (.cancelled, .interruption),
        (.forbidden, .final), (.invalid, .final), (.badRequest, .final), (.notFound, .final),
        (.tooLarge, .final),
    ])
    func theReasonDecidesWhereTheWordsDoNot(
        reason: ClusterError.Reason,
        expected: ServerRefusal
    ) {
        #expect(ServerRefusal(ClusterError(reason, "no")) == expected)
    }

    @Test func twoEntriesOfOneKeyCannotBeApplied() {
        let message =
            "failed to create typed patch object (shop/dns; /v1, Kind=Service): errors: "
            + ".spec.ports: duplicate entries for key [port=53,protocol=\"TCP\"]"
        for reason in [ClusterError.Reason.internalError, .badRequest, .invalid] {
            #expect(ServerRefusal(ClusterError(reason, message)) == .notAppliable)
        }
    }

    @Test func takenPortsAreNamed() throws {
        let message = "Invalid value: 30080: provided port is already allocated"
        let causes = [
            ClusterError.Cause(field: "spec.ports[0].nodePort", message: message),
            ClusterError.Cause(
                field: "spec.ports[2].nodePort",
                message: "Invalid value: 30081: provided port is already allocated"
            ),
        ]
        let refusal = ServerRefusal(ClusterError(.invalid, "Service is invalid", causes: causes))
        #expect(refusal == .nodePortsTaken([30080, 30081]))
        let service = try Sample.object(
            "Service",
            "shop/web",
            """
            {"spec":{"ports":[{"port":1,"nodePort":30080},{"port":2,"nodePort":30082},
             {"port":3,"nodePort":30081},{"port":4}],"healthCheckNodePort":30090}}
            """
        )
        let freed = try #require(service.withoutNodePorts([30080, 30081]))
        #expect(freed.1 == [30080, 30081])
        #expect(
            freed.0["spec", "ports"]?.compact
                == #"[{"port":1},{"nodePort":30082,"port":2},{"port":3},{"port":4}]"#
        )
        #expect(service.withoutNodePorts([1]) == nil)
        #expect(service.withoutNodePorts([])?.1 == [30080, 30082, 30081, 30090])
    }
}
