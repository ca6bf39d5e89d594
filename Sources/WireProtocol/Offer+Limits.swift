// SPDX-License-Identifier: Apache-2.0

import BlockTypes

extension Offer {
    /// Why no receiver of this version takes the offer, whatever is in its store.
    func refused(agreed codecs: CodecSet) -> Closing? {
        guard codecs.isSuperset(of: self.codecs) else {
            return .violation("the offer has a codec that was not agreed")
        }
        let size = max(self.target.size, self.base?.size ?? .zero)
        guard size > Geometry.maximumVolume else { return nil }
        return .refusing(
            Refusal(
                code: .sizeLimit,
                text: "a volume of \(size.bytes) bytes is over the limit of"
                    + " \(Geometry.maximumVolume.bytes)"
            )
        )
    }
}
