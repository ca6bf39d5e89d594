// SPDX-License-Identifier: Apache-2.0

import Locks
import Testing

@Suite struct LockedTests {
    /// Under the thread sanitizer this also shows that the sanitizer understands the lock.
    @Test func noChangeIsLostWhenManyChangeAtOnce() async {
        let total = Locked(0)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<20_000 { total.withLock { $0 += 1 } }
                }
            }
        }
        #expect(total.withLock { $0 } == 160_000)
    }

    @Test func anErrorPassesThroughAndTheLockIsFreeAfterwards() {
        let value = Locked(1)
        #expect(throws: Refusal(reason: 7)) {
            try value.withLock { (value) throws(Refusal) in
                value = 2
                throw Refusal(reason: 7)
            }
        }
        #expect(value.withLock { $0 } == 2)
    }

    @Test func aValueWithOneOwnerIsTakenIsChangedAndIsGivenOut() {
        let slot = Locked<Token?>(Token(number: 3))
        slot.withLock { $0?.number += 1 }
        if let taken = slot.withLock({ $0.take() }) {
            let number = taken.number
            #expect(number == 4)
        } else {
            Issue.record("the token is gone")
        }
        let isEmpty = slot.withLock { $0 == nil }
        #expect(isEmpty)
    }

    @Test func theValueGoesWithTheLock() {
        let object = Plain()
        weak let observer = object
        var lock: Locked<Plain>? = Locked(object)
        _ = consume object
        #expect(lock != nil && observer != nil)
        lock = nil
        #expect(observer == nil)
    }

    @Test func takingTheSameLockTwiceTrapsInsteadOfWaitingForEver() async {
        await #expect(processExitsWith: .failure) {
            let lock = Locked(0)
            lock.withLock { _ in lock.withLock { $0 += 1 } }
        }
    }
}

private struct Refusal: Error, Equatable {
    let reason: Int
}

private struct Token: ~Copyable {
    var number: Int
}

private final class Plain: Sendable {}
