// SPDX-License-Identifier: Apache-2.0

/// A client whose connections have to be closed at the end.
public protocol ClosableClient: Sendable {
    /// Closes the connections; call once, at the end.
    func close() async
}

extension AgentClient: ClosableClient {}
extension PeerClient: ClosableClient {}

extension ClosableClient {
    /// Asks, and closes the connections whatever comes of it.
    ///
    /// - Parameter question: what is asked; the client must not be used after it.
    /// - Returns: what `question` returns.
    /// - Throws: what `question` throws.
    public func once<Answer, Failure: Error>(
        _ question: (Self) async throws(Failure) -> Answer
    ) async throws(Failure) -> Answer {
        do throws(Failure) {
            let answer = try await question(self)
            await self.close()
            return answer
        } catch {
            await self.close()
            throw error
        }
    }
}
