import Glibc
import Support

/// How tensors are written for people. All of it is text from numbers; nothing knows of terminals.
public struct TensorText {
    /// Tensors of more elements, or of more innermost rows, are shortened to `edgeItems` at either
    /// end of an axis.
    public static let wholeUpTo = 1000
    public static let mostRows = 24
    public static let edgeItems = 3

    /// A header with shape and type, the values (shortened as NumPy does), and min, mean, max:
    ///
    ///     float32[2, 2]   min 1   mean 2.5   max 4
    ///     [[1, 2],
    ///      [3, 4]]
    public static func display(_ tensor: Tensor, width: Int = 80) throws(Failure) -> String {
        let head = "\(tensor.type)\(Shape.describe(tensor.shape))"
        if tensor.count == 0 { return head + "   empty" }
        if tensor.rank == 0 { return "\(head)   \(number(tensor))" }
        var lines = [head]
        if tensor.type == .bool {
            lines[0] += "   true \(try tensor.array(of: Bool.self).count { $0 }) of \(tensor.count)"
        } else if tensor.count > 1 {
            let s = try Statistics(tensor)
            lines[0] += "   min \(s.text(s.min))   mean \(s.text(s.mean))   max \(s.text(s.max))"
            if s.notNumbers > 0 { lines[0] += "   nan \(s.notNumbers)" }
        }
        lines.append(values(tensor, width: width))
        return lines.joined(separator: "\n")
    }

    /// One short line: the values of a small tensor, else type and shape.
    public static func summary(_ tensor: Tensor) -> String {
        if tensor.rank == 0 { return number(tensor) }
        if tensor.count > 0, tensor.count <= 16 {
            let text = values(tensor, width: .max, separator: " ")
            if text.utf8.count <= 100 { return "tensor(\(text))" }
        }
        return "tensor \(tensor.type)\(Shape.describe(tensor.shape))"
    }

    /// The values in brackets, one innermost row a line, columns aligned.
    public static func values(_ tensor: Tensor, width: Int = 80, separator: String = "\n") -> String {
        let isLong = tensor.count > wholeUpTo || tensor.count > mostRows * max(tensor.shape.last ?? 1, 1)
        let edge = isLong && tensor.rank > 0 ? edgeItems : Int.max
        var shown: [Double] = []
        collect(tensor, 0, tensor.offset, edge, &shown)
        let format = NumberColumn(shown, tensor.type)
        var writer = Writer(
            tensor: tensor, edge: edge, width: width, separator: separator, format: format,
            pad: separator == "\n" && tensor.rank > 1)
        return writer.write(0, tensor.offset)
    }

    /// The only element.
    static func number(_ tensor: Tensor) -> String {
        let x = tensor.element(at: tensor.offset)
        return tensor.type == .bool ? (x != 0 ? "true" : "false") : shortest(x, tensor.type)
    }

    /// The shortest text that reads back as the same number of that type.
    static func shortest(_ x: Double, _ type: ElementType) -> String {
        if x.isNaN { return "nan" }
        if x.isInfinite { return x < 0 ? "-inf" : "inf" }
        if x == x.rounded(), abs(x) < 1e15 { return String(Int64(x)) }
        let text = type == .float32 ? Float(x).description : x.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    private static func collect(_ t: Tensor, _ axis: Int, _ at: Int, _ edge: Int, _ out: inout [Double]) {
        guard axis < t.rank else { return out.append(t.element(at: at)) }
        for i in positions(t.shape[axis], edge) where i >= 0 {
            collect(t, axis + 1, at + i * t.strides[axis], edge, &out)
        }
    }

    /// The positions of an axis to show; -1 stands for those left out.
    static func positions(_ length: Int, _ edge: Int) -> [Int] {
        guard edge < length, length > 2 * edge else { return Array(0..<length) }
        return Array(0..<edge) + [-1] + Array(length - edge..<length)
    }

    private struct Writer {
        let tensor: Tensor
        let edge: Int
        let width: Int
        let separator: String
        let format: NumberColumn
        let pad: Bool

        mutating func write(_ axis: Int, _ at: Int) -> String {
            if axis == tensor.rank { return format.text(tensor.element(at: at), padded: pad) }
            var parts: [String] = []
            for i in TensorText.positions(tensor.shape[axis], edge) {
                parts.append(i < 0 ? "…" : write(axis + 1, at + i * tensor.strides[axis]))
            }
            if axis == tensor.rank - 1 { return row(parts, indent: axis + 1) }
            let indent = separator == "\n" ? String(repeating: " ", count: axis + 1) : ""
            let blank = separator == "\n" && axis < tensor.rank - 2 ? "\n" : ""
            return "[" + parts.joined(separator: "," + separator + blank + indent) + "]"
        }

        /// One row, broken where it is longer than a line.
        private func row(_ parts: [String], indent: Int) -> String {
            var text = "["
            var used = indent
            for (i, part) in parts.enumerated() {
                let piece = part + (i + 1 < parts.count ? "," : "]")
                if i > 0 {
                    if used + piece.utf8.count + 1 > width {
                        text += "\n" + String(repeating: " ", count: indent)
                        used = indent
                    } else {
                        text += " "
                        used += 1
                    }
                }
                text += piece
                used += piece.utf8.count
            }
            return parts.isEmpty ? "[]" : text
        }
    }
}

/// One format for many numbers, so that they line up: whole, with up to four decimals, or with an
/// exponent where they differ too much in size.
struct NumberColumn {
    private enum Style { case bool, whole, fixed(Int), exponent }
    private let style: Style
    private var width = 0

    init(_ numbers: [Double], _ type: ElementType) {
        let finite = numbers.filter(\.isFinite)
        let sizes = finite.map(abs)
        let top = sizes.max() ?? 0
        let low = sizes.filter { $0 > 0 }.min() ?? 0
        if type == .bool {
            style = .bool
        } else if finite.allSatisfy({ $0 == $0.rounded() }), top < 1e9 || type == .int32 {
            style = .whole
        } else if top >= 1e6 || top < 1e-3 || (low > 0 && low < 1e-2 && top / low >= 1e4) {
            style = .exponent
        } else {
            // As many decimals as the numbers need, at most so that five digits stand of the largest.
            let most = top >= 1000 ? 2 : top >= 100 ? 3 : 4
            let needed = (1..<most).first { d in
                let scale = pow(10, Double(d))
                return finite.allSatisfy {
                    abs(($0 * scale).rounded() / scale - $0) <= 1e-7 * max(abs($0), top * 1e-3)
                }
            }
            style = .fixed(needed ?? most)
        }
        width = numbers.reduce(0) { max($0, plain($1).utf8.count) }
    }

    private func plain(_ x: Double) -> String {
        if case .bool = style { return x != 0 ? "true" : "false" }
        if x.isNaN { return "nan" }
        if x.isInfinite { return x < 0 ? "-inf" : "inf" }
        switch style {
        case .bool, .whole: return String(Int64(x))
        case .fixed(let digits): return Self.printed("%.\(digits)f", x)
        case .exponent: return x == 0 ? "0" : Self.printed("%.4e", x)
        }
    }

    func text(_ x: Double, padded: Bool) -> String {
        let text = plain(x)
        guard padded, text.utf8.count < width else { return text }
        return String(repeating: " ", count: width - text.utf8.count) + text
    }

    static func printed(_ format: String, _ x: Double) -> String {
        var buffer = [CChar](repeating: 0, count: 400)
        let n = withVaList([x]) { vsnprintf(&buffer, buffer.count, format, $0) }
        let used = min(max(Int(n), 0), buffer.count - 1)
        return String(decoding: buffer[..<used].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Smallest, mean and largest element; NaNs are counted and otherwise left out.
struct Statistics {
    private(set) var min = Double.infinity
    private(set) var max = -Double.infinity
    private(set) var mean = 0.0
    private(set) var notNumbers = 0

    init(_ tensor: Tensor) throws(Failure) {
        var sum = 0.0
        var counted = 0
        var (low, high, bad) = (Double.infinity, -Double.infinity, 0)
        tensor.forEachRow { first, step, length in
            for i in 0..<length {
                let x = tensor.element(at: first + i * step)
                if x.isNaN {
                    bad += 1
                    continue
                }
                low = Swift.min(low, x)
                high = Swift.max(high, x)
                sum += x
                counted += 1
            }
        }
        (min, max, notNumbers) = (low, high, bad)
        mean = counted > 0 ? sum / Double(counted) : .nan
        if counted == 0 { (min, max) = (.nan, .nan) }
    }

    func text(_ x: Double) -> String {
        if x.isNaN { return "nan" }
        if x.isInfinite { return x < 0 ? "-inf" : "inf" }
        if x == x.rounded(), abs(x) < 1e9 { return String(Int64(x)) }
        return NumberColumn.printed("%.4g", x)
    }
}
