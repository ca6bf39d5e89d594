// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import ObjectModel

/// One object of a manifest, and where it is written.
struct Manifest: Sendable {
    let object: KubeObject
    /// The file and the line where it begins.
    let place: String
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
                manifests += try Self.parsed(text, file: file == "-" ? "standard input" : file)
            }
        }
        guard !manifests.isEmpty else {
            throw APIError(
                .invalidManifest,
                "There is no object in \(paths.joined(separator: ", ")).",
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
        guard let handle, let data = try? handle.read(upToCount: Self.maximumBytes + 1) else {
            throw APIError(
                .fileNotReadable,
                "The file \(file) cannot be read.",
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
