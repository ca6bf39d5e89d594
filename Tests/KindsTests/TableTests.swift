// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel
import Testing

@Suite struct JSONPathTests {
    private static let document: JSON = [
        "a": ["b.c": 1, "d": ["x", "y"]],
        "conditions": [
            ["type": "Ready", "status": "True", "n": 1], ["type": "Other", "status": "False"],
        ],
    ]

    @Test(arguments: [
        (".a.d", #"[["x","y"]]"#), ("{.a.d[0]}", #"["x"]"#), (".a.d[-1]", #"["y"]"#),
        (".a.d[5]", "[]"), (".a['b.c']", "[1]"), (".a.b\\.c", "[1]"), ("$.a.d[*]", #"["x","y"]"#),
        (".a.*", #"[1,["x","y"]]"#), (".missing.b", "[]"), ("a.d[1]", #"["y"]"#),
        (".conditions[?(@.type==\"Ready\")].status", #"["True"]"#),
        (".conditions[?(@.type=='Other')].status", #"["False"]"#),
        (".conditions[?(@.type!='Other')].status", #"["True"]"#),
        (".conditions[?(@.n == 1)].type", #"["Ready"]"#), (".conditions[?(@.n==2)].type", "[]"),
    ])
    func pathsLeadToTheirValues(path: String, expected: String) throws {
        let values = try JSONPath(path).values(in: Self.document)
        #expect(JSON.array(values) == (try JSON(parsing: expected)))
    }

    @Test(arguments: [".a[", ".a[x]", ".a..b", ".a b", "[?(@.a)]", ".a[?(@.b>1)]", ".a[0", ".a\\"])
    func whatIsNotUnderstoodIsRefusedWithAnExample(path: String) throws {
        let error = try #require(throws: JSONPathError.self) { try JSONPath(path) }
        #expect(error.description.contains(path) && error.description.contains("such as"))
    }
}

@Suite struct TableTests {
    private static let now = Timestamp(seconds: 1_540_584_259)

    @Test(arguments: [
        (-10, "<invalid>"), (-1, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (125, "2m5s"),
        (599, "9m59s"), (601, "10m"), (10799, "179m"), (10800, "3h"), (11160, "3h6m"),
        (28800, "8h"), (172_799, "47h"), (172_800, "2d"), (180_000, "2d2h"), (691_200, "8d"),
        (63_071_999, "729d"), (63_072_000, "2y"), (64_800_000, "2y20d"), (252_288_000, "8y"),
    ])
    func agesAreThoseOfKubectl(seconds: Int, text: String) {
        #expect(Age.text(seconds: seconds) == text)
    }

    @Test func aMigrationIsShownWithTheColumnsOfTheDocuments() throws {
        var status = MigrationStatus()
        status.stage = .final
        status.status = .successful
        var volume = MigratedVolume(claim: ObjectKey("mysql", "data"), volume: "pvc-1", taskID: "t")
        volume.status = .successful
        volume.bytesTotal = 400
        volume.bytesDone = 400
        status.volumes = [volume]
        for name in ["a", "b", "c"] {
            let kind = GroupVersionKind("", "v1", "Service")
            status.resources.append(MigratedResource(kind, ObjectKey("mysql", name), .successful))
        }
        let kind = try #require(StorkKinds["Migration"])
        let object = KubeObject(
            kind.resource.groupVersionKind,
            ObjectKey("mysql", "mysqlmigration"),
            [
                "spec": ["clusterPair": "remotecluster", "namespaces": ["mysql"]],
                "status": status.json,
            ]
        )
        var stored = kind.admitted(object)
        stored.set("2018-10-26T20:00:19Z", at: "metadata", "creationTimestamp")
        #expect(kind.unknownFields(in: object) == [] && kind.validate(stored) == [])
        let table = kind.table.json(of: [stored], now: Self.now)
        let definitions = try #require(table["columnDefinitions"]?.array)
        #expect(
            definitions.filter { $0["priority"] == 0 }.compactMap { $0["name"]?.string } == [
                "Name", "ClusterPair", "Stage", "Status", "Volumes", "Resources", "Age",
            ]
        )
        let row = try #require(table["rows"]?.array?.first)
        #expect(
            row["cells"] == [
                "mysqlmigration", "remotecluster", "Final", "Successful", "1/1", "3/3",
                .number(JSONNumber(100)),
                400, .null, "4m",
            ]
        )
        #expect(row["object", "kind"] == "PartialObjectMetadata")
        #expect(row["object", "metadata", "name"] == "mysqlmigration")
    }

    @Test func cellsOfAnotherTypeAndAbsentOnesAreEmpty() throws {
        let object = KubeObject([
            "metadata": ["name": "a"], "n": "x", "b": 1, "t": "never", "o": [1],
        ])
        func cell(_ type: PrinterColumn.CellType, _ path: String) throws -> JSON {
            try PrinterColumn("A", type, path: path).cell(of: object, now: Self.now)
        }
        #expect(try cell(.integer, ".n") == .null && cell(.boolean, ".b") == .null)
        #expect(try cell(.date, ".t") == "<invalid>" && cell(.date, ".missing") == .null)
        #expect(try cell(.string, ".b") == "1" && cell(.string, ".o") == "[1]")
        #expect(try cell(.number, ".b") == 1 && cell(.number, ".n") == .null)
    }

    @Test func aKindWithoutColumnsHasNameAndAge() throws {
        let object = KubeObject([
            "metadata": ["name": "a", "creationTimestamp": "2018-10-26T20:04:09Z"]
        ])
        let table = ServerTable(columns: [])
        let shown = table.json(of: [object], now: Self.now, included: .none, hasDefinitions: false)
        #expect(shown["rows"] == [["cells": ["a", "10s"]]])
        #expect(shown["columnDefinitions"] == [])
        let whole = table.json(of: [object], now: Self.now, included: .object)
        #expect(whole["rows"]?.array?.first?["object"] == object.json)
    }
}
