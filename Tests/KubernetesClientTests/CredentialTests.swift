// SPDX-License-Identifier: Apache-2.0

import Foundation
import Locks
import NIOHTTP1
import NIOSSL
import ObjectModel
import TestSupport
import Testing

@testable import KubernetesClient

/// As whom requests go out, and whom they trust.
@Suite struct CredentialTests {
    private let authority: TestAuthority
    private let directory: TemporaryDirectory
    private let key = ObjectKey("shop", "a")

    init() throws {
        self.authority = try TestAuthority()
        self.directory = try TemporaryDirectory()
    }

    private func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = "\(self.directory.path)/\(name)"
        try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
        return path
    }

    /// A program that a plug-in's configuration names.
    private func program(_ script: String) throws -> String {
        // Written by another process: of a file that we write, a program that another test starts at
        // that moment has a copy of the descriptor, and a file that is written cannot be run.
        let path = "\(self.directory.path)/plugin"
        let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$0\" && chmod 755 \"$0\""
        try Shell.run("sh", "-c", write, path, script)
        return path
    }

    private func plugin(_ script: String) throws -> ExecPlugin {
        ExecPlugin(
            command: try self.program(script),
            apiVersion: "client.authentication.k8s.io/v1",
            source: "/etc/kube",
            entry: "user \"eks\""
        )
    }

    private static func credential(_ status: String) -> String {
        #"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":"#
            + status + "}"
    }

    private static let answer: FakeServer.Handler = { _ in .ok(TestKind.configMap("a")) }

    @Test func theServerSeesOurCertificateAndWeItsAuthority() async throws {
        let tls = try self.authority.server().serverTLS(callersOf: self.authority)
        let me = try self.authority.client()
        try await FakeServer.run(tls: tls, Self.answer) { server in
            var user = UserCredentials()
            user.certificate = .data(me.certificate)
            user.privateKey = .data(me.privateKey)
            let client = try server.client(authority: self.authority, user: user)
            _ = try await client.get(TestKind.configMap, self.key)
            let expected = try NIOSSLCertificate.fromPEMBytes(me.certificate).first?.toDERBytes()
            #expect(server.requests.first?.caller == expected)
        }
    }

    @Test func aServerOfAnotherAuthorityGetsNoRequest() async throws {
        let tls = try TestAuthority("other").server().serverTLS()
        try await FakeServer.run(tls: tls, Self.answer) { server in
            let client = try server.client(authority: self.authority)
            let error = await #expect(throws: ClusterError.self) {
                try await client.get(TestKind.configMap, self.key)
            }
            #expect(error?.reason == .untrusted, "\(error as Any)")
            #expect(server.requests.isEmpty)
        }
    }

    @Test func aServerWhoseCertificateIsOverGetsNoRequest() async throws {
        let tls = try self.authority.server(until: Date(timeIntervalSinceNow: -60)).serverTLS()
        try await FakeServer.run(tls: tls, Self.answer) { server in
            let client = try server.client(authority: self.authority)
            let error = await #expect(throws: ClusterError.self) {
                try await client.get(TestKind.configMap, self.key)
            }
            #expect(error?.reason == .untrusted)
            #expect(error?.description.contains("dates") == true)
        }
    }

    /// Some servers end the handshake, others answer that they know nobody.
    @Test(arguments: [true, false])
    func aCertificateOfOursThatIsOverIsToldWithItsEnd(isRefusedByTLS: Bool) async throws {
        let end = Date(timeIntervalSinceNow: -60)
        let me = try self.authority.client(until: end)
        let tls = try self.authority.server()
            .serverTLS(callersOf: isRefusedByTLS ? self.authority : nil)
        try await FakeServer.run(tls: tls) { _ in
            .failure(401, "Unauthorized")
        } during: { server in
            var user = UserCredentials()
            user.certificate = .data(me.certificate)
            user.privateKey = .data(me.privateKey)
            let client = try server.client(authority: self.authority, user: user)
            let error = await #expect(throws: ClusterError.self) {
                try await client.get(TestKind.configMap, self.key)
            }
            #expect(error?.reason == .untrusted && error?.isRetryable == false)
            let day = Timestamp(seconds: Int(end.timeIntervalSince1970)).description.prefix(10)
            #expect(error?.message.contains("ended at \(day)") == true, "\(error as Any)")
        }
    }

    @Test func aCallerWithoutACertificateIsToldOfTrust() async throws {
        let tls = try self.authority.server().serverTLS(callersOf: self.authority)
        try await FakeServer.run(tls: tls, Self.answer) { server in
            let client = try server.client(authority: self.authority)
            let error = await #expect(throws: ClusterError.self) {
                try await client.get(TestKind.configMap, self.key)
            }
            #expect(error?.reason == .untrusted, "\(error as Any)")
        }
    }

    @Test func anotherNameThanTheAddressIsTrustedWhereItIsConfigured() async throws {
        let tls = try self.authority.server(name: "kubernetes.test").serverTLS()
        try await FakeServer.run(tls: tls, Self.answer) { server in
            let client = try server.client(authority: self.authority) {
                $0.serverName = "kubernetes.test"
            }
            _ = try await client.get(TestKind.configMap, self.key)
            #expect(server.requests.first?.headers["Host"] == ["127.0.0.1:\(server.port)"])
            let other = try server.client(authority: self.authority)
            await #expect(throws: ClusterError.self) {
                try await other.get(TestKind.configMap, self.key)
            }
        }
    }

    @Test func withoutChecksAnyCertificateWill() async throws {
        let tls = try TestAuthority("other").server().serverTLS()
        try await FakeServer.run(tls: tls, Self.answer) { server in
            var connection = ClusterConnection(server: "https://127.0.0.1:\(server.port)")
            connection.isInsecure = true
            let client = try KubernetesClient(connection, environment: testEnvironment())
            #expect(try await client.get(TestKind.configMap, self.key).name == "a")
        }
    }

    @Test func aTokenFileIsReadAgainWhenItChanges() async throws {
        let path = try self.file("token", Array("one\n".utf8))
        try await FakeServer.run(Self.answer) { server in
            var user = UserCredentials()
            user.token = .file(path)
            let client = try server.client(user: user)
            _ = try await client.get(TestKind.configMap, self.key)
            _ = try self.file("token", Array("two\n".utf8))
            _ = try await client.get(TestKind.configMap, self.key)
            #expect(
                server.requests.map { $0.headers["Authorization"] }
                    == [["Bearer one"], ["Bearer two"]]
            )
        }
    }

    @Test func aTokenFileThatIsGoneIsNamed() async throws {
        try await FakeServer.run(Self.answer) { server in
            var user = UserCredentials()
            user.token = .file("/nowhere/token")
            let client = try server.client(user: user)
            let error = await #expect(throws: ClusterError.self) {
                try await client.get(TestKind.configMap, self.key)
            }
            #expect(error?.reason == .credentials)
            #expect(error?.message.contains("/nowhere/token") == true)
        }
    }

    @Test func namesAndOtherIdentitiesAreSent() async throws {
        try await FakeServer.run(Self.answer) { server in
            var user = UserCredentials()
            user.basic = BasicCredentials(name: "eve", password: "p")
            user.impersonation = Impersonation(user: "ann", groups: ["a", "b"], uid: "7")
            let client = try server.client(user: user)
            _ = try await client.get(TestKind.configMap, self.key)
            let headers = try #require(server.requests.first?.headers)
            #expect(headers["Authorization"] == ["Basic ZXZlOnA="])
            #expect(headers["Impersonate-User"] == ["ann"])
            #expect(headers["Impersonate-Group"] == ["a", "b"])
            #expect(headers["Impersonate-Uid"] == ["7"])
        }
    }

    // MARK: Plug-ins

    @Test func aPluginIsRunOnceForAllWhileItsTokenIsValid() async throws {
        let status = Self.credential(
            #"{"token":"t","expirationTimestamp":"2030-01-01T00:00:00Z"}"#
        )
        let count = "\(self.directory.path)/count"
        let script = "echo run >> \(count); echo '\(status)'"
        let now = Locked(Timestamp(seconds: 1_800_000_000))
        var environment = testEnvironment(["PATH": "/usr/bin:/bin"])
        environment.now = { now.withLock { $0 } }
        var user = UserCredentials()
        user.exec = try self.plugin(script)
        let (given, me) = (environment, user)
        @Sendable func runs() throws -> Int {
            try String(contentsOfFile: count, encoding: .utf8).split(separator: "\n").count
        }
        try await FakeServer.run(Self.answer) { server in
            let client = try server.client(user: me, environment: given)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask { _ = try await client.get(TestKind.configMap, self.key) }
                }
                try await group.waitForAll()
            }
            #expect(server.requests.allSatisfy { $0.headers["Authorization"] == ["Bearer t"] })
            #expect(try runs() == 1)
            now.withLock { $0 = Timestamp(seconds: 1_900_000_000) }
            _ = try await client.get(TestKind.configMap, self.key)
            #expect(try runs() == 2)
        }
    }

    @Test func aTokenThatIsRefusedIsAskedForAgainOnce() async throws {
        let number = "\(self.directory.path)/number"
        let script = """
            echo x >> \(number)
            echo '\(Self.credential(#"{"token":"'$(wc -l < \#(number))'"}"#))'
            """
        var user = UserCredentials()
        user.exec = try self.plugin(script)
        let me = user
        try await FakeServer.run { request in
            request.headers["Authorization"] == ["Bearer 2"]
                ? .ok(TestKind.configMap("a")) : .failure(401, "Unauthorized")
        } during: { server in
            let client = try server.client(
                user: me,
                environment: testEnvironment(["PATH": "/usr/bin:/bin"])
            )
            #expect(try await client.get(TestKind.configMap, self.key).name == "a")
            #expect(server.requests.count == 2)
        }
    }

    @Test func aPluginIsToldWhatItIsFor() async throws {
        let script = """
            test "$1 $2" = 'get token; $(false)' || exit 3
            echo "$KUBERNETES_EXEC_INFO" > \(self.directory.path)/info
            echo '\(Self.credential(#"{"token":"'$WHO'"}"#))'
            """
        var exec = try self.plugin(script)
        exec.arguments = ["get", "token; $(false)"]
        exec.variables = ["WHO": "me"]
        exec.clusterInfo = #"{"server":"https://a"}"#
        var user = UserCredentials()
        user.exec = exec
        let me = user
        try await FakeServer.run(Self.answer) { server in
            let client = try server.client(
                user: me,
                environment: testEnvironment(["PATH": "/usr/bin:/bin"])
            )
            _ = try await client.get(TestKind.configMap, self.key)
            #expect(server.requests.first?.headers["Authorization"] == ["Bearer me"])
        }
        let info = try JSON(
            parsing: try String(contentsOfFile: "\(self.directory.path)/info", encoding: .utf8)
        )
        #expect(info["spec", "cluster", "server"] == "https://a")
        #expect(info["spec", "interactive"] == false)
    }

    /// What a plug-in does, and what of the error a person needs.
    @Test(
        arguments: [
            ("echo >&2 'please log in'; exit 4", ["ended with 4", "please log in"]),
            ("echo '{}'", ["no ExecCredential"]),
            (
                #"echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1"}'"#,
                ["v1beta1"]
            ),
            ("echo '\(CredentialTests.credential("{}"))'", ["neither a token nor a certificate"]),
            ("head -c 3000000 /dev/zero", ["more than 1048576 bytes"]),
        ] as [(String, [String])]
    )
    func aPluginThatGivesNothingIsNamedWithItsHint(
        script: String,
        words: [String]
    ) async throws {
        var exec = try self.plugin(script)
        exec.installHint = "Install it from the shop."
        let credentials = ExecCredentials(
            exec,
            testEnvironment(["PATH": "/usr/bin:/bin"])
        )
        let error = await #expect(throws: ClusterError.self) { try await credentials.current() }
        #expect(error?.reason == .credentials)
        let text = try #require(error).message
        for word in words + ["/etc/kube", "user \"eks\"", "Install it from the shop."] {
            #expect(text.contains(word), "\(text)")
        }
    }

    @Test func aPluginThatHangsIsGivenUp() async throws {
        let credentials = ExecCredentials(
            try self.plugin("exec tail -f /dev/null"),
            testEnvironment(["PATH": "/usr/bin:/bin"]),
            timeout: .milliseconds(200)
        )
        let error = await #expect(throws: ClusterError.self) { try await credentials.current() }
        #expect(error?.message.contains("did not end") == true)
    }

    @Test(.timeLimit(.minutes(10))) func aProgramThatNobodyWaitsForIsKilled() async throws {
        let number = "\(self.directory.path)/number"
        let child = ChildProcess(
            executable: try self.program("echo $$ > \(number); exec tail -f /dev/null"),
            arguments: [],
            variables: ["PATH": "/usr/bin:/bin"],
            limit: 100
        )
        let run = Task { try await child.run() }
        var text = ""
        while !text.hasSuffix("\n") {
            try Task.checkCancellation()
            text = (try? String(contentsOfFile: number, encoding: .utf8)) ?? ""
            await Task.yield()
        }
        let process = try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        run.cancel()
        await #expect(throws: CancellationError.self) { try await run.value }
        // It has been waited for before that: the number is nobody's.
        #expect(kill(process, 0) == -1)
    }

    @Test func aProgramThatIsNotThereIsSaid() async throws {
        let exec = ExecPlugin(
            command: "no-such-program",
            apiVersion: "client.authentication.k8s.io/v1",
            source: "f",
            entry: "e"
        )
        let credentials = ExecCredentials(exec, testEnvironment(["PATH": "/usr/bin:/bin"]))
        let error = await #expect(throws: ClusterError.self) { try await credentials.current() }
        #expect(error?.message.contains("no program no-such-program in PATH") == true)
    }
}
