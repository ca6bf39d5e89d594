// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Curves in panels side by side, both axes logarithmic, as SVG.
struct LogPlot {
    struct Series {
        var name: String
        var points: [(x: Double, y: Double)]
    }

    struct Panel {
        var title: String
        var series: [Series]
    }

    private static let width = 300
    private static let height = 250
    private static let (left, right, top, bottom) = (56.0, 14.0, 46.0, 40.0)
    private static let colours = ["#2a6f97", "#c1121f", "#588157", "#9c6644", "#6a4c93", "#3d405b"]

    let head: String
    let horizontal: String
    let panels: [Panel]

    var svg: String {
        let width = Self.width * self.panels.count
        let names = self.panels.first?.series.map(\.name) ?? []
        let height = Self.height + 30 + 18 * names.count
        var body = Self.text(12, 18, self.head)
        for (index, panel) in self.panels.enumerated() {
            body += "<g transform=\"translate(\(index * Self.width) 20)\">\n"
            body += self.draw(panel) + "</g>\n"
        }
        for (index, name) in names.enumerated() {
            let y = Double(Self.height + 34 + 18 * index)
            body += """
                <rect x="14" y="\(y - 9)" width="22" height="9" fill="\(Self.colour(index))"/>

                """
            body += Self.text(42, y, name)
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" \
            font-family="sans-serif" font-size="11">
            <rect width="100%" height="100%" fill="white"/>
            \(body)</svg>

            """
    }

    /// What can be shown: zero has no logarithm.
    private static func shown(_ series: Series) -> [(x: Double, y: Double)] {
        series.points.filter { $0.x > 0 && $0.y > 0 && $0.y.isFinite }.sorted { $0.x < $1.x }
    }

    private func draw(_ panel: Panel) -> String {
        let points = panel.series.flatMap(Self.shown)
        var body = Self.text(Self.left, 26, panel.title)
        guard let across = Axis(points.map(\.x)), let up = Axis(points.map(\.y)) else {
            return body + Self.text(Self.left, 60, "nothing to show")
        }
        let (x, y) = (
            across.scale(from: Self.left, to: Double(Self.width) - Self.right),
            up.scale(from: Double(Self.height) - Self.bottom, to: Self.top)
        )
        for power in across.powers {
            let place = fixed(x(power), 1)
            body += """
                <line x1="\(place)" y1="\(Self.top)" x2="\(place)" \
                y2="\(Double(Self.height) - Self.bottom)" stroke="#ddd"/>

                """
            let under = Double(Self.height) - Self.bottom + 14
            body += Self.text(x(power) - 12, under, Self.number(power))
        }
        for power in up.powers {
            let place = fixed(y(power), 1)
            body += """
                <line x1="\(Self.left)" y1="\(place)" x2="\(Double(Self.width) - Self.right)" \
                y2="\(place)" stroke="#ddd"/>

                """
            body += Self.text(8, y(power) + 4, Self.number(power))
        }
        for (index, series) in panel.series.enumerated() {
            body += self.curve(Self.shown(series), Self.colour(index), x, y)
        }
        return body + Self.text(Self.left, Double(Self.height) - 8, self.horizontal)
    }

    private func curve(
        _ points: [(x: Double, y: Double)],
        _ colour: String,
        _ x: (Double) -> Double,
        _ y: (Double) -> Double
    ) -> String {
        let places = points.map { (fixed(x($0.x), 1), fixed(y($0.y), 1)) }
        let line = places.map { "\($0.0),\($0.1)" }.joined(separator: " ")
        var body = "<polyline points=\"\(line)\" fill=\"none\" stroke=\"\(colour)\"/>\n"
        for place in places {
            body += "<circle cx=\"\(place.0)\" cy=\"\(place.1)\" r=\"3\" fill=\"\(colour)\"/>\n"
        }
        return body
    }

    /// Whole powers of ten around some numbers.
    private struct Axis {
        let first: Int
        let last: Int

        init?(_ numbers: [Double]) {
            guard let least = numbers.min(), let most = numbers.max() else { return nil }
            self.first = Int(log10(least).rounded(.down))
            self.last = max(Int(log10(most).rounded(.up)), self.first + 1)
        }

        var powers: [Double] { (self.first...self.last).map { pow(10, Double($0)) } }

        func scale(from start: Double, to end: Double) -> (Double) -> Double {
            let (first, span) = (Double(self.first), Double(self.last - self.first))
            return { start + (log10($0) - first) / span * (end - start) }
        }
    }

    private static func colour(_ index: Int) -> String {
        self.colours[index % self.colours.count]
    }

    private static func number(_ power: Double) -> String {
        power >= 1 ? fixed(power, 0) : fixed(power, Int(-log10(power).rounded()))
    }

    private static func text(_ x: Double, _ y: Double, _ text: String) -> String {
        let safe = text.replacingOccurrences(of: "&", with: "&amp;")
            .replacingOccurrences(of: "<", with: "&lt;")
        return "<text x=\"\(fixed(x, 1))\" y=\"\(fixed(y, 1))\">\(safe)</text>\n"
    }
}
