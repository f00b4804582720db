import Glibc
import Language
import Media
import Plot
import Support
import Synchronization

/// What a run said, did, showed and played, in order; `report(path)` and `--report` make a page of it.
///
/// Always kept, for nobody knows beforehand whether a page will be wanted. So everything in it is
/// small: long texts lose their middle, figures hold no more points than can be seen.
public final class RunRecord: Sendable {
    /// The record of this process' session.
    public static let shared = RunRecord()

    private enum Entry {
        case prose(String)
        case code(String, seconds: Double)
        case output(LongText)
        case block(Report.Block)
    }

    private struct State {
        var entries: [Entry] = []
        /// The first file that was run.
        var script: String?
        /// The text that runs now, and how many of its lines are in the record.
        var file = ""
        var lines: [Substring] = []
        var taken = 0
        /// The cell whose statement runs now, and since when.
        var open: (cell: Int, since: ContinuousClock.Instant)?
        /// Bytes of output and of sounds that are kept.
        var textSize = 0
        var soundSize = 0
        /// In order, each name once.
        var facts: [(name: String, value: String)] = []
        /// Files that were read, to be named with their hashes.
        var files: [String] = []
    }

    /// Bytes that are kept of all outputs together, and of all sounds.
    private static let mostText = 16 << 20
    private static let mostSound = 64 << 20

    private let state = Mutex(State())
    private let clock = ContinuousClock()
    private let began = ContinuousClock().now

    init() {}

    // MARK: What runs

    /// `text` is going to run. `file` is its name, as statements will be told of it.
    public func begin(_ text: String, file: String) {
        state.withLock { s in
            close(&s)
            s.file = file
            if s.script == nil, !file.hasPrefix("<") { s.script = file }
            s.lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            s.taken = 0
        }
    }

    /// A statement of the text runs now: the lines up to its end become words and a cell of code.
    public func statement(file: String, lines: ClosedRange<Int>) {
        state.withLock { s in
            guard file == s.file else { return }
            close(&s)
            let pieces = Notebook.pieces(
                s.lines, from: s.taken, statement: (lines.lowerBound - 1)..<lines.upperBound)
            s.taken = max(s.taken, min(lines.upperBound, s.lines.count))
            add(pieces, to: &s)
            if let cell = s.entries.lastIndex(where: { if case .code = $0 { true } else { false } }) {
                s.open = (cell, clock.now)
            }
        }
    }

    /// The text has ended. What stands behind its last statement is words, where all of it was run.
    public func end(isWhole: Bool) {
        state.withLock { s in
            close(&s)
            if isWhole {
                add(Notebook.pieces(s.lines, from: s.taken, statement: nil), to: &s)
            }
            s.lines = []
            s.taken = 0
        }
    }

    private func add(_ pieces: [Notebook.Piece], to s: inout State) {
        for piece in pieces {
            switch piece {
            case .prose(let text): s.entries.append(.prose(text))
            case .code(let text, let isJoined):
                // Lines that stand together in the text stay one cell while nothing came between.
                if isJoined, case .code(let before, let seconds)? = s.entries.last {
                    s.entries[s.entries.count - 1] = .code(before + "\n" + text, seconds: seconds)
                } else {
                    s.entries.append(.code(text, seconds: 0))
                }
            }
        }
    }

    private func close(_ s: inout State) {
        guard let (cell, since) = s.open else { return }
        s.open = nil
        if s.entries.indices.contains(cell), case .code(let text, let seconds) = s.entries[cell] {
            s.entries[cell] = .code(text, seconds: seconds + (clock.now - since).inSeconds)
        }
    }

    // MARK: What came of it

    /// What was printed.
    public func output(_ text: String) {
        state.withLock { s in
            guard s.textSize < RunRecord.mostText else { return }
            s.textSize += min(text.utf8.count, LongText.most)
            if case .output(var before)? = s.entries.last {
                s.entries.removeLast()
                before.append(text)
                s.entries.append(.output(before))
            } else {
                var fresh = LongText()
                fresh.append(text)
                s.entries.append(.output(fresh))
            }
        }
    }

    /// The value of a line: a table where it is one, else as the terminal shows it.
    public func show(_ value: Value, text: String) {
        if let table = RunRecord.table(of: value) {
            self.table(header: table.header, rows: table.rows)
        } else {
            output(text + "\n")
        }
    }

    /// Records of the same few names, or what says itself that it is a table.
    private static func table(of value: Value) -> (header: [String], rows: [[String]])? {
        if let object = value.asObject as? any Tabular { return object.table }
        guard let list = value.asList, (2...200).contains(list.count), let first = list.items[0].asRecord,
            (1...12).contains(first.count)
        else { return nil }
        let keys = first.keys
        var rows: [[String]] = []
        for item in list.items {
            guard let record = item.asRecord, record.keys == keys else { return nil }
            rows.append(
                record.values.map { $0.asNumber.map(RunRecord.short) ?? $0.asString ?? $0.summary(limit: 60) }
            )
        }
        return (keys, rows)
    }

    /// A number with at most six significant digits.
    static func short(_ x: Double) -> String {
        guard x.isFinite, x != x.rounded() else { return Value(x).text }
        return format4(x)
    }

    /// An error as the terminal shows it.
    public func failure(_ text: String) { append(.failure(text)) }

    public func table(header: [String], rows: [[String]]) { append(.table(header: header, rows: rows)) }

    /// A figure that was shown, or saved under the name `caption`.
    public func figure(_ figure: Figure, file: String? = nil) {
        append(.figure(figure.reduced(), caption: file.map(Self.name)))
    }

    /// A file's own name: where a page stands, its folder says nothing.
    private static func name(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    /// A sound that was saved.
    public func sound(_ audio: Audio, file: String) { sound(audio, caption: Self.name(file)) }

    /// A sound that was played, and what it is. Long ones are kept as Vorbis.
    public func sound(_ audio: Audio, caption: String) {
        let isShort = audio.duration <= 8
        guard let bytes = try? AudioFile.encode(audio, ending: isShort ? "wav" : "ogg") else { return }
        let hasRoom = state.withLock { s in
            s.soundSize += bytes.count
            return s.soundSize < RunRecord.mostSound
        }
        guard hasRoom else { return }
        append(.sound(bytes, type: isShort ? "audio/wav" : "audio/ogg", caption: caption))
    }

    private func append(_ block: Report.Block) { state.withLock { $0.entries.append(.block(block)) } }

    // MARK: What does it again

    /// Something that must be known to do the run again; a name that was told before keeps its place.
    public func fact(_ name: String, _ value: String) {
        state.withLock { s in
            if let i = s.facts.firstIndex(where: { $0.name == name }) {
                s.facts[i].value = value
            } else {
                s.facts.append((name, value))
            }
        }
    }

    /// The run read `path`; the page tells its hash.
    public func read(_ path: String) {
        state.withLock { if !$0.files.contains(path) { $0.files.append(path) } }
    }

    /// The run loads `name`, a file or something that comes with vzsh.
    func load(_ name: String) {
        if access(name, R_OK) == 0 { return read(name) }
        if let shipped = try? Folders.resource("\(name).safetensors") { return read(shipped) }
        fact("loaded \(name)", "by name")
    }

    // MARK: The page

    /// What a page is called that nobody gave a title: the script's name.
    var title: String {
        state.withLock { s in
            guard let name = s.script?.split(separator: "/").last else { return "a session of vzsh" }
            return String(name.hasSuffix(".vz") ? name.dropLast(3) : name)
        }
    }

    /// The run so far as a page.
    public func report(title: String) -> Report {
        let (entries, facts, files) = state.withLock { s in
            // The statement that asks for the page goes on; its time so far counts.
            let open = s.open
            close(&s)
            if let open { s.open = (open.cell, clock.now) }
            return (s.entries, s.facts, s.files)
        }
        var report = Report(title: title, subtitle: Machine.date())
        for entry in entries {
            switch entry {
            case .prose(let text): report.append(.prose(text))
            case .code(let text, let seconds):
                report.append(.code(text, seconds: seconds >= 0.05 ? seconds : nil))
            case .output(let text): report.append(.output(text.whole))
            case .block(let block): report.append(block)
            }
        }
        report.reproduction = facts
        for path in files {
            report.reproduction.append((name: "read \(path)", value: Machine.hash(path)))
        }
        report.reproduction += Machine.facts()
        report.seconds = (clock.now - began).inSeconds
        return report
    }
}

/// What is a table to people: rows of words and numbers under names.
protocol Tabular {
    var table: (header: [String], rows: [[String]])? { get }
}

/// Text that loses its middle where it is too long to be read anyway.
package struct LongText {
    private var head = ""
    private var tail = ""
    private var lost = 0
    /// Bytes kept of the beginning, and of the end.
    static let headSize = 48 << 10
    static let tailSize = 16 << 10
    static let most = headSize + 2 * tailSize

    package init() {}

    package mutating func append(_ text: String) {
        if lost == 0, tail.isEmpty, head.utf8.count + text.utf8.count <= LongText.headSize {
            head += text
            return
        }
        tail += text
        guard tail.utf8.count > 2 * LongText.tailSize else { return }
        let kept = tail.suffix(LongText.tailSize)
        lost += tail.count - kept.count
        tail = String(kept)
    }

    package var whole: String {
        lost == 0 ? head + tail : head + "\n… \(lost) characters left out …\n" + tail
    }
}

extension Duration {
    var inSeconds: Double {
        let parts = components
        return Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
    }
}
