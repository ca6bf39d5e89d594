// SPDX-License-Identifier: Apache-2.0

/// Something wrong to type, and what has to be said about it.
///
/// `NS` stands for a namespace that there is, with the ClusterPair `remote` in it.
struct WrongInput: Sendable {
    let line: String
    /// Files that are there, by name; those in a folder have its name in front.
    let files: [String: String]
    let code: Int32
    /// What has to stand in what is said.
    let says: [String]

    init(_ line: String, _ code: Int32, _ says: String..., files: [String: String] = [:]) {
        self.line = line
        self.files = files
        self.code = code
        self.says = says
    }

    /// A file alone.
    static func file(_ text: String, _ code: Int32 = 64, _ says: String...) -> Self {
        Self("apply -f bad.yaml", code, says, ["bad.yaml": text])
    }

    private init(_ line: String, _ code: Int32, _ says: [String], _ files: [String: String]) {
        self.line = line
        self.files = files
        self.code = code
        self.says = says
    }

    static func object(_ kind: String, _ body: String, name: String = "m") -> String {
        """
        apiVersion: stork.libopenstorage.org/v1alpha1
        kind: \(kind)
        metadata: {name: \(name), namespace: NS}
        \(body)

        """
    }

    private static func map(_ name: String, _ body: String = "data: {a: b}") -> String {
        """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: \(name), namespace: NS}
        \(body)

        """
    }
}

// MARK: Manifests

extension WrongInput {
    private static let whole = "spec: {clusterPair: remote, namespaces: [NS]}"
    private static let misspelt =
        "spec: {clusterPair: remote, namespaces: [NS], includeResource: true}"

    /// One object that is wrong, and where.
    static let manifests: [Self] = [
        .file(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n   labels: {}\n",
            64,
            "bad.yaml:5:"
        ),
        .file("apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: a\n", 64, "bad.yaml:4:", "tab"),
        .file("apiVersion: v1\nkind: ConfigMap\nkind: Secret\n", 64, "bad.yaml:2:", "kind"),
        .file("{\"apiVersion\": \"v1\"\n \"kind\": \"A\"}", 64, "bad.yaml:2:"),
        .file("- a\n- b\n", 64, "bad.yaml:1:", "an object is expected"),
        .file("kind: ConfigMap\nmetadata: {name: a}\n", 64, "bad.yaml:1:", "apiVersion is missing"),
        .file("apiVersion: v1\nmetadata: {name: a}\n", 64, "kind is missing", "kind: Migration"),
        .file("apiVersion: v1\nkind: ConfigMap\n", 64, "metadata.name is missing"),
        .file(
            Self.object("Migration", Self.misspelt),
            64,
            "bad.yaml:1",
            "unknown field \"spec.includeResource\"",
            "did you mean \"includeResources\"?"
        ),
        .file(
            Self.object("ClusterPair", "spec: {option: {ip: a}}"),
            64,
            "\"spec.option\"",
            "did you mean \"options\"?"
        ),
        .file(
            Self.object("Migration", "spec: {clusterPair: remote, namespaces: NS}"),
            64,
            "spec.namespaces: Invalid value"
        ),
        .file(
            Self.object(
                "Migration",
                "spec: {clusterPair: remote, namespaces: [NS], startApplications: \"yes\"}"
            ),
            64,
            "spec.startApplications: Invalid value: \"yes\""
        ),
        .file(
            Self.object("Action", "spec: {actionType: failovr}"),
            64,
            "spec.actionType: Unsupported value: \"failovr\"",
            "did you mean \"failover\"?"
        ),
        .file(
            Self.object("Migration", "spec: {namespaces: [NS]}"),
            64,
            "spec.clusterPair: Required value"
        ),
        .file(
            Self.object("Migration", Self.whole, name: "My_Migration"),
            64,
            "metadata.name",
            "My_Migration"
        ),
        .file(
            Self.object("Migratoin", Self.whole),
            64,
            "bad.yaml:1",
            "no kind \"Migratoin\"",
            "kind: Migration of apiVersion: stork.libopenstorage.org/v1alpha1"
        ),
        .file(
            Self.object("Migration", Self.whole)
                .replacing("org/v1alpha1", with: "org/v1"),
            64,
            "\"stork.libopenstorage.org/v1\"",
            "apiVersion: stork.libopenstorage.org/v1alpha1?"
        ),
        .file(Self.map("a").replacing("v1", with: "a/b/c"), 64, "'a/b/c' is no apiVersion"),
        .file(Self.map("a", "data: {a: 5}"), 64, "bad.yaml:1"),
        .file(
            Self.map("a").replacing("NS", with: "no-such"),
            4,
            "namespaces \"no-such\" not found"
        ),
        Self("apply -f bad.yaml -n other", 64, ["'NS'", "'other'"], ["bad.yaml": Self.map("a")]),
    ]

    /// Several objects of which one is wrong: none of them is made.
    static let several: [Self] = [
        .file(
            [Self.map("a"), Self.map("b"), Self.object("Migration", Self.misspelt)]
                .joined(separator: "---\n"),
            64,
            "bad.yaml:11",
            "spec.includeResource"
        ),
        .file(
            [Self.map("a"), Self.map("b"), "kind: [\n"].joined(separator: "---\n"),
            64,
            "bad.yaml:1"
        ),
        .file(
            [Self.map("a"), Self.map("b"), Self.map("c", "data: {a: 5}")]
                .joined(separator: "---\n"),
            64,
            "bad.yaml:11"
        ),
        .file(
            [Self.map("a"), Self.map("b"), Self.map("Not_A_Name")].joined(separator: "---\n"),
            64,
            "Not_A_Name"
        ),
        .file(
            [Self.map("a"), Self.map("b").replacing("NS", with: "no-such")]
                .joined(separator: "---\n"),
            4,
            "namespaces \"no-such\" not found"
        ),
        Self(
            "apply -f folder",
            64,
            ["folder/b.yaml:1", "did you mean \"includeResources\"?"],
            [
                "folder/a.yaml": Self.map("a"),
                "folder/b.yaml": Self.object("Migration", Self.misspelt),
            ]
        ),
        Self(
            "apply -f a.yaml -f bad.yaml",
            64,
            ["bad.yaml:1", "kind is missing"],
            ["a.yaml": Self.map("a"), "bad.yaml": "apiVersion: v1\nmetadata: {name: a}\n"]
        ),
        Self("apply -f folder", 64, ["no object in folder"], ["folder/readme.txt": "a"]),
        Self("apply -f a.yaml", 64, ["no object in a.yaml"], ["a.yaml": "# nothing\n"]),
        Self("apply -f a.yaml", 64, ["no object in a.yaml"], ["a.yaml": ""]),
        Self("apply -f no-such.yaml", 64, ["There is no file no-such.yaml"], [:]),
        Self("apply -f -", 64, ["no object in standard input"], [:]),
        Self("apply", 64, ["--filename"], [:]),
    ]
}

// MARK: Command lines

extension WrongInput {
    /// Migrations that cannot be meant so.
    static let migrations: [Self] = [
        Self("create migration -c remote --namespaces NS -n NS", 64, "exactly one name"),
        Self("create migration a b -c remote --namespaces NS -n NS", 64, "exactly one name"),
        Self("create migration m --namespaces NS -n NS", 64, "ClusterPair name needs"),
        Self("create migration m -c remote -n NS", 64, "atleast one namespace"),
        Self(
            "create migration m -c remtoe --namespaces NS -n NS",
            4,
            "\"remtoe\" not found",
            "'remote'?"
        ),
        Self(
            "create migration m -c x-y-z --namespaces NS -n NS",
            4,
            "the namespace NS has: remote"
        ),
        Self(
            "create migration m -c remote --namespaces NSx -n NS",
            4,
            "\"NSx\" not found",
            "'NS'?"
        ),
        Self(
            "create migration m -c remote --namespaces NS -n no-such",
            4,
            "namespaces \"no-such\""
        ),
        Self(
            "create migration M_m -c remote --namespaces NS -n NS",
            64,
            "'M_m' is no name",
            "lower-case"
        ),
        Self("create migration m -c remote --namespaces N_s -n NS", 64, "'N_s'", "lower-case"),
        Self(
            "create migration m -c R_r --namespaces NS -n NS",
            64,
            "'R_r' is no name of a ClusterPair"
        ),
        Self("create migration m -c remote --namespaces NS -n NS --timeout 5", 64, "--wait"),
        Self(
            "create migration m -c remote --namespaces NS -n NS --wait --timeout 0",
            64,
            "--timeout 0"
        ),
        Self(
            "create migration m -c remote --namespaces NS -n NS --wait --dry-run",
            64,
            "--dry-run"
        ),
        Self(
            "create migration m -c remote --namespaces NS -n NS --selectors a",
            64,
            "'a'",
            "KEY=VALUE"
        ),
        Self(
            "create migration m -c remote --namespaces NS -n NS --includeResources=maybe",
            64,
            "maybe"
        ),
        Self("create migration m --clusterPiar remote --namespaces NS", 64, "'--cluster-pair'?"),
        Self("create migraton m", 64, "did you mean 'godwit create migration'?"),
        Self(
            "create migration --file bad.yaml -n NS",
            64,
            ["bad.yaml:1", "did you mean \"includeResources\"?"],
            ["bad.yaml": Self.object("Migration", Self.misspelt)]
        ),
        Self(
            "create migration --file bad.yaml -n NS",
            64,
            ["one Migration is expected"],
            ["bad.yaml": Self.map("a")]
        ),
        Self("migrate", 64, "<namespaces>"),
        Self("migrate NS", 64, "--to"),
        Self("migrate NS --to remtoe", 4, "\"remtoe\" not found", "'remote'?"),
        Self("migrate no-such --to remote", 4, "namespaces \"no-such\" not found"),
        Self("migrate NSx --to remote -n NS", 4, "\"NSx\" not found", "'NS'?"),
        Self("migrate N_s --to remote", 64, "'N_s' is no name of a namespace", "lower-case"),
        Self("migrate NS default --to remote", 64, "-n kube-system"),
        Self("migrate NS --to remote --no-stat", 64, "'--no-start'?"),
        Self("migrat NS --to remote", 64, "did you mean 'godwit migrate'?"),
        Self("wait migration no-such -n NS", 4, "\"no-such\" not found"),
        Self("delete migration no-such -n NS", 4, "\"no-such\" not found"),
        Self("delete migration", 64, "at least one argument"),
        Self("get migratoins -n NS", 64, "did you mean 'godwit get migrations'?"),
        Self("get migrations no-such -n NS", 4, "\"no-such\" not found"),
        Self("get migrations -n NS -o jsn", 64, "jsn", "json"),
        Self("describe migration no-such -n NS", 4, "\"no-such\" not found"),
        Self("activate migrations -n no-such", 4, "namespaces \"no-such\" not found"),
    ]

    /// Pairs that cannot be meant so.
    ///
    /// `GOOD` is a kubeconfig that works, `DEAD` one of a server that
    /// does not answer.
    static let pairs: [Self] = [
        Self("generate clusterpair -n NS", 64, "exactly one name"),
        Self("generate clusterpair a b -n NS", 64, "exactly one name"),
        Self("generate clusterpair A_b -n NS", 64, "'A_b' is no name", "lower-case"),
        Self("generate clusterpair a -n A_b", 64, "'A_b' is no name of a namespace", "lower-case"),
        Self("generate clusterpair a -n NS -s ip", 64, "invalid storage options", "'ip'", "ip=192"),
        Self("generate clusterpair a --kubeconfig no-such", 78, "no-such"),
        Self("generate clusterpair a --kubeconfig folder", 78, ["folder"], ["folder/a": ""]),
        Self("generate clusterpair a --context no-such", 78, "no-such"),
        Self(
            "generate clusterpair a --kubeconfig bad",
            78,
            ["bad", "line 2, column 1"],
            ["bad": "a: b\n\tc: d\n"]
        ),
        Self("generate clusterpiar a", 64, "did you mean 'godwit generate clusterpair'?"),
        Self("get clusterpair --kubeconfig DEAD", 10, "Unable to connect to the server"),
        Self("create clusterpair p -n new", 64, "--src-kube-file"),
        Self("create clusterpair p -n new --src-kube-file GOOD", 64, "--dest-kube-file"),
        pair("-n new", "GOOD", "GOOD", 64, "exactly one name", name: ""),
        pair("-n new", "GOOD", "GOOD", 64, "'P_p' is no name", name: "P_p"),
        pair("-n N_s", "GOOD", "GOOD", 64, "'N_s' is no name of a namespace"),
        pair("-n new", "no-such", "GOOD", 78, "no-such"),
        pair("-n new", "GOOD", "no-such", 78, "no-such"),
        pair("-n new", "GOOD", "DEAD", 10, "Unable to connect to the server"),
        pair("-n new --dest-ep h:9001", "GOOD", "GOOD", 64, "endpoint and its token"),
        pair("-n new --dest-token @t", "GOOD", "GOOD", 64, "endpoint and its token"),
        pair("-n new --dest-ep h --dest-token abc", "GOOD", "GOOD", 64, "@FILE"),
        pair("-n new --dest-ep h --dest-token @no-such", "GOOD", "GOOD", 64, "no-such"),
        pair("-n new -u --src-ep h --src-token -", "GOOD", "GOOD", 64, "--unidirectional"),
        pair("-n new --mode fast", "GOOD", "GOOD", 64, "fast", "async-dr"),
        pair("-n new --project-mappings a", "GOOD", "GOOD", 64, "'a'"),
        // There is one on the source already: the namespace has nothing new, the other side neither.
        pair("-n NS", "GOOD", "GOOD", 5, "\"remote\" already exists", name: "remote"),
    ]

    private static func pair(
        _ options: String,
        _ source: String,
        _ destination: String,
        _ code: Int32,
        _ says: String...,
        name: String = "p"
    ) -> Self {
        Self(
            "create clusterpair \(name) \(options) --src-kube-file \(source) "
                + "--dest-kube-file \(destination)",
            code,
            says,
            [:]
        )
    }
}
