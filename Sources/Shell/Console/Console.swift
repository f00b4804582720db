import CReadline
import Dispatch
import Glibc
import Support
import Synchronization

/// Where a session writes: results on standard output, notes and progress on standard error, and
/// all of it in the diary where one is kept.
public final class Console {
    /// Nothing but results and errors.
    package let isQuiet: Bool
    package let outStyle: Style
    package let errorStyle: Style
    package var diary: Diary?
    private var progress: ProgressLine
    private var hasToldResults = false
    private var hasLost = false

    public init(isQuiet: Bool = false) {
        self.isQuiet = isQuiet
        outStyle = Style(Terminal.showsColor(isTerminal: Terminal.outIsTerminal))
        errorStyle = Style(Terminal.showsColor(isTerminal: Terminal.errorIsTerminal))
        progress = ProgressLine(
            isTerminal: Terminal.errorIsTerminal && !Terminal.isDumb, style: errorStyle, now: { Clock.now() },
            width: { Terminal.width }, write: { Console.put($0, on: STDERR_FILENO) })
    }

    /// Columns that a value may take.
    package var width: Int { Terminal.outIsTerminal ? Terminal.width : 100 }

    /// A result.
    package func write(_ text: String) {
        progress.wipe()
        var copy = text
        copy.withUTF8 { vz_write_out($0.baseAddress, $0.count) }
        if !Terminal.outIsTerminal { LateFlush.shared.soon() }
        diary?.write(text)
    }

    package func writeLine(_ text: String) { write(text + "\n") }

    /// A line that is no result: "wrote dog.wav".
    package func note(_ text: String) {
        if isQuiet { return }
        guard Terminal.errorIsTerminal else { return error(text) }
        if CancelFlag.shared.isSet { makeRoom() }
        let width = max(Terminal.width, 20)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { line in
            Columns.width(String(line)) <= width ? [String(line)] : Help.wrap(String(line), width: width)
        }
        error(lines.joined(separator: "\n"), plain: text)
    }

    /// What went wrong; `plain` is the text without colours for the diary.
    package func error(_ text: String, plain: String? = nil) {
        progress.wipe()
        flush()
        Console.put(text + "\n", on: STDERR_FILENO)
        diary?.write((plain ?? text) + "\n")
    }

    /// Work was stopped by Ctrl-C; the terminal's own `^C` makes room for the word.
    package func interrupted() {
        makeRoom()
        error("interrupted")
    }

    /// Takes the terminal's own `^C` away where Ctrl-C was pressed.
    private func makeRoom() {
        progress.wipe()
        guard Terminal.errorIsTerminal, Terminal.inIsTerminal else { return }
        flush()
        if !Terminal.isDumb {
            Console.put("\r\u{1B}[K", on: STDERR_FILENO)
        } else if vz_is_quiet() == 0 {
            Console.put("\n", on: STDERR_FILENO)
        }
    }

    package func error(_ diagnostics: some Diagnosing) {
        error(diagnostics.render(color: errorStyle.isOn), plain: diagnostics.render(color: false))
    }

    package func show(_ report: Progress) {
        if isQuiet { return }
        if Terminal.outIsTerminal { flush() }
        if report.isFinal { diary?.write(progress.summary(report, elapsed: 0) + "\n") }
        progress.show(report)
    }

    /// The line that ends a piece of work, without its time.
    package func summary(_ report: Progress) -> String { progress.summary(report, elapsed: 0) }

    package func endProgress() { progress.end() }

    package func flush() {
        vz_flush_out()
        tellLosses()
    }

    /// Writes out what is left; false where results did not get where they should.
    package func finish() -> Bool {
        flush()
        return !hasLost
    }

    /// Says once that results were lost, and ends a diary that cannot be written.
    private func tellLosses() {
        let code = vz_out_problem()
        if code != 0 { LostResults.note(code) }
        if !hasToldResults, let reason = LostResults.reason {
            (hasToldResults, hasLost) = (true, true)
            Console.put("error: cannot write the results: \(reason)\n", on: STDERR_FILENO)
        }
        if let diary, let reason = diary.problem {
            (self.diary, hasLost) = (nil, true)
            Console.put("error: cannot write the diary '\(diary.path)': \(reason)\n", on: STDERR_FILENO)
        }
    }

    /// Straight to a file descriptor; what cannot be written there is nobody's to know.
    private static func put(_ text: String, on file: Int32) {
        var text = text
        text.withUTF8 { bytes in
            guard let base = bytes.baseAddress else { return }
            var sent = 0
            while sent < bytes.count {
                let n = Glibc.write(file, base + sent, bytes.count - sent)
                if n > 0 { sent += n } else if n < 0, errno == EINTR { continue } else { return }
            }
        }
    }
}

/// What was written into a pipe or a file gets there within a tenth of a second, however long the work
/// after it takes; many small writes still go together.
private final class LateFlush: Sendable {
    static let shared = LateFlush()
    private let isComing = Atomic<Bool>(false)
    private let queue = DispatchQueue(label: "vzsh.flush")

    func soon() {
        guard !isComing.exchange(true, ordering: .relaxed) else { return }
        queue.asyncAfter(deadline: .now() + .milliseconds(100)) { [self] in
            isComing.store(false, ordering: .relaxed)
            vz_flush_out()
        }
    }
}

/// Errors that render themselves for a terminal.
package protocol Diagnosing {
    func render(color: Bool) -> String
}

/// Seconds of a clock that never goes back.
package enum Clock {
    package static func now() -> Double {
        var t = timespec()
        clock_gettime(CLOCK_MONOTONIC, &t)
        return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9
    }

    /// Processor time of all threads.
    package static func processor() -> Double {
        var t = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t)
        return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9
    }
}

/// A transcript of the session in a plain text file: what was typed and what came.
package final class Diary {
    package let path: String
    private let file: UnsafeMutablePointer<FILE>
    /// Why it could not be written, once that was so.
    private(set) var problem: String?

    package init(path: String) throws {
        guard let file = fopen(path, "ae") else {
            throw Failure(
                .io, "cannot write the diary '\(path)': \(String(cString: strerror(errno)))",
                hint: "choose a file in a folder that you may write to")
        }
        self.path = path
        self.file = file
    }

    package func write(_ text: String) {
        var text = Diary.plain(text)
        let isWritten = text.withUTF8 { fwrite($0.baseAddress, 1, $0.count, file) == $0.count }
        if fflush(file) != 0 || !isWritten, problem == nil { problem = String(cString: strerror(errno)) }
    }

    /// Without the colours and moves of a terminal: ESC [ … letter.
    package static func plain(_ text: String) -> String {
        guard text.utf8.contains(0x1B) else { return text }
        var out = String.UnicodeScalarView()
        var isEscape = false
        var isFirst = false
        for c in text.unicodeScalars {
            if isEscape {
                let isBracket = isFirst && c == "["
                isFirst = false
                if !isBracket, (0x40...0x7E).contains(c.value) { isEscape = false }
            } else if c == "\u{1B}" {
                (isEscape, isFirst) = (true, true)
            } else {
                out.append(c)
            }
        }
        return String(out)
    }

    deinit { fclose(file) }
}
