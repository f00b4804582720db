import Language
import Lens
import Network
import Plot
import Support
import Tensor

/// A result that `compare` puts beside others.
protocol ComparedResult: AnyObject {
    /// What it is called where nobody named it.
    var comparedName: String { get }
    /// Its measures, in order.
    func measures(_ against: ComparisonBasis) throws -> [Measure]
    /// How it looks.
    func comparedFigures() throws -> [Panel]
}

/// A number for each input of a result, or one for all.
struct Measure {
    let name: String
    let values: [Double]

    init(_ name: String, _ values: [Double]) { (self.name, self.values) = (name, values) }
    init(_ name: String, _ value: Double) { self.init(name, [value]) }

    /// The mean; NaN where the measure does not apply.
    var mean: Double { values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count) }
}

/// What measures compare with.
struct ComparisonBasis {
    /// A network that took no part.
    var judge: Network?
    var examples: (any ExampleSet)?
}

/// `compare`: results side by side, with numbers.
enum ComparisonBuiltins {
    static func table() -> [Builtin] { [compare()] }

    private static func compare() -> Builtin {
        Builtin(
            "compare", topic: "lens",
            [
                .variadic("results", "maximizations and other results"),
                .optional("judge", "nil", "a network that took no part: what it makes of the inputs"),
                .optional("data", "nil", "real examples, for the distance of spectra"),
                .optional("names", "nil", "what to call the results"),
            ],
            summary: "Results side by side, with measures of clarity; plot shows the inputs.",
            doc: """
                activation: of the last state. probability: of the class under the network itself. judge: its \
                probability under a network that took no part, and recognized the share of inputs that it takes \
                for their class. variation: total variation over the standard deviation (white noise has 1.13 an \
                axis). distance: dB between the input's third-octave levels and those of real examples. \
                agreement: correlation of the spectra of several copies, 1 where all seeds found the same. Shown are \
                means; each has the numbers of all inputs.
                """,
            example:
                "net = sequential(conv1d(8, 5), relu(), input = [64, 1])\na = maximize(net.conv1d, 3, 0.1, steps = 3)\nb = maximize(net.conv1d, 3, 0.1, steps = 3, l2 = 0.1)\ncompare(a, b, names = [\"plain\", \"l2\"]).names  # expect: [\"plain\", \"l2\"]",
            seeAlso: ["maximize", "plot"]
        ) { args in
            let names = try args.optionalStrings("names") ?? []
            var basis = ComparisonBasis()
            basis.judge = try args.optionalObject("judge", as: NetworkObject.self, "a network")?.network
            if !args.value("data").isNil {
                basis.examples = try DataBuiltins.examples(args.value("data"), args, "data")
            }
            var results: [any ComparedResult] = []
            for value in args.rest {
                guard let result = value.asObject as? any ComparedResult else {
                    throw args.failure(
                        "\(value.typePhrase) cannot be compared", hint: "give results of maximize",
                        kind: .type)
                }
                results.append(result)
            }
            guard !results.isEmpty else {
                throw args.failure("nothing to compare", hint: "give results of maximize")
            }
            var rows: [ComparisonObject.Row] = []
            for (i, result) in results.enumerated() {
                rows.append(
                    .init(
                        name: names.indices.contains(i) ? names[i] : result.comparedName,
                        measures: try result.measures(basis), result: result))
            }
            return Value(ComparisonObject(rows))
        }
    }
}

extension MaximizationObject: ComparedResult {
    var comparedName: String {
        let labels = result.labels
        return labels.count == 1 ? labels[0] : "\(labels[0]) and \(labels.count - 1) more"
    }

    func measures(_ against: ComparisonBasis) throws -> [Measure] {
        let x = result.input
        var all = [Measure("activation", result.activation)]
        all.append(Measure("probability", result.probabilities.compactMap(\.last)))
        if let judge = against.judge { all += try judged(judge) }
        all.append(Measure("variation", try ClarityMeasures.totalVariation(x)))
        if let examples = against.examples {
            all.append(
                Measure("distance", try ClarityMeasures.spectralDistance(x, result.space, from: examples)))
        }
        if result.options.copies > 1 { all.append(Measure("agreement", try agreement())) }
        all.append(Measure("seconds", result.seconds))
        return all
    }

    /// What a judge makes of the inputs whose class it knows.
    private func judged(_ judge: Network) throws -> [Measure] {
        let table = try ClarityMeasures.probabilities(result.input, of: result.space, under: judge)
        let classes = table.shape[1]
        let values = try table.array(of: Double.self)
        var (own, right) = ([Double](), [Double]())
        for i in 0..<result.count {
            guard let target = classPlace(i, judge) else { continue }
            let row = Array(values[i * classes..<(i + 1) * classes])
            own.append(row[target])
            right.append(row[target] == row.max() ? 1 : 0)
        }
        return [Measure("judge", own), Measure("recognized", right)]
    }

    /// The judge's class of an input, by name.
    private func classPlace(_ i: Int, _ judge: Network) -> Int? {
        let label = result.objective.labels[i / result.options.copies]
        return judge.classes.firstIndex(of: label)
    }

    /// Agreement between the copies of each aim.
    private func agreement() throws -> [Double] {
        let copies = result.options.copies
        return try (0..<(result.count / copies)).map { aim in
            let part = try result.input[[.slice(start: aim * copies, end: (aim + 1) * copies, step: 1)]]
                .dense()
            return try ClarityMeasures.agreement(part, result.space)
        }
    }

    func comparedFigures() throws -> [Panel] {
        let first = try result.input[[.position(0)]]
        if let rate {
            let samples = try first.array(of: Float.self)
            return [
                try Panel.waveform(samples, rate: Double(rate)),
                try Panel.spectrogram(samples, rate: Double(rate)),
            ]
        }
        if result.space.kind == .picture {
            let shown = try result.space.pictures(result.input)[[.position(0)]]
            return [try Panel.image(PlotBuiltins.picture(shown))]
        }
        return [try Panel.series([Series(y: result.loss[0])], xlabel: "step")]
    }
}

/// Results side by side.
final class ComparisonObject: VZObject {
    struct Row {
        let name: String
        let measures: [Measure]
        let result: any ComparedResult
    }
    let rows: [Row]
    init(_ rows: [Row]) { self.rows = rows }

    /// The measures that some result has, in order.
    private var columns: [String] {
        var names: [String] = []
        for row in rows {
            for m in row.measures where !names.contains(m.name) && m.mean.isFinite { names.append(m.name) }
        }
        return names
    }

    var typeName: String { "comparison" }
    var memberNames: [String] { ["names", "rows", "each"] + columns }
    func memberDoc(_ name: String) -> String? {
        switch name {
        case "names": "what the results are called"
        case "rows": "a record of measures for each result"
        case "each": "the same with a list for each measure, of all its inputs"
        default: "this measure of each result"
        }
    }
    func member(_ name: String) throws -> Value? {
        if name == "names" { return Value(rows.map(\.name)) }
        if name == "rows" {
            return Value(
                rows.map { row in
                    Value([("name", Value(row.name))] + row.measures.map { ($0.name, Value($0.mean)) })
                })
        }
        if name == "each" {
            return Value(
                rows.map { row in
                    Value([("name", Value(row.name))] + row.measures.map { ($0.name, Value($0.values)) })
                })
        }
        guard columns.contains(name) else { return nil }
        return Value(rows.map { row in row.measures.first { $0.name == name }?.mean ?? .nan })
    }

    var summary: String { "<comparison of \(rows.map(\.name).joined(separator: ", "))>" }

    func display(width: Int) -> String {
        let columns = columns
        let first = max(rows.map(\.name.count).max() ?? 0, 6) + 2
        var lines = ["".padded(first) + columns.map { $0.leftPadded(max(12, $0.count + 2)) }.joined()]
        for row in rows {
            let cells = columns.map { column -> String in
                let value = row.measures.first { $0.name == column }?.mean ?? .nan
                return (value.isFinite ? format4(value) : "–").leftPadded(max(12, column.count + 2))
            }
            lines.append(row.name.padded(first) + cells.joined())
        }
        return lines.joined(separator: "\n")
    }

    /// Each result's figures in a column of their own.
    func figure() throws -> Figure {
        let columns = try rows.map { row in
            var panels = try row.result.comparedFigures()
            if !panels.isEmpty { panels[0].title = row.name }
            return panels
        }
        let height = columns.map(\.count).max() ?? 0
        guard columns.allSatisfy({ $0.count == height }), height > 0 else {
            return Figure(panels: columns.flatMap { $0 }, columns: min(columns.count, 4))
        }
        return Figure(panels: (0..<height).flatMap { i in columns.map { $0[i] } }, columns: columns.count)
            .onOneScale()
    }
}
