// SPDX-License-Identifier: Apache-2.0

import ObjectModel

extension ServedKind {
    /// Refuses or reports the fields that the schema does not know; those of built-in kinds, which have
    /// none, where they are near a known one.
    ///
    /// - Returns: the warnings.
    func checkUnknownFields(
        of object: KubeObject,
        _ validation: WriteOptions.FieldValidation
    ) throws -> [String] {
        guard validation != .ignore else { return [] }
        let outside = self.schema?.unknownFields(in: object.json) ?? []
        let unknown =
            outside.map { "unknown field \"\($0)\"" }
            + KnownFields.misspelt(
                in: object.json,
                of: self.schema == nil ? self.resource.kind : nil
            )
            .map(\.words)
        guard validation == .strict, !unknown.isEmpty else { return unknown }
        let kind = self.resource.kind
        throw APIStatus(
            .badRequest,
            "\(kind) in version \"\(self.resource.groupVersion.version)\" cannot be handled as a "
                + "\(kind): strict decoding error: \(unknown.joined(separator: ", "))"
        )
    }

    /// Refuses an object that breaks a rule, with every rule that it breaks.
    func validate(_ object: KubeObject, former: KubeObject?) throws {
        var causes = former == nil ? self.nameCauses(object.name) : []
        causes += MetadataRules.causes(object, former: former)
        if let schema = self.schema { causes += schema.causes(object.json, old: former?.json) }
        causes += self.rules.causes(object, former)
        guard causes.isEmpty else {
            throw APIStatus.invalid(self.resource, object.name, causes)
        }
    }

    private func nameCauses(_ name: String) -> [APIStatus.Cause] {
        let (isValid, rule): (Bool, String) =
            switch self.nameStyle {
            case .subdomain: (NameRule.isSubdomain(name), NameRule.subdomain)
            case .label: (NameRule.isLabel(name), MetadataRules.label)
            case .letterLabel:
                (
                    NameRule.isLabel(name) && name.first?.isNumber == false,
                    MetadataRules.label + "; the first is a letter"
                )
            case .pathSegment:
                (
                    name != "." && name != ".." && !name.contains("/") && !name.contains("%"),
                    "may not be '.' or '..' and may not hold '/' or '%'"
                )
            }
        return isValid ? [] : [.invalid("metadata.name", .string(name), rule)]
    }

    /// Refuses a selector by a field that the kind cannot be selected by.
    func checkFields(of selector: FieldSelector) throws(APIStatus) {
        for requirement in selector.requirements {
            let field = requirement.field
            let isKnown =
                field == "metadata.name" || field == "metadata.namespace"
                || self.selectableFields.contains(field)
            guard isKnown else {
                throw APIStatus(.badRequest, "field label not supported: \(field)")
            }
        }
    }
}

/// What holds for the metadata of every kind.
enum MetadataRules {
    static let label =
        "lower-case letters, digits and '-', at most 63, "
        + "beginning and ending with a letter or a digit"
    private static let annotationBytes = 256 << 10

    static func causes(_ object: KubeObject, former: KubeObject?) -> [APIStatus.Cause] {
        Self.labels(object) + Self.annotations(object) + Self.finalizers(object, former)
            + Self.owners(object)
    }

    private static func labels(_ object: KubeObject) -> [APIStatus.Cause] {
        var causes = Self.texts(object, "labels")
        for (key, value) in object.labels.sorted(by: { $0.key < $1.key }) {
            if !Self.isQualifiedName(key) {
                causes.append(.invalid("metadata.labels", .string(key), "is no name of a label"))
            }
            if !Self.isLabelValue(value) {
                causes.append(
                    .invalid(
                        "metadata.labels",
                        .string(value),
                        "letters, digits, '-', '_' and '.', at most 63, beginning and ending with "
                            + "a letter or a digit, or nothing"
                    )
                )
            }
        }
        return causes
    }

    private static func annotations(_ object: KubeObject) -> [APIStatus.Cause] {
        var causes = Self.texts(object, "annotations")
        var size = 0
        for (key, value) in object.annotations.sorted(by: { $0.key < $1.key }) {
            size += key.utf8.count + value.utf8.count
            // Only here upper case is allowed in front of the slash, as in the real server.
            if !Self.isQualifiedName(key.lowercased()) {
                causes.append(
                    .invalid("metadata.annotations", .string(key), "is no name of an annotation")
                )
            }
        }
        guard size > Self.annotationBytes else { return causes }
        let message = "Too long: may not be more than \(Self.annotationBytes) bytes"
        return causes + [
            APIStatus.Cause(
                reason: "FieldValueTooLong",
                message: message,
                field: "metadata.annotations"
            )
        ]
    }

    /// Labels and annotations have texts as values, nothing else.
    private static func texts(_ object: KubeObject, _ field: String) -> [APIStatus.Cause] {
        guard let value = object["metadata", field] else { return [] }
        guard let values = value.object else {
            return [.invalid("metadata.\(field)", value, "must be an object")]
        }
        return values.sorted { $0.key < $1.key }
            .filter { $0.value.string == nil }
            .map { .invalid("metadata.\(field).\($0.key)", $0.value, "must be a string") }
    }

    private static func finalizers(
        _ object: KubeObject,
        _ former: KubeObject?
    ) -> [APIStatus.Cause] {
        let causes = object.finalizers.filter { !Self.isQualifiedName($0) }
            .map {
                APIStatus.Cause.invalid(
                    "metadata.finalizers",
                    .string($0),
                    "is no name of a finalizer"
                )
            }
        guard let former, former.isBeingDeleted else { return causes }
        let added = Set(object.finalizers).subtracting(former.finalizers).sorted()
        guard !added.isEmpty else { return causes }
        return causes + [
            .forbidden(
                "metadata.finalizers",
                "no new finalizers can be added if the object is being deleted, found "
                    + added.joined(separator: ", ")
            )
        ]
    }

    private static func owners(_ object: KubeObject) -> [APIStatus.Cause] {
        var causes: [APIStatus.Cause] = []
        for (index, owner) in object.ownerReferences.enumerated() {
            let path = "metadata.ownerReferences[\(index)]"
            for (field, value) in [
                ("apiVersion", owner.apiVersion), ("kind", owner.kind), ("name", owner.name),
                ("uid", owner.uid),
            ] where value.isEmpty {
                causes.append(.required("\(path).\(field)"))
            }
        }
        if object.ownerReferences.count(where: \.isController) > 1 {
            causes.append(
                .invalid(
                    "metadata.ownerReferences",
                    object["metadata", "ownerReferences"],
                    "only one reference can have controller set to true"
                )
            )
        }
        return causes
    }

    /// `name` or `prefix/name`.
    static func isQualifiedName(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let name = parts.last, !name.isEmpty, Self.isLabelValue(String(name)) else {
            return false
        }
        return parts.count == 1 || parts.count == 2 && NameRule.isSubdomain(String(parts[0]))
    }

    static func isLabelValue(_ text: String) -> Bool {
        guard !text.isEmpty else { return true }
        func isPlain(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte)
                || (0x61...0x7a).contains(byte)
        }
        let bytes = Array(text.utf8)
        guard bytes.count <= 63, let first = bytes.first, let last = bytes.last else {
            return false
        }
        return isPlain(first) && isPlain(last)
            && bytes.allSatisfy { isPlain($0) || [0x2d, 0x2e, 0x5f].contains($0) }
    }
}
