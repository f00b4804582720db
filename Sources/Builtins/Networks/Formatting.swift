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
        RunRecord.shared.output(text + "\n")
        announce(text)
    }

    /// What only the terminal is told: where a file is.
    static func announce(_ text: String) {
        if Settings.current.isQuiet { return }
        var line = Array((text + "\n").utf8)
        line.withUnsafeMutableBytes { _ = write(2, $0.baseAddress, $0.count) }
    }
}

/// Files that a person named without a place of their own: they lie in the output folder.
enum Outputs {
    /// Where to write `path`; its folder is made.
    static func place(_ path: String) throws -> String {
        let place = Settings.current.outputPath(path)
        if Settings.current.outputFolder != nil, let slash = place.lastIndex(of: "/"),
            slash > place.startIndex
        {
            try Folders.make(String(place[..<slash]))
        }
        return place
    }

    /// Where to read `path`: from the output folder where it was written there, else as it stands.
    static func find(_ path: String) -> String {
        let place = Settings.current.outputPath(path)
        return access(place, R_OK) == 0 ? place : path
    }
}
