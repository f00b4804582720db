import Synchronization

/// What the command line (or the session) settled for the whole process. The shell writes it, the
/// builtins read it: where files go, what figures are drawn on, how much of the machine to use.
public struct Settings: Sendable {
    /// What figures are drawn on.
    public enum PlotTarget: String, Sendable, CaseIterable {
        /// A window where there is a display, else the terminal; in scripts files instead.
        case auto
        case qt, x11, wxt, sixel
        /// Braille and blocks in the terminal, ASCII alone, or gnuplot's own drawing with characters.
        case text, ascii, dumb
        /// A file a figure, in the output folder.
        case png, svg, pdf
        /// Nothing is drawn.
        case none
    }

    /// The precision of convolutions: bf16 rounds their inputs where the processor has bfloat16.
    public enum Precision: String, Sendable, CaseIterable {
        case f32, bf16
    }

    /// The folder for figures, sounds and reports that a person gave no place; nil means the
    /// working directory.
    public var outputFolder: String?
    public var plot: PlotTarget = .auto
    /// The page that the run is written to at its end; nil for none.
    public var report: String?
    /// The seed of the first random number; nil lets the session choose one.
    public var seed: UInt64?
    /// How many threads compute; nil means one a core.
    public var threads: Int?
    public var precision: Precision = .f32
    /// No progress, no notes.
    public var isQuiet = false
    /// A person sits at a prompt: questions and windows make sense.
    public var isInteractive = false

    public init() {}

    private static let stored = Mutex(Settings())

    /// The settings of this process.
    public static var current: Settings {
        get { stored.withLock { $0 } }
        set { stored.withLock { $0 = newValue } }
    }

    /// `name` in the output folder; a path from the root or from home stays as it is.
    public func outputPath(_ name: String) -> String {
        guard let outputFolder, !name.hasPrefix("/"), !name.hasPrefix("~") else { return name }
        return outputFolder.hasSuffix("/") ? outputFolder + name : "\(outputFolder)/\(name)"
    }
}
