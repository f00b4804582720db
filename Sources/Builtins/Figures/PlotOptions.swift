import Language
import Plot
import Support

/// The named options that every figure takes.
enum PlotOptions {
    /// What a figure looks like.
    static let look: [Language.Parameter] = [
        .optional("title", "nil", "above the figure"),
        .optional("labels", "nil", "names of the series, or captions"),
        .optional("xlabel", "nil", "under the x axis"), .optional("ylabel", "nil", "beside the y axis"),
        .optional("xlog", "false", "logarithmic x axis"), .optional("ylog", "false", "logarithmic y axis"),
        .optional("xrange", "nil", "[low, high]; nil for an end follows the data"),
        .optional("yrange", "nil", "[low, high]; nil for an end follows the data"),
        .optional("size", "nil", "[width, height] in pixels"),
        .optional(
            "colours", "nil", "names or \"#rrggbb\" of the series in order, or the name of a colour map"),
        .optional("save", "nil", "also write it to this file: .png, .svg, .pdf, .gif, .gp, .txt"),
    ]
    static let columns = Language.Parameter.optional("columns", "nil", "panels in a row")
    static let show = Language.Parameter.optional(
        "show", "true", "false gives the figure as a value and shows nothing")

    /// The options of a call. `usesLabels` is false where the figure's maker has taken the labels itself.
    static func read(_ args: Arguments, usesLabels: Bool) throws -> FigureOptions {
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
            guard size.count == 2 else {
                throw args.failure("`size` must be [width, height]", hint: "such as size = [800, 450]")
            }
            o.size = (size[0], size[1])
        }
        return o
    }

    private static func range(_ args: Arguments, _ name: String) throws -> (low: Double?, high: Double?)? {
        guard !args.value(name).isNil else { return nil }
        if let span = args.value(name).asSpan { return (span.lower, span.upper) }
        let list = try args.list(name).items
        guard list.count == 2, list.allSatisfy({ $0.isNil || $0.asNumber != nil }) else {
            throw args.failure("`\(name)` must be [low, high], where nil follows the data")
        }
        return (list[0].asNumber, list[1].asNumber)
    }

    /// The figure as its options want it, saved where they say so.
    static func finished(_ figure: Figure, _ args: Arguments, columns: Int? = nil, usesLabels: Bool = false)
        throws
        -> FigureObject
    {
        var drawn = try figure.applying(read(args, usesLabels: usesLabels))
        if let columns { drawn.columns = columns }
        let object = FigureObject(drawn)
        if let path = try args.optionalPath("save") {
            let place = try Outputs.place(path)
            try PlotBuiltins.save(drawn, to: place)
            Notes.announce("figure: \(place)")
            object.isSaved = true
        }
        return object
    }
}

/// A figure as a value.
final class FigureObject: VZObject {
    let figure: Figure
    /// It went to a file of the person's choice already.
    var isSaved = false

    init(_ figure: Figure) { self.figure = figure }

    var typeName: String { "figure" }
    var memberNames: [String] { ["panels", "rows", "columns", "title", "kinds"] }
    func memberDoc(_ name: String) -> String? {
        switch name {
        case "panels": "how many plots are in it"
        case "rows", "columns": "how they are arranged"
        case "title": "what stands above all of them"
        case "kinds": "what each of them is: \"waveform\", \"line chart\""
        default: nil
        }
    }
    func member(_ name: String) throws -> Value? {
        switch name {
        case "panels": Value(figure.panels.count)
        case "rows": Value(figure.rows)
        case "columns": Value(min(figure.columns, figure.panels.count))
        case "title":
            (figure.title ?? (figure.panels.count == 1 ? figure.panels[0].title : nil)).map { Value($0) }
                ?? .nil
        case "kinds": Value(figure.panels.map(\.kind))
        default: nil
        }
    }
    var count: Int? { figure.panels.count }
    var summary: String { "<figure: \(figure.summary)>" }
}

/// What can be drawn because it says how: `plot(x)` and `save(x, "x.png")` ask it.
public protocol Drawable: VZObject {
    /// - Parameter labels: names of series, or captions; empty where none were given.
    func figure(labels: [String]) throws -> Figure
}
