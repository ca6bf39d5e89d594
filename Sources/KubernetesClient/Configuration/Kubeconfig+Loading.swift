// SPDX-License-Identifier: Apache-2.0

import Foundation

extension Kubeconfig {
    /// Reads the files that kubectl would read.
    ///
    /// - Parameters:
    ///   - path: the one file to read; nil for those of `KUBECONFIG`, else `~/.kube/config`.
    ///   - environment: the variables.
    /// - Returns: what the files hold together.
    /// - Throws: ``KubeconfigError`` where none is there or one cannot be read.
    public static func load(
        path: String? = nil,
        environment: ClientEnvironment
    ) throws(KubeconfigError) -> Self {
        if let path { return try Self.read(path) }
        let listed = (environment.variables["KUBECONFIG"] ?? "").split(separator: ":")
            .map(String.init)
        let home = environment.variables["HOME"] ?? ""
        let paths = listed.isEmpty ? ["\(home)/.kube/config"] : listed
        var merged: Self?
        // As with kubectl, a file of the list that is missing is none.
        for path in paths where FileManager.default.fileExists(atPath: path) {
            let next = try Self.read(path)
            if merged == nil { merged = next } else { merged?.merge(next) }
        }
        guard let merged else {
            throw KubeconfigError(
                source: paths.joined(separator: ":"),
                "there is no such file",
                try: "set KUBECONFIG, or give --kubeconfig FILE"
            )
        }
        return merged
    }

    /// Reads one file; relative paths in it begin in its directory.
    static func read(_ path: String) throws(KubeconfigError) -> Self {
        let text: String
        do { text = try String(contentsOfFile: path, encoding: .utf8) } catch {
            throw KubeconfigError(
                source: path,
                "it cannot be read: \(error.localizedDescription)",
                try: "check that it is there and that you may read it"
            )
        }
        let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
        return try Self(parsing: text, source: path, directory: directory)
    }
}

extension ClusterConnection {
    /// Where a pod finds its service account.
    public static let serviceAccountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// The cluster that this process runs in, as the pod's service account.
    ///
    /// - Parameters:
    ///   - environment: for the variables that every pod has.
    ///   - directory: where the account's files are.
    /// - Returns: the connection.
    /// - Throws: ``KubeconfigError`` where this is no pod with a service account.
    public static func inCluster(
        environment: ClientEnvironment,
        directory: String = Self.serviceAccountDirectory
    ) throws(KubeconfigError) -> Self {
        let source = "the service account of this pod"
        guard let host = environment.variables["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
            let port = environment.variables["KUBERNETES_SERVICE_PORT"], !port.isEmpty
        else {
            throw KubeconfigError(
                source: source,
                "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set",
                try: "run in a pod, or give a kubeconfig"
            )
        }
        let token = "\(directory)/token"
        guard FileManager.default.isReadableFile(atPath: token) else {
            throw KubeconfigError(
                source: source,
                "\(token) cannot be read",
                try: "set automountServiceAccountToken: true for the pod"
            )
        }
        // Addresses of IPv6 stand in brackets in a URL.
        let authority = host.contains(":") ? "[\(host)]" : host
        let namespace = try? String(contentsOfFile: "\(directory)/namespace", encoding: .utf8)
        var user = UserCredentials()
        user.token = .file(token)
        return ClusterConnection(
            server: "https://\(authority):\(port)",
            authority: .file("\(directory)/ca.crt"),
            user: user,
            namespace: namespace?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "default",
            source: source
        )
    }

    /// The way to a cluster as a command finds it: the file that is given, else those that kubectl
    /// would read, else the cluster that this process runs in.
    ///
    /// - Throws: ``KubeconfigError`` where there is none, or what is there cannot be used.
    public static func find(
        kubeconfig: String? = nil,
        context: String? = nil,
        environment: ClientEnvironment
    ) throws(KubeconfigError) -> Self {
        let isNamed = kubeconfig != nil || environment.variables["KUBECONFIG"] != nil
        let home = environment.variables["HOME"] ?? ""
        let isInPod = environment.variables["KUBERNETES_SERVICE_HOST"] != nil
        if !isNamed, isInPod, !FileManager.default.fileExists(atPath: "\(home)/.kube/config") {
            return try Self.inCluster(environment: environment)
        }
        return try Kubeconfig.load(path: kubeconfig, environment: environment)
            .connection(context: context)
    }
}
