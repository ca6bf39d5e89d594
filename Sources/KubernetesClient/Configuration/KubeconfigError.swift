// SPDX-License-Identifier: Apache-2.0

/// What is wrong with the way to a cluster, where, and what to do.
public struct KubeconfigError: Error, Hashable, CustomStringConvertible {
    /// Where it is written: a file, or how the text came here.
    public let source: String
    /// The entry in it, such as `user "admin"`; empty where it is the whole.
    public let entry: String
    /// What is wrong.
    public let problem: String
    /// What to do.
    public let advice: String

    /// An error of these texts.
    public init(source: String, entry: String = "", _ problem: String, try advice: String) {
        self.source = source
        self.entry = entry
        self.problem = problem
        self.advice = advice
    }

    /// One line: place, problem, advice.
    public var description: String {
        let place = self.entry.isEmpty ? self.source : "\(self.source), \(self.entry)"
        return "\(place): \(self.problem); \(self.advice)"
    }
}
