// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Testing

@testable import Agent

@Suite struct PlacesTests {
    @Test func whoFindsNoPlaceIsToldToComeAgain() async throws {
        let places = Places(1)
        let error = await #expect(throws: APIError.self) {
            try await places.run { () throws(APIError) in
                try await places.run { () throws(APIError) in () }
            }
        }
        #expect(error?.id == .volumeInUse && error?.retryAfter != nil)
        // The place was given back, also by who failed.
        try await places.run { () throws(APIError) in () }
    }
}
