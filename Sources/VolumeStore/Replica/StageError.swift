// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// Why a stage does not take a chunk or does not become a generation.
public enum StageError: Error, Equatable {
    /// The peer sent a granule for the second time.
    case duplicate(Extent)
    /// The peer sent bytes outside of the target or not aligned to granules.
    case outside(Extent)
    /// What was staged is not what the sender has (P2); the stage must be discarded.
    case rootMismatch(expected: RootDigest, found: RootDigest)
    /// More separate extents than the stage can account for on this kind of target.
    case tooFragmented
    /// The disk failed; the stage must be discarded where ``Stage/isFailed`` says so (P3).
    case store(StoreError)
}

/// Runs an operation of the disk inside of one that can fail for other reasons too.
func storing<Result>(
    _ body: () throws(StoreError) -> Result
) throws(StageError) -> Result {
    do {
        return try body()
    } catch {
        throw .store(error)
    }
}
