// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

// The modules and who may import whom. Imports go to lower levels only.
//
//  level 6  godwit   godwit-agent   godwit-controller         composition only
//  level 5  Agent   ControlPlane
//  level 4  Sender   Receiver   AgentAPI
//  level 3  SecureTransport   VolumeStore   Identity   Catalogue   EmbeddedCluster   KubernetesClient
//  level 2  BlockDiff   WireProtocol   Codecs   Kinds
//  level 1  BlockTypes   Locks   ObjectModel
//  level 0  CLZ4   CZlib   CZstd   CXXHash   CDigest   COpenSSL   CLinuxStorage   CPages
//
// Named exceptions inside a level: WireProtocol → Codecs, BlockDiff → Codecs (docs/decisions/0003),
// SecureTransport → Identity. Every C module has exactly one Swift importer.
// Enforced by Tests/TidyTests and by `--explicit-target-dependency-import-check error` (Makefile).

import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let arguments: Target.Dependency = .product(
    name: "ArgumentParser",
    package: "swift-argument-parser"
)
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")

/// A C library of the system, found through pkg-config.
func system(_ name: String, _ pkgConfig: String, apt: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt])])
}

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(
    _ name: String,
    _ dependencies: [Target.Dependency],
    resources: [Resource] = []
)
    -> Target
{
    .testTarget(
        name: name,
        dependencies: dependencies,
        resources: resources,
        swiftSettings: strict
    )
}

let package = Package(
    name: "godwit",
    products: [
        .executable(name: "godwit", targets: ["godwit"]),
        .executable(name: "godwit-agent", targets: ["godwit-agent"]),
        .executable(name: "godwit-controller", targets: ["godwit-controller"]),
        .executable(name: "godwit-perf", targets: ["godwit-perf"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird",
            from: "2.28.1",
            traits: []
        ),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(
            url: "https://github.com/swift-server/swift-service-lifecycle",
            from: "2.13.0"
        ),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // Level 0: C libraries and the calls that Swift cannot import.
        system("CLZ4", "liblz4", apt: "liblz4-dev"),
        system("CZlib", "zlib", apt: "zlib1g-dev"),
        system("CZstd", "libzstd", apt: "libzstd-dev"),
        system("CXXHash", "libxxhash", apt: "libxxhash-dev"),
        system("COpenSSL", "openssl", apt: "libssl-dev"),
        .target(name: "CLinuxStorage"),
        .target(name: "CPages"),
        .target(name: "CDigest", linkerSettings: [.linkedLibrary("crypto")]),

        // Level 1.
        library("BlockTypes", ["CPages"]),
        library("Locks", []),
        library("ObjectModel", [.product(name: "Yams", package: "Yams")]),

        // Level 2: pure.
        library("Codecs", ["BlockTypes", "CLZ4", "CZlib", "CZstd", "CXXHash", "CDigest"]),
        library("BlockDiff", ["BlockTypes", "Codecs"]),
        library("WireProtocol", ["BlockTypes", "Codecs"]),
        library("Kinds", ["BlockTypes", "ObjectModel"]),

        // Level 3.
        library("Identity", ["BlockTypes", x509, asn1, crypto]),
        library(
            "SecureTransport",
            ["BlockTypes", "Locks", "WireProtocol", "Identity", "COpenSSL"]
        ),
        library("VolumeStore", ["BlockTypes", "Locks", "BlockDiff", "Codecs", "CLinuxStorage"]),
        library(
            "Catalogue",
            ["BlockTypes", .product(name: "GRDB", package: "GRDB.swift")]
        ),
        library(
            "EmbeddedCluster",
            [
                "BlockTypes", "Locks", "ObjectModel", "Kinds", x509, asn1, crypto, logging,
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
        library(
            "KubernetesClient",
            [
                "ObjectModel", "Locks", httpClient,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]
        ),

        // Level 4.
        library(
            "Sender",
            [
                "BlockTypes", "Locks", "BlockDiff", "Codecs", "WireProtocol", "SecureTransport",
                "VolumeStore",
            ]
        ),
        library(
            "Receiver",
            [
                "BlockTypes", "Locks", "BlockDiff", "Codecs", "WireProtocol", "SecureTransport",
                "VolumeStore",
            ]
        ),
        library(
            "AgentAPI",
            [
                "BlockTypes", "Identity", httpClient,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]
        ),

        // Level 5.
        library(
            "Agent",
            [
                "BlockTypes", "Locks", "BlockDiff", "Codecs", "WireProtocol", "Identity",
                "SecureTransport", "VolumeStore", "Catalogue", "Sender", "Receiver", "AgentAPI",
                logging,
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ]
        ),

        library(
            "ControlPlane",
            [
                "BlockTypes", "Locks", "ObjectModel", "Kinds", "KubernetesClient", "AgentAPI",
                crypto, logging,
            ]
        ),

        // Level 6: composition only.
        .executableTarget(
            name: "godwit",
            dependencies: [
                "BlockTypes", "ObjectModel", "Kinds", "KubernetesClient", "AgentAPI",
                "ControlPlane", arguments,
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "godwit-agent",
            dependencies: ["Agent", arguments, logging],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "godwit-controller",
            dependencies: [
                "ObjectModel", "Locks", "Kinds", "KubernetesClient", "EmbeddedCluster", "AgentAPI",
                "ControlPlane", arguments, logging,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "godwit-perf",
            dependencies: [
                "BlockTypes", "Locks", "Codecs", "WireProtocol", "Identity", "SecureTransport",
                "ObjectModel", "Kinds", "KubernetesClient", arguments,
            ],
            path: "perf/godwit-perf",
            swiftSettings: strict
        ),
        // The bar that godwit-perf holds Godwit against: a peer of the harness, no part of a product.
        .executableTarget(
            name: "c-minimal",
            dependencies: ["CDigest", "CLZ4", "CLinuxStorage", "COpenSSL"],
            path: "perf/c-minimal",
            cSettings: [
                .define("_GNU_SOURCE"), .treatAllWarnings(as: .error), .enableWarning("all"),
                .enableWarning("extra"),
            ]
        ),

        // What several tests need and no product: only tests may depend on it.
        .target(
            name: "TestSupport",
            dependencies: ["Locks"],
            path: "Tests/TestSupport",
            swiftSettings: strict
        ),
        tests("BlockTypesTests", ["BlockTypes"]),
        tests("LocksTests", ["Locks"]),
        tests("ObjectModelTests", ["ObjectModel", "TestSupport"]),
        tests(
            "KindsTests",
            ["ObjectModel", "Kinds", "TestSupport"],
            resources: [.copy("Manifests")]
        ),
        tests("CodecsTests", ["BlockTypes", "Codecs", "TestSupport"]),
        tests("BlockDiffTests", ["BlockTypes", "BlockDiff", "Codecs", "TestSupport"]),
        tests(
            "WireProtocolTests",
            ["BlockTypes", "WireProtocol", "Codecs", "TestSupport"],
            resources: [.copy("Vectors")]
        ),
        tests("IdentityTests", ["Identity", "BlockTypes", "TestSupport", x509, asn1]),
        tests(
            "SecureTransportTests",
            [
                "BlockTypes", "Locks", "Codecs", "SecureTransport", "Identity", "WireProtocol",
                "TestSupport", x509, asn1,
            ]
        ),
        tests(
            "VolumeStoreTests",
            ["BlockTypes", "BlockDiff", "Codecs", "VolumeStore", "TestSupport"]
        ),
        tests("CatalogueTests", ["BlockTypes", "Catalogue", "TestSupport"]),
        tests(
            "EmbeddedClusterTests",
            [
                "EmbeddedCluster", "Kinds", "Locks", "ObjectModel", "TestSupport", logging,
                httpClient,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
        tests(
            "KubernetesClientTests",
            [
                "KubernetesClient", "ObjectModel", "Locks", "TestSupport", x509, asn1, crypto,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]
        ),
        tests(
            "ReplicationTests",
            [
                "BlockTypes", "Locks", "BlockDiff", "Codecs", "WireProtocol", "SecureTransport",
                "VolumeStore", "Sender", "Receiver", "Identity", "TestSupport",
            ]
        ),
        tests(
            "AgentTests",
            [
                "BlockTypes", "Locks", "Agent", "AgentAPI", "Catalogue", "Identity",
                "SecureTransport", "WireProtocol", "Receiver", "TestSupport", "godwit",
                "VolumeStore", "ObjectModel", "Kinds", "KubernetesClient", "EmbeddedCluster",
                "godwit-agent", logging, arguments,
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
        tests(
            "ControlPlaneTests",
            [
                "ObjectModel", "Locks", "Kinds", "KubernetesClient", "ControlPlane", "AgentAPI",
                "EmbeddedCluster", "TestSupport", logging,
            ]
        ),
        // Whole systems: the executables in processes of their own. On embedded clusters with
        // `make test`, on real API servers with `make test-kubernetes`.
        tests(
            "EndToEndTests",
            [
                "BlockTypes", "ObjectModel", "Locks", "Kinds", "KubernetesClient", "ControlPlane",
                "AgentAPI",
                logging,
                // For certificates that have ended, which nobody issues otherwise.
                "Agent", "EmbeddedCluster", "Identity", "VolumeStore",
                "TestSupport", "godwit", "godwit-agent", "godwit-controller",
            ]
        ),
        tests(
            "KubernetesTests",
            ["ControlPlane", "KubernetesClient", "ObjectModel", "TestSupport"]
        ),
        tests("PerfTests", ["BlockTypes", "TestSupport", "godwit-perf"]),
        tests("TidyTests", []),
    ]
)
