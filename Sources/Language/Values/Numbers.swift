import Glibc

/// How numbers are written.
public enum Numbers {
    /// The shortest text that reads back as the same number; whole numbers without a point.
    public static func text(_ x: Double) -> String {
        if x.isNaN { return "nan" }
        if x.isInfinite { return x < 0 ? "-inf" : "inf" }
        if x == x.rounded(.towardZero), abs(x) < 1e16 {
            return x == 0 ? (x.sign == .minus ? "-0" : "0") : String(Int64(x))
        }
        let text = x.description
        // Swift writes 1e+16 as "1e+16" and 1.5e-07 as "1.5e-07": the same as everybody.
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// `x` with printf's conversion: "%.3f", "%8.2e", "%g".
    public static func formatted(_ x: Double, width: Int = 0, precision: Int = 6, conversion: Character)
        -> String
    {
        if conversion == "f", width <= 0, let text = fixed(x, precision) { return text }
        let kind = String("feEgGF".contains(conversion) ? conversion : "g")
        let pattern = "%\(min(max(width, 0), 200)).\(min(max(precision, 0), 60))\(kind)"
        var buffer = [CChar](repeating: 0, count: 640)
        let n = withVaList([x]) { vsnprintf(&buffer, buffer.count, pattern, $0) }
        let used = min(max(Int(n), 0), buffer.count - 1)
        return String(decoding: buffer[..<used].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static let powers: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ]

    /// As "%.3f" writes it, for numbers of ordinary size: x times the power of ten is rounded with the error
    /// of that product in view, so that the text is the one of the exact value, ties to even.
    private static func fixed(_ x: Double, _ precision: Int) -> String? {
        guard precision >= 0, precision < powers.count else { return nil }
        let size = abs(x)
        let product = size * powers[precision]
        guard product < 0x1p52 else { return nil }
        let error = (-product).addingProduct(size, powers[precision])
        var whole = product.rounded(.down)
        let beyond = product - whole - 0.5
        let isOdd = whole.truncatingRemainder(dividingBy: 2) != 0
        if beyond > 0 || beyond == 0 && (error > 0 || error == 0 && isOdd) { whole += 1 }
        var digits = String(Int64(whole))
        if precision > 0 {
            if digits.utf8.count <= precision {
                digits = String(repeating: "0", count: precision + 1 - digits.utf8.count) + digits
            }
            digits.insert(".", at: digits.utf8.index(digits.endIndex, offsetBy: -precision))
        }
        return x.sign == .minus ? "-" + digits : digits
    }

    /// At most `digits` significant digits, for figures beside other figures: 0.4127, 1.2e-05, 94768.
    public static func short(_ x: Double, digits: Int = 4) -> String {
        if x.isNaN || x.isInfinite || (x == x.rounded() && abs(x) < 1e9) { return text(x) }
        return formatted(x, precision: digits, conversion: "g")
    }
}
