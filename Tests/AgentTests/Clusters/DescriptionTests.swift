// SPDX-License-Identifier: Apache-2.0

import ObjectModel
import Testing

@testable import godwit

@Suite struct DescriptionTests {
    private static let now = Timestamp(seconds: 1_540_584_360)  // 2018-10-26T20:06:00Z

    private static func event(_ message: String, at time: String, count: Int = 1) -> KubeObject {
        KubeObject([
            "type": "Normal", "reason": "Successful", "message": .string(message),
            "count": JSON(count), "firstTimestamp": "2018-10-26T20:00:00Z",
            "lastTimestamp": .string(time), "source": ["component": "stork"],
        ])
    }

    @Test func aMigrationIsLaidOutAsTheDocumentsShowIt() throws {
        let object = KubeObject(
            try JSON(
                parsing: """
                    {"apiVersion":"stork.libopenstorage.org/v1alpha1","kind":"Migration",
                     "metadata":{"name":"mysqlmigration","namespace":"mysql","generation":1,
                      "creationTimestamp":"2018-10-26T20:04:19Z","uid":"be63","resourceVersion":"21",
                      "managedFields":[{"manager":"kubectl"}]},
                     "spec":{"clusterPair":"remotecluster","includeResources":true,
                      "namespaces":["mysql"],"selectors":null},
                     "status":{"stage":"Final","volumes":[{"persistentVolumeClaim":"data",
                      "status":"Successful"}]}}
                    """
            )
        )
        let events = [
            Self.event("Volume pvc-1 migrated successfully", at: "2018-10-26T20:03:18Z"),
            Self.event("again", at: "2018-10-26T20:05:00Z", count: 53),
        ]
        #expect(
            Description.text(of: object, events: events, now: Self.now) == """
                Name:         mysqlmigration
                Namespace:    mysql
                Labels:       <none>
                Annotations:  <none>
                API Version:  stork.libopenstorage.org/v1alpha1
                Kind:         Migration
                Metadata:
                  Creation Timestamp:  2018-10-26T20:04:19Z
                  Generation:          1
                  Resource Version:    21
                  UID:                 be63
                Spec:
                  Cluster Pair:       remotecluster
                  Include Resources:  true
                  Namespaces:
                    mysql
                  Selectors:  <nil>
                Status:
                  Stage:  Final
                  Volumes:
                    Persistent Volume Claim:  data
                    Status:                   Successful
                Events:
                  Type    Reason      Age                From   Message
                  ----    ------      ---                ----   -------
                  Normal  Successful  2m42s              stork  Volume pvc-1 migrated successfully
                  Normal  Successful  60s (x53 over 6m)  stork  again

                """
        )
    }

    @Test func whatOpensADoorIsNotShown() throws {
        let object = KubeObject(
            try JSON(
                parsing: """
                    {"kind":"ClusterPair","metadata":{"name":"a"},"spec":{"options":{"ip":"1.2.3.4",
                     "token":"secret"},"config":{"users":{"u":{"client-key-data":"secret",
                     "password":"secret","token":"secret","username":"u"}}}}}
                    """
            )
        )
        let text = Description.text(of: object, events: [], now: Self.now)
        #expect(!text.contains("secret"))
        #expect(text.contains("IP:     1.2.3.4"))
        #expect(text.contains("Token:  <hidden>"))
        #expect(text.hasSuffix("Events:  <none>\n"))
    }

    @Test func labelsStandBelowEachOther() {
        var object = KubeObject(["metadata": ["name": "a"]])
        object.labels = ["b": "2", "a": "1"]
        object.annotations = ["long": String(repeating: "x", count: 500)]
        let text = Description.text(of: object, events: [], now: Self.now)
        #expect(text.contains("Labels:       a: 1\n              b: 2\n"))
        #expect(text.contains("xxx...\n"))
        #expect(!text.contains(String(repeating: "x", count: 140)))
    }
}
