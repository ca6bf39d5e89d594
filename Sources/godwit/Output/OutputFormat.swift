// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// How results are written.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
    case table
    case wide
    case json
    case yaml
    case name

    /// Whether a program reads the results.
    var isStructured: Bool {
        switch self {
        case .json, .yaml: true
        case .table, .wide, .name: false
        }
    }
}
