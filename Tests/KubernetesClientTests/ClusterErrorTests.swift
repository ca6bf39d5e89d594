// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import ObjectModel
import Testing

@Suite struct ClusterErrorTests {
    private static func status(_ reason: String, code: Int, details: JSON = [:]) -> JSON {
        [
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "it is so",
            "reason": .string(reason), "code": JSON(code), "details": details,
        ]
    }

    @Test(arguments: [
        ("NotFound", 404, ClusterError.Reason.notFound),
        ("AlreadyExists", 409, .alreadyExists), ("Conflict", 409, .conflict),
        ("Expired", 410, .gone), ("Gone", 410, .gone), ("Forbidden", 403, .forbidden),
        ("Unauthorized", 401, .unauthorized), ("RequestEntityTooLarge", 413, .tooLarge),
        ("ServerTimeout", 500, .timeout), ("Timeout", 504, .timeout),
        ("", 422, .invalid), ("", 503, .serviceUnavailable), ("NewWord", 499, .unknown),
    ])
    func theServersWordDecidesElseTheNumber(
        word: String,
        code: Int,
        reason: ClusterError.Reason
    ) {
        let error = ClusterError(
            statusCode: code,
            body: Self.status(word, code: code).bytes
        )
        #expect(error.reason == reason)
        #expect(error.message == "it is so")
        #expect(error.statusCode == code)
    }

    @Test func anAnswerThatIsNoStatusKeepsItsText() {
        let error = ClusterError(statusCode: 502, body: Array("<h1>Bad Gateway</h1>".utf8))
        #expect(error.reason == .serviceUnavailable)
        #expect(error.description.contains("<h1>Bad Gateway</h1>"))
        #expect(ClusterError(statusCode: 500, body: []).message.contains("500"))
    }

    @Test func theTextIsTheOneThatPeopleKnow() {
        let status = Self.status("NotFound", code: 404)
        #expect(
            ClusterError(status: status).description == "Error from server (NotFound): it is so"
        )
    }

    @Test func invalidObjectsNameEachFieldOnce() {
        let two = Self.status(
            "Invalid",
            code: 422,
            details: [
                "kind": "Deployment", "name": "web",
                "causes": [
                    ["reason": "FieldValueInvalid", "field": "spec.replicas", "message": "no -1"],
                    ["reason": "FieldValueInvalid", "field": "spec.replicas", "message": "no -1"],
                    ["reason": "FieldValueRequired", "field": "spec.selector", "message": "none"],
                ],
            ]
        )
        let error = ClusterError(status: two)
        #expect(
            error.description == """
                The Deployment "web" is invalid: \n* spec.replicas: no -1\n* spec.selector: none
                """
        )
        #expect(error.causes.map(\.field).last == "spec.selector")
    }

    @Test func waitsThatAreAskedForAreKept() {
        let status = Self.status("TooManyRequests", code: 429, details: ["retryAfterSeconds": 7])
        #expect(ClusterError(status: status).retryAfter == .seconds(7))
        #expect(ClusterError(status: status).isRetryable)
    }
}
