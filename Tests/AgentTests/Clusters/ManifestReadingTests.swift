// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import ObjectModel
import Testing

@testable import godwit

@Suite struct ManifestReadingTests {
    @Test func documentsAndListsAreRead() throws {
        let manifests = try Manifests.parsed(
            """
            # a comment
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: a}
            ---
            ---
            apiVersion: v1
            kind: List
            items:
            - {apiVersion: v1, kind: Secret, metadata: {name: b}}
            - {apiVersion: v1, kind: Service, metadata: {name: c}}
            """,
            file: "f.yaml"
        )
        #expect(manifests.map(\.object.name) == ["a", "b", "c"])
        #expect(manifests[0].place == "f.yaml:2")
        #expect(manifests[2].place == "f.yaml:7, item 1")
    }

    @Test(arguments: [
        ("kind: A\nmetadata: {name: a}", "f:1: apiVersion is missing."),
        ("apiVersion: v1\nmetadata: {name: a}", "f:1: kind is missing."),
        ("apiVersion: v1\nkind: A", "f:1: metadata.name is missing."),
        ("apiVersion: a/b/c\nkind: A\nmetadata: {name: a}", "f:1: 'a/b/c' is no apiVersion."),
        ("- a", "f:1: an object is expected, not a array."),
    ])
    func whatIsWrongIsToldWithItsPlace(text: String, message: String) {
        let error = #expect(throws: APIError.self) { try Manifests.parsed(text, file: "f") }
        #expect(error?.message == message)
        #expect(error?.id == .invalidManifest)
        #expect(error?.try?.isEmpty == false)
    }

    @Test func aDirectoryIsReadByNameAndNothingIsGivenBackWhenOneFileIsWrong() throws {
        let scratch = try Scratch()
        func object(_ name: String) -> String {
            "{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {\"name\": \"\(name)\"}}"
        }
        _ = try scratch.file("b.json", object("b"))
        _ = try scratch.file("a.yaml", object("a"))
        _ = try scratch.file("readme.txt", "no object")
        #expect(try Manifests.read([scratch.path]).map(\.object.name) == ["a", "b"])
        _ = try scratch.file("c.yml", "kind: [")
        let error = #expect(throws: APIError.self) { try Manifests.read([scratch.path]) }
        #expect(error?.message.hasPrefix("\(scratch.path)/c.yml:") == true)
    }

    @Test func filesThatAreNotThereAndTextsThatAreNoneAreToldApart() throws {
        let scratch = try Scratch()
        let empty = try scratch.file("empty.yaml", "# nothing\n")
        let errors = [
            #expect(throws: APIError.self) { try Manifests.read(["/nowhere.yaml"]) },
            #expect(throws: APIError.self) { try Manifests.read([empty]) },
        ]
        #expect(errors.map { $0?.id } == [.fileNotReadable, .invalidManifest])
    }
}
