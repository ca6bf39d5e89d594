// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A throw-away authority and one certificate for each side: every peer authenticates both ends.
///
/// ECDSA on P-256, as Godwit uses; the file names are the ones that nbdkit and qemu look for.
struct Certificates {
    let folder: String

    init() throws {
        self.folder = try Scratch.makeFolder("pki")
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        let authority = ["-CA", self.path("ca-cert.pem"), "-CAkey", self.path("ca-key.pem")]
        try run(
            ["openssl", "req", "-x509"] + key
                + ["-keyout", self.path("ca-key.pem"), "-out", self.path("ca-cert.pem")]
                + ["-days", "2", "-subj", "/CN=godwit-perf"]
        )
        for side in ["server", "client"] {
            try run(
                ["openssl", "req"] + key
                    + ["-keyout", self.path("\(side)-key.pem"), "-out", self.path("\(side).csr")]
                    + ["-subj", "/CN=\(side)"]
            )
            let names = self.path("\(side).names")
            try "subjectAltName=IP:127.0.0.1\n"
                .write(
                    toFile: names,
                    atomically: false,
                    encoding: .utf8
                )
            try run(
                ["openssl", "x509", "-req", "-in", self.path("\(side).csr")] + authority
                    + ["-CAcreateserial", "-days", "2", "-extfile", names]
                    + ["-out", self.path("\(side)-cert.pem")]
            )
        }
    }

    func path(_ name: String) -> String { "\(self.folder)/\(name)" }

    /// What `openssl s_client` and `s_server` are given, for a shell.
    func options(_ side: String) -> String {
        "-tls1_3 -quiet -CAfile \(self.path("ca-cert.pem")) -verify_return_error"
            + " -cert \(self.path("\(side)-cert.pem")) -key \(self.path("\(side)-key.pem"))"
    }

    /// The receiving end of a pipe over TLS.
    func server(port: Int) -> String {
        "openssl s_server -accept 127.0.0.1:\(port) -naccept 1 -Verify 1 \(self.options("server"))"
    }

    /// The sending end.
    ///
    /// Without `-nocommands` a block that begins with "Q" ends the session; `-no_ign_eof` must
    /// follow `-quiet`, which turns it off.
    func client(port: Int) -> String {
        "openssl s_client -connect 127.0.0.1:\(port) \(self.options("client"))"
            + " -nocommands -no_ign_eof"
    }
}
