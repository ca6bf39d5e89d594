// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The authority of one cluster's controllers and agents, made with the tool that a person would use.
package struct ControlAuthority: Sendable {
    private let directory: String
    private let authority: String

    /// Makes an authority; its files are in `directory`.
    package init(_ name: String, in directory: String) throws {
        self.directory = directory
        self.authority = "\(directory)/\(name)-authority"
        try Shell.run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", "\(self.authority).key", "-out", "\(self.authority).crt",
            "-subj", "/CN=\(name)", "-days", "1",
        ])
    }

    /// Certifies a new key for a DNS name; the directory, laid out as a mounted TLS secret.
    package func certify(_ folder: String, for name: String) throws -> String {
        let place = "\(self.directory)/\(folder)"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        try Shell.run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", "\(place)/tls.key", "-out", "\(place)/tls.crt",
            "-CA", "\(self.authority).crt", "-CAkey", "\(self.authority).key",
            "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)", "-days", "1",
            "-addext", "basicConstraints=critical,CA:FALSE",
        ])
        let copy = "\(place)/ca.crt"
        try? FileManager.default.removeItem(atPath: copy)
        try FileManager.default.copyItem(atPath: "\(self.authority).crt", toPath: copy)
        return place
    }
}
