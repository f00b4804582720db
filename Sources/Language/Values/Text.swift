/// A string value: Unicode text, immutable for everybody but the machine, which may append in
/// place to a text that nobody else holds. Positions count Unicode scalars (code points), as in
/// Python; for ASCII text every position is found at once.
public final class Text {
    public internal(set) var string: String
    /// Number of scalars; -1 while not counted.
    private var counted: Int = -1
    /// A position that was looked up, with its byte: the next one is mostly near it.
    private var near = (position: 0, byte: 0)

    /// The letters of ASCII: those of a text are not made anew. Nothing changes them: they are counted, and what
    /// is held here is held twice by whoever uses it.
    nonisolated(unsafe) private static let letters = (UInt8(0)..<128).map { code in
        let text = Text(String(UnicodeScalar(code)))
        text.counted = 1
        return text
    }

    /// One scalar as a value.
    static func letter(_ scalar: Unicode.Scalar) -> Text {
        scalar.isASCII ? letters[Int(scalar.value)] : Text(String(scalar))
    }

    public init(_ string: String) { self.string = string }

    /// Number of Unicode scalars.
    public var count: Int {
        if counted < 0 { counted = string.unicodeScalars.count }
        return counted
    }

    /// True where every scalar is one byte, so that positions are byte offsets.
    var isASCII: Bool { count == string.utf8.count }

    func append(_ other: Text) {
        if counted >= 0 { counted += other.count }
        string += other.string
    }

    /// The scalar at `position` (0 ..< count).
    func scalar(at position: Int) -> Text { Text.letter(string.unicodeScalars[index(at: position)]) }

    /// Where the scalar at `position` (0 ... count) begins: from the nearest place that is known.
    private func index(at position: Int) -> String.Index {
        let bytes = string.utf8
        if isASCII { return bytes.index(bytes.startIndex, offsetBy: position) }
        var from = (position: 0, byte: 0)
        for known in [near, (count, bytes.count)]
        where abs(known.0 - position) < abs(from.position - position) {
            from = known
        }
        let index = string.unicodeScalars.index(
            bytes.index(bytes.startIndex, offsetBy: from.byte), offsetBy: position - from.position)
        near = (position, bytes.distance(from: bytes.startIndex, to: index))
        return index
    }

    /// `count` scalars from `start` on, every `step`th.
    func slice(start: Int, count: Int, step: Int) -> String {
        if count <= 0 { return "" }
        if step == 1 {
            let first = index(at: start)
            return String(string.unicodeScalars[first..<index(at: start + count)])
        }
        let all = Array(string.unicodeScalars)
        var picked = String.UnicodeScalarView()
        for k in 0..<count { picked.append(all[start + k * step]) }
        return String(picked)
    }
}
