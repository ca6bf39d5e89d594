// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import ObjectModel

/// The fields that people write into objects of built-in kinds, to tell the misspelt ones.
///
/// No schema: objects keep every field, since what is migrated must not lose any. A field that is
/// neither here nor near one of these is taken for one of a newer Kubernetes.
enum KnownFields {
    /// A field that nothing has, and the one that was probably meant.
    struct Misspelt: Hashable {
        let path: String
        let meant: String

        /// As API servers word it, with the suggestion behind it.
        var words: String { "unknown field \"\(self.path)\"; did you mean \"\(self.meant)\"?" }
    }

    /// The misspelt fields of an object, in the order of their paths.
    ///
    /// - Parameters:
    ///   - object: what somebody wrote.
    ///   - kind: the built-in kind; nil looks into the metadata alone.
    /// - Returns: nothing for a kind that is not known here.
    static func misspelt(in object: JSON, of kind: String?) -> [Misspelt] {
        var found: [Misspelt] = []
        if let metadata = object["metadata"] {
            Self.look(into: metadata, type: "ObjectMeta", at: "metadata", &found)
        }
        if let kind { Self.look(into: object, type: kind, at: "", &found) }
        return found.sorted { $0.path < $1.path }
    }

    private static func look(
        into value: JSON,
        type: String,
        at path: String,
        _ found: inout [Misspelt]
    ) {
        guard let known = Self.types[type], let fields = value.object else { return }
        for (name, value) in fields {
            let place = path.isEmpty ? name : "\(path).\(name)"
            guard let field = known[name] else {
                if let meant = Suggestion.nearest(to: name, in: known.keys.sorted()) {
                    found.append(Misspelt(path: place, meant: meant))
                }
                continue
            }
            guard let type = field.type else { continue }
            guard field.isList else {
                Self.look(into: value, type: type, at: place, &found)
                continue
            }
            for (index, element) in (value.array ?? []).enumerated() {
                Self.look(into: element, type: type, at: "\(place)[\(index)]", &found)
            }
        }
    }

    // MARK: The table

    private struct Field {
        /// Nil where what is inside is not looked at.
        let type: String?
        let isList: Bool
    }

    private static let types: [String: [String: Field]] = Self.shared.merging(Self.kinds) { $1 }
        .mapValues { line in
            var fields: [String: Field] = [:]
            for word in line.split(separator: " ") {
                let parts = word.split(separator: ":").map(String.init)
                let isList = parts.count > 1 && parts[1].hasPrefix("*")
                let type = parts.count > 1 ? String(parts[1].drop { $0 == "*" }) : nil
                fields[parts[0]] = Field(type: type, isList: isList)
            }
            return fields
        }

    /// `NAME` or `NAME:TYPE`, or `NAME:*TYPE` where it is a list of them.
    private static let kinds = Self.objects.mapValues { "apiVersion kind metadata status \($0)" }
        .merging(Self.specifications) { $1 }

    private static let objects = [
        "Namespace": "spec", "ConfigMap": "data binaryData immutable",
        "Secret": "data stringData type immutable",
        "ServiceAccount": "secrets imagePullSecrets automountServiceAccountToken",
        "Service": "spec:ServiceSpec", "PersistentVolumeClaim": "spec:ClaimSpec",
        "PersistentVolume": "spec:VolumeSpec", "Deployment": "spec:DeploymentSpec",
        "StatefulSet": "spec:StatefulSetSpec", "DaemonSet": "spec:DaemonSetSpec",
        "ReplicaSet": "spec:ReplicaSetSpec", "Job": "spec:JobSpec", "CronJob": "spec:CronJobSpec",
        "Role": "rules:*PolicyRule", "ClusterRole": "rules:*PolicyRule aggregationRule",
        "RoleBinding": "subjects:*Subject roleRef:RoleRef",
        "ClusterRoleBinding": "subjects:*Subject roleRef:RoleRef", "Ingress": "spec:IngressSpec",
        "NetworkPolicy": "spec:NetworkPolicySpec", "ResourceQuota": "spec:QuotaSpec",
        "LimitRange": "spec:LimitRangeSpec", "PodDisruptionBudget": "spec:DisruptionSpec",
        "StorageClass": "provisioner parameters reclaimPolicy mountOptions allowVolumeExpansion "
            + "volumeBindingMode allowedTopologies",
    ]

    private static let specifications = [
        "ServiceSpec": "ports:*ServicePort selector clusterIP clusterIPs type externalIPs "
            + "sessionAffinity sessionAffinityConfig loadBalancerIP loadBalancerSourceRanges "
            + "loadBalancerClass externalName externalTrafficPolicy internalTrafficPolicy "
            + "healthCheckNodePort publishNotReadyAddresses ipFamilies ipFamilyPolicy ipFamily "
            + "allocateLoadBalancerNodePorts trafficDistribution topologyKeys",
        "ServicePort": "name protocol appProtocol port targetPort nodePort",
        "ClaimSpec": "accessModes selector:LabelSelector resources:Resources volumeName "
            + "storageClassName volumeMode dataSource dataSourceRef volumeAttributesClassName",
        "VolumeSpec":
            "capacity accessModes claimRef persistentVolumeReclaimPolicy storageClassName "
            + "mountOptions volumeMode nodeAffinity volumeAttributesClassName csi hostPath nfs local "
            + "iscsi fc rbd cephfs cinder glusterfs flexVolume",
        "DeploymentSpec": "replicas selector:LabelSelector template:PodTemplate strategy:Strategy "
            + "minReadySeconds revisionHistoryLimit paused progressDeadlineSeconds",
        "StatefulSetSpec": "replicas selector:LabelSelector template:PodTemplate "
            + "volumeClaimTemplates:*PersistentVolumeClaim serviceName podManagementPolicy "
            + "updateStrategy:Strategy revisionHistoryLimit minReadySeconds ordinals "
            + "persistentVolumeClaimRetentionPolicy",
        "DaemonSetSpec": "selector:LabelSelector template:PodTemplate updateStrategy:Strategy "
            + "minReadySeconds revisionHistoryLimit templateGeneration",
        "ReplicaSetSpec": "replicas minReadySeconds selector:LabelSelector template:PodTemplate",
        "JobSpec": "parallelism completions activeDeadlineSeconds backoffLimit manualSelector "
            + "selector:LabelSelector template:PodTemplate ttlSecondsAfterFinished completionMode "
            + "suspend podFailurePolicy successPolicy backoffLimitPerIndex maxFailedIndexes "
            + "podReplacementPolicy managedBy",
        "CronJobSpec": "schedule timeZone startingDeadlineSeconds concurrencyPolicy suspend "
            + "jobTemplate:JobTemplate successfulJobsHistoryLimit failedJobsHistoryLimit",
        "IngressSpec": "ingressClassName defaultBackend backend tls rules",
        "NetworkPolicySpec": "podSelector:LabelSelector ingress egress policyTypes",
        "QuotaSpec": "hard scopes scopeSelector", "LimitRangeSpec": "limits",
        "DisruptionSpec":
            "minAvailable maxUnavailable selector:LabelSelector unhealthyPodEvictionPolicy",
    ]

    private static let shared = [
        "ObjectMeta": "name generateName namespace selfLink uid resourceVersion generation "
            + "creationTimestamp deletionTimestamp deletionGracePeriodSeconds labels annotations "
            + "ownerReferences:*OwnerReference finalizers managedFields clusterName",
        "OwnerReference": "apiVersion kind name uid controller blockOwnerDeletion",
        "LabelSelector": "matchLabels matchExpressions", "Resources": "limits requests claims",
        "Strategy": "type rollingUpdate:RollingUpdate",
        "RollingUpdate": "maxUnavailable maxSurge partition",
        "JobTemplate": "metadata:ObjectMeta spec:JobSpec",
        "PodTemplate": "metadata:ObjectMeta spec:PodSpec",
        "PodSpec": "volumes initContainers:*Container containers:*Container ephemeralContainers "
            + "restartPolicy terminationGracePeriodSeconds activeDeadlineSeconds dnsPolicy dnsConfig "
            + "nodeSelector nodeName serviceAccountName serviceAccount automountServiceAccountToken "
            + "hostNetwork hostPID hostIPC hostUsers hostname hostAliases subdomain os overhead "
            + "shareProcessNamespace securityContext imagePullSecrets affinity tolerations "
            + "schedulerName schedulingGates priorityClassName priority preemptionPolicy "
            + "readinessGates runtimeClassName enableServiceLinks topologySpreadConstraints "
            + "setHostnameAsFQDN resourceClaims resources",
        "Container": "name image imagePullPolicy command args workingDir ports:*ContainerPort "
            + "env:*EnvVar envFrom resources:Resources resizePolicy restartPolicy "
            + "volumeMounts:*VolumeMount volumeDevices livenessProbe:Probe readinessProbe:Probe "
            + "startupProbe:Probe lifecycle terminationMessagePath terminationMessagePolicy "
            + "securityContext stdin stdinOnce tty",
        "ContainerPort": "name hostPort containerPort protocol hostIP",
        "EnvVar": "name value valueFrom",
        "VolumeMount":
            "name readOnly recursiveReadOnly mountPath subPath subPathExpr mountPropagation",
        "Probe": "exec httpGet tcpSocket grpc initialDelaySeconds timeoutSeconds periodSeconds "
            + "successThreshold failureThreshold terminationGracePeriodSeconds",
        "PolicyRule": "verbs apiGroups resources resourceNames nonResourceURLs",
        "Subject": "kind apiGroup name namespace", "RoleRef": "apiGroup kind name",
    ]
}
