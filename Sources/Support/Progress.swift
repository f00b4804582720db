/// A report from inside long work; who shows it (a line in the shell, a log, nobody) is not the
/// worker's business.
public struct Progress: Sendable {
    /// What is being done: "epoch 3/40", "maximize net.conv1d_3[5]".
    public var label: String
    /// Steps done and steps in all; `total` is 0 where it is not known.
    public var done: Int
    public var total: Int
    /// Figures to show beside the bar, in order: ("loss", "0.412"), ("samples/s", "1430").
    public var figures: [(name: String, value: String)]
    /// True for the last report of this work: the line is ended, not overwritten.
    public var isFinal: Bool

    public init(
        label: String, done: Int, total: Int, figures: [(name: String, value: String)] = [],
        isFinal: Bool = false
    ) {
        self.label = label
        self.done = done
        self.total = total
        self.figures = figures
        self.isFinal = isFinal
    }
}

/// Takes progress reports.
public typealias ProgressHook = (Progress) -> Void
