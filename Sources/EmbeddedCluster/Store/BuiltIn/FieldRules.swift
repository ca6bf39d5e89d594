// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// The rules of a built-in kind, as far as a table can say them; paths have dots.
struct FieldRules: Sendable {
    /// What has to be there.
    var required: [String] = []
    /// What cannot change once it is there.
    var immutable: [String] = []
    /// What is filled in where it is missing.
    var defaults: [(path: String, value: JSON)] = []
    /// The only texts that a field may have.
    var words: [(path: String, values: [String])] = []
    /// Fields that are whole numbers, not negative.
    var counts: [String] = []
    /// Filled in after the defaults; the former object is nil for a new one.
    var prepare: @Sendable (inout KubeObject, KubeObject?) -> Void = { _, _ in }
    /// What else is wrong.
    var causes: @Sendable (KubeObject, KubeObject?) -> [APIStatus.Cause] = { _, _ in [] }

    private static func steps(_ path: String) -> [String] {
        path.split(separator: ".").map(String.init)
    }

    /// The table as code.
    var rules: KindRules {
        var rules = KindRules()
        rules.prepare = { object, former in
            for (path, value) in self.defaults {
                let steps = Self.steps(path)
                let parent = object.json.at(steps.dropLast())
                // A default goes into an object that is there, or into the specification.
                guard parent?.object != nil || steps.count <= 2, object.json.at(steps) == nil else {
                    continue
                }
                object.json.set(value, at: steps[...])
            }
            self.prepare(&object, former)
        }
        rules.causes = { object, former in
            self.missing(object) + self.wrong(object) + self.changed(object, former)
                + self.causes(object, former)
        }
        return rules
    }

    private func missing(_ object: KubeObject) -> [APIStatus.Cause] {
        self.required.compactMap { path in
            let value = object.json.at(Self.steps(path))
            return value == nil || value == .null || value == "" || value == [] || value == [:]
                ? .required(path) : nil
        }
    }

    private func wrong(_ object: KubeObject) -> [APIStatus.Cause] {
        self.words.compactMap { path, values -> APIStatus.Cause? in
            guard let value = object.json.at(Self.steps(path)), !value.isNull else { return nil }
            guard let word = value.string else { return .invalid(path, value, "must be a string") }
            return values.contains(word) ? nil : .unsupported(path, word, values)
        }
            + self.counts.compactMap { path -> APIStatus.Cause? in
                guard let value = object.json.at(Self.steps(path)), !value.isNull else {
                    return nil
                }
                guard let count = value.int else {
                    return .invalid(path, value, "must be an integer")
                }
                return count >= 0
                    ? nil : .invalid(path, value, "must be greater than or equal to 0")
            }
    }

    private func changed(_ object: KubeObject, _ former: KubeObject?) -> [APIStatus.Cause] {
        guard let former else { return [] }
        return self.immutable.compactMap { path in
            let steps = Self.steps(path)
            guard let old = former.json.at(steps), old != "", old != object.json.at(steps) else {
                return nil
            }
            return .invalid(path, object.json.at(steps), "field is immutable")
        }
    }
}
