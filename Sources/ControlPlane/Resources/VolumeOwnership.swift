// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// What a storage driver says about PersistentVolumes, without asking anybody.
public protocol VolumeOwnership: Sendable {
    /// Whether the driver moves the data of this PersistentVolume.
    func owns(_ volume: KubeObject) -> Bool

    /// The PersistentVolume as it has to be at the destination, where the driver has put the data.
    ///
    /// - Parameter volume: what the source has; its name stays.
    /// - Returns: the same with the handle, and whatever else names a place, of the destination.
    func atDestination(_ volume: KubeObject) -> KubeObject
}

/// The volumes of one CSI driver, which keep their PersistentVolume's name as handle when they move.
public struct CSIVolumes: VolumeOwnership {
    /// Such as `pool.godwit.io`.
    public let driver: String

    /// The volumes of the agents' pools.
    public static let pool = Self(driver: "pool.godwit.io")

    /// The volumes of the driver of this name.
    public init(driver: String) { self.driver = driver }

    /// Whether `spec.csi.driver` is this one.
    public func owns(_ volume: KubeObject) -> Bool {
        volume["spec", "csi", "driver"]?.string == self.driver
    }

    /// With the volume's own name as `spec.csi.volumeHandle`.
    public func atDestination(_ volume: KubeObject) -> KubeObject {
        guard volume["spec", "csi"]?.object != nil else { return volume }
        var moved = volume
        moved.set(.string(volume.name), at: "spec", "csi", "volumeHandle")
        return moved
    }
}
