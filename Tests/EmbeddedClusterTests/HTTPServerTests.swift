// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import ObjectModel
import ServiceLifecycle
import TestSupport
import Testing

@testable import EmbeddedCluster

/// The server as a client on the network sees it.
@Suite(.serialized) struct HTTPServerTests {
    /// Speaks to a cluster with the credentials of a kubeconfig, or with none.
    private static func speaking<Value>(
        to cluster: HTTPTestCluster,
        as kubeconfig: String?,
        _ change: (inout TLSConfiguration) -> Void = { _ in },
        _ body: (HTTPClient, String) async throws -> Value
    ) async throws -> Value {
        let authority = try String(contentsOfFile: "\(cluster.directory)/ca.crt", encoding: .utf8)
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authority.utf8)))
        if let kubeconfig {
            let text = try String(contentsOfFile: kubeconfig, encoding: .utf8)
            let pair = try #require(KubeconfigFile.certificate(in: text))
            tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(pair.certificate.utf8))
                .map { .certificate($0) }
            tls.privateKey = .privateKey(
                try NIOSSLPrivateKey(bytes: Array(pair.key.utf8), format: .pem)
            )
        }
        change(&tls)
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        configuration.httpVersion = .http1Only
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(client, try #require(cluster.server.url)))
        } catch { result = .failure(error) }
        try await client.shutdown()
        return try result.get()
    }

    private static func get(
        _ client: HTTPClient,
        _ url: String,
        _ headers: HTTPHeaders = [:]
    ) async throws -> (code: Int, text: String) {
        var request = HTTPClientRequest(url: url)
        request.headers = headers
        let response = try await client.execute(request, timeout: .seconds(30))
        let body = try await response.body.collect(upTo: 8 << 20)
        return (Int(response.status.code), String(buffer: body))
    }

    @Test func aStrangerSeesThatItLivesAndNothingElse() async throws {
        try await HTTPTestCluster.running { cluster in
            try await Self.speaking(to: cluster, as: nil) { client, url in
                for path in ["livez", "readyz", "healthz"] {
                    let answer = try await Self.get(client, "\(url)/\(path)")
                    #expect(answer == (200, "ok"))
                }
                #expect(try await Self.get(client, "\(url)/version").code == 200)
                for path in ["api", "apis", "api/v1/secrets", "openapi/v3", "none"] {
                    let answer = try await Self.get(client, "\(url)/\(path)")
                    #expect(answer.code == 401)
                    #expect(try JSON(parsing: answer.text)["reason"] == "Unauthorized")
                }
                let token = try await Self.get(client, "\(url)/api", ["Authorization": "Bearer x"])
                #expect(token.code == 401)
            }
        }
    }

    @Test func aWrongTokenIsRefusedWhateverTheCertificateSays() async throws {
        try await HTTPTestCluster.running { cluster in
            try await Self.speaking(to: cluster, as: cluster.admin) { client, url in
                #expect(try await Self.get(client, "\(url)/api").code == 200)
                let wrong = try await Self.get(client, "\(url)/api", ["Authorization": "Bearer x"])
                #expect(wrong.code == 401)
                let basic = try await Self.get(
                    client,
                    "\(url)/api",
                    ["Authorization": "Basic eDp5"]
                )
                #expect(basic.code == 401)
            }
        }
    }

    @Test func tlsBeforeItsThirdVersionIsRefused() async throws {
        try await HTTPTestCluster.running { cluster in
            await #expect(throws: (any Error).self) {
                try await Self.speaking(to: cluster, as: cluster.admin) { tls in
                    tls.maximumTLSVersion = .tlsv12
                } _: { client, url in
                    _ = try await Self.get(client, "\(url)/livez")
                }
            }
        }
    }

    @Test func aCertificateOfAnotherClusterOpensNothing() async throws {
        try await HTTPTestCluster.running { one in
            try await HTTPTestCluster.running { other in
                await #expect(throws: (any Error).self) {
                    try await Self.speaking(to: one, as: other.admin) { client, url in
                        _ = try await Self.get(client, "\(url)/api")
                    }
                }
            }
        }
    }

    @Test func aBodyOverTheLimitIsRefused() async throws {
        try await HTTPTestCluster.running { cluster in
            try await Self.speaking(to: cluster, as: cluster.admin) { client, url in
                var request = HTTPClientRequest(url: "\(url)/api/v1/namespaces/default/configmaps")
                request.method = .POST
                request.headers = ["Content-Type": "application/json"]
                let large = String(repeating: "x", count: HTTPLimits.body)
                request.body = .bytes(ByteBuffer(string: "{\"data\":{\"a\":\"\(large)\"}}"))
                let response = try await client.execute(request, timeout: .seconds(60))
                #expect(response.status.code == 413)
            }
        }
    }

    @Test func aWatchEndsInTimeWithWhatHappenedMeanwhile() async throws {
        try await HTTPTestCluster.running { cluster in
            try await Self.speaking(to: cluster, as: cluster.admin) { client, url in
                let answer = try await Self.get(
                    client,
                    "\(url)/api/v1/namespaces?watch=true&timeoutSeconds=1"
                )
                let events = try answer.text.split(separator: "\n")
                    .map { try JSON(parsing: String($0)) }
                #expect(events.allSatisfy { $0["type"] == "ADDED" })
                let names = events.compactMap { $0["object", "metadata", "name"]?.string }
                #expect(names.contains("default"))
            }
        }
    }

    @Test func shutdownEndsWatchesAndTheServer() async throws {
        let place = try TemporaryDirectory()
        let options = EmbeddedServerOptions(directory: "\(place.path)/cluster")
        let (ready, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let server = try await EmbeddedServer(options, logger: HTTPTestCluster.logger) { _ in
            signal.yield()
        }
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: server, successTerminationBehavior: .ignore)],
                logger: HTTPTestCluster.logger
            )
        )
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            for await _ in ready { break }
            let cluster = HTTPTestCluster(server: server, directory: options.directory)
            try await Self.speaking(to: cluster, as: cluster.admin) { client, url in
                var request = HTTPClientRequest(url: "\(url)/api/v1/namespaces?watch=true")
                request.method = .GET
                let response = try await client.execute(request, timeout: .seconds(60))
                var iterator = response.body.makeAsyncIterator()
                #expect(try await iterator.next() != nil)
                await group.triggerGracefulShutdown()
                while let piece = try? await iterator.next() { #expect(piece.readableBytes > 0) }
            }
            try await tasks.waitForAll()
        }
        #expect(try ClusterDirectory(options.directory).read("none") == nil)
    }

    @Test func addressAndObjectsAreTheSameAfterARestart() async throws {
        let place = try TemporaryDirectory()
        let directory = "\(place.path)/cluster"
        let kubeconfig = "\(directory)/admin.kubeconfig"
        try await HTTPTestCluster.running(in: directory, users: ["shop"]) { cluster in
            let map: JSON = ["metadata": ["name": "kept"]]
            _ = try await cluster.answer("POST", "/api/v1/namespaces/default/configmaps", map)
        }
        let before = try String(contentsOfFile: kubeconfig, encoding: .utf8)
        let user = "\(directory)/user-shop.kubeconfig"
        try FileManager.default.removeItem(atPath: "\(directory)/server.json")
        try await HTTPTestCluster.running(in: directory) { cluster in
            #expect(try String(contentsOfFile: kubeconfig, encoding: .utf8) == before)
            #expect(FileManager.default.fileExists(atPath: user))
            try await Self.speaking(to: cluster, as: kubeconfig) { client, url in
                let path = "/api/v1/namespaces/default/configmaps/kept"
                let answer = try await Self.get(client, url + path)
                #expect(answer.code == 200)
            }
        }
    }

    @Test func certificatesAreMadeAnewAtAStartNearTheirEnd() async throws {
        let place = try TemporaryDirectory()
        let directory = "\(place.path)/cluster"
        let kubeconfig = "\(directory)/admin.kubeconfig"
        try await HTTPTestCluster.running(in: directory) { _ in }
        let before = try String(contentsOfFile: kubeconfig, encoding: .utf8)
        let later = StoreEnvironment(
            now: { Date(timeIntervalSinceNow: 300 * 86_400) },
            random: StoreEnvironment.system.random
        )
        try await HTTPTestCluster.running(in: directory, environment: later) { _ in
            let after = try String(contentsOfFile: kubeconfig, encoding: .utf8)
            let (old, new) = (
                KubeconfigFile.certificate(in: before), KubeconfigFile.certificate(in: after)
            )
            #expect(old != new)
            #expect(
                try JSON(parsing: before)["clusters"] == (try JSON(parsing: after)["clusters"])
            )
        }
    }

    @Test func aSecondServerOnOneDirectoryIsToldWhoHasIt() async throws {
        try await HTTPTestCluster.running { cluster in
            let error = await #expect(throws: EmbeddedServerError.self) {
                _ = try await EmbeddedServer(
                    EmbeddedServerOptions(directory: cluster.directory),
                    logger: HTTPTestCluster.logger
                )
            }
            #expect(error?.code == .directoryInUse)
        }
    }

    @Test func aPortInUseIsNamed() async throws {
        let (descriptor, port) = try Loopback.listen(backlog: 1)
        defer { close(descriptor) }
        let place = try TemporaryDirectory()
        let error = await #expect(throws: EmbeddedServerError.self) {
            try await HTTPTestCluster.running(in: "\(place.path)/cluster", port: Int(port)) { _ in }
        }
        #expect(error?.code == .addressInUse)
        #expect(error?.message.contains("127.0.0.1:\(port)") == true)
    }

    @Test func anAuthorityThatOthersCanReadIsRefused() async throws {
        let place = try TemporaryDirectory()
        let directory = "\(place.path)/cluster"
        try await HTTPTestCluster.running(in: directory) { _ in }
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644],
            ofItemAtPath: "\(directory)/authority.json"
        )
        let error = await #expect(throws: EmbeddedServerError.self) {
            try await HTTPTestCluster.running(in: directory) { _ in }
        }
        #expect(error?.code == .damaged)
    }
}
