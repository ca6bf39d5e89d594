// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import ObjectModel
import TestSupport
import Testing

@testable import EmbeddedCluster

@Suite struct HTTPAuthorizerTests {
    private static func request(
        _ verb: String,
        _ resource: String,
        group: String = "",
        in namespace: String? = nil,
        name: String? = nil
    ) -> AccessRequest {
        AccessRequest(
            verb: verb,
            group: group,
            resource: resource,
            namespace: namespace,
            name: name
        )
    }

    private static let stork = "stork.libopenstorage.org"

    private static let table: [(AccessRequest, Bool)] = [
        (Self.request("create", "secrets", in: "mine"), true),
        (Self.request("deletecollection", "migrations", group: Self.stork, in: "mine"), true),
        (Self.request("get", "namespaces", name: "mine"), true),
        (Self.request("list", "schedulepolicies", group: Self.stork), true),
        (Self.request("create", "selfsubjectaccessreviews", group: "authorization.k8s.io"), true),
        (Self.request("create", "secrets", in: "other"), false),
        (Self.request("list", "secrets"), false),
        (Self.request("get", "namespaces", name: "other"), false),
        (Self.request("list", "namespaces"), false),
        (Self.request("delete", "namespaces", name: "mine"), false),
        (Self.request("create", "namespaces"), false),
        (Self.request("create", "schedulepolicies", group: Self.stork), false),
        (Self.request("list", "persistentvolumes"), false),
        (Self.request("create", "tokenreviews", group: "authentication.k8s.io"), false),
        (Self.request("create", "subjectaccessreviews", group: "authorization.k8s.io"), false),
    ]

    @Test(arguments: Self.table)
    func theUserOfANamespaceMayDoWhatIsInIt(_ request: AccessRequest, _ isAllowed: Bool) {
        #expect(Authorizer.allows(.user(of: "mine"), request) == isAllowed)
        #expect(Authorizer.allows(.admin, request))
        #expect(!Authorizer.allows(ClusterUser(name: "a", groups: []), request) || isAllowed)
    }

    @Test func aRefusalNamesWhoAndWhat() {
        var request = Self.request("get", "migrations", group: Self.stork, in: "b", name: "m")
        #expect(
            Authorizer.refusal(.user(of: "a"), request) == """
                migrations.stork.libopenstorage.org "m" is forbidden: User "user-a" cannot get \
                resource "migrations" in API group "stork.libopenstorage.org" in the namespace "b"
                """
        )
        request.subresource = "status"
        request.namespace = nil
        #expect(
            Authorizer.refusal(.user(of: "a"), request)
                .hasSuffix(
                    "resource \"migrations/status\" in API group \"stork.libopenstorage.org\" at the "
                        + "cluster scope"
                )
        )
    }
}

@Suite struct HTTPAuthorityTests {
    private let start = Date(timeIntervalSince1970: 1_800_000_000)

    private func days(_ count: Double) -> Date { self.start.addingTimeInterval(count * 86_400) }

    @Test func aCertificateNamesItsUserWhileItHolds() throws {
        let authority = try ClusterAuthority(now: self.start)
        let user = ClusterUser(name: "a", groups: ["b", "c"])
        let pair = try authority.client(user, now: self.start)
        #expect(authority.user(of: pair, now: self.days(1)) == user)
        #expect(authority.user(of: pair, now: self.days(364)) == user)
        #expect(authority.user(of: pair, now: self.days(366)) == nil)
        #expect(authority.user(of: pair, now: self.days(-1)) == nil)
    }

    @Test func anotherAuthoritysCertificateIsNobodys() throws {
        let authority = try ClusterAuthority(now: self.start)
        let other = try ClusterAuthority(now: self.start)
        let pair = try other.client(.admin, now: self.start)
        #expect(authority.user(of: pair, now: self.start) == nil)
        let server = try authority.server(hosts: ["localhost"], now: self.start)
        #expect(authority.user(of: server, now: self.start) == nil)
    }

    @Test func aCertificateIsMadeAnewAThirdBeforeItsEnd() throws {
        let authority = try ClusterAuthority(now: self.start)
        let hosts = ["localhost", "127.0.0.1", "::1"]
        let pair = try authority.server(hosts: hosts, now: self.start)
        #expect(authority.isUsable(pair, hosts: hosts, now: self.days(240)))
        #expect(!authority.isUsable(pair, hosts: hosts, now: self.days(246)))
        #expect(!authority.isUsable(pair, hosts: hosts + ["b"], now: self.days(1)))
        let other = try ClusterAuthority(now: self.start)
        #expect(!other.isUsable(pair, hosts: hosts, now: self.days(1)))
    }

    @Test func anAuthorityIsTheSameAfterARestart() throws {
        let authority = try ClusterAuthority(now: self.start)
        let again = try ClusterAuthority(authority.pair)
        let pair = try authority.client(.admin, now: self.start)
        #expect(again.user(of: pair, now: self.start) == .admin)
        #expect(throws: (any Error).self) {
            let other = try ClusterAuthority(now: self.start)
            _ = try ClusterAuthority(
                CertificatePair(certificate: authority.pem, key: other.pair.key)
            )
        }
    }
}

@Suite struct HTTPDirectoryTests {
    @Test func oneProcessAtATimeHasADirectory() throws {
        let place = try TemporaryDirectory()
        let path = "\(place.path)/a/b"
        let first = try ClusterDirectory(path)
        let error = #expect(throws: EmbeddedServerError.self) { try ClusterDirectory(path) }
        #expect(error?.code == .directoryInUse)
        #expect(error?.message.contains("\(path)/lock") == true)
        withExtendedLifetime(first) {}
    }

    @Test func aDirectoryIsFreeAgainWhenItsOwnerLetsGo() throws {
        let place = try TemporaryDirectory()
        do { _ = try ClusterDirectory(place.path) }
        #expect(try ClusterDirectory(place.path).read("none") == nil)
    }

    @Test func aDirectoryIsFreeAgainWhileAChildHasACopyOfItsLock() throws {
        let place = try TemporaryDirectory()
        let first = try ClusterDirectory(place.path)
        let copy = try #require(copiedDescriptor(of: "\(place.path)/lock"))
        defer { close(copy) }
        first.release()
        #expect(try ClusterDirectory(place.path).read("none") == nil)
    }

    @Test func filesAreForTheirUserAlone() throws {
        let place = try TemporaryDirectory()
        let directory = try ClusterDirectory("\(place.path)/new")
        try directory.write("first", to: "a")
        try directory.write("second", to: "a")
        #expect(try directory.read("a") == "second")
        #expect(directory.state(of: "a")?.isPrivate == true)
        let mode =
            try FileManager.default.attributesOfItem(atPath: directory.path)[.posixPermissions]
        #expect(mode as? Int == 0o700)
        #expect(try directory.names().sorted() == [".", "..", "a", "lock"])
    }

    @Test func aDirectoryThatCannotBeMadeIsNamed() throws {
        let place = try TemporaryDirectory()
        try "x".write(toFile: "\(place.path)/file", atomically: true, encoding: .utf8)
        let error = #expect(throws: EmbeddedServerError.self) {
            try ClusterDirectory("\(place.path)/file/cluster")
        }
        #expect(error?.code == .notWritable)
        #expect(error?.message.contains("\(place.path)/file/cluster") == true)
    }
}

@Suite struct HTTPTokenTests {
    @Test func aLineOpensForItsUser() throws {
        let place = try TemporaryDirectory()
        let directory = try ClusterDirectory(place.path)
        let tokens = TokenFile(directory)
        #expect(tokens.user(of: "secret") == nil)
        try directory.write(
            "# comment\nsecret,a,1,\"b,c\"\nshort,d\n,e,1\nplain,f,2\r\n",
            to: TokenFile.name
        )
        #expect(tokens.user(of: "secret") == ClusterUser(name: "a", groups: ["b", "c"]))
        #expect(tokens.user(of: "plain") == ClusterUser(name: "f", groups: []))
        for wrong in ["", "short", "secret ", "# comment"] {
            #expect(tokens.user(of: wrong) == nil)
        }
    }

    @Test func aTokenThatIsTakenAwayOpensNothing() throws {
        let place = try TemporaryDirectory()
        let directory = try ClusterDirectory(place.path)
        let tokens = TokenFile(directory)
        try directory.write("secret,a,1", to: TokenFile.name)
        #expect(tokens.user(of: "secret") != nil)
        try directory.write("", to: TokenFile.name)
        #expect(tokens.user(of: "secret") == nil)
    }

    @Test func aFileThatOthersCanReadOpensNothing() throws {
        let place = try TemporaryDirectory()
        let directory = try ClusterDirectory(place.path)
        try directory.write("secret,a,1", to: TokenFile.name)
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644],
            ofItemAtPath: "\(place.path)/\(TokenFile.name)"
        )
        #expect(TokenFile(directory).user(of: "secret") == nil)
    }
}
