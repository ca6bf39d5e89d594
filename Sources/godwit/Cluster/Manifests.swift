// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Kinds
import ObjectModel

/// One object of a manifest, and where it is written.
struct Manifest: Sendable {
    let object: KubeObject
    /// The file and the line where it begins.
    let place: String
}

extension Manifest {
    /// What no cluster should get, found without one; nil where nothing is known to be wrong.
    ///
    /// API servers before 1.25 store a Migration without the fields that they do not know, and do not
    /// know our rules: a misspelt word would be lost in silence.
    var wrong: APIError? {
        guard let kind = StorkKinds[self.object.kind],
            kind.resource.groupVersionKind == self.object.groupVersionKind
        else { return nil }
        var errors =
            (kind.unknownFields(in: self.object) + kind.validate(kind.admitted(self.object)))
            .map(\.description)
        if !NameRule.isSubdomain(self.object.name) {
            errors.insert(
                "metadata.name: '\(self.object.name)' is no name: use \(NameRule.subdomain)",
                at: 0
            )
        }
        guard !errors.isEmpty else { return nil }
        return APIError(
            .invalidManifest,
            "\(self.place): the \(self.object.kind) \"\(self.object.name)\" is not valid.",
            cause: errors.joined(separator: "; "),
            try: "correct it, nothing was applied; all fields: kubectl explain "
                + "\(kind.resource.plural) --recursive"
        )
    }
}

/// Reads objects from files, directories and standard input.
enum Manifests {
    /// The largest manifest: what holds more is no list of objects that somebody wrote.
    static let maximumBytes = 32 << 20

    /// Every object of these files, in their order.
    ///
    /// - Throws: for the first document that cannot be read, with file and line; then nothing is given back,
    ///   so that nothing is half created.
    static func read(_ paths: [String]) throws(APIError) -> [Manifest] {
        var manifests: [Manifest] = []
        for path in paths {
            for file in try Self.files(at: path) {
                let text = try Self.text(of: file)
                manifests += try Self.parsed(text, file: Self.named(file))
            }
        }
        guard !manifests.isEmpty else {
            throw APIError(
                .invalidManifest,
                "There is no object in \(paths.map(Self.named).joined(separator: ", ")).",
                try: "give a file of YAML or JSON objects"
            )
        }
        return manifests
    }

    /// The one object of a file, of a certain kind.
    static func single<Noun: ClusterNoun>(
        _ noun: Noun.Type,
        at path: String
    ) throws(APIError) -> KubeObject {
        let manifests = try Self.read([path])
        guard manifests.count == 1, manifests[0].object.kind == Noun.title else {
            throw APIError(
                .invalidManifest,
                "\(manifests[0].place): one \(Noun.title) is expected here.",
                cause: "there are \(manifests.count) objects, and the first is of the kind "
                    + "\(manifests[0].object.kind)",
                try: "godwit apply -f \(path)"
            )
        }
        if let wrong = manifests[0].wrong { throw wrong }
        return manifests[0].object
    }

    /// The objects of the text that a file has.
    static func parsed(_ text: String, file: String) throws(APIError) -> [Manifest] {
        let documents: [YAMLDocument]
        do { documents = try JSON.documents(yaml: text) } catch {
            throw Self.invalid("\(file):\(error.line):\(error.column)", error.reason, error.advice)
        }
        var manifests: [Manifest] = []
        for document in documents {
            let place = "\(file):\(document.line)"
            guard document.json["kind"]?.string == "List", let items = document.json["items"]?.array
            else {
                manifests.append(try Self.manifest(document.json, place))
                continue
            }
            for (index, item) in items.enumerated() {
                manifests.append(try Self.manifest(item, "\(place), item \(index)"))
            }
        }
        return manifests
    }

    private static func manifest(_ json: JSON, _ place: String) throws(APIError) -> Manifest {
        guard json.object != nil else {
            throw Self.invalid(
                place,
                "an object is expected, not a \(json.kind)",
                "begin the document with apiVersion, kind and metadata"
            )
        }
        let object = KubeObject(json)
        for (value, field, advice) in [
            (object.apiVersion, "apiVersion", "add it, such as apiVersion: v1"),
            (object.kind, "kind", "add it, such as kind: Migration"),
            (object.name, "metadata.name", "give the object a name"),
        ] where value.isEmpty {
            throw Self.invalid(place, "\(field) is missing", advice)
        }
        guard GroupVersion(apiVersion: object.apiVersion) != nil else {
            throw Self.invalid(
                place,
                "'\(object.apiVersion)' is no apiVersion",
                "write it as GROUP/VERSION, or as v1"
            )
        }
        return Manifest(object: object, place: place)
    }

    private static func named(_ file: String) -> String {
        file == "-" ? "standard input" : file
    }

    private static func invalid(_ place: String, _ reason: String, _ advice: String) -> APIError {
        APIError(.invalidManifest, "\(place): \(reason).", try: advice)
    }

    /// The file, or those of a directory that hold objects, by name.
    private static func files(at path: String) throws(APIError) -> [String] {
        if path == "-" { return [path] }
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw APIError(.fileNotReadable, "There is no file \(path).", try: "check the path")
        }
        guard isDirectory.boolValue else { return [path] }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.sorted()
            .filter { name in
                [".yaml", ".yml", ".json"].contains { name.hasSuffix($0) }
            }
            .map { "\(path)/\($0)" }
    }

    private static func text(of file: String) throws(APIError) -> String {
        let handle =
            file == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: file)
        // At the end of an empty file nothing comes.
        guard let handle,
            let data = try? handle.read(upToCount: Self.maximumBytes + 1) ?? Data()
        else {
            throw APIError(
                .fileNotReadable,
                "\(Self.named(file)) cannot be read.",
                try: "check its permissions"
            )
        }
        guard data.count <= Self.maximumBytes else {
            throw Self.invalid(file, "it has more than \(Self.maximumBytes >> 20) MiB", "split it")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw Self.invalid(file, "it is no UTF-8 text", "save it as UTF-8")
        }
        return text
    }
}
