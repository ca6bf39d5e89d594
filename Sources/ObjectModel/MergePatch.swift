// SPDX-License-Identifier: Apache-2.0

extension JSON {
    /// This value after a merge patch (RFC 7396): null removes, objects merge, everything else replaces.
    public func merged(with patch: JSON) -> JSON {
        guard case .object(let changes) = patch else { return patch }
        var fields = self.object ?? [:]
        for (key, change) in changes {
            fields[key] = change.isNull ? nil : (fields[key] ?? .null).merged(with: change)
        }
        return .object(fields)
    }

    /// The smallest merge patch that makes `target` of this value; nil where they are equal.
    ///
    /// A merge patch cannot say that a field becomes null: such a field is removed.
    public func mergePatch(to target: JSON) -> JSON? {
        guard self != target else { return nil }
        guard case .object(let old) = self, case .object(let new) = target else { return target }
        var changes: JSONFields = [:]
        for key in old.keys where new[key] == nil { changes[key] = .null }
        for (key, value) in new {
            guard let former = old[key] else {
                changes[key] = value
                continue
            }
            changes[key] = former.mergePatch(to: value)
        }
        return .object(changes)
    }
}
