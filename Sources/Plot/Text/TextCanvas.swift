import Support

/// How a terminal shows text.
public struct TextStyle: Sendable, Equatable {
    public enum Color: Sendable { case none, palette, full }
    /// Cells across.
    public var columns: Int
    /// Cells down at most; nil lets the figure choose.
    public var rows: Int?
    /// No colours, the 256 of xterm, or all.
    public var color: Color
    /// Braille, blocks and lines; otherwise ASCII alone.
    public var isUnicode: Bool

    public init(columns: Int = 80, rows: Int? = nil, color: Color = .none, isUnicode: Bool = true) {
        self.columns = min(400, max(20, columns))
        self.rows = rows.map { min(400, max(6, $0)) }
        self.color = color
        self.isUnicode = isUnicode
    }
}

/// A sheet of character cells, each with its colours.
struct TextCanvas {
    struct Cell: Equatable {
        var text: Character = " "
        var ink: RGB?
        var paper: RGB?
        /// Covered by the wide character to its left.
        var isCovered = false
    }

    let width: Int
    let height: Int
    private var cells: [Cell]

    init(width: Int, height: Int) {
        self.width = max(1, width)
        self.height = max(1, height)
        cells = Array(repeating: Cell(), count: self.width * self.height)
    }

    subscript(x: Int, y: Int) -> Cell {
        get { x >= 0 && x < width && y >= 0 && y < height ? cells[y * width + x] : Cell() }
        set { if x >= 0, x < width, y >= 0, y < height { cells[y * width + x] = newValue } }
    }

    mutating func put(_ text: Character, x: Int, y: Int, ink: RGB? = nil, paper: RGB? = nil) {
        self[x, y] = Cell(text: text, ink: ink, paper: paper)
    }

    /// Words from `x` on, cut at `limit` cells.
    mutating func put(_ words: String, x: Int, y: Int, ink: RGB? = nil, paper: RGB? = nil, limit: Int? = nil)
    {
        var at = x
        for character in TextCanvas.fitted(words, limit ?? max(0, width - x)) {
            let cells = TextCanvas.cells(of: character)
            put(character, x: at, y: y, ink: ink, paper: paper)
            if cells == 2 {
                put(" ", x: at + 1, y: y, ink: ink, paper: paper)
                self[at + 1, y].isCovered = true
            }
            at += cells
        }
    }

    /// The sheet as lines that end with a newline; escape sequences only where `color` asks for them.
    func text(_ color: TextStyle.Color) -> String {
        var result = ""
        for y in 0..<height {
            var line = ""
            var last: (ink: RGB?, paper: RGB?) = (nil, nil)
            // Blank ends are not written: lines stay whole when a window narrows.
            var end = width
            while end > 0, self[end - 1, y] == Cell() { end -= 1 }
            for x in 0..<end {
                let cell = self[x, y]
                if cell.isCovered { continue }
                if color != .none, cell.ink != last.ink || cell.paper != last.paper {
                    line += TextCanvas.escape(cell, color)
                    last = (cell.ink, cell.paper)
                }
                line.append(cell.text)
            }
            if last.ink != nil || last.paper != nil { line += "\u{1B}[0m" }
            result += line + "\n"
        }
        return result
    }

    private static func escape(_ cell: Cell, _ color: TextStyle.Color) -> String {
        var codes = ["0"]
        func code(_ rgb: RGB, _ lead: String) -> String {
            if color == .full { return "\(lead)8;2;\(rgb.r);\(rgb.g);\(rgb.b)" }
            return "\(lead)8;5;\(xterm(rgb))"
        }
        if let ink = cell.ink { codes.append(code(ink, "3")) }
        if let paper = cell.paper { codes.append(code(paper, "4")) }
        return "\u{1B}[\(codes.joined(separator: ";"))m"
    }

    /// The nearest of xterm's 6 x 6 x 6 colours and 24 greys.
    static func xterm(_ rgb: RGB) -> Int {
        let levels = [0, 95, 135, 175, 215, 255]
        func nearest(_ value: UInt8) -> Int {
            levels.indices.min { abs(levels[$0] - Int(value)) < abs(levels[$1] - Int(value)) } ?? 0
        }
        func distance(_ r: Int, _ g: Int, _ b: Int) -> Int {
            let (dr, dg, db) = (r - Int(rgb.r), g - Int(rgb.g), b - Int(rgb.b))
            return dr * dr + dg * dg + db * db
        }
        let (r, g, b) = (nearest(rgb.r), nearest(rgb.g), nearest(rgb.b))
        let mean = (Int(rgb.r) + Int(rgb.g) + Int(rgb.b)) / 3
        let grey = min(23, max(0, (mean - 3) / 10))
        let light = 8 + 10 * grey
        if distance(light, light, light) < distance(levels[r], levels[g], levels[b]) { return 232 + grey }
        return 16 + 36 * r + 6 * g + b
    }

    // MARK: Widths

    /// `words` on one line without control characters (a title cannot steer the terminal), cut to
    /// `limit` cells with an ellipsis.
    static func fitted(_ words: String, _ limit: Int) -> String {
        let flat = words.replacing("\r\n", with: " ")
        var clean = ""
        for character in flat {
            if character == "\n" || character == "\t" {
                clean.append(" ")
            } else if character.unicodeScalars.allSatisfy({ isPrintable($0) }) {
                clean.append(character)
            }
            if clean.utf8.count > 4096 { break }
        }
        if cells(of: clean) <= limit { return clean }
        var used = 0
        var kept = ""
        for character in clean {
            used += cells(of: character)
            if used > limit - 1 { break }
            kept.append(character)
        }
        return limit > 0 ? kept + "…" : ""
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse:
            // A joiner inside an emoji is a format character; without it only its parts are shown.
            false
        default: true
        }
    }

    static func cells(of text: String) -> Int { text.reduce(0) { $0 + cells(of: $1) } }

    /// 2 for the wide characters of East Asia and emoji, else 1 (UAX 11).
    static func cells(of character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
            0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF,
            0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}

/// Dots, two across and four down in each cell, drawn as braille; in ASCII one mark a cell.
struct DotField {
    let columns: Int
    let rows: Int
    private var dots: [UInt8]
    private var inks: [RGB?]
    private var marks: [Character]

    var width: Int { columns * 2 }
    var height: Int { rows * 4 }

    init(columns: Int, rows: Int) {
        self.columns = max(1, columns)
        self.rows = max(1, rows)
        dots = Array(repeating: 0, count: self.columns * self.rows)
        inks = Array(repeating: nil, count: dots.count)
        marks = Array(repeating: "*", count: dots.count)
    }

    /// The bits of a braille pattern by column and row (Unicode 2800).
    private static let bits: [[UInt8]] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]]

    mutating func set(_ x: Int, _ y: Int, ink: RGB, mark: Character) {
        guard x >= 0, y >= 0, x < width, y < height else { return }
        let cell = (y / 4) * columns + x / 2
        dots[cell] |= DotField.bits[x & 1][y & 3]
        inks[cell] = ink
        marks[cell] = mark
    }

    /// A straight line; every dot, or in a dashed one four of seven. `phase` counts dots from line to line.
    mutating func line(
        _ x0: Double, _ y0: Double, _ x1: Double, _ y1: Double, ink: RGB, mark: Character, dash: Int,
        phase: inout Int
    ) {
        // Clipped to a little beyond the field: a far end costs no steps.
        guard let (ax, ay, bx, by) = clip(x0, y0, x1, y1) else { return }
        let steps = max(1, Int(max(abs(bx - ax), abs(by - ay)).rounded(.up)))
        for i in 0...steps {
            let t = Double(i) / Double(steps)
            phase += 1
            if dash > 0, phase % (dash * 2 + 2) >= dash + 1 { continue }
            set(
                Int((ax + (bx - ax) * t).rounded()), Int((ay + (by - ay) * t).rounded()), ink: ink, mark: mark
            )
        }
    }

    /// Liang and Barsky's clipping against the field and one dot around it.
    private func clip(_ x0: Double, _ y0: Double, _ x1: Double, _ y1: Double) -> (
        Double, Double, Double, Double
    )? {
        var (t0, t1) = (0.0, 1.0)
        let (dx, dy) = (x1 - x0, y1 - y0)
        guard dx.isFinite, dy.isFinite else { return nil }
        for (p, q) in [
            (-dx, x0 + 1), (dx, Double(width) - x0), (-dy, y0 + 1), (dy, Double(height) - y0),
        ] {
            if p == 0 {
                if q < 0 { return nil }
            } else if p < 0 {
                t0 = max(t0, q / p)
            } else {
                t1 = min(t1, q / p)
            }
        }
        return t0 <= t1 ? (x0 + t0 * dx, y0 + t0 * dy, x0 + t1 * dx, y0 + t1 * dy) : nil
    }

    /// Copy what was drawn into `canvas` at (x, y).
    func paint(_ canvas: inout TextCanvas, x: Int, y: Int, isUnicode: Bool) {
        for row in 0..<rows {
            for column in 0..<columns {
                let i = row * columns + column
                guard dots[i] != 0, let scalar = Unicode.Scalar(0x2800 + UInt32(dots[i])) else { continue }
                canvas.put(isUnicode ? Character(scalar) : marks[i], x: x + column, y: y + row, ink: inks[i])
            }
        }
    }
}
