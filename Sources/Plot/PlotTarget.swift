import Glibc
import Support

/// Where figures go that are shown rather than saved.
public enum PlotTarget: Sendable, Equatable {
    /// A window of one of gnuplot's terminals: qt, x11, wxt.
    case window(GnuplotTerminal)
    /// Pictures in a terminal that speaks sixel.
    case sixel
    /// Characters in the terminal.
    case text(isUnicode: Bool?)
    /// gnuplot's own drawing with characters.
    case dumb
    /// Files of this ending in the output folder.
    case files(ending: String)
    /// Nowhere: figures are made, for their errors, and forgotten.
    case none

    /// What `--plot` takes.
    public static let names = [
        "auto", "window", "qt", "x11", "wxt", "sixel", "text", "ascii", "dumb", "files", "png", "svg", "pdf",
        "none",
    ]

    /// The target named by `--plot`; nil for "auto".
    /// Throws `Failure` with the nearest name where there is none of that name.
    static func named(_ option: String, environment: [String: String]) throws -> PlotTarget? {
        switch option.lowercased() {
        case "auto", "": return nil
        case "window":
            return .window(
                environment["WAYLAND_DISPLAY"] == nil && environment["DISPLAY"] == nil ? .x11 : .qt)
        case "qt": return .window(.qt)
        case "x11": return .window(.x11)
        case "wxt": return .window(.wxt)
        case "sixel", "sixelgd": return .sixel
        case "text": return .text(isUnicode: nil)
        case "ascii": return .text(isUnicode: false)
        case "dumb": return .dumb
        case "files", "png", "pngcairo": return .files(ending: "png")
        case "svg": return .files(ending: "svg")
        case "pdf", "pdfcairo": return .files(ending: "pdf")
        case "none": return PlotTarget.none
        default:
            throw Failure(
                .argument, "figures cannot be shown by '\(option)'",
                hint: Spelling.nearest(option, among: names).map { "did you mean \"\($0)\"?" }
                    ?? "choose one of \(names.joined(separator: ", "))")
        }
    }

    /// The target by what was asked for and what there is: `option`, $GNUTERM, a display, a terminal
    /// that speaks sixel, the terminal; and in scripts without a display the output folder.
    ///
    /// - Parameter speaksSixel: asked at most once, and only where the answer decides.
    package static func chosen(
        option: String?, environment: [String: String], isScript: Bool, isTerminal: Bool,
        hasDisplay: () -> Bool, speaksSixel: () -> Bool
    ) throws -> PlotTarget {
        if let option, let target = try named(option, environment: environment) { return target }
        // "qt size 400,300": the terminal is the first word. One that we do not draw with is no mistake here.
        if let word = environment["GNUTERM"]?.split(separator: " ").first,
            let target = (try? named(String(word), environment: environment)) ?? nil
        {
            // It is set for every program: where no window can open it says nothing.
            guard case .window = target else { return target }
            if hasDisplay() { return target }
        }
        if hasDisplay() { return .window(.qt) }
        if isScript { return .files(ending: "png") }
        if isTerminal, speaksSixel() { return .sixel }
        return .text(isUnicode: nil)
    }
}
