import Language
import Lens
import Network
import Plot
import Support
import Synchronization
import Tensor

/// Figures: `plot` chooses by what it is given.
public enum PlotBuiltins {
    public static func table() -> [Builtin] {
        [
            plot(), figure(), single("waveform", "A waveform over time.", wave),
            single("spectrum", "Levels of frequencies: dB against kHz.", spectrum),
            single("spectrogram", "Levels of frequencies over time.", spectrogram), histogram(), scatter(),
            bars(),
        ]
    }

    // MARK: where figures go

    /// One plotter for the process, made when the first figure is shown.
    private static let stored = Mutex<Plotter?>(nil)

    private static func plotter() -> Plotter {
        stored.withLock { known in
            if let known { return known }
            let made = Plotter(
                Plotter.Settings(following: Settings.current) { path in Notes.say("figure: \(path)") })
            known = made
            return made
        }
    }

    /// End every gnuplot: at the end of a run, and before a session's settings change.
    public static func close() {
        stored.withLock {
            $0?.close()
            $0 = nil
        }
    }

    static func save(_ figure: Figure, to path: String) throws {
        try plotter().save(figure, to: path, cancel: .shared)
    }

    static func show(_ figure: Figure) throws { try plotter().show(figure, cancel: .shared) }

    // MARK: plot

    private static let options: [Language.Parameter] = [
        .optional("title", "nil", "above the figure"),
        .optional("labels", "nil", "names of the series, or captions"),
        .optional("xlabel", "nil", "under the x axis"), .optional("ylabel", "nil", "beside the y axis"),
        .optional("xlog", "false", "logarithmic x axis"), .optional("ylog", "false", "logarithmic y axis"),
        .optional("xrange", "nil", "[low, high]"), .optional("yrange", "nil", "[low, high]"),
        .optional("size", "nil", "[width, height] in pixels"),
        .optional("colours", "nil", "names of colours, or of a colour map"),
        .optional("columns", "nil", "panels in a row"),
        .optional("save", "nil", "also write it to this file"),
        .optional("show", "true", "false gives the figure as a value and shows nothing"),
    ]

    private static func plot() -> Builtin {
        Builtin(
            "plot", topic: "figures", [.variadic("what", "series, waveforms, pictures, results")] + options,
            summary: "Draws what it is given: loss curves, waveforms, pictures, filters, confusion matrices.",
            doc:
                "Lists of numbers become series; a waveform gets its time axis; a maximization of sound shows waveform, spectrogram and loss; a run its losses. The ending of save chooses png, svg, pdf or gp.",
            example:
                "fig = plot([3, 2, 1.5], [3.1, 2.4, 2], labels = [\"train\", \"validation\"], show = false)\nfig.panels  # expect: 1",
            seeAlso: ["figure", "spectrum", "save"]
        ) { args in
            guard !args.rest.isEmpty else {
                throw args.failure("nothing to draw", hint: "give a list of numbers, a tensor or a result")
            }
            let labels = try args.optionalStrings("labels") ?? []
            guard let figure = try figure(args.rest, labels: labels) else {
                throw args.failure(
                    "\(args.rest[0].typePhrase) cannot be drawn",
                    hint: "give lists of numbers, tensors, waveforms or results", kind: .type)
            }
            return try finish(figure, args, usesLabels: false)
        }
    }

    /// Applies the options, shows, saves.
    private static func finish(_ figure: Figure, _ args: Arguments, usesLabels: Bool) throws -> Value {
        var o = FigureOptions()
        o.title = try args.optionalString("title")
        o.xlabel = try args.optionalString("xlabel")
        o.ylabel = try args.optionalString("ylabel")
        o.xlog = try args.optionalBool("xlog")
        o.ylog = try args.optionalBool("ylog")
        o.xrange = try range(args, "xrange")
        o.yrange = try range(args, "yrange")
        o.colours = try args.optionalStrings("colours")
        if usesLabels { o.labels = try args.optionalStrings("labels") }
        if let size = try args.optionalInts("size") {
            guard size.count == 2 else { throw args.failure("`size` must be [width, height]") }
            o.size = (size[0], size[1])
        }
        var drawn = try figure.applying(o)
        if let columns = try args.optionalInt("columns") { drawn.columns = max(1, min(columns, 64)) }
        if let path = try args.optionalPath("save") {
            let place = try Outputs.place(path)
            try save(drawn, to: place)
            Notes.say("figure: \(place)")
        }
        guard try args.bool("show", default: true) else { return Value(FigureObject(drawn)) }
        if args.value("save").isNil || Settings.current.isInteractive { try show(drawn) }
        return .nil
    }

    private static func range(_ args: Arguments, _ name: String) throws -> (low: Double?, high: Double?)? {
        guard let list = try args.optionalList(name)?.items else { return nil }
        guard list.count == 2, list.allSatisfy({ $0.isNil || $0.asNumber != nil }) else {
            throw args.failure("`\(name)` must be [low, high], where nil follows the data")
        }
        return (list[0].asNumber, list[1].asNumber)
    }

    private static func figure() -> Builtin {
        Builtin(
            "figure", topic: "figures",
            [.variadic("panels", "figures and whatever plot takes, left to right, top to bottom")] + options,
            summary: "Several figures in one.",
            example:
                "fig = figure(waveform(randn(100, 1)), spectrum(randn(2000, 1)), columns = 2, show = false)\nfig.panels  # expect: 2",
            seeAlso: ["plot"]
        ) { args in
            let parts = try args.rest.map { value -> Figure in
                guard let part = try figure([value]) else {
                    throw args.failure("\(value.typePhrase) cannot be drawn", kind: .type)
                }
                return part
            }
            let columns = try args.int("columns", in: 1...64, default: min(max(parts.count, 1), 2))
            return try finish(try Figure.grid(parts, columns: columns), args, usesLabels: false)
        }
    }

    private static func single(
        _ name: String, _ summary: String, _ make: @escaping ([Value], [String]) throws -> Panel?
    ) -> Builtin {
        Builtin(
            name, topic: "figures",
            [.variadic("what", "waveforms")]
                + options.filter { $0.name != "show" && $0.name != "columns" && $0.name != "save" },
            summary: summary + " Gives a figure; plot shows it.",
            example: "\(name)(randn(4000, 1)).panels  # expect: 1",
            seeAlso: ["plot", "figure"]
        ) { args in
            guard let panel = try make(args.rest, try args.optionalStrings("labels") ?? []) else {
                throw args.failure("\(args.rest.first?.typePhrase ?? "nothing") is no waveform", kind: .type)
            }
            var o = FigureOptions()
            o.title = try args.optionalString("title")
            o.xrange = try range(args, "xrange")
            o.yrange = try range(args, "yrange")
            o.xlog = try args.optionalBool("xlog")
            o.xlabel = try args.optionalString("xlabel")
            o.ylabel = try args.optionalString("ylabel")
            o.colours = try args.optionalStrings("colours")
            return Value(FigureObject(try Figure(panel).applying(o)))
        }
    }

    private static func groups(_ args: Arguments) throws -> [(name: String?, values: [Double])] {
        let labels = try args.optionalStrings("labels") ?? []
        return try args.rest.enumerated().map { i, value in
            guard let values = try numbers(value) else {
                throw args.failure("\(value.typePhrase) holds no numbers", kind: .type)
            }
            return (labels.indices.contains(i) ? labels[i] : nil, values)
        }
    }

    private static func histogram() -> Builtin {
        Builtin(
            "histogram", topic: "figures",
            [.variadic("values", "lists of numbers or tensors"), .optional("bins", "nil", "how many")]
                + options,
            summary: "How often values occur.",
            example: "histogram(randn(100), show = false).panels  # expect: 1", seeAlso: ["plot"]
        ) { args in
            try finish(
                Figure(try Panel.histogram(groups(args), bins: try args.optionalInt("bins"))), args,
                usesLabels: false)
        }
    }

    private static func scatter() -> Builtin {
        Builtin(
            "scatter", topic: "figures",
            [.required("x", "places along x"), .required("y", "places along y")] + options,
            summary: "Points.", example: "scatter([1, 2, 3], [3, 1, 2], show = false).panels  # expect: 1",
            seeAlso: ["plot"]
        ) { args in
            guard let x = try numbers(args.value("x")), let y = try numbers(args.value("y")) else {
                throw args.failure("x and y must be lists of numbers", kind: .type)
            }
            return try finish(Figure(try Panel.scatter([(nil, x, y)])), args, usesLabels: false)
        }
    }

    private static func bars() -> Builtin {
        Builtin(
            "bars", topic: "figures",
            [.required("names", "names of the bars"), .required("values", "their heights")] + options,
            summary: "Bars.", example: "bars([\"a\", \"b\"], [1, 2], show = false).panels  # expect: 1",
            seeAlso: ["plot"]
        ) { args in
            guard let values = try numbers(args.value("values")) else {
                throw args.failure("`values` must be numbers", kind: .type)
            }
            return try finish(
                Figure(try Panel.bars(labels: try args.strings("names"), series: [Series(y: values)])), args,
                usesLabels: false)
        }
    }
}

/// A figure as a value.
final class FigureObject: VZObject {
    let figure: Figure
    init(_ figure: Figure) { self.figure = figure }
    var typeName: String { "figure" }
    var memberNames: [String] { ["panels", "title"] }
    func member(_ name: String) throws -> Value? {
        switch name {
        case "panels": Value(figure.panels.count)
        case "title": figure.title.map { Value($0) } ?? .nil
        default: nil
        }
    }
    var summary: String { "<figure: \(figure.summary)>" }
}
