// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Foundation
import Identity
import Kinds
import KubernetesClient
import ObjectModel
import Testing
import VolumeStore

@testable import Agent
@testable import ControlPlane
@testable import EmbeddedCluster

/// What a pair is made of is wrong or over: told in words, and mended by correcting the pair.
@Suite(.serialized, .timeLimit(.minutes(15)), .enabled(if: TestKind.isEmbedded, TestKind.reason))
struct PairFailureTests {
    @Test func aWrongTokenIsToldAndTheRightOneMendsIt() async throws {
        try await FailureStage.with("wrong-token") { stage in
            try await stage.install()
            let right = try await stage.destination.pairSpec()
            let wrong = String(repeating: "5a", count: 64)
            try await stage.pair { $0.options["token"] = wrong }
            let pair = try await stage.pairStatus { $0.storageStatus == .error }
            let condition = try #require(pair.conditions["StorageReady"])
            #expect(condition.reason == "TokenRefused" && condition.status == .no)
            #expect(condition.message.contains("token"), "\(condition.message)")
            #expect(condition.message.contains(" Try: "), "\(condition.message)")
            let warning = try await stage.warning(about: FailureStage.pair, saying: "token")
            #expect(warning["reason"] == "Error")
            let described = try stage.godwit("describe", "clusterpair", FailureStage.pair)
            #expect(described.output.contains("TokenRefused"), "\(described.output)")
            #expect(!described.output.contains(wrong), "a token is a secret, also a wrong one")

            try await stage.migrate("move")
            try await stage.waits("move", ["ClusterPairNotReady"], saying: "token")
            try await stage.correct(right)
            try await stage.succeeds("move")
            try await stage.pairIsReady()
        }
    }

    @Test func aKubeconfigWhoseCertificateHasEndedIsToldAndANewOneMendsIt() async throws {
        try await FailureStage.with("ended-kubeconfig") { stage in
            try await stage.install()
            let right = try await stage.destination.pairSpec()
            // Certificates of users hold for a year.
            let past = Date(timeIntervalSinceNow: -2 * 365 * 86_400)
            let ended = try stage.destination.kubeconfig(of: .admin, madeAt: past)
            try await stage.pair { $0.config = ended }
            let pair = try await stage.pairStatus { $0.schedulerStatus == .error }
            let condition = try #require(pair.conditions["SchedulerReady"])
            #expect(condition.reason == "CertificateInvalid", "\(condition)")
            #expect(condition.message.contains("client certificate"), "\(condition.message)")
            #expect(condition.message.contains("ended at"), "\(condition.message)")
            #expect(condition.message.contains(" Try: "), "\(condition.message)")
            let warning = try await stage.warning(about: FailureStage.pair, saying: "ended at")
            #expect(warning["reason"] == "Error")

            try await stage.migrate("move")
            try await stage.waits("move", ["ClusterPairNotReady"], saying: "ended at")
            try await stage.correct(right)
            try await stage.succeeds("move")
            try await stage.pairIsReady()
        }
    }

    /// As after more than a day without the source's agent, at a destination that has another token.
    @Test func aPairWhoseCertificateHasEndedIsToldAndANewTokenMendsIt() async throws {
        try await FailureStage.with("ended-pair") { stage in
            try await stage.install()
            try await stage.pair()
            try await stage.pairIsReady()
            try await stage.destination.agent { agent throws(APIError) in
                let _: TokenInfo = try await agent.post(AgentRoute.tokenReset, ["yes": true])
            }
            stage.source.agentProcess.kill9()
            try Self.endCertificate(from: stage.source, to: stage.destination)
            try await stage.startAgent(of: stage.source)

            try await stage.migrate("move")
            try await stage.isHeldUp("move", ["CertificateInvalid"], saying: "ended at")
            let pair = try await stage.pairStatus { $0.storageStatus == .degraded }
            let condition = try #require(pair.conditions["StorageReady"])
            #expect(condition.reason == "TokenRefused", "\(condition)")
            #expect(condition.message.contains("ended at"), "\(condition.message)")
            let warning = try await stage.warning(about: FailureStage.pair, saying: "ended at")
            #expect(warning["reason"] == "Degraded")
            try await stage.correct(stage.destination.pairSpec())
            try await stage.succeeds("move")
            try await stage.pairIsReady()
        }
    }

    /// The same at a destination whose token is the pair's still: nobody has to do anything.
    @Test func aPairWhoseCertificateHasEndedIsMadeAnewWhereTheTokenHolds() async throws {
        try await FailureStage.with("renewed-pair") { stage in
            try await stage.install()
            try await stage.pair()
            try await stage.pairIsReady()
            stage.source.agentProcess.kill9()
            try Self.endCertificate(from: stage.source, to: stage.destination)
            try await stage.startAgent(of: stage.source)
            try await stage.migrate("move")
            try await stage.succeeds("move")
            try await stage.pairIsReady()
        }
    }

    /// Puts a certificate of the day before yesterday in the place of that of a pair.
    private static func endCertificate(from source: Site, to destination: Site) throws {
        let own = try AgentIdentity(
            directory: "\(source.directory)/pool/identity",
            now: { Date() }
        )
        let other = try AgentIdentity(
            directory: "\(destination.directory)/pool/identity",
            now: { Date() }
        )
        let path = "\(source.directory)/pool/identity/pairs/outgoing-\(other.cluster).json"
        var record = try #require(try StateFile.load(TrustRecord.self, from: path))
        let key = SigningKey()
        let ended = try other.authority.certifyPair(
            try CertificateRequest(for: key, of: own.cluster),
            of: own.cluster,
            at: Date(timeIntervalSinceNow: -2 * 86_400),
            lifetime: .seconds(86_400)
        )
        record.certificate = ended.pem
        record.privateKey = key.pem
        try StateFile.store(record, to: path)
    }
}

extension Site {
    /// A kubeconfig, as a pair holds it, of a user whose certificate the embedded cluster's authority
    /// has issued at some time.
    func kubeconfig(of user: ClusterUser, madeAt time: Date) throws -> JSON {
        let path = "\(self.directory)/cluster"
        let file = try JSON(
            parsing: String(contentsOfFile: "\(path)/authority.json", encoding: .utf8)
        )
        let authority = try ClusterAuthority(
            CertificatePair(
                certificate: try #require(file["certificate"]?.string),
                key: try #require(file["key"]?.string)
            )
        )
        let issued = try authority.client(user, now: time)
        let admin = try JSON(
            yaml: String(contentsOfFile: "\(path)/admin.kubeconfig", encoding: .utf8)
        )
        var config = try #require(ClusterPairSpec.config(ofKubeconfig: admin))
        let name = try #require(config["users"]?.object?.keys.first)
        config.set(
            [
                "client-certificate-data": Self.base64(issued.certificate),
                "client-key-data": Self.base64(issued.key),
            ],
            at: "users",
            name
        )
        return config
    }

    private static func base64(_ text: String) -> JSON {
        .string(Data(text.utf8).base64EncodedString())
    }
}
