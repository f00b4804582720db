import Glibc
import Support

/// Four decimals, or four significant digits where it is large or tiny.
func format4(_ x: Double) -> String {
    guard x.isFinite else { return "\(x)" }
    let size = abs(x)
    if size != 0 && (size >= 1e6 || size < 1e-4) { return "\(Float(x))" }
    let scaled = (x * 10_000).rounded()
    let whole = Int(abs(scaled))
    let fraction = String(whole % 10_000)
    return (scaled < 0 ? "-" : "") + "\(whole / 10_000)." + String(repeating: "0", count: 4 - fraction.count)
        + fraction
}

extension String {
    func leftPadded(_ width: Int) -> String { String(repeating: " ", count: max(width - count, 1)) + self }
    func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(width - count, 1)) }
}

/// What the person should know, on standard error.
enum Notes {
    static func say(_ text: String) {
        if Settings.current.isQuiet { return }
        var line = Array((text + "\n").utf8)
        line.withUnsafeMutableBytes { _ = write(2, $0.baseAddress, $0.count) }
    }
}
