// SPDX-License-Identifier: Apache-2.0

public import AgentAPI
import BlockTypes
import Foundation
import Yams

/// Reads the configuration file: a YAML mapping in which every key must be known.
///
/// Scalars are taken as they are written. The resolver of YAML 1.1 that the library would apply
/// turns `22:13` into a number and `no` into false.
public enum ConfigurationFile {
    /// The configuration that the file at `path` makes of `configuration`.
    ///
    /// - Throws: `GW5001` with file, line, column, and what was probably meant.
    public static func apply(
        _ path: String,
        to configuration: AgentConfiguration
    ) throws(APIError) -> AgentConfiguration {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw APIError(
                .invalidConfiguration,
                "The configuration file \(path) cannot be read.",
                try: "check the path and its permissions"
            )
        }
        let text = String(decoding: data, as: UTF8.self)
        return try Self.apply(text: text, named: path, to: configuration)
    }

    /// The configuration that the text of a file makes of `configuration`.
    ///
    /// - Throws: `GW5001` with file, line, column, and what was probably meant.
    public static func apply(
        text: String,
        named file: String,
        to configuration: AgentConfiguration
    ) throws(APIError) -> AgentConfiguration {
        var result = configuration
        let root: Node?
        do { root = try Yams.compose(yaml: text) } catch {
            throw Self.told(error, file)
        }
        guard let root else { return result }
        guard let mapping = root.mapping else {
            throw Self.wrong(file, root, "The file must hold keys and values.")
        }
        try Self.apply(mapping, section: "", file, &result)
        return result
    }

    private static func apply(
        _ mapping: Node.Mapping,
        section: String,
        _ file: String,
        _ result: inout AgentConfiguration
    ) throws(APIError) {
        for (key, value) in mapping {
            let name = section + (key.scalar?.string ?? "")
            // A dotted key would be a second spelling of one inside its section.
            let isDotted = section.isEmpty && name.contains(".")
            if !isDotted, let setting = Setting.all.first(where: { $0.key == name }) {
                guard let scalar = value.scalar, !scalar.isNull else {
                    throw Self.wrong(
                        file,
                        value,
                        "'\(name)' needs one value.",
                        "leave the key out to keep the default"
                    )
                }
                do { try setting.apply(&result, scalar.string) } catch {
                    throw Self.wrong(file, value, "\(name): \(error.message)", error.try)
                }
            } else if section.isEmpty, Self.sections.contains(name) {
                // A section whose keys are all commented out.
                if value.scalar?.isNull == true { continue }
                guard let inner = value.mapping else {
                    throw Self.wrong(
                        file,
                        value,
                        "'\(name)' is a section: it holds keys, not a value."
                    )
                }
                try Self.apply(inner, section: name + ".", file, &result)
            } else {
                throw Self.unknown(key, name, file)
            }
        }
    }

    private static var sections: Set<String> {
        Set(
            Setting.all.compactMap { setting in
                setting.key.firstIndex(of: ".").map { String(setting.key[..<$0]) }
            }
        )
    }

    private static func unknown(_ key: Node, _ name: String, _ file: String) -> APIError {
        let known = Setting.all.map(\.key) + Self.sections
        // Someone may have written a key of a section without its section.
        let last = name.split(separator: ".").last.map(String.init) ?? name
        let meant =
            Suggestion.nearest(to: name, in: known)
            ?? known.first { $0.hasSuffix("." + last) }
        if meant == name, let dot = name.firstIndex(of: ".") {
            return Self.wrong(
                file,
                key,
                "Unknown key '\(name)'.",
                "write '\(name[name.index(after: dot)...])' inside the section '\(name[..<dot])'"
            )
        }
        return Self.wrong(
            file,
            key,
            "Unknown key '\(name)'.",
            meant.map { "did you mean '\($0)'?" }
                ?? "the keys are: \(Setting.all.map(\.key).joined(separator: ", "))"
        )
    }

    private static func wrong(
        _ file: String,
        _ node: Node,
        _ what: String,
        _ remedy: String? = nil
    ) -> APIError {
        let place = node.mark.map { "\(file):\($0.line):\($0.column)" } ?? file
        return APIError(.invalidConfiguration, "\(place): \(what)", try: remedy)
    }

    private static func told(_ error: any Error, _ file: String) -> APIError {
        let (place, problem) =
            switch error as? YamlError {
            case .scanner(let context, let problem, let mark, _)?,
                .parser(let context, let problem, let mark, _)?,
                .composer(let context, let problem, let mark, _)?:
                (
                    "\(file):\(mark.line):\(mark.column)",
                    [context?.text, problem].compactMap(\.self).joined(separator: " ")
                )
            case .reader(let problem, _, _, _)?: (file, problem)
            case _: (file, "\(error)")
            }
        return APIError(
            .invalidConfiguration,
            "\(place): This is not YAML that can be used.",
            cause: problem.split(separator: "\n").joined(separator: " "),
            try: "compare it with examples/agent.yaml"
        )
    }
}

extension Node.Scalar {
    /// Whether nothing is written, or what YAML writes for nothing.
    fileprivate var isNull: Bool {
        self.style == .plain && ["", "~", "null", "Null", "NULL"].contains(self.string)
    }
}
