// SPDX-License-Identifier: Apache-2.0

/// Why a volume was copied as a whole, and not only what has changed.
public enum FullCopyReason: String, Hashable, Sendable, CaseIterable {
    /// It is the first copy of the volume to this destination.
    case firstRun = "FirstRun"
    /// Every seventh copy is full.
    case seventhRun = "SeventhRun"
    /// Somebody asked for it.
    case requested = "Requested"
    /// Nothing is known any more of what both sides had in common.
    case baseForgotten = "BaseForgotten"
    /// The destination does not have the state any more that the copy would have started from.
    case baseLostAtDestination = "BaseLostAtDestination"
    /// The source does not know any more what that state was.
    case baseLostAtSource = "BaseLostAtSource"
    /// That state was not the same on both sides.
    case baseDiffered = "BaseDiffered"

    /// Why it was not to be expected, as the end of a sentence; nil where the cadence, or a person, wants
    /// it so.
    public var surprise: String? {
        switch self {
        case .firstRun, .seventhRun, .requested: nil
        case .baseForgotten:
            "it is not known any more which generation both sides had in common"
        case .baseLostAtDestination:
            "the destination has lost the generation that both sides had in common"
        case .baseLostAtSource:
            "the source has lost the generation that both sides had in common"
        case .baseDiffered:
            "the generation that both sides had in common was not the same at the destination"
        }
    }
}
