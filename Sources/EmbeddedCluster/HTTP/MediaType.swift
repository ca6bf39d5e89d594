// SPDX-License-Identifier: Apache-2.0

/// One entry of an `Accept` field, or a `Content-Type`: `application/json;as=Table;v=v1`.
struct MediaType: Hashable, Sendable {
    /// In lower case, such as `application/json`.
    let name: String
    /// Names in lower case.
    let parameters: [String: String]

    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ";", omittingEmptySubsequences: false)
            .map { $0.trimming(\.isWhitespace) }
        guard let name = parts.first, name.contains("/") else { return nil }
        self.name = name.lowercased()
        var parameters: [String: String] = [:]
        for part in parts.dropFirst() {
            let sides = part.split(separator: "=", maxSplits: 1)
            guard sides.count == 2 else { continue }
            parameters[sides[0].lowercased()] = sides[1].trimming { $0 == "\"" }
        }
        self.parameters = parameters
    }

    /// The entries of an `Accept` field, best first as clients write them.
    static func accepted(_ field: String?) -> [MediaType] {
        guard let field, !field.isEmpty else { return [MediaType("*/*")].compactMap(\.self) }
        return field.split(separator: ",").compactMap { MediaType($0) }
    }

    fileprivate var isPlainJSON: Bool { Self.json.contains(self.name) }

    private static let json: Set<String> = ["application/json", "application/*", "*/*"]
}

/// In which form an answer is wanted.
enum AnswerForm: Hashable, Sendable {
    /// The object, or the list of objects.
    case object
    /// A table of `meta.k8s.io`, in this version.
    case table(version: String)
    /// Only the metadata, as `PartialObjectMetadata`, in this version of `meta.k8s.io`.
    case metadata(version: String)

    /// The first form that we can make; nil where there is none.
    ///
    /// Protobuf is passed over: every client of Kubernetes that asks for it takes JSON too.
    init?(accepting types: [MediaType]) {
        for type in types where type.isPlainJSON {
            guard let form = type.parameters["as"] else {
                self = .object
                return
            }
            let version = type.parameters["v"] ?? "v1"
            guard type.parameters["g"] == "meta.k8s.io", ["v1", "v1beta1"].contains(version) else {
                continue
            }
            switch form {
            case "Table": self = .table(version: version)
            case "PartialObjectMetadata", "PartialObjectMetadataList":
                self = .metadata(version: version)
            default: continue
            }
            return
        }
        return nil
    }
}

/// In which form the list of groups is wanted.
enum DiscoveryForm: Hashable, Sendable {
    /// `APIVersions`, `APIGroupList`.
    case plain
    /// `APIGroupDiscoveryList` of `apidiscovery.k8s.io` in this version.
    case aggregated(version: String)

    /// The first form that we can make; nil where there is none.
    init?(accepting types: [MediaType]) {
        for type in types where type.isPlainJSON {
            guard let form = type.parameters["as"] else {
                self = .plain
                return
            }
            let version = type.parameters["v"] ?? ""
            if form == "APIGroupDiscoveryList", type.parameters["g"] == "apidiscovery.k8s.io",
                ["v2", "v2beta1"].contains(version)
            {
                self = .aggregated(version: version)
                return
            }
        }
        return nil
    }

    /// The field `Content-Type` of the answer; clients look for the parameters.
    var contentType: String {
        switch self {
        case .plain: "application/json"
        case .aggregated(let version):
            "application/json;g=apidiscovery.k8s.io;v=\(version);as=APIGroupDiscoveryList"
        }
    }
}

extension StringProtocol {
    /// Without the characters at both ends for which `isRemoved` is true.
    func trimming(_ isRemoved: (Character) -> Bool) -> String {
        let rest = self.drop(while: isRemoved)
        return String(rest.reversed().drop(while: isRemoved).reversed())
    }
}
