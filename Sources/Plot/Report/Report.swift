import Support

/// A run as a page, like a notebook: what was said, done, seen and heard, in order.
///
/// The shell appends blocks as they happen and writes the page at the end. The page is one file that
/// opens anywhere without a network.
public struct Report: Sendable {
    public enum Block: Sendable {
        /// Words about the run: a script's comments. Blank lines part paragraphs, "- " begins an entry
        /// of a list, "# " a heading, and `…` is code.
        case prose(String)
        /// Statements of vz, with the seconds that they took; nil where nobody measured.
        case code(String, seconds: Double?)
        /// What was printed, or the value of a line.
        case output(String)
        /// An error, as the terminal showed it.
        case failure(String)
        case figure(Figure, caption: String?)
        /// A picture that is already one: the bytes of a png or jpeg, with words for who cannot see it.
        case picture([UInt8], type: String, alt: String)
        /// A sound with a player: the bytes of a wav, flac or ogg.
        case sound([UInt8], type: String, caption: String)
        case table(header: [String], rows: [[String]])
    }

    public var title: String
    /// Under the title: the date, the person, the machine.
    public var subtitle: String?
    public private(set) var blocks: [Block] = []
    /// What makes the same run again, in order: version, seed, command, data and their hashes, machine.
    public var reproduction: [(name: String, value: String)] = []
    /// Seconds from the first line to the last.
    public var seconds: Double?

    public init(title: String, subtitle: String? = nil) {
        self.title = title
        self.subtitle = subtitle
    }

    /// A page may weigh this much; beyond it figures become coarser and sounds are named only.
    static let limit = 5_000_000
    /// Kept free for the head and the end of the page.
    static let endSize = 100_000

    public mutating func append(_ block: Block) {
        // One paragraph of output, however often the run printed.
        if case .output(let text) = block, case .output(let before)? = blocks.last {
            blocks[blocks.count - 1] = .output(before + text)
            return
        }
        blocks.append(block)
    }

    /// Write the page to `path`, whole or not at all.
    /// Throws `Failure` where it cannot be written. A figure that cannot be drawn is an error in the
    /// page, in its place, and no reason to lose the rest.
    public func write(
        to path: String, renderer: FigureRenderer, cancel: CancelFlag? = nil, progress: ProgressHook? = nil
    ) throws {
        try AtomicFile.write(html(renderer: renderer, cancel: cancel, progress: progress), to: path)
    }

    /// The page as text.
    public func html(
        renderer: FigureRenderer, cancel: CancelFlag? = nil, progress: ProgressHook? = nil
    ) throws -> String {
        var body = ""
        var figures = 0
        // Words come first: room for them is kept before pictures and sounds take the rest.
        var words = blocks.reduce(0) { $0 + $1.textSize }
        let total = blocks.count { if case .figure = $0 { true } else { false } }
        for block in blocks {
            if let cancel { try cancel.check() }
            words -= block.textSize
            let room = Report.limit - body.utf8.count - min(words, Report.limit / 2)
            switch block {
            case .prose, .code, .output, .failure, .table:
                if block.textSize > Report.limit - Report.endSize - body.utf8.count {
                    body += "<p class=\"missing\">What was printed here is left out: the page is full.</p>\n"
                    continue
                }
            case .figure:
                progress?(Progress(label: "report", done: figures, total: total))
            case .picture, .sound: break
            }
            switch block {
            case .prose(let text): body += ReportText.prose(text)
            case .code(let source, let seconds):
                let time = seconds.map { "<span class=\"time\">\(ReportText.duration($0))</span>" } ?? ""
                body +=
                    "<div class=\"cell\">\(time)<pre class=\"code\"><code>\(Highlight.html(source))</code></pre></div>\n"
            case .output(let text):
                body += "<pre class=\"output\">\(ReportText.escaped(ReportText.withoutEscapes(text)))</pre>\n"
            case .failure(let text):
                body +=
                    "<pre class=\"failure\" role=\"alert\">\(ReportText.escaped(ReportText.withoutEscapes(text)))</pre>\n"
            case .figure(let figure, let caption):
                figures += 1
                body += try Report.html(
                    figure, number: figures, caption: caption, room: room, renderer, cancel)
            case .picture(let bytes, let type, let alt):
                guard bytes.count * 4 / 3 < room else {
                    body += "<p class=\"missing\">A picture is left out: the page is full.</p>\n"
                    continue
                }
                body += Report.image(bytes, type: type, alt: alt, width: nil, caption: nil)
            case .sound(let bytes, let type, let caption):
                body += Report.sound(bytes, type: type, caption: caption, room: room)
            case .table(let header, let rows): body += ReportText.table(header: header, rows: rows)
            }
        }
        return page(body)
    }

    private func page(_ body: String) -> String {
        var end = "<section class=\"reproduce\"><h2>How to do this again</h2>\n"
        var rows = reproduction.map { [$0.name, $0.value] }
        if let seconds { rows.append(["time taken", ReportText.duration(seconds)]) }
        end += ReportText.table(header: [], rows: rows) + "</section>\n"
        let under = subtitle.map { "<p class=\"subtitle\">\(ReportText.escaped($0))</p>\n" } ?? ""
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" \
            content="default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta name="generator" content="vzsh">
            <title>\(ReportText.escaped(title))</title>
            <link rel="icon" href="data:,">
            <style>
            \(ReportText.style)
            </style>
            </head>
            <body>
            <main>
            <h1>\(ReportText.escaped(title))</h1>
            \(under)\(body)\(rows.isEmpty ? "" : end)</main>
            </body>
            </html>

            """
    }

    // MARK: Figures and sounds

    private static func html(
        _ figure: Figure, number: Int, caption: String?, room: Int, _ renderer: FigureRenderer,
        _ cancel: CancelFlag?
    ) throws -> String {
        do {
            let width = Sheet(figure, zoom: 1).width
            var bytes = try renderer.bytes(figure, terminal: .svg, cancel: cancel)
            var type = "image/svg+xml"
            // Dense figures weigh less as pixels; where room is short all do.
            if bytes.count > 150_000 || bytes.count * 4 / 3 > room / 4 {
                let pixels = try renderer.bytes(figure, terminal: .png, cancel: cancel)
                if pixels.count < bytes.count { (bytes, type) = (pixels, "image/png") }
            }
            let words = caption.map { "Figure \(number). \($0)" }
            guard bytes.count * 4 / 3 < room else {
                return
                    "<p class=\"missing\">Figure \(number) is left out: the page is full. \(ReportText.escaped(figure.summary))</p>\n"
            }
            return image(
                bytes, type: type, alt: figure.summary, width: width, caption: words ?? "Figure \(number)")
        } catch let failure as Failure where failure != .interrupted {
            return "<pre class=\"failure\" role=\"alert\">\(ReportText.escaped(failure.description))</pre>\n"
        }
    }

    private static func image(_ bytes: [UInt8], type: String, alt: String, width: Int?, caption: String?)
        -> String
    {
        // The natural width is the widest; on a phone it follows the screen.
        let style = width.map { " style=\"width:\($0)px\"" } ?? ""
        let below = caption.map { "<figcaption>\(ReportText.escaped($0))</figcaption>" } ?? ""
        return "<figure><div class=\"picture\"><img\(style) alt=\"\(ReportText.escaped(alt))\" "
            + "src=\"data:\(ReportText.escaped(type));base64,\(Base64.text(bytes))\"></div>\(below)</figure>\n"
    }

    private static func sound(_ bytes: [UInt8], type: String, caption: String, room: Int) -> String {
        let words = ReportText.escaped(caption)
        guard bytes.count * 4 / 3 < room else {
            return "<p class=\"missing\">\(words): the sound is left out, the page is full.</p>\n"
        }
        return "<figure class=\"sound\"><audio controls preload=\"metadata\" aria-label=\"\(words)\" "
            + "src=\"data:\(ReportText.escaped(type));base64,\(Base64.text(bytes))\"></audio>"
            + "<figcaption>\(words)</figcaption></figure>\n"
    }
}

extension Report.Block {
    /// About how many bytes of the page its words take.
    fileprivate var textSize: Int {
        switch self {
        // Escaped and coloured, code is a few times as long.
        case .prose(let text), .output(let text), .failure(let text): text.utf8.count * 3 / 2
        case .code(let text, _): text.utf8.count * 3
        case .table(let header, let rows):
            (rows + [header]).reduce(0) { $0 + $1.reduce(40) { $0 + $1.utf8.count + 40 } }
        case .figure, .picture, .sound: 0
        }
    }
}

/// RFC 4648, with padding.
enum Base64 {
    private static let letters = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func text(_ bytes: [UInt8]) -> String {
        var result: [UInt8] = []
        result.reserveCapacity((bytes.count + 2) / 3 * 4)
        var i = 0
        while i < bytes.count {
            let left = min(3, bytes.count - i)
            var group = Int(bytes[i]) << 16
            if left > 1 { group |= Int(bytes[i + 1]) << 8 }
            if left > 2 { group |= Int(bytes[i + 2]) }
            for place in 0..<4 {
                result.append(place <= left ? letters[group >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
            }
            i += 3
        }
        return String(decoding: result, as: UTF8.self)
    }
}
