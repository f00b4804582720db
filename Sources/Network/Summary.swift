import Support
import Tensor

/// A network in figures: one row for each use of a layer.
public struct Summary: Sendable {
    public struct Row: Sendable {
        public let name: String
        public let kind: String
        /// Shape of one sample's result.
        public let outputShape: [Int]
        /// Weights that training changes (frozen ones included); 0 where an earlier row shares them.
        public let parameters: Int
        /// Numbers that no gradient reaches: moving moments.
        public let states: Int
        /// For one sample.
        public let multiplyAdds: Int
        public let isTrainable: Bool
        /// Names of what it takes, where that is not just the row above.
        public let inputs: [String]
    }

    public let name: String
    public let inputShape: [Int]
    public let rows: [Row]

    /// All weights: what papers call the number of parameters.
    public var parameters: Int { rows.reduce(0) { $0 + $1.parameters } }
    public var frozen: Int { rows.reduce(0) { $0 + ($1.isTrainable ? 0 : $1.parameters) } }
    public var states: Int { rows.reduce(0) { $0 + $1.states } }
    public var multiplyAdds: Int { rows.reduce(0) { $0 &+ $1.multiplyAdds } }

    /// The table as text, columns aligned, totals below.
    public var text: String {
        var table = [["layer", "output", "parameters", "multiply-adds"]]
        table.append(["input", Shape.describe(inputShape), "", ""])
        for row in rows {
            let origin = row.inputs.isEmpty ? "" : " ← \(row.inputs.joined(separator: ", "))"
            let frozen = row.isTrainable || row.parameters == 0 ? "" : " (frozen)"
            table.append([
                row.name + origin, Shape.describe(row.outputShape),
                row.parameters == 0 ? "" : Self.grouped(row.parameters) + frozen,
                row.multiplyAdds == 0 ? "" : Self.grouped(row.multiplyAdds),
            ])
        }
        let widths = (0..<4).map { column in table.map { $0[column].count }.max() ?? 0 }
        var lines = table.map { cells in
            zip(cells, widths).enumerated().map { i, cell in
                let pad = String(repeating: " ", count: cell.1 - cell.0.count)
                return i < 2 ? cell.0 + pad : pad + cell.0
            }.joined(separator: "  ").trimmingSpaces()
        }
        let rule = String(repeating: "─", count: widths.reduce(6, +))
        lines.insert(rule, at: 1)
        lines.append(rule)
        lines.append(
            "\(name): \(Self.grouped(parameters)) parameters, \(Self.grouped(multiplyAdds)) multiply-adds a sample"
        )
        if frozen > 0 { lines.append("\(Self.grouped(frozen)) of them frozen") }
        if states > 0 {
            lines.append("\(Self.grouped(states)) more numbers are followed, not trained (moving moments)")
        }
        return lines.joined(separator: "\n")
    }

    /// 1234567 → "1,234,567".
    public static func grouped(_ n: Int) -> String {
        let digits = String(n.magnitude)
        var text = ""
        for (i, digit) in digits.enumerated() {
            if i > 0 && (digits.count - i) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return n < 0 ? "-" + text : text
    }
}

extension String {
    fileprivate func trimmingSpaces() -> String {
        var text = Substring(self)
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}

extension Network {
    /// Layers, output shapes, parameters and multiply-adds. Throws where the network was not built.
    public func summary() throws -> Summary {
        let inputShape = try builtInputShape()
        var seen: Set<ObjectIdentifier> = []
        let rows = nodes.enumerated().map { i, node in
            let isFirst = seen.insert(ObjectIdentifier(node.layer)).inserted
            let own = isFirst ? node.layer.parameters : []
            let isPlain = node.inputs == [i - 1]
            return Summary.Row(
                name: node.name, kind: node.layer.kind.kind, outputShape: node.outputShape,
                parameters: own.reduce(0) { $0 + ($1.isState ? 0 : $1.count) },
                states: own.reduce(0) { $0 + ($1.isState ? $1.count : 0) }, multiplyAdds: node.multiplyAdds,
                isTrainable: node.layer.isTrainable,
                inputs: isPlain ? [] : node.inputs.map { $0 < 0 ? "input" : nodes[$0].name })
        }
        return Summary(name: name, inputShape: inputShape, rows: rows)
    }
}
