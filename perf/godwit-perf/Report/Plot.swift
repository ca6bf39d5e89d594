// SPDX-License-Identifier: Apache-2.0

/// One bar chart for each case, as SVG: median, spread, and the bound of the machine.
struct Plot {
    private static let width = 860
    private static let bar = 18
    private static let left = 150
    private static let right = 190

    let results: Results

    var svg: String {
        var body = ""
        var y = 46
        for title in Set(self.results.series.map(\.title)).sorted() {
            let rows = self.results.series.filter { $0.title == title }.sorted { $0.wall < $1.wall }
            let longest = rows.map(\.slowest).max() ?? 1
            body += self.text(12, y, "\(title), seconds until durable", weight: "bold")
            y += 10
            for row in rows {
                body += self.row(
                    row,
                    y: y,
                    perSecond: Double(Self.width - Self.left - Self.right) / longest
                )
                y += Self.bar + 6
            }
            y += 26
        }
        let machine = self.results.machine
        let size = self.results.sizeBytes >> 20
        let head =
            "\(size) MiB, \(machine.cores) cores \(machine.processor), \(self.results.date.prefix(10))"
            + ", \(machine.commit)"
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(Self.width)" height="\(y)" \
            font-family="sans-serif" font-size="12">
            <rect width="100%" height="100%" fill="white"/>
            \(self.text(12, 20, head, weight: "normal"))\(body)</svg>

            """
    }

    private func row(_ series: Series, y: Int, perSecond: Double) -> String {
        let length = { (seconds: Double) in fixed(seconds * perSecond, 1) }
        let ours = series.peer.hasPrefix("godwit")
        let middle = y + Self.bar / 2
        var row = self.text(12, y + 13, series.peer, weight: ours ? "bold" : "normal")
        row += """
            <rect x="\(Self.left)" y="\(y)" width="\(length(series.wall))" height="\(Self.bar)" \
            fill="\(ours ? "#2a6f97" : "#a9b4bd")"/>
            <line x1="\(fixed(Double(Self.left) + series.fastest * perSecond, 1))" y1="\(middle)" \
            x2="\(fixed(Double(Self.left) + series.slowest * perSecond, 1))" y2="\(middle)" \
            stroke="black"/>

            """
        if let bound = series.boundSeconds {
            let x = fixed(Double(Self.left) + bound * perSecond, 1)
            row += """
                <line x1="\(x)" y1="\(y - 2)" x2="\(x)" y2="\(y + Self.bar + 2)" stroke="#c1121f"/>

                """
        }
        let figures =
            "\(fixed(series.wall, 2)) s, \(fixed(series.median { Double($0.wireBytes) } / 1e6, 0)) MB"
        let x = Double(Self.left) + max(series.slowest, series.wall) * perSecond + 6
        return row + self.text(Int(x), y + 13, figures, weight: "normal")
    }

    private func text(_ x: Int, _ y: Int, _ text: String, weight: String) -> String {
        let safe =
            text.map { character -> String in
                switch character {
                case "<": "&lt;"
                case ">": "&gt;"
                case "&": "&amp;"
                default: String(character)
                }
            }
            .joined()
        return "<text x=\"\(x)\" y=\"\(y)\" font-weight=\"\(weight)\">\(safe)</text>\n"
    }
}
