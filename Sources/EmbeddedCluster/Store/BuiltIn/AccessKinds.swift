// SPDX-License-Identifier: Apache-2.0

import ObjectModel

extension BuiltInKinds {
    /// Who may do what.
    static let access: [ServedKind] = [
        Self.role("Role", "roles", isNamespaced: true),
        Self.role("ClusterRole", "clusterroles", isNamespaced: false),
        Self.binding("RoleBinding", "rolebindings", isNamespaced: true),
        Self.binding("ClusterRoleBinding", "clusterrolebindings", isNamespaced: false),
    ]

    private static let group = "rbac.authorization.k8s.io"

    private static func role(_ kind: String, _ plural: String, isNamespaced: Bool) -> ServedKind {
        Self.kind("\(Self.group)/v1", kind, plural, [Cells.name, Cells.createdAt]) {
            $0.isNamespaced = isNamespaced
            $0.nameStyle = .pathSegment
        }
    }

    private static func binding(
        _ kind: String,
        _ plural: String,
        isNamespaced: Bool
    ) -> ServedKind {
        Self.kind(
            "\(Self.group)/v1",
            kind,
            plural,
            [
                Cells.name,
                KindColumn("Role") { object, _ in
                    let role = object["roleRef"]
                    return .string(
                        "\(role?["kind"]?.string ?? "")/\(role?["name"]?.string ?? "")"
                    )
                },
                Cells.age, Self.subjects("Users", "User"), Self.subjects("Groups", "Group"),
                Self.subjects("ServiceAccounts", "ServiceAccount"),
            ],
            Shapes.object(["roleRef": Shapes.whole]),
            FieldRules(
                required: ["roleRef.kind", "roleRef.name"],
                defaults: [("roleRef.apiGroup", .string(Self.group))],
                prepare: { object, _ in Self.fillSubjects(&object) },
                causes: { object, former in
                    // Another role is another binding: the real server has no way to change it.
                    guard let former, former["roleRef"] != object["roleRef"] else { return [] }
                    return [.invalid("roleRef", object["roleRef"], "cannot change roleRef")]
                }
            )
        ) {
            $0.isNamespaced = isNamespaced
            $0.nameStyle = .pathSegment
        }
    }

    private static func subjects(_ heading: String, _ kind: String) -> KindColumn {
        KindColumn(heading, priority: 1) { object, _ in
            let names = (object["subjects"]?.array ?? []).filter { $0["kind"]?.string == kind }
                .map { subject -> String in
                    let name = subject["name"]?.string ?? ""
                    return subject["namespace"]?.string.map { "\($0)/\(name)" } ?? name
                }
            return .string(names.joined(separator: ", "))
        }
    }

    /// Users and groups are of the group that knows them.
    private static func fillSubjects(_ object: inout KubeObject) {
        guard let subjects = object["subjects"]?.array else { return }
        let filled = subjects.map { subject -> JSON in
            guard ["User", "Group"].contains(subject["kind"]?.string ?? ""),
                subject["apiGroup"] == nil
            else { return subject }
            var subject = subject
            subject.set(.string(Self.group), at: "apiGroup")
            return subject
        }
        object.set(.array(filled), at: "subjects")
    }
}
