// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// Sizes and rates as people write and read them: IEC units only.
public enum ByteSize {
    private static let units = ["B", "KiB", "MiB", "GiB", "TiB"]

    /// The number of bytes that `text` says, such as `10GiB`, `1.5 MiB` or `4096`.
    ///
    /// - Returns: the count; a fraction must come to whole bytes.
    /// - Throws: `GW1101` with what is wrong and how to write it.
    public static func bytes(of text: String) throws(APIError) -> UInt64 {
        let trimmed = text.filter { $0 != " " }
        let digits = trimmed.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = String(trimmed.dropFirst(digits.count))
        guard !digits.isEmpty, let number = Double(digits), number.isFinite else {
            throw Self.wrong(text, "it does not begin with a number")
        }
        guard let power = Self.units.firstIndex(of: unit.isEmpty ? "B" : unit) else {
            throw Self.wrong(text, "'\(unit)' is not a unit", meant: Self.meant(unit, digits))
        }
        if let whole = UInt64(digits) {
            let (product, overflow) = whole.multipliedReportingOverflow(by: 1 << (10 * power))
            guard !overflow, product <= UInt64(Int.max) else {
                throw Self.wrong(text, "it is too large")
            }
            return product
        }
        let product = number * Double(1 << (10 * power))
        guard product < Double(Int.max) else { throw Self.wrong(text, "it is too large") }
        guard product == product.rounded() else {
            throw Self.wrong(text, "it is not a whole number of bytes")
        }
        return UInt64(product)
    }

    /// The bytes per second that `text` says, such as `100MiB/s`; nil for `none`.
    public static func rate(of text: String) throws(APIError) -> UInt64? {
        if text == "none" { return nil }
        guard text.hasSuffix("/s") else {
            throw APIError(
                .invalidRequest,
                "'\(text)' is not a rate: '/s' is missing.",
                try: "write it as 100MiB/s, or none"
            )
        }
        let rate: UInt64
        do { rate = try Self.bytes(of: String(text.dropLast(2))) } catch {
            throw Self.asRate(error, text)
        }
        guard rate > 0 else {
            throw APIError(
                .invalidRequest,
                "'\(text)' would let nothing through.",
                try: "write none for no limit, or cancel the transfer"
            )
        }
        return rate
    }

    /// Three significant digits and an IEC unit, such as `9.54 MiB`.
    public static func text(of bytes: UInt64) -> String {
        guard bytes >= 1024 else { return "\(bytes) B" }
        var value = Double(bytes)
        var power = 0
        while value >= 999.5, power < Self.units.count - 1 {
            value /= 1024
            power += 1
        }
        return "\(Self.threeDigits(value)) \(Self.units[power])"
    }

    /// The same for a count of the data plane.
    public static func text(of count: ByteCount) -> String { Self.text(of: UInt64(count.bytes)) }

    /// A rate, such as `412 MiB/s`.
    public static func rateText(of bytesPerSecond: Double) -> String {
        guard bytesPerSecond.isFinite, bytesPerSecond >= 0 else { return "0 B/s" }
        return Self.text(of: UInt64(min(bytesPerSecond, 1e18))) + "/s"
    }

    /// A number with three significant digits, without Foundation's formatting.
    static func threeDigits(_ value: Double) -> String {
        let decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
        let scale = [1.0, 10.0, 100.0][decimals]
        let scaled = UInt64((value * scale).rounded())
        guard decimals > 0 else { return "\(scaled)" }
        let fraction = "\(scaled % UInt64(scale))"
        let zeros = String(repeating: "0", count: decimals - fraction.count)
        return "\(scaled / UInt64(scale)).\(zeros)\(fraction)"
    }

    /// What is wrong with the size in a rate, in words about the rate.
    private static func asRate(_ error: APIError, _ text: String) -> APIError {
        let reason = error.message.split(separator: ": ", maxSplits: 1).last ?? ""
        let remedy = error.try.map { remedy in
            remedy.hasSuffix("?") ? "\(remedy.dropLast())/s?" : "write it as 100MiB/s, or none"
        }
        return APIError(.invalidRequest, "'\(text)' is not a rate: \(reason)", try: remedy)
    }

    private static func meant(_ unit: String, _ digits: Substring) -> String? {
        let letter = unit.prefix(1).uppercased()
        return Self.units.first { $0.hasPrefix(letter) && $0 != "B" }.map { "\(digits)\($0)" }
    }

    private static func wrong(
        _ text: String,
        _ reason: String,
        meant: String? = nil
    ) -> APIError {
        APIError(
            .invalidRequest,
            "'\(text)' is not a size: \(reason).",
            try: meant.map { "did you mean \($0)?" }
                ?? "use B, KiB, MiB, GiB or TiB, such as 10GiB"
        )
    }
}
