// SPDX-License-Identifier: Apache-2.0

import ControlPlane
import ObjectModel
import Testing

@Suite struct ApplicationControlTests {
    private let prefix = "stork.libopenstorage.org/"

    private func prepare(_ object: KubeObject, start: Bool) throws -> KubeObject {
        try ResourcePreparationTests.prepare(object) { $0.startApplications = start }.object
    }

    /// Replicas at the source, the saved number there; replicas and number at the destination when it
    /// is not started, and replicas when it is.
    @Test(
        arguments: [
            (3, nil, "3", 3), (0, nil, "0", 0), (0, "5", "5", 5), (2, "5", "2", 2),
            (0, "0", "0", 0),
            (0, "many", "0", 0), (nil, nil, "1", nil), (nil, "4", "1", nil), (0, "-2", "0", 0),
        ] as [(Int?, String?, String, Int?)]
    )
    func theNumberOfReplicasIsKept(
        replicas: Int?,
        saved: String?,
        kept: String,
        started: Int?
    ) throws {
        for kind in ["Deployment", "StatefulSet", "ReplicaSet"] {
            for savedUnder in ["stork.libopenstorage.org/", "stork.openstorage.org/"] {
                var object = try Sample.object(kind, "shop/web", #"{"spec":{"x":1.0}}"#)
                if let replicas { object.set(JSON(replicas), at: "spec", "replicas") }
                if let saved { object.annotations["\(savedUnder)migrationReplicas"] = saved }
                let stopped = try self.prepare(object, start: false)
                #expect(stopped["spec", "replicas"] == 0)
                #expect(stopped.annotations["stork.libopenstorage.org/migrationReplicas"] == kept)
                #expect(stopped.annotations["stork.openstorage.org/migrationReplicas"] == nil)
                #expect(stopped.labels["stork.libopenstorage.org/migrated"] == "true")
                let running = try self.prepare(object, start: true)
                #expect(running["spec", "replicas"]?.int == started)
                #expect(running.labels.isEmpty)
            }
        }
    }

    @Test func aDaemonSetIsNotStopped() throws {
        let object = try Sample.object("DaemonSet", "shop/agent", #"{"spec":{"template":{}}}"#)
        #expect(try self.prepare(object, start: false)["spec"] == object["spec"])
    }

    @Test func theNumberComesThroughThreeClusters() throws {
        let first = try Sample.object("Deployment", "shop/web", #"{"spec":{"replicas":3}}"#)
        let second = try self.prepare(first, start: false)
        let third = try self.prepare(second, start: false)
        #expect(third.annotations["\(self.prefix)migrationReplicas"] == "3")
        #expect(try self.prepare(third, start: true)["spec", "replicas"] == 3)
    }

    @Test(arguments: [
        (#"{}"#, ",true", #"{}"#), (#"{"suspend":false}"#, "false,true", #"{"suspend":false}"#),
        (#"{"suspend":true}"#, "true,true", #"{"suspend":true}"#),
    ])
    func aCronJobWaitsAndOneThatAPersonStoppedStaysStopped(
        spec: String,
        kept: String,
        resumed: String
    ) throws {
        for kind in ["CronJob", "Job"] {
            let object = try Sample.object(kind, "shop/report", #"{"spec":\#(spec)}"#)
            let stopped = try self.prepare(object, start: false)
            #expect(stopped["spec", "suspend"] == true)
            #expect(stopped.annotations["\(self.prefix)spec.suspend"] == kept)
            #expect(try self.prepare(object, start: true)["spec"] == object["spec"])
            let again = try self.prepare(stopped, start: false)
            #expect(again.annotations["\(self.prefix)spec.suspend"] == kept)
            #expect(try self.prepare(again, start: true)["spec"]?.compact == resumed)
        }
    }

    /// Every built-in registration: kind, fields before, fields when stopped, what is kept.
    @Test(
        arguments: [
            (
                "couchbase.com", "CouchbaseCluster", #"{"paused":false}"#, #"{"paused":true}"#,
                "spec.paused", "false,true"
            ),
            (
                "cassandra.datastax.com", "CassandraDatacenter", #"{}"#, #"{"stopped":true}"#,
                "spec.stopped", ",true"
            ),
            (
                "weblogic.oracle", "Domain", #"{"serverStartPolicy":"IF_NEEDED"}"#,
                #"{"serverStartPolicy":"NEVER"}"#, "spec.serverStartPolicy", "IF_NEEDED,NEVER"
            ),
            (
                "rabbitmq.com", "RabbitmqCluster", #"{"replicas":3}"#, #"{"replicas":0}"#,
                "spec.replicas", "3,0"
            ),
            (
                "pxc.percona.com", "PerconaXtraDBCluster", #"{"pause":false}"#, #"{"pause":true}"#,
                "spec.pause", "false,true"
            ),
            (
                "monitoring.coreos.com", "Prometheus", #"{"replicas":2}"#, #"{"replicas":0}"#,
                "spec.replicas", "2,0"
            ),
            (
                "kafka.strimzi.io", "Kafka", #"{"kafka":{"replicas":3,"a":1}}"#,
                #"{"kafka":{"a":1,"replicas":0}}"#, "spec.kafka.replicas", "3,0"
            ),
            (
                "acid.zalan.do", "postgresql", #"{"numberOfInstances":2}"#,
                #"{"numberOfInstances":0}"#, "spec.numberOfInstances", "2,0"
            ),
            (
                "mongodbcommunity.mongodb.com", "MongoDBCommunity", #"{"members":3}"#,
                #"{"members":0}"#, "spec.members", "3,0"
            ),
            (
                "kubevirt.io", "VirtualMachine", #"{"runStrategy":"Always"}"#,
                #"{"runStrategy":"Halted"}"#, "spec.runStrategy", "Always,Halted"
            ),
            (
                "redis.redis.opstreelabs.in", "Redis", #"{"size":3}"#, #"{"size":3}"#, "spec.size",
                nil
            ),
        ] as [(String, String, String, String, String, String?)]
    )
    func applicationsOfKnownKindsAreStoppedAndStarted(
        group: String,
        kind: String,
        running: String,
        stopped: String,
        path: String,
        kept: String?
    ) throws {
        var object = try Sample.object(kind, "shop/app", #"{"spec":\#(running)}"#)
        object.set(.string("\(group)/v1"), at: "apiVersion")
        let once = try self.prepare(object, start: false)
        #expect(once["spec"]?.compact == stopped)
        #expect(once.annotations[self.prefix + path] == kept)
        #expect(try self.prepare(once, start: false) == once)
        #expect(try self.prepare(once, start: true)["spec"] == object["spec"])
    }

    @Test func blockchainKindsHaveReplicas() throws {
        var object = try Sample.object("IBPPeer", "shop/peer", #"{"spec":{"replicas":2}}"#)
        object.set("ibp.com/v1", at: "apiVersion")
        let stopped = try self.prepare(object, start: false)
        #expect(stopped.annotations["\(self.prefix)migrationReplicas"] == "2")
        #expect(stopped["spec", "replicas"] == 0)
    }

    // MARK: Registrations

    @Test(arguments: [
        (#"{"path":"spec.on","type":"bool","value":"false"}"#, "false"),
        (#"{"path":"spec.on","type":"bool","value":"perhaps"}"#, "true"),
        (#"{"path":"spec.on","type":"int","value":"7"}"#, "0"),
        (#"{"path":"spec.on","type":"string","value":"Off"}"#, #""Off""#),
    ])
    func aRegistrationSaysHowToStop(option: String, value: String) throws {
        #expect(try Suspension(JSON(parsing: option)).value.compact == value)
    }

    @Test(arguments: [
        (#"{"path":"spec.on","type":"float","value":"0"}"#, "invalid type float to suspend cr"),
        (#"{"path":"replicas","type":"int"}"#, "invalid path \"replicas\" to suspend cr"),
        (#"{"path":"spec..on","type":"int"}"#, "invalid path \"spec..on\" to suspend cr"),
    ])
    func aRegistrationThatCannotBeReadIsNamed(option: String, message: String) throws {
        let error = try #require(throws: RegistrationError.self) {
            try Suspension(JSON(parsing: option))
        }
        #expect(error.description == message)
    }

    @Test func aRegistrationObjectIsRead() throws {
        let object = KubeObject(
            try JSON(
                parsing: """
                    {"resources":[{"group":"example.org","version":"v1","kind":"Thing","keepStatus":true,
                     "suspendOptions":{"path":"spec.a","type":"int","value":"0"},
                     "customSuspendOptions":[{"path":"spec.b","type":"bool","value":"true"}]},
                     {"group":"g","kind":"K","suspendOptions":{"path":""}}]}
                    """
            )
        )
        let read = try ApplicationRegistration.read(object)
        #expect(read.map(\.kind) == [GroupKind("example.org", "Thing"), GroupKind("g", "K")])
        #expect(read.map(\.keepStatus) == [true, false])
        #expect(read.map { $0.suspensions.map(\.path.description) } == [["spec.a", "spec.b"], []])
    }
}
