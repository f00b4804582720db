import Language
import Network
import Plot
import Support
import Tensor

/// Figures of one kind, by name. Each gives a figure: alone on a line it is shown; `plot`, `figure`
/// and `save` take it.
extension PlotBuiltins {
    private static func kind(
        _ name: String, _ parameters: [Language.Parameter], _ summary: String, doc: String = "",
        example: String, usesLabels: Bool = false, _ make: @escaping (Arguments) throws -> Figure
    ) -> Builtin {
        Builtin(
            name, topic: "figures",
            parameters
                + PlotOptions.look.filter { option in !parameters.contains { $0.name == option.name } },
            summary: summary,
            doc: (doc.isEmpty ? "" : doc + " ")
                + "Gives a figure: alone on a line it is shown, and plot, figure and save take it.",
            example: example, seeAlso: ["plot", "figure"]
        ) { args in
            .object(try PlotOptions.finished(try make(args), args, usesLabels: usesLabels))
        }
    }

    private static func labels(_ args: Arguments) throws -> [String] {
        try args.optionalStrings("labels") ?? []
    }

    /// The rate that was given, for tensors that know none.
    private static let rate = Language.Parameter.optional(
        "rate", "nil", "samples a second; by default the waveform's own, else 16000")

    /// What was given as sounds. Throws where one is none.
    private static func sounds(_ args: Arguments) throws -> [(samples: [Float], rate: Double)] {
        guard !args.rest.isEmpty else {
            throw args.failure("nothing to draw", hint: "give a waveform, such as read_audio(\"dog.wav\")")
        }
        let rate = try args.optionalNumber("rate")
        if let rate, !(rate > 0 && rate.isFinite) {
            throw args.failure("`rate` must be samples a second, not \(Value(rate).text)")
        }
        return try args.rest.map { value in
            if let one = try samples(value) { return (one.samples, rate ?? Double(one.rate)) }
            // A plain list or tensor of one axis is a sound where somebody says so.
            if let plain = try numbers(value) { return (plain.map { Float($0) }, rate ?? 16000) }
            throw args.failure("\(value.typePhrase) is no waveform", kind: .type)
        }
    }

    // MARK: sound

    static func soundKinds() -> [Builtin] {
        [
            kind(
                "waveform", [.variadic("sounds", "waveforms, examples, maximizations"), rate],
                "Waveforms over time, in seconds; several stand in a grid on one scale.",
                example: "waveform(randn(4000, 1)).panels  # expect: 1"
            ) { args in
                let all = try sounds(args)
                let names = try labels(args)
                if all.count == 1 {
                    var panel = try Panel.waveform(all[0].samples, rate: all[0].rate)
                    panel.title = names.first
                    return Figure(panel)
                }
                return try Figure.waveforms(all.map(\.samples), rate: all[0].rate, captions: names)
            },
            kind(
                "spectrum", [.variadic("sounds", "waveforms, examples, maximizations"), rate],
                "Levels of frequencies: dB against kHz (Welch's method, Hann windows).",
                example: "spectrum(randn(4000, 1)).panels  # expect: 1"
            ) { args in
                let all = try sounds(args)
                let names = try labels(args)
                let waves = all.enumerated().map { i, one in
                    (name: names.indices.contains(i) ? names[i] : nil, samples: one.samples)
                }
                return Figure(try Panel.spectrum(waves, rate: all[0].rate))
            },
            kind(
                "spectrogram",
                [
                    .variadic("sounds", "waveforms, examples, maximizations"), rate,
                    .optional("window", "nil", "samples of one Hann window; by default about 25 ms"),
                    .optional("hop", "nil", "samples from window to window; by default a quarter of it"),
                    .optional(
                        "range", "nil",
                        "dB below the loudest that are told apart; by default as many as are filled, up to 80"
                    ),
                ],
                "Levels of frequencies over time: dB over seconds and kHz; several stand in a grid on one scale.",
                example: "spectrogram(randn(4000, 1)).panels  # expect: 1"
            ) { args in
                let names = try labels(args)
                let window = try args.optionalInt("window")
                let hop = try args.optionalInt("hop")
                let range = try args.optionalNumber("range")
                let panels = try sounds(args).enumerated().map { i, one in
                    var panel = try Panel.spectrogram(
                        one.samples, rate: one.rate, window: window, hop: hop, dynamicRange: range)
                    if names.indices.contains(i) { panel.title = names[i] }
                    return panel
                }
                return Figure(panels: panels, columns: min(panels.count, 3)).onOneScale()
            },
        ]
    }

    // MARK: numbers

    static func numberKinds() -> [Builtin] {
        [
            kind(
                "histogram",
                [
                    .variadic("values", "lists of numbers or tensors"),
                    .optional("bins", "nil", "how many bins"),
                ],
                "How often values occur.",
                doc: "Without bins their number follows Freedman and Diaconis (1981).",
                example: "histogram(randn(100)).panels  # expect: 1"
            ) { args in
                let names = try labels(args)
                let groups = try args.rest.enumerated().map { i, value in
                    guard let values = try allNumbers(value) else {
                        throw args.failure("\(value.typePhrase) holds no numbers", kind: .type)
                    }
                    return (name: names.indices.contains(i) ? names[i] : nil, values: values)
                }
                return Figure(try Panel.histogram(groups, bins: try args.optionalInt("bins")))
            },
            kind(
                "scatter",
                [
                    .required("x", "places along x, or a list of such lists"),
                    .required("y", "places along y, or a list of such lists"),
                ],
                "Points; lists of lists are groups, each with its colour and shape.",
                example: "scatter([1, 2, 3], [3, 1, 2]).panels  # expect: 1"
            ) { args in
                let xs = try groups(args, "x")
                let ys = try groups(args, "y")
                guard xs.count == ys.count else {
                    throw args.failure(
                        "\(xs.count) groups of x for \(ys.count) of y",
                        hint: "give a list of y for each list of x")
                }
                let names = try labels(args)
                return Figure(
                    try Panel.scatter(
                        zip(xs, ys).enumerated().map { i, pair in
                            (names.indices.contains(i) ? names[i] : nil, pair.0, pair.1)
                        }))
            },
            kind(
                "bars",
                [
                    .required("names", "names of the bars, or a record of names and numbers"),
                    .optional(
                        "values", "nil", "their heights; a list of lists makes groups, which labels name"),
                    .optional(
                        "horizontal", "nil", "true lays the bars down; by default where names are long"),
                ],
                "Bars.", example: "bars([\"a\", \"b\"], [1, 2]).panels  # expect: 1"
            ) { args in
                let (names, groups) = try barValues(args)
                let labels = try labels(args)
                let series = groups.enumerated().map { i, values in
                    Series(
                        name: labels.indices.contains(i)
                            ? labels[i] : groups.count > 1 ? "series \(i + 1)" : nil,
                        y: values)
                }
                return Figure(
                    try Panel.bars(
                        labels: names, series: series, horizontal: try args.optionalBool("horizontal")))
            },
        ]
    }

    private static func barValues(_ args: Arguments) throws -> (names: [String], groups: [[Double]]) {
        if let record = args.value("names").asRecord, args.value("values").isNil {
            let numbers = try record.values.map { value -> Double in
                guard let x = value.asNumber else {
                    throw args.failure("the record must hold numbers, not \(value.typePhrase)", kind: .type)
                }
                return x
            }
            return (record.keys, [numbers])
        }
        guard !args.value("values").isNil else {
            throw args.failure("heights are missing", hint: "write bars(names, values), or give a record")
        }
        return (try args.strings("names"), try groups(args, "values"))
    }

    /// Numbers, or a list of lists of them.
    private static func groups(_ args: Arguments, _ name: String) throws -> [[Double]] {
        let value = args.value(name)
        if let plain = try numbers(value) { return [plain] }
        guard let list = value.asList, !list.items.isEmpty else {
            throw args.mismatch(name, "numbers", value)
        }
        return try list.items.map { item in
            guard let plain = try numbers(item) else {
                throw args.mismatch(name, "numbers or a list of lists of numbers", value)
            }
            return plain
        }
    }

    // MARK: pictures and tables

    static func pictureKinds() -> [Builtin] {
        [
            kind(
                "image",
                [
                    .variadic(
                        "pictures", "tensors [height, width], [height, width, 1 or 3], batches of them"),
                    .optional("columns", "nil", "pictures in a row"),
                    .optional("shared", "false", "true shows all by one scale; by default each by its own"),
                ],
                "Pictures; several stand in a grid, with labels as captions.",
                example: "image(rand(8, 8, 3)).panels  # expect: 1"
            ) { args in
                guard let found = try pictures(args.rest, takesTables: true) else {
                    throw args.failure(
                        "\(args.rest.first?.typePhrase ?? "nothing") is no picture",
                        hint: "a picture is a tensor [height, width, 3]", kind: .type)
                }
                return try Figure.images(
                    found, captions: try labels(args), columns: try args.optionalInt("columns"),
                    shared: try args.bool("shared", default: false))
            },
            kind(
                "heatmap",
                [
                    .required("values", "a tensor [rows, columns], or a list of lists"),
                    .optional("rows", "nil", "names of the rows"),
                    .optional("columns", "nil", "names of the columns"),
                    .optional("label", "nil", "what the colours mean, with the unit"),
                ],
                "A table of numbers as colours.",
                doc: "Where there are both signs, white is zero; else the map is viridis.",
                example: "heatmap([[1, 2], [3, 4]]).panels  # expect: 1"
            ) { args in
                let (values, rows, columns) = try matrix(args, "values")
                return Figure(
                    try Panel.heatmap(
                        values, rows: rows, columns: columns,
                        rowLabels: try args.optionalStrings("rows") ?? [],
                        columnLabels: try args.optionalStrings("columns") ?? [],
                        valueLabel: try args.optionalString("label")))
            },
            kind(
                "confusion",
                [
                    .required("counts", "[classes, classes], a row a true class; or what evaluate gives"),
                    .optional("classes", "nil", "their names"),
                ],
                "A confusion matrix with counts and percentages of each true class.",
                example: "confusion([[9, 1], [2, 8]], classes = [\"yes\", \"no\"]).panels  # expect: 1"
            ) { args in
                switch args.value("counts").asObject {
                case let score as EvaluationObject: return try confusion(score.result)
                case let matrix as ConfusionObject: return try confusion(matrix.result)
                default: break
                }
                let (values, rows, columns) = try matrix(args, "counts")
                guard rows == columns else {
                    throw args.failure(
                        "a confusion matrix has as many rows as columns, not \(rows) x \(columns)")
                }
                let names = try args.optionalStrings("classes") ?? (0..<rows).map { "\($0)" }
                return Figure(try Panel.confusion(values, labels: names))
            },
            kind(
                "activation_map",
                [
                    .required("input", "the waveform or picture that the network was given"),
                    .required("map", "importance: [length] over a waveform, [height, width] over a picture"),
                    rate,
                ],
                "Where in its input a network hears or sees a class: the input under the map's colours.",
                doc: "The map may be coarser than the input; it is stretched over it.",
                example: "activation_map(randn(400, 1), [0, 1, 0.5, 0]).panels  # expect: 1"
            ) { args in
                guard
                    let figure = try activation(
                        args.value("input"), map: args.value("map"), rate: try args.optionalNumber("rate"))
                else {
                    throw args.failure(
                        "the input must be a waveform or a picture", hint: "as the network was given it",
                        kind: .type)
                }
                return figure
            },
        ]
    }

    /// The map over its waveform, or over its picture; nil where the input is neither.
    private static func activation(_ input: Value, map: Value, rate: Double?) throws -> Figure? {
        if let sound = try samples(input), let importance = try numbers(map) {
            return Figure(
                try Panel.activation(
                    wave: sound.samples, rate: rate ?? Double(sound.rate), map: importance))
        }
        guard let pictures = try pictures([input], takesTables: true), pictures.count == 1,
            let tensor = map.asObject as? TensorObject
        else { return nil }
        let t = try tensor.concrete()
        let shape = t.shape.filter { $0 != 1 }
        guard shape.count == 2 else {
            throw Failure(.shape, "a map over a picture is [height, width], not \(Shape.describe(t.shape))")
        }
        return Figure(
            try Panel.activation(
                picture: pictures[0], map: try t.array(of: Double.self), mapWidth: shape[1],
                mapHeight: shape[0]))
    }

    /// A tensor of two axes, or a list of rows.
    private static func matrix(_ args: Arguments, _ name: String) throws -> (
        [Double], rows: Int, columns: Int
    ) {
        let value = args.value(name)
        if let tensor = value.asObject as? TensorObject {
            let t = try tensor.concrete()
            guard t.rank == 2 else {
                throw args.failure("`\(name)` must have two axes, not the shape \(Shape.describe(t.shape))")
            }
            return (try t.array(of: Double.self), t.shape[0], t.shape[1])
        }
        guard let rows = value.asList?.items, !rows.isEmpty else {
            throw args.mismatch(name, "a tensor [rows, columns] or a list of lists", value)
        }
        let lists = try rows.map { row -> [Double] in
            guard let plain = try numbers(row) else {
                throw args.mismatch(name, "a list of lists of numbers", value)
            }
            return plain
        }
        guard lists.allSatisfy({ $0.count == lists[0].count }) else {
            throw args.failure("the rows of `\(name)` differ in length", kind: .shape)
        }
        return (lists.flatMap { $0 }, lists.count, lists[0].count)
    }
}
