import Glibc
import Support
import Synchronization

/// A gnuplot that is kept: started at the first figure, started again when it has died.
///
/// Every figure is one request: a script in, the terminal's bytes and gnuplot's complaints out. A
/// sentinel printed after the script says when the answer is whole. Calls from several threads take turns.
public final class GnuplotSession: Sendable {
    /// What came back for one script.
    public struct Answer: Sendable {
        /// What the terminal wrote: a png, an svg, sixels, text.
        public var output: [UInt8]
        /// Errors and warnings in gnuplot's own words, one a line; empty where all went well.
        public var complaints: String
    }

    private struct State: ~Copyable {
        var process: GnuplotProcess?
        var requests = 0
        var restarts = 0
    }

    private let state = Mutex(State())
    private let program: String
    /// Seconds after which a script without an answer is given up.
    public let patience: Double

    /// - Parameters:
    ///   - program: gnuplot's name in PATH or its path.
    ///   - patience: seconds to wait for one figure.
    public init(program: String = "gnuplot", patience: Double = 60) {
        self.program = program
        self.patience = patience
    }

    /// Run `script`, whose output goes to '/dev/stdout', and wait for its end.
    ///
    /// Where gnuplot dies meanwhile it is started again and the script replayed, once.
    /// - Parameter patience: seconds to wait in place of the session's own.
    ///
    /// Throws `Failure`: `.io` where gnuplot cannot be started, dies twice or does not answer in time,
    /// `.interrupted` where `cancel` is set.
    public func run(_ script: String, cancel: CancelFlag? = nil, patience: Double? = nil) throws -> Answer {
        try run([script], cancel: cancel, patience: patience)
    }

    /// What a script prints on its way, and who counts it. Unchecked: `run` calls it on the caller's own
    /// thread, before it returns.
    struct Watch: @unchecked Sendable {
        let mark: String
        /// Takes how often the mark was printed so far; called as often as gnuplot says anything.
        let report: (Int) -> Void
    }

    /// Run scripts one after the other, each sent when the one before it is done. The answer to the last
    /// comes back, with the complaints of all.
    func run(
        _ scripts: [String], cancel: CancelFlag? = nil, patience: Double? = nil, watch: Watch? = nil
    ) throws -> Answer {
        let patience = patience ?? self.patience
        return try state.withLock { state in
            var lastWords = ""
            for attempt in 0..<2 {
                if state.process?.isRunning != true {
                    if state.process != nil { state.restarts += 1 }
                    state.process = nil
                    state.process = try GnuplotProcess(program: program)
                }
                guard let process = state.process else { break }
                state.requests += 1
                do throws(GnuplotProcess.Ended) {
                    var complaints: [String] = []
                    var output: [UInt8] = []
                    for script in scripts {
                        let answer = try GnuplotSession.ask(
                            process, script, seconds: patience, cancel: cancel, request: state.requests,
                            watch: watch)
                        output = answer.output
                        if !answer.complaints.isEmpty { complaints.append(answer.complaints) }
                    }
                    return Answer(output: output, complaints: complaints.joined(separator: "\n"))
                } catch {
                    switch error {
                    case .cancelled:
                        process.stop(patience: 0)
                        throw Failure.interrupted
                    case .late:
                        process.stop(patience: 0)
                        throw Failure(
                            .io, "gnuplot did not finish the figure in \(format(patience)) seconds",
                            hint: "draw fewer points, or save to .png instead of .svg or .pdf")
                    case .died: break
                    }
                    lastWords = String(decoding: process.complaints.suffix(400), as: UTF8.self)
                        .split(separator: "\n").suffix(3).joined(separator: "; ")
                    process.stop(patience: 0)
                    if attempt == 0 { continue }
                }
            }
            throw Failure(
                .io, "gnuplot ended while it drew the figure" + (lastWords.isEmpty ? "" : ": \(lastWords)"),
                hint:
                    "try `gnuplot --version` in a terminal; sudo apt install --reinstall gnuplot-qt mends it")
        }
    }

    private static func ask(
        _ process: GnuplotProcess, _ script: String, seconds: Double, cancel: CancelFlag?, request: Int,
        watch: Watch?
    ) throws(GnuplotProcess.Ended) -> Answer {
        process.forget()
        // Random, so that no text inside a figure can look like the end of it.
        let mark = "vz-\(request)-\(UInt64.random(in: 0 ... .max))"
        let end = Array("\(mark)\n".utf8)
        let text = Array("\(script)\nunset output\nprint '\(mark)'\n".utf8)
        try process.exchange(text, seconds: seconds, cancel: cancel) { process in
            if let watch {
                watch.report(
                    process.complaints.split(separator: 10).count { $0.elementsEqual(watch.mark.utf8) })
            }
            return process.complaints.hasSuffix(end)
        }
        // The terminal's bytes were flushed before the mark was printed.
        process.drain()
        return Answer(output: process.output, complaints: words(process.complaints.dropLast(end.count)))
    }

    /// gnuplot's complaints without its echo of the command, its caret and the noise of window systems.
    static func words(_ bytes: some Sequence<UInt8>) -> String {
        let noise = ["QStandardPaths:", "qt.qpa", "QSocketNotifier", "libGL", "Gtk-", "gnuplot> "]
        var kept: [String] = []
        for line in String(decoding: Array(bytes), as: UTF8.self).split(separator: "\n") {
            let text = line.drop { $0 == " " || $0 == "\t" }
            if text.isEmpty || text == "^" || noise.contains(where: { text.hasPrefix($0) }) { continue }
            // "line 3: words", and from a loaded file: "NAME" line 3: words.
            guard text.hasPrefix("line ") || (text.hasPrefix("\"/proc/") && text.contains("\" line ")),
                let colon = text.firstIndex(of: ":")
            else {
                // Only what gnuplot itself calls a warning is for people; the rest is an echo.
                if text.lowercased().hasPrefix("warning") || text.hasPrefix("Error: plot window") {
                    kept.append(String(text))
                }
                continue
            }
            kept.append(String(text[text.index(after: colon)...].drop { $0 == " " }))
        }
        return kept.joined(separator: "\n")
    }

    /// End gnuplot and collect it. The next figure starts another.
    public func close() {
        state.withLock { state in
            state.process?.stop(patience: 0.5)
            state.process = nil
        }
    }

    /// Start gnuplot ahead of the first figure, and let it find its libraries and fonts by a picture
    /// that nobody sees. Takes some hundredths of a second: for a thread of its own.
    public func warmUp() {
        guard state.withLock({ $0.process == nil }) else { return }
        let picture = "set terminal pngcairo size 64,48 font 'DejaVu Sans,10'; set output '/dev/null'; plot 0"
        _ = try? run([picture, "reset; set terminal unknown"], patience: 5)
    }

    /// gnuplot, and the window that it opens, take only what others leave of the processor.
    /// - Parameter steps: of niceness; it cannot be taken back.
    func yieldToOthers(by steps: Int32) {
        state.withLock { state in
            if state.process?.isRunning != true {
                state.process = nil
                state.process = try? GnuplotProcess(program: program)
            }
            if let process = state.process {
                setpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(process.pid), steps)
            }
        }
    }

    /// The process id of the running gnuplot, or nil.
    public var processID: Int32? {
        state.withLock { $0.process?.isRunning == true ? $0.process?.pid : nil }
    }

    /// How many times a dead gnuplot was started again.
    public var restarts: Int { state.withLock { $0.restarts } }
}

extension [UInt8] {
    fileprivate func hasSuffix(_ other: [UInt8]) -> Bool {
        count >= other.count && self[(count - other.count)...].elementsEqual(other)
    }
}
