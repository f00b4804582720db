/// A string value: Unicode text, immutable for everybody but the machine, which may append in
/// place to a text that nobody else holds. Positions count Unicode scalars (code points), as in
/// Python; for ASCII text every position is found at once.
public final class Text {
    public internal(set) var string: String
    /// Number of scalars; -1 while not counted.
    private var counted: Int = -1

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

    /// The scalar at `position` (0 ..< count) as a string.
    func scalar(at position: Int) -> String {
        if isASCII {
            let i = string.utf8.index(string.utf8.startIndex, offsetBy: position)
            return String(UnicodeScalar(string.utf8[i]))
        }
        let scalars = string.unicodeScalars
        return String(scalars[scalars.index(scalars.startIndex, offsetBy: position)])
    }

    /// `count` scalars from `start` on, every `step`th.
    func slice(start: Int, count: Int, step: Int) -> String {
        if count <= 0 { return "" }
        if step == 1 {
            if isASCII {
                let a = string.utf8.index(string.utf8.startIndex, offsetBy: start)
                return String(string[a..<string.utf8.index(a, offsetBy: count)])
            }
            let scalars = string.unicodeScalars
            let a = scalars.index(scalars.startIndex, offsetBy: start)
            return String(scalars[a..<scalars.index(a, offsetBy: count)])
        }
        let all = Array(string.unicodeScalars)
        var picked = String.UnicodeScalarView()
        for k in 0..<count { picked.append(all[start + k * step]) }
        return String(picked)
    }
}
