// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// Talks to one Kubernetes API server, whatever serves it.
///
/// Objects travel as lossless JSON. Every wait has an end, every answer a largest size, and at most
/// ``ClientLimits/requests`` requests are under way at once. A request that fails is sent again only
/// where that cannot do anything twice. Cancelling the task ends its request; a write may then have
/// been done.
public final class KubernetesClient: Sendable {
    /// The way to the server.
    public let connection: ClusterConnection
    /// The clocks and variables that it was made with.
    public let environment: ClientEnvironment
    /// The bounds that it was made with.
    public let limits: ClientLimits
    /// Counts each request that is sent.
    public let tally: RequestTally

    let transport: Transport
    private let credentials: CredentialSource
    private let gate: RequestGate
    private let retries: RetryPolicy
    let program: String
    private let onWarning: @Sendable (String) -> Void
    /// What the server serves, for ``knownDiscovery(isNew:)``.
    let known: SharedAnswer<Discovery>

    /// A client; nothing is sent yet.
    ///
    /// - Parameters:
    ///   - connection: the way to the server.
    ///   - environment: clocks and variables.
    ///   - program: who writes, for `managedFields` and the server's log.
    ///   - limits: the bounds.
    ///   - tally: counts its requests; one for several clients counts them together.
    ///   - onWarning: gets each warning that the server sends along, such as of versions that go away.
    /// - Throws: ``KubeconfigError`` where the connection cannot be one.
    public init(
        _ connection: ClusterConnection,
        environment: ClientEnvironment,
        program: String = "godwit",
        limits: ClientLimits = ClientLimits(),
        tally: RequestTally = RequestTally(),
        onWarning: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(KubeconfigError) {
        self.connection = connection
        self.environment = environment
        self.limits = limits
        self.tally = tally
        self.program = program
        self.transport = try Transport(connection, limits, userAgent: program)
        self.credentials = CredentialSource(connection, environment)
        self.gate = RequestGate(limits.requests)
        self.retries = RetryPolicy(limits)
        self.onWarning = onWarning
        self.known = SharedAnswer(keptFor: limits.discoveryAge, instant: environment.instant)
    }

    /// Ends all requests and closes the connections; call once, at the end.
    public func shutdown() async { await self.transport.shutdown() }

    // MARK: One object

    /// An object as it is now.
    ///
    /// - Parameters:
    ///   - resource: its kind.
    ///   - key: which; the namespace counts for kinds that have one only.
    ///   - subresource: such as `scale`; nil for the object.
    /// - Returns: the object.
    /// - Throws: ``ClusterError``, `notFound` where there is none.
    public func get(
        _ resource: APIResource,
        _ key: ObjectKey,
        subresource: String? = nil
    ) async throws(ClusterError) -> KubeObject {
        let path = try Self.path(resource, key, subresource)
        var call = Call(method: .get, path: path)
        call.reading = .object
        return KubeObject(try await self.json(call))
    }

    /// Makes an object, in the namespace that it names.
    ///
    /// - Throws: ``ClusterError``, `alreadyExists` where there is one of that name.
    @discardableResult
    public func create(
        _ resource: APIResource,
        _ object: KubeObject,
        _ options: WriteOptions = WriteOptions()
    ) async throws(ClusterError) -> KubeObject {
        let path = try Self.path(resource, namespace: self.namespace(of: object, resource))
        var call = Call(method: .post, path: path, query: self.query(options))
        call.body = object.json.bytes
        return KubeObject(try await self.json(call))
    }

    /// Replaces an object, or a part of it such as its status.
    ///
    /// - Parameters:
    ///   - resource: its kind.
    ///   - object: all of it; with its `resourceVersion` only over the version that was read.
    ///   - subresource: such as `status`; nil for the object.
    ///   - options: how.
    /// - Returns: the object as it is now.
    /// - Throws: ``ClusterError``, `conflict` where it was changed since it was read.
    @discardableResult
    public func replace(
        _ resource: APIResource,
        _ object: KubeObject,
        subresource: String? = nil,
        _ options: WriteOptions = WriteOptions()
    ) async throws(ClusterError) -> KubeObject {
        let key = ObjectKey(self.namespace(of: object, resource) ?? "", object.name)
        let path = try Self.path(resource, key, subresource)
        var call = Call(method: .put, path: path, query: self.query(options))
        call.body = object.json.bytes
        return KubeObject(try await self.json(call))
    }

    /// Changes an object, or a part of it such as its status.
    ///
    /// - Parameters:
    ///   - resource: its kind.
    ///   - key: which.
    ///   - patch: the change; ``Patch/apply(_:force:)`` makes the object where there is none.
    ///   - subresource: such as `status`; nil for the object.
    ///   - options: how; the field manager is the owner of what is applied.
    /// - Returns: the object as it is now.
    /// - Throws: ``ClusterError``, `conflict` where other writers own fields that are applied.
    @discardableResult
    public func patch(
        _ resource: APIResource,
        _ key: ObjectKey,
        _ patch: Patch,
        subresource: String? = nil,
        _ options: WriteOptions = WriteOptions()
    ) async throws(ClusterError) -> KubeObject {
        let path = try Self.path(resource, key, subresource)
        var call = Call(method: .patch, path: path, query: self.query(options))
        if case .apply(_, let force) = patch { call.query.append(("force", "\(force)")) }
        call.contentType = patch.contentType
        call.body = patch.body.bytes
        return KubeObject(try await self.json(call))
    }

    /// Asks for an object to go.
    ///
    /// - Returns: the object while something still holds it, such as a finalizer; nil when it is gone.
    /// - Throws: ``ClusterError``, `notFound` where there is none, `conflict` where a condition of the
    ///   options does not hold.
    @discardableResult
    public func delete(
        _ resource: APIResource,
        _ key: ObjectKey,
        _ options: DeleteOptions = DeleteOptions()
    ) async throws(ClusterError) -> KubeObject? {
        var call = Call(method: .delete, path: try Self.path(resource, key, nil))
        call.body = options.body.bytes
        let object = KubeObject(try await self.json(call))
        // Some kinds answer with the object even when it is gone: what holds it must be seen.
        let isHeld =
            object.kind == resource.kind
            && (!object.finalizers.isEmpty || object["metadata", "deletionGracePeriodSeconds"] != 0)
        return isHeld && object.isBeingDeleted ? object : nil
    }

    private func namespace(of object: KubeObject, _ resource: APIResource) -> String? {
        guard resource.isNamespaced else { return nil }
        return object.namespace.isEmpty ? self.connection.namespace : object.namespace
    }

    private func query(_ options: WriteOptions) -> [(name: String, value: String)] {
        var options = options
        if options.fieldManager == nil { options.fieldManager = self.program }
        return options.query
    }

    // MARK: Paths

    static func path(
        _ resource: APIResource,
        _ key: ObjectKey,
        _ subresource: String?
    ) throws(ClusterError) -> String {
        guard !resource.isNamespaced || !key.namespace.isEmpty else {
            throw ClusterError(
                .badRequest,
                "\(resource.qualifiedPlural) live in namespaces, and none is given"
            )
        }
        return resource.path(
            namespace: try Self.segment(resource.isNamespaced ? key.namespace : "all"),
            name: try Self.segment(key.name),
            subresource: subresource
        )
    }

    static func path(
        _ resource: APIResource,
        namespace: String?
    ) throws(ClusterError) -> String {
        resource.path(
            namespace: try namespace.map { name throws(ClusterError) in try segment(name) }
        )
    }

    /// A name as it stands in a path: one that is empty would name the whole list, which a deletion
    /// then empties.
    private static func segment(_ name: String) throws(ClusterError) -> String {
        let isName = !name.isEmpty && name != "." && name != ".." && !name.contains("/")
        guard isName, !name.contains("%") else {
            throw ClusterError(.badRequest, "\"\(name)\" cannot be the name of an object")
        }
        return escaped(name)
    }

    // MARK: Sending

    /// The JSON of a successful answer.
    func json(_ call: Call) async throws(ClusterError) -> JSON {
        let answer = try await self.send(call)
        do { return try JSON(parsing: answer.body) } catch {
            throw ClusterError(
                .badAnswer,
                "the answer to \(call.method.rawValue) \(call.path) is no JSON: \(error)",
                statusCode: answer.status
            )
        }
    }

    /// Sends a request until it is done, refused, or not worth another attempt.
    func send(_ call: Call) async throws(ClusterError) -> Answer {
        var attempt = 1
        while true {
            let error: ClusterError
            do {
                let answer = try await self.attempt(call)
                answer.warnings.forEach(self.onWarning)
                return answer
            } catch let failure { error = failure }
            let wait = self.retries.wait(
                after: error,
                isRead: call.isRead,
                attempt: attempt,
                jitter: self.environment.jitter()
            )
            guard let wait else { throw error }
            do { try await self.environment.wait(wait) } catch {
                throw ClusterError(.cancelled, "\(call.method.rawValue) \(call.path) was cancelled")
            }
            attempt += 1
        }
    }

    /// One attempt, with fresh credentials where the first ones were refused.
    private func attempt(_ call: Call) async throws(ClusterError) -> Answer {
        let identity = try await self.credentials.identity()
        do {
            let answer = try await self.exchange(call, identity)
            if answer.status == 401, let fresh = try await self.renewed(identity) {
                return try Self.success(try await self.exchange(call, fresh))
            }
            return try Self.success(answer)
        } catch { throw self.explained(error, identity) }
    }

    /// A server that is shown a certificate that has ended says that it does not know us, or hangs up:
    /// we can tell more.
    private func explained(_ error: ClusterError, _ identity: RequestIdentity) -> ClusterError {
        let isDenial = [.unauthorized, .untrusted, .connectionLost].contains(error.reason)
        guard isDenial, let end = identity.certificateEnd(before: self.environment.now()) else {
            return error
        }
        return ClusterError(
            .untrusted,
            "the client certificate of \(self.connection.source) ended at \(end) "
                + "(\(error.message))",
            statusCode: error.statusCode
        )
    }

    /// The identity for the next request.
    func identity() async throws(ClusterError) -> RequestIdentity {
        try await self.credentials.identity()
    }

    /// Another identity than the one that was refused; nil where there is none to be had.
    func renewed(_ refused: RequestIdentity) async throws(ClusterError) -> RequestIdentity? {
        guard self.credentials.isRenewable else { return nil }
        let fresh = try await self.credentials.identity(refused: refused)
        let isSame =
            fresh.exec == refused.exec
            && fresh.headers.elementsEqual(refused.headers) { $0.value == $1.value }
        return isSame ? nil : fresh
    }

    private func exchange(
        _ call: Call,
        _ identity: RequestIdentity
    ) async throws(ClusterError) -> Answer {
        do {
            return try await self.gate.pass {
                self.tally.count(call.verb)
                return try await self.transport.send(call, as: identity)
            }
        } catch let error as ClusterError { throw error } catch {
            throw ClusterError(.cancelled, "\(call.method.rawValue) \(call.path) was cancelled")
        }
    }

    private static func success(_ answer: Answer) throws(ClusterError) -> Answer {
        guard (200..<300).contains(answer.status) else {
            throw ClusterError(
                statusCode: answer.status,
                body: answer.body,
                retryAfter: answer.retryAfter
            )
        }
        return answer
    }
}
