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
        [plot(), figure(), subplot()] + soundKinds() + numberKinds() + pictureKinds()
    }

    // MARK: where figures go

    /// One plotter for the process, made when the first figure is shown.
    private static let stored = Mutex<Plotter?>(nil)

    private static func plotter() -> Plotter {
        stored.withLock { known in
            if let known { return known }
            let made = Plotter(
                Plotter.Settings(following: Settings.current) { path in Notes.announce("figure: \(path)") })
            known = made
            return made
        }
    }

    /// A figure is likely to be wanted: gnuplot starts meanwhile, so that the first is as quick as the
    /// others. Returns at once.
    public static func warmUp() { plotter().warmUp() }

    /// Whether `text`, which is going to run, draws.
    public static func draws(_ text: String) -> Bool { drawing.contains { text.contains($0) } }
    private static let drawing = table().map { $0.name + "(" } + ["watch = true", "|> plot", "report("]

    /// The end of a script: its windows stay until the last one is closed, or until Ctrl-C.
    /// - Parameter tell: is called where there is something to wait for.
    public static func hold(_ tell: () -> Void) throws {
        guard let plotter = stored.withLock({ $0 }), plotter.hasWindow else { return }
        tell()
        try plotter.waitForWindow(cancel: .shared)
    }

    /// End every gnuplot: at the end of a run, and before a session's settings change.
    public static func close() {
        stored.withLock {
            $0?.close()
            $0 = nil
        }
    }

    /// What draws pages: the same gnuplot as draws files.
    static func renderer() -> FigureRenderer { plotter().renderer }

    static func save(_ figure: Figure, to path: String) throws {
        try plotter().save(figure, to: path, cancel: .shared)
        RunRecord.shared.figure(figure, file: path)
    }

    static func show(_ figure: Figure) throws {
        try plotter().show(figure, cancel: .shared)
        RunRecord.shared.figure(figure)
    }

    /// A figure that follows long work.
    static func live() -> LiveFigure { LiveFigure(plotter()) }

    /// Writes the frames of an animation.
    static func animate(_ frames: [Figure], to path: String, progress: ProgressHook?) throws {
        try renderer().animate(frames, to: path, seconds: 0.12, cancel: .shared, progress: progress)
        if let last = frames.last { RunRecord.shared.figure(last, file: path) }
    }

    /// Shows a value that is a figure; false where it is something else. One that was saved under a
    /// name is shown to a person, and not written a second time for a script.
    public static func shows(_ value: Value) throws -> Bool {
        guard let object = value.asObject as? FigureObject else { return false }
        if !object.isSaved {
            try show(object.figure)
        } else if Settings.current.isInteractive {
            try plotter().show(object.figure, cancel: .shared)
        }
        return true
    }

    // MARK: plot

    private static func plot() -> Builtin {
        Builtin(
            "plot", topic: "figures",
            [
                .variadic("what", "series, waveforms, pictures, layers, results, figures"),
                .optional("x", "nil", "where the values of series are; by default they are counted"),
                .optional(
                    "best", "nil",
                    "\"lowest\" or \"highest\" marks that point of each series; validation losses are marked by themselves"
                ),
            ] + PlotOptions.look + [PlotOptions.columns, PlotOptions.show],
            summary: "Draws what it is given: loss curves, waveforms, pictures, filters, confusion matrices.",
            doc: """
                Lists of numbers become series; a waveform gets its time axis; a tensor [height, width, 3] is a \
                picture, one of two axes a heat map; a maximization of sound shows waveform, spectrogram and climb; \
                a run its losses; score.confusion counts and percentages; a convolution its filters. The window, \
                the terminal or the folder of files that figures go to is chosen by what there is, or by --plot.
                """,
            example:
                "fig = plot([3, 2, 1.5], [3.1, 2.4, 2], labels = [\"train\", \"validation\"], show = false)\nfig.panels  # expect: 1",
            seeAlso: ["figure", "waveform", "spectrogram", "bars", "histogram", "scatter", "heatmap", "save"]
        ) { args in
            guard !args.rest.isEmpty else {
                throw args.failure("nothing to draw", hint: "give a list of numbers, a tensor or a result")
            }
            let labels = try args.optionalStrings("labels") ?? []
            var series = SeriesOptions()
            if !args.value("x").isNil {
                guard let x = try numbers(args.value("x")) else {
                    throw args.mismatch("x", "numbers", args.value("x"))
                }
                series.x = x
            }
            if !args.value("best").isNil {
                series.best =
                    try args.choice("best", of: ["lowest", "highest"]) == "lowest" ? .lowest : .highest
            }
            guard let figure = try figure(args.rest, labels: labels, series) else { throw cannotDraw(args) }
            let columns = args.value("columns").isNil ? nil : try args.int("columns", in: 1...64)
            return try shown(try PlotOptions.finished(figure, args, columns: columns), args)
        }
    }

    private static func cannotDraw(_ args: Arguments) -> Failure {
        let odd = args.rest.first { value in ((try? figure([value])) ?? nil) == nil } ?? args.rest[0]
        return args.failure(
            "\(odd.typePhrase) cannot be drawn" + (args.rest.count > 1 ? " together with the others" : ""),
            hint:
                "give lists of numbers, tensors, waveforms or results; figure(…) puts different plots beside each other",
            kind: .type)
    }

    /// Shows it, or gives it as a value.
    private static func shown(_ object: FigureObject, _ args: Arguments) throws -> Value {
        guard try args.bool("show", default: true) else { return .object(object) }
        _ = try shows(.object(object))
        return .nil
    }

    // MARK: several in one

    private static func figure() -> Builtin {
        Builtin(
            "figure", topic: "figures",
            [.variadic("panels", "figures and whatever plot takes, left to right, top to bottom")]
                + PlotOptions.look + [PlotOptions.columns, PlotOptions.show],
            summary: "Several figures in one.",
            doc: "Without columns two stand beside each other. Labels name the panels in order.",
            example:
                "fig = figure(waveform(randn(100, 1)), spectrum(randn(2000, 1)), columns = 2, show = false)\nfig.panels  # expect: 2",
            seeAlso: ["subplot", "plot"]
        ) { args in
            let columns = try args.int("columns", in: 1...64, default: min(max(args.rest.count, 1), 2))
            return try grid(args, args.rest, rows: nil, columns: columns)
        }
    }

    private static func subplot() -> Builtin {
        Builtin(
            "subplot", topic: "figures",
            [
                .required("rows", "how many rows"), .required("columns", "how many plots in a row"),
                .variadic("panels", "figures and whatever plot takes, left to right, top to bottom"),
            ] + PlotOptions.look + [PlotOptions.show],
            summary: "Several figures in one, in rows and columns.",
            example:
                "fig = subplot(1, 2, [1, 2, 3], [3, 1, 2], labels = [\"up\", \"down\"], show = false)\nfig.rows  # expect: 1",
            seeAlso: ["figure", "plot"]
        ) { args in
            let columns = try args.int("columns", in: 1...64)
            return try grid(args, args.rest, rows: try args.int("rows", in: 1...64), columns: columns)
        }
    }

    private static func grid(_ args: Arguments, _ values: [Value], rows: Int?, columns: Int) throws -> Value {
        let labels = try args.optionalStrings("labels") ?? []
        guard !values.isEmpty else {
            throw args.failure("nothing to draw", hint: "give figures, or what plot takes")
        }
        guard labels.isEmpty || labels.count == values.count else {
            throw args.failure(
                "\(labels.count) labels for \(values.count) plots", hint: "give one label for each")
        }
        let parts = try values.enumerated().map { i, value -> Figure in
            guard var part = try figure([value]) else {
                throw args.failure("\(value.typePhrase) cannot be drawn", kind: .type)
            }
            if !labels.isEmpty {
                if part.panels.count == 1 { part.panels[0].title = labels[i] } else { part.title = labels[i] }
            }
            return part
        }
        let all = try Figure.grid(parts, rows: rows, columns: columns)
        return try shown(try PlotOptions.finished(all, args), args)
    }
}
