// SPDX-License-Identifier: Apache-2.0

/// The bounds and lifetimes of identities, each with its reason.
public enum IdentityLimits {
    /// How long an authority signs: 10 years.
    ///
    /// Replacing it means pairing again, so it outlives the hardware.
    public static let authorityLifetime = Duration.seconds(3650 * 86_400)

    /// How long the certificate of an agent's servers is valid: 7 days.
    ///
    /// The authority is in the same process and renews it without asking anybody.
    public static let serverLifetime = Duration.seconds(7 * 86_400)

    /// How long the certificate of a pair is valid: 30 days.
    ///
    /// A source that was off for longer has to be paired again; one that was stolen is out by then
    /// even where nobody revokes it.
    public static let pairLifetime = Duration.seconds(30 * 86_400)

    /// How far the start of a certificate lies before its making: 5 minutes.
    ///
    /// The clocks of the two sides may differ by so much.
    public static let backdating = Duration.seconds(300)

    /// The longest PEM text that is looked at: 64 KiB, far above any chain of ours.
    static let pemLength = 65_536

    /// The longest certificate request in DER: 8 KiB; ours have about 250 bytes.
    static let requestLength = 8192
}
