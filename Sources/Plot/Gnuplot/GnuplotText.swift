/// Text for gnuplot's command line.
enum GnuplotText {
    /// `text` as a gnuplot string expression that means exactly these characters.
    ///
    /// Single quotes: gnuplot looks for backquotes (a shell command) and @macros in double-quoted
    /// text and outside quotes only. A newline would end the command, and gnuplot 5.4 takes a doubled
    /// quote at the beginning of a string for an empty string and runs what follows; so both are
    /// joined in as strings of their own. Other control characters are left out.
    static func quoted(_ text: String) -> String {
        var result = "'"
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "'.\"\\n\".'"
            case "'": result += "'.\"'\".'"
            default: if isPrintable(scalar) { result.unicodeScalars.append(scalar) }
            }
        }
        return result + "'"
    }

    /// The same for the name of a tick: gnuplot reads % there as a number's format. Two of them mean one.
    static func tick(_ text: String) -> String { quoted(text.replacing("%", with: "%%")) }

    /// At most `limit` characters, the rest as an ellipsis: a title of a megabyte draws nothing.
    static func clipped(_ text: String, _ limit: Int = 400) -> String {
        text.count <= limit ? text : String(text.prefix(limit - 1)) + "…"
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "\t"
            || (scalar.value >= 0x20 && scalar.value != 0x7F && !(0x80..<0xA0).contains(scalar.value))
    }

    /// A number as gnuplot reads it.
    static func number(_ value: Double) -> String { value.isFinite ? "\(value)" : "NaN" }
}
