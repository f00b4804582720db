import Language
import Plot
import Support
import Synchronization

/// `report`, and the page of `--report`.
public enum ReportBuiltins {
    public static func table() -> [Builtin] { [report()] }

    private static func report() -> Builtin {
        Builtin(
            "report", topic: "figures",
            [
                .required("path", "where to, such as \"run.html\""),
                .optional("title", "nil", "above the page; by default the script's name"),
            ],
            summary: "Writes the run as one page, like a notebook.",
            doc: """
                Comments that stand alone become words, code stands with its results, figures, tables and sounds, \
                and at the end is what does the run again: version, seed, command, hashes of the data, machine. \
                The page is one file that opens without a network. In a script it is written at the script's end, \
                after an error too, so the line may stand anywhere. `vzsh --report FILE.html` does the same for any \
                script.
                """,
            example: "x = 1\nreport(\"/tmp/vzsh-example.html\")", seeAlso: ["plot", "save"]
        ) { args in
            let path = try Outputs.place(try args.path("path"))
            let title = try args.optionalString("title")
            guard Settings.current.isInteractive else {
                // Whether it can be written is said now.
                try checkName(path)
                try AtomicFile.check(path)
                Pending.shared.set(path, title: title)
                return .nil
            }
            try write(to: path, title: title, progress: args.interpreter.progress)
            Notes.announce("report: \(path)")
            return .nil
        }
    }

    private static func write(to path: String, title: String?, progress: ProgressHook?) throws {
        try checkName(path)
        let report = RunRecord.shared.report(title: title ?? RunRecord.shared.title)
        try report.write(
            to: path, renderer: PlotBuiltins.renderer(), cancel: CancelFlag.shared, progress: progress)
    }

    /// Throws where the page of `--report` could not be written: before a long run, not after it.
    public static func check() throws {
        guard let path = Settings.current.report else { return }
        try checkName(path)
        try AtomicFile.check(path)
    }

    private static func checkName(_ path: String) throws {
        guard path.lowercased().hasSuffix(".html") || path.lowercased().hasSuffix(".htm") else {
            throw Failure(
                .argument, "a report is a page, and '\(path)' does not end in .html",
                hint: "such as \"run.html\"")
        }
    }

    /// The run is over: write the pages that were asked for, by the command line or by `report`.
    /// Gives their paths.
    public static func finish(progress: ProgressHook?) throws -> [String] {
        var pages = Pending.shared.take()
        if let path = Settings.current.report, !pages.contains(where: { $0.path == path }) {
            pages.append((path, nil))
        }
        for page in pages {
            // A stop that ended the run is no reason to lose its page; another one is.
            CancelFlag.shared.clear()
            try write(to: page.path, title: page.title, progress: progress)
        }
        return pages.map(\.path)
    }
}

/// The pages that a script asked for itself, to be written once more at its end.
private final class Pending: Sendable {
    static let shared = Pending()
    private let pages = Mutex<[(path: String, title: String?)]>([])

    func set(_ path: String, title: String?) {
        pages.withLock { pages in
            pages.removeAll { $0.path == path }
            pages.append((path, title))
        }
    }

    func take() -> [(path: String, title: String?)] {
        pages.withLock { pages in
            defer { pages = [] }
            return pages
        }
    }
}
