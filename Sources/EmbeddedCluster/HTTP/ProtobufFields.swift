// SPDX-License-Identifier: Apache-2.0

/// The fields of the messages that kubectl's own commands send, by number.
///
/// Facts of the Kubernetes API: numbers never change their meaning. Kinds that are larger than what
/// those commands fill in are here in part; the rest of them is refused, never dropped.
enum ProtobufFields {
    /// What a field holds.
    indirect enum Kind: Hashable, Sendable {
        case text
        case truth
        case integer
        case bytes
        case message(String)
        case map(Kind)
    }

    struct Field: Hashable, Sendable {
        let name: String
        let type: Kind
        let isRepeated: Bool
        /// Whether zero is something else than absent.
        let keepsZero: Bool
    }

    /// Kinds that are objects of their own.
    static let kinds: Set<String> = [
        "Namespace", "ConfigMap", "Secret", "ServiceAccount", "Service", "Deployment", "Job",
        "CronJob", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "ResourceQuota",
        "SelfSubjectAccessReview", "SelfSubjectRulesReview", "SelfSubjectReview",
        "SubjectAccessReview", "TokenReview",
    ]

    static let messages: [String: [Int: Field]] = Self.text.mapValues { line in
        var fields: [Int: Field] = [:]
        for part in line.split(separator: ",") {
            let words = part.split(separator: " ").map(String.init)
            guard words.count == 3, let number = Int(words[0]) else {
                preconditionFailure("a field has a number, a name and a type, not '\(part)'")
            }
            let isRepeated = words[2].hasPrefix("*")
            let keepsZero = words[2].hasPrefix("!")
            fields[number] = Field(
                name: words[1],
                type: Self.kind(words[2].drop { $0 == "*" || $0 == "!" }),
                isRepeated: isRepeated,
                keepsZero: keepsZero
            )
        }
        return fields
    }

    private static func kind(_ word: Substring) -> Kind {
        switch word {
        case "text": .text
        case "truth": .truth
        case "integer": .integer
        case "bytes": .bytes
        case _ where word.hasPrefix("map:"): .map(Self.kind(word.dropFirst(4)))
        default: .message(String(word))
        }
    }

    /// `NUMBER NAME TYPE`; `*` before a type repeats it, `!` keeps its zero.
    private static let text = Self.meta
        .merging(Self.plain) { first, _ in first }
        .merging(Self.workloads) { first, _ in first }
        .merging(Self.access) { first, _ in first }

    private static let meta = [
        "ObjectMeta":
            "1 name text,2 generateName text,3 namespace text,4 selfLink text,5 uid text,"
            + "6 resourceVersion text,7 generation integer,8 creationTimestamp Time,"
            + "9 deletionTimestamp Time,10 deletionGracePeriodSeconds !integer,11 labels map:text,"
            + "12 annotations map:text,13 ownerReferences *OwnerReference,14 finalizers *text",
        "OwnerReference":
            "1 kind text,3 name text,4 uid text,5 apiVersion text,6 controller !truth,"
            + "7 blockOwnerDeletion !truth",
        "Time": "1 seconds integer,2 nanos integer",
        "Quantity": "1 string text",
        "IntOrString": "1 type integer,2 intVal integer,3 strVal text",
        "LabelSelector":
            "1 matchLabels map:text,2 matchExpressions *LabelSelectorRequirement",
        "LabelSelectorRequirement": "1 key text,2 operator text,3 values *text",
    ]

    private static let plain = [
        "Namespace": "1 metadata ObjectMeta,2 spec NamespaceSpec,3 status NamespaceStatus",
        "NamespaceSpec": "1 finalizers *text",
        "NamespaceStatus": "1 phase text",
        "ConfigMap":
            "1 metadata ObjectMeta,2 data map:text,3 binaryData map:bytes,4 immutable !truth",
        "Secret":
            "1 metadata ObjectMeta,2 data map:bytes,3 type text,4 stringData map:text,"
            + "5 immutable !truth",
        "ServiceAccount":
            "1 metadata ObjectMeta,3 imagePullSecrets *LocalObjectReference,"
            + "4 automountServiceAccountToken !truth",
        "LocalObjectReference": "1 name text",
        "Service": "1 metadata ObjectMeta,2 spec ServiceSpec,3 status ServiceStatus",
        "ServiceSpec":
            "1 ports *ServicePort,2 selector map:text,3 clusterIP text,4 type text,"
            + "5 externalIPs *text,7 sessionAffinity text,8 loadBalancerIP text,"
            + "9 loadBalancerSourceRanges *text,10 externalName text,11 externalTrafficPolicy text,"
            + "12 healthCheckNodePort integer,13 publishNotReadyAddresses truth",
        "ServicePort":
            "1 name text,2 protocol text,3 port integer,4 targetPort IntOrString,"
            + "5 nodePort integer,6 appProtocol !text",
        "ServiceStatus": "1 loadBalancer LoadBalancerStatus",
        "LoadBalancerStatus": "",
        "ResourceQuota": "1 metadata ObjectMeta,2 spec ResourceQuotaSpec,3 status Nothing",
        "ResourceQuotaSpec": "1 hard map:Quantity,2 scopes *text",
        "Nothing": "",
    ]

    private static let workloads = [
        "Deployment": "1 metadata ObjectMeta,2 spec DeploymentSpec,3 status DeploymentStatus",
        "DeploymentSpec":
            "1 replicas !integer,2 selector LabelSelector,3 template PodTemplateSpec,"
            + "4 strategy DeploymentStrategy,5 minReadySeconds integer,"
            + "6 revisionHistoryLimit !integer,7 paused truth,9 progressDeadlineSeconds !integer",
        "DeploymentStrategy": "1 type text,2 rollingUpdate RollingUpdateDeployment",
        "RollingUpdateDeployment": "1 maxUnavailable !IntOrString,2 maxSurge !IntOrString",
        "DeploymentStatus":
            "1 observedGeneration integer,2 replicas integer,3 updatedReplicas integer,"
            + "4 availableReplicas integer,5 unavailableReplicas integer,7 readyReplicas integer",
        "PodTemplateSpec": "1 metadata ObjectMeta,2 spec PodSpec",
        "PodSpec":
            "2 containers *Container,3 restartPolicy text,4 terminationGracePeriodSeconds !integer,"
            + "5 activeDeadlineSeconds !integer,6 dnsPolicy text,7 nodeSelector map:text,"
            + "8 serviceAccountName text,9 serviceAccount text,10 nodeName text,11 hostNetwork truth,"
            + "12 hostPID truth,13 hostIPC truth,15 imagePullSecrets *LocalObjectReference,"
            + "16 hostname text,17 subdomain text,19 schedulerName text,"
            + "20 initContainers *Container,21 automountServiceAccountToken !truth,"
            + "24 priorityClassName text,25 priority !integer",
        "Container":
            "1 name text,2 image text,3 command *text,4 args *text,5 workingDir text,"
            + "6 ports *ContainerPort,7 env *EnvVar,8 resources ResourceRequirements,"
            + "13 terminationMessagePath text,14 imagePullPolicy text,16 stdin truth,"
            + "17 stdinOnce truth,18 tty truth,20 terminationMessagePolicy text",
        "ContainerPort":
            "1 name text,2 hostPort integer,3 containerPort integer,4 protocol text,5 hostIP text",
        "EnvVar": "1 name text,2 value text",
        "ResourceRequirements": "1 limits map:Quantity,2 requests map:Quantity",
        "Job": "1 metadata ObjectMeta,2 spec JobSpec,3 status JobStatus",
        "JobSpec":
            "1 parallelism !integer,2 completions !integer,3 activeDeadlineSeconds !integer,"
            + "4 selector LabelSelector,5 manualSelector !truth,6 template PodTemplateSpec,"
            + "7 backoffLimit !integer,8 ttlSecondsAfterFinished !integer,9 completionMode !text,"
            + "10 suspend !truth",
        "JobStatus": "4 active integer,5 succeeded integer,6 failed integer",
        "CronJob": "1 metadata ObjectMeta,2 spec CronJobSpec,3 status Nothing",
        "CronJobSpec":
            "1 schedule text,2 startingDeadlineSeconds !integer,3 concurrencyPolicy text,"
            + "4 suspend !truth,5 jobTemplate JobTemplateSpec,6 successfulJobsHistoryLimit !integer,"
            + "7 failedJobsHistoryLimit !integer,8 timeZone !text",
        "JobTemplateSpec": "1 metadata ObjectMeta,2 spec JobSpec",
    ]

    private static let access = [
        "Role": "1 metadata ObjectMeta,2 rules *PolicyRule",
        "ClusterRole":
            "1 metadata ObjectMeta,2 rules *PolicyRule,3 aggregationRule AggregationRule",
        "AggregationRule": "1 clusterRoleSelectors *LabelSelector",
        "PolicyRule":
            "1 verbs *text,2 apiGroups *text,3 resources *text,4 resourceNames *text,"
            + "5 nonResourceURLs *text",
        "RoleBinding": "1 metadata ObjectMeta,2 subjects *Subject,3 roleRef RoleRef",
        "ClusterRoleBinding": "1 metadata ObjectMeta,2 subjects *Subject,3 roleRef RoleRef",
        "RoleRef": "1 apiGroup text,2 kind text,3 name text",
        "Subject": "1 kind text,2 apiGroup text,3 name text,4 namespace text",
        "SelfSubjectAccessReview":
            "1 metadata ObjectMeta,2 spec AccessReviewSpec,3 status Allowed",
        "AccessReviewSpec":
            "1 resourceAttributes ResourceAttributes,"
            + "2 nonResourceAttributes NonResourceAttributes",
        "ResourceAttributes":
            "1 namespace text,2 verb text,3 group text,4 version text,5 resource text,"
            + "6 subresource text,7 name text",
        "NonResourceAttributes": "1 path text,2 verb text",
        "Allowed": "1 allowed truth,2 reason text,3 evaluationError text,4 denied truth",
        "SubjectAccessReview":
            "1 metadata ObjectMeta,2 spec SubjectAccessReviewSpec,3 status Allowed",
        "SubjectAccessReviewSpec":
            "1 resourceAttributes ResourceAttributes,"
            + "2 nonResourceAttributes NonResourceAttributes,3 user text,4 groups *text,6 uid text",
        "SelfSubjectRulesReview": "1 metadata ObjectMeta,2 spec RulesReviewSpec,3 status Rules",
        "RulesReviewSpec": "1 namespace text",
        "Rules": "3 incomplete truth,4 evaluationError text",
        "SelfSubjectReview": "1 metadata ObjectMeta,2 status SelfSubjectReviewStatus",
        "SelfSubjectReviewStatus": "1 userInfo UserInfo",
        "UserInfo": "1 username text,2 uid text,3 groups *text",
        "TokenReview": "1 metadata ObjectMeta,2 spec TokenReviewSpec,3 status TokenReviewStatus",
        "TokenReviewSpec": "1 token text,2 audiences *text",
        "TokenReviewStatus": "1 authenticated truth,2 user UserInfo,3 error text",
    ]
}
