// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import Kinds
import ObjectModel
import Testing

@testable import godwit

/// What storkctl takes, godwit takes too.
@Suite struct StorkArgumentTests {
    /// Parses a line as the program does.
    private static func parsed(_ line: String) async throws -> any ParsableCommand {
        let arguments = Arguments.prepared(line.split(separator: " ").map(String.init))
        if let wrong = Arguments.unknownSubcommand(arguments, of: Godwit.self) { throw wrong }
        return try await Godwit.asyncParseAsRoot(arguments)
    }

    @Test(arguments: [
        "get clusterpair", "get clusterpairs", "get cp", "get cpair a b", "-n x get cp -o wide",
        "get clusterpair -A", "get --all-namespaces cp",
    ])
    func pairsHaveTheseWords(line: String) async throws {
        #expect(try await Self.parsed(line) is Get<ClusterPairNoun>)
    }

    @Test(arguments: [
        "get migration", "get migrations", "get mig", "get migration -c p --watch",
        "get migrations --clusterPair p -n x", "get mig a -w --kubeconfig f --context c",
    ])
    func migrationsHaveTheseWords(line: String) async throws {
        #expect(try await Self.parsed(line) is Get<MigrationNoun>)
    }

    @Test(arguments: [
        "get migrationschedule", "get migrationschedules", "get migsched s -o wide",
        "get migrationschedules -c p -n x",
    ])
    func schedulesHaveTheseWords(line: String) async throws {
        #expect(try await Self.parsed(line) is Get<MigrationScheduleNoun>)
    }

    @Test func policiesHaveTheseWords() async throws {
        for word in ["schedulepolicy", "schedulepolicies", "sp", "spol"] {
            #expect(try await Self.parsed("get \(word)") is Get<SchedulePolicyNoun>)
        }
    }

    @Test(arguments: [
        "--clusterPair p --namespaces a,b --includeResources=false --startApplications=true",
        "-c p --namespaces a --namespaces b --no-include-resources --start-applications",
        "--cluster-pair=p --namespaces=a,b --includeResources=0 --startApplications",
    ])
    func bothSpellingsMeanTheSame(flags: String) async throws {
        let command = try await Self.parsed("create migrations m \(flags) -n a")
        let create = try #require(command as? CreateMigration)
        #expect(create.moved.clusterPair == "p")
        #expect(MigrationOptions.words(create.moved.namespaces) == ["a", "b"])
        #expect(
            !create.includeResources && create.startApplications && create.details.includeVolumes
        )
    }

    @Test func applicationsAndResourcesAreMovedAndStartedUnlessSaidOtherwise() async throws {
        let command = try await Self.parsed("create migration m -c p --namespaces a -a -r")
        let create = try #require(command as? CreateMigration)
        #expect(create.includeResources && create.startApplications)
        let off = try await Self.parsed(
            "create migration m -c p --namespaces a --startApplications=false"
        )
        #expect((off as? CreateMigration)?.startApplications == false)
    }

    @Test func onlyNamesOfOptionsAreRewritten() {
        #expect(
            Arguments.kebab(["create", "migration", "aB", "--clusterPair=xY", "--", "--aB"])
                == ["create", "migration", "aB", "--cluster-pair=xY", "--", "--aB"]
        )
        #expect(
            Arguments.kebab(["-o", "json", "--dry-run=false"]) == ["-o", "json", "--dry-run=false"]
        )
        #expect(
            Arguments.kebab(["--includeNetworkPolicyWithCIDR", "--suspend=false", "--suspend=true"])
                == ["--include-network-policy-with-cidr", "--suspend"]
        )
    }

    @Test func globalOptionsMayStandBeforeTheCommand() {
        #expect(
            Arguments.prepared(["-n", "x", "--context=c", "-A", "get", "cp", "a"])
                == ["get", "cp", "a", "-n", "x", "--context=c", "-A"]
        )
        #expect(
            Arguments.prepared(["get", "-n", "x", "cp", "-o", "json", "a"])
                == ["get", "cp", "-o", "json", "a", "-n", "x"]
        )
    }

    @Test func aWordThatIsNoneGetsTheOneThatWasMeant() throws {
        let wrong = try #require(
            Arguments.unknownSubcommand(["get", "clusterpiar"], of: Godwit.self)
        )
        #expect(wrong.try == "did you mean 'godwit get clusterpair'?")
        #expect(wrong.exitCode == 64)
        let verb = try #require(Arguments.unknownSubcommand(["creat", "mig"], of: Godwit.self))
        #expect(verb.try == "did you mean 'godwit create'?")
        #expect(Arguments.unknownSubcommand(["get", "mig"], of: Godwit.self) == nil)
    }

    @Test(arguments: [
        ("create migration m --clusterPiar p", "--cluster-pair"), ("get mig --wathc", "--watch"),
        ("apply -f f --forec-conflicts", "--force-conflicts"),
        ("migrate a --to p --no-stat", "--no-start"),
    ])
    func aFlagThatIsNoneGetsTheOneThatWasMeant(line: String, meant: String) async throws {
        let error = await #expect(throws: (any Error).self) { try await Self.parsed(line) }
        let failure = try #require(error)
        #expect(Godwit.exitCode(for: failure).rawValue == 64)
        #expect(Godwit.message(for: failure).contains("Did you mean '\(meant)'?"))
    }

    @Test func aMigrationSaysWhatWasAskedFor() async throws {
        let line =
            "create migration m -c p --namespaces a --selectors app=db,tier=1 --purgeDeletedResources"
            + " --preExecRule before --include-volumes=false --include-jobs --exclude-resource-types Secret"
        let create = try #require(try await Self.parsed(line) as? CreateMigration)
        var spec = MigrationSpec()
        spec.clusterPair = "p"
        spec.namespaces = ["a"]
        try create.details.apply(to: &spec)
        let object = MigrationNoun.object(ObjectKey("a", "m"), spec)
        let written = MigrationSpec(object["spec"])
        #expect(written == spec)
        #expect(written.preExecRule == "before" && written.postExecRule.isEmpty)
        #expect(written.selectors == ["app": "db", "tier": "1"])
        #expect(written.purgesDeletedResources && !written.includesVolumes)
        #expect(written.includeOptionalResourceTypes == ["Job"])
        #expect(written.excludeResourceTypes == ["Secret"])
        #expect(written.skipsDeletedNamespaces && !written.skipsServiceUpdate)
        #expect(object.name == "m" && object.namespace == "a" && object.kind == "Migration")
    }

    @Test func aNameThatNobodyGaveIsOne() {
        var generator = SystemRandomNumberGenerator()
        for namespace in ["mysql", String(repeating: "a", count: 63)] {
            let name = MigrationNoun.name(of: [namespace, "b"], using: &generator)
            #expect(name.hasPrefix("\(namespace)-") && NameRule.isSubdomain(name))
        }
    }

    @Test(arguments: [
        ("/usr/bin/storkctl", "storkctl get mig"), ("pxctl", "pxctl get mig"),
        ("./kubectl-godwit", "kubectl godwit get mig"), ("godwit", "godwit get mig"),
        ("anything", "godwit get mig"),
    ])
    func hintsUseTheNameThatWasTyped(path: String, hint: String) {
        #expect(Program(path: path).named(in: "godwit get mig") == hint)
    }

    @Test func otherProgramsAndPathsKeepTheirNames() {
        let text = "start godwit-agent run, then /opt/godwit get; 'godwit check' or\ngodwit get"
        #expect(
            Program.storkctl.named(in: text)
                == "start godwit-agent run, then /opt/godwit get; 'storkctl check' or\nstorkctl get"
        )
    }

    @Test func asPxctlOnlyTheTokenIsThere() throws {
        try Program.pxctl.check(["cluster", "token", "show"])
        try Program.pxctl.check(["cluster", "token", "reset", "--yes"])
        try Program.pxctl.check(["--help"])
        #expect(throws: APIError.self) { try Program.pxctl.check(["volume", "list"]) }
        try Program.storkctl.check(["get", "cp"])
    }
}
