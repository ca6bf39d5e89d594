// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation

/// What is asked of the agent of this machine and of those that it sends to.
struct AgentChecks {
    static let area = "agent"

    /// Where the agent is.
    let location: String
    /// Whether somebody named it: else none need run here.
    let isGiven: Bool
    /// Addresses of peers beside those of the agent's pairs.
    let peers: [String]

    func findings() async -> [Finding] {
        var findings: [Finding] = []
        var places = self.peers.map { text in
            let place = StorageOptions.hostAndPort(text)
            return (place.host, Int(place.port) ?? 0, dataPort: Self.dataPort)
        }
        var waysBack: [Finding] = []
        do throws(APIError) {
            let agent = try AgentClient(at: self.location)
            do throws(APIError) {
                let version: VersionInfo = try await agent.get(AgentRoute.version)
                let pairs: ItemList<PairInfo> = try await agent.get(AgentRoute.pairs)
                findings.append(
                    .ok(
                        "agent-reachable",
                        Self.area,
                        "the agent at \(self.location) answers: \(version.version)"
                    )
                )
                findings.append(Self.skew("agent-version", Self.area, version.version))
                for pair in pairs.items where pair.direction == .outgoing {
                    guard let host = pair.host, let port = pair.apiPort else { continue }
                    places.append((host, port, pair.dataPort ?? Self.dataPort))
                    waysBack += await Self.wayBack(pair.name, host, agent)
                }
                await agent.close()
            } catch {
                await agent.close()
                throw error
            }
        } catch {
            findings.append(self.unreachable(error))
        }
        for place in places {
            findings += await Self.peer(place.0, place.1, dataPort: place.dataPort)
        }
        return findings + waysBack
    }

    /// Both ports of the agent here, from a peer: failing back needs them, replicating does not.
    private static func wayBack(
        _ pair: String,
        _ host: String,
        _ agent: AgentClient
    ) async -> [Finding] {
        let area = "way back from \(host)"
        do throws(APIError) {
            let reach: PairReach = try await agent.post(
                AgentRoute.pair(pair, "reach"),
                [String: String]()
            )
            return zip(reach.ports, ["back-api", "back-data"])
                .map { port, id in
                    guard let problem = port.problem else {
                        return .ok(
                            id,
                            area,
                            "port \(port.number) of this agent is reached at \(reach.address)"
                        )
                    }
                    return Finding(
                        id: id,
                        area: area,
                        result: .warning,
                        message: "port \(port.number) of this agent is not reached at "
                            + "\(reach.address): failing back will need it",
                        cause: problem,
                        try: port.remedy.map { "there: \($0)" }
                    )
                }
        } catch {
            return [
                Finding(
                    id: "back-api",
                    area: area,
                    result: .skipped,
                    message: "the agent there could not be asked: \(error.message)"
                )
            ]
        }
    }

    private static let dataPort = 9010

    /// Where nobody said that there is one, none is no failure: volumes may be on other machines.
    private func unreachable(_ error: APIError) -> Finding {
        if self.isGiven || error.id != .agentUnreachable {
            return .failed("agent-reachable", Self.area, error)
        }
        return Finding(
            id: "agent-reachable",
            area: Self.area,
            result: .skipped,
            message: "no agent runs at \(self.location): name one with --agent"
        )
    }

    private static func skew(_ id: String, _ area: String, _ theirs: String) -> Finding {
        guard let problem = VersionSkew.problem(Release.version, theirs) else {
            return .ok(id, area, "version \(theirs) goes with ours, \(Release.version)")
        }
        return Finding(
            id: id,
            area: area,
            result: .warning,
            message: "the versions may not go together",
            cause: problem,
            try: "bring both to the same release"
        )
    }

    /// Both ports of one peer, its version and its clock.
    private static func peer(_ host: String, _ port: Int, dataPort: Int) async -> [Finding] {
        let area = "peer \(host)"
        var findings: [Finding] = []
        do throws(APIError) {
            let client = try PeerClient(host: host, port: port, trust: .nobody)
            let before = Date()
            let authority = try await client.once { client throws(APIError) -> PairingAuthority in
                try await client.get(PeerRoute.authority)
            }
            let after = Date()
            findings.append(
                .ok("peer-api", area, "port \(port) answers over TLS 1.3: \(authority.version)")
            )
            findings.append(Self.skew("peer-version", area, authority.version))
            if let time = authority.time {
                findings.append(
                    .clocks("peer-clock", area, theirs: time, before: before, after: after)
                )
            }
        } catch { findings.append(.failed("peer-api", area, error)) }
        do throws(APIError) {
            try PortProbe.connect(host, dataPort)
            findings.append(.ok("peer-data", area, "port \(dataPort) takes connections"))
        } catch { findings.append(.failed("peer-data", area, error)) }
        return findings
    }
}
