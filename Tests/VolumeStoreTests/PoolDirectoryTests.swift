// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VolumeStore

@Suite struct PoolDirectoryTests {
    private let place: TemporaryDirectory

    init() throws { self.place = try TemporaryDirectory() }

    /// With names this short the list fills the buffer of readdir(3) to its last bytes; under the
    /// address sanitizer a read past an entry is an error there.
    @Test func namesAreReadToTheEndOfTheListAndNotBeyond() throws {
        let names = (0..<3000).map { String($0, radix: 36) }
        for name in names {
            try Data().write(to: URL(fileURLWithPath: "\(self.place.path)/\(name)"))
        }
        #expect(try PoolDirectory.names(in: self.place.path) == names.sorted())
    }

    @Test func aNameOfEveryLengthIsReadWhole() throws {
        let names = (1...255).map { String(repeating: "n", count: $0) }
        for name in names {
            try Data().write(to: URL(fileURLWithPath: "\(self.place.path)/\(name)"))
        }
        #expect(try PoolDirectory.names(in: self.place.path) == names)
    }

    @Test func thereAreNoNamesWhereThereIsNoDirectory() throws {
        #expect(try PoolDirectory.names(in: "\(self.place.path)/missing") == [])
    }
}
