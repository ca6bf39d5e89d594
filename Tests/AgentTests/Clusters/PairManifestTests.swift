// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ObjectModel
import Testing

@testable import godwit

@Suite struct PairManifestTests {
    @Test func theManifestHasTheFieldsOfTheDocuments() throws {
        let object = PairManifest.object(
            ObjectKey("migrationnamespace", "remotecluster"),
            config: ["current-context": "a"],
            options: [PairManifest.placeholder: ""]
        )
        #expect(
            PairManifest.template(object).yaml == """
                apiVersion: stork.libopenstorage.org/v1alpha1
                kind: ClusterPair
                metadata:
                  creationTimestamp: null
                  name: remotecluster
                  namespace: migrationnamespace
                spec:
                  config:
                    current-context: a
                  options:
                    <insert_storage_options_here>: ""
                status:
                  remoteStorageId: ""
                  schedulerStatus: ""
                  storageStatus: ""

                """
        )
    }

    @Test func optionsAreReadAsStorkctlReadsThem() throws {
        #expect(
            try PairManifest.options("ip=1.2.3.4,port=9001,token=a=b")
                == ["ip": "1.2.3.4", "port": "9001", "token": "a=b"]
        )
        #expect(try PairManifest.options("") == [:])
        let error = try #require(throws: APIError.self) { try PairManifest.options("ip") }
        #expect(error.message == "invalid storage options")
    }

    @Test(arguments: [
        ("192.168.56.74:9001", "192.168.56.74", "9001"), ("host", "host", "9001"),
        ("[fd00::1]:8001", "fd00::1", "8001"), ("fd00::1", "fd00::1", "9001"),
        ("[fd00::1]", "fd00::1", "9001"),
    ])
    func addressesAreTakenApart(text: String, host: String, port: String) {
        let place = StorageOptions.hostAndPort(text)
        #expect(place.host == host && place.port == port)
    }

    @Test func anAgentThatListensEverywhereIsNamedByAnAddressOfItsMachine() {
        func options(_ api: String, _ own: String?) -> [String: String] {
            StorageOptions.options(
                VersionInfo(version: "0", protocolVersion: "1", api: api),
                TokenInfo(token: "t"),
                ownAddress: own
            )
        }
        #expect(
            options("0.0.0.0:9001", "10.0.0.5")
                == ["ip": "10.0.0.5", "port": "9001", "token": "t"]
        )
        #expect(options("192.168.1.2:19001", "10.0.0.5")["ip"] == "192.168.1.2")
        #expect(options("[::]:9001", nil)["ip"] == "127.0.0.1")
    }

    @Test func whatOnlyWorksHereIsWarnedOf() {
        let config: JSON = [
            "clusters": ["a": ["server": "https://127.0.0.1:6443"]],
            "users": ["u": ["exec": ["command": "aws"]]],
        ]
        let warnings = PairManifest.warnings(config)
        #expect(warnings.count == 2)
        #expect(warnings.contains { $0.contains("'aws'") })
        #expect(warnings.contains { $0.contains("https://127.0.0.1:6443") })
    }

    @Test func thePurposeOfAPairIsItsMode() {
        func mode(_ purpose: PairPurpose) -> String? {
            PairSide(kubeconfig: "f", endpoint: "h:1", token: "t").options(purpose)?["mode"]
        }
        #expect(mode(.disasterRecovery) == "DisasterRecovery")
        #expect(mode(.migration) == "OneTimeMigration")
        // Both sides have the storage: there is nothing to pair.
        #expect(mode(.sharedStorage) == nil)
    }
}
