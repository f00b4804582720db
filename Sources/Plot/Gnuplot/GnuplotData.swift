import CGnuplot
import Glibc
import Support

/// The numbers of one figure, handed to gnuplot in the way that fits.
///
/// In a session they are files in memory which gnuplot opens by name: fast, read again when a window is
/// zoomed, and never part of the command stream, so that no byte of data can become a command. In a
/// script that is saved they are blocks of text beside the commands.
///
/// Filled by the thread that writes the script; nothing changes it afterwards.
final class GnuplotData: @unchecked Sendable {
    enum Form { case memory, text }

    let form: Form
    /// Blocks to be written before the commands; empty in memory form.
    private(set) var blocks = ""
    private var files: [Int32] = []
    private var count = 0

    init(_ form: Form) { self.form = form }

    deinit { for file in files { close(file) } }

    /// Columns of one length. The source as a gnuplot expression: "'/proc/…' binary …" or "$data1".
    func table(_ columns: [[Double]]) throws -> String {
        let rows = columns.map(\.count).min() ?? 0
        switch form {
        case .memory:
            var packed = [Double](repeating: .nan, count: rows * columns.count)
            for (c, column) in columns.enumerated() {
                for r in 0..<rows { packed[r * columns.count + c] = column[r] }
            }
            let path = try packed.withUnsafeBytes { try memoryFile($0) }
            let format = String(repeating: "%float64", count: columns.count)
            return "\(path) binary record=\(rows) format='\(format)'"
        case .text:
            let name = nextName()
            blocks += "\(name) << EOD\n"
            for r in 0..<rows {
                blocks += columns.map { GnuplotText.number($0[r]) }.joined(separator: " ") + "\n"
            }
            blocks += "EOD\n"
            return name
        }
    }

    /// A raster's cells with their places: source and the `using` that reads it, for `with image` or `rgbimage`.
    func raster(_ raster: Raster) throws -> (source: String, using: String) {
        let dx = (raster.x1 - raster.x0) / Double(raster.width)
        let dy = (raster.y1 - raster.y0) / Double(raster.height)
        switch form {
        case .memory:
            let place = "dx=\(dx) dy=\(dy) origin=(\(raster.x0 + dx / 2),\(raster.y0 + dy / 2))"
            let shape = "binary array=(\(raster.width),\(raster.height))"
            switch raster.cells {
            case .values(let values):
                let path = try values.withUnsafeBytes { try memoryFile($0) }
                return ("\(path) \(shape) \(place) format='%float64'", "1")
            case .rgb(let bytes):
                let path = try bytes.withUnsafeBytes { try memoryFile($0) }
                return ("\(path) \(shape) \(place) format='%uchar%uchar%uchar'", "1:2:3")
            }
        case .text:
            let name = nextName()
            blocks += "\(name) << EOD\n"
            for row in 0..<raster.height {
                let y = GnuplotText.number(raster.y0 + (Double(row) + 0.5) * dy)
                for column in 0..<raster.width {
                    let x = GnuplotText.number(raster.x0 + (Double(column) + 0.5) * dx)
                    let i = row * raster.width + column
                    switch raster.cells {
                    case .values(let values): blocks += "\(x) \(y) \(GnuplotText.number(values[i]))\n"
                    case .rgb(let b): blocks += "\(x) \(y) \(b[i * 3]) \(b[i * 3 + 1]) \(b[i * 3 + 2])\n"
                    }
                }
            }
            blocks += "EOD\n"
            if case .rgb = raster.cells { return (name, "1:2:3:4:5") }
            return (name, "1:2:3")
        }
    }

    /// `text` as a file in memory: its quoted path.
    func file(_ text: String) throws -> String {
        var text = text + "\n"
        return try text.withUTF8 { try memoryFile(UnsafeRawBufferPointer($0)) }
    }

    private func nextName() -> String {
        count += 1
        return "$data\(count)"
    }

    /// The quoted path under which gnuplot, a process of the same person, opens our file in memory.
    private func memoryFile(_ bytes: UnsafeRawBufferPointer) throws -> String {
        let file = vz_memory_file("vzsh-figure")
        guard file >= 0 else { throw GnuplotData.failure(errno) }
        files.append(file)
        var written = 0
        while written < bytes.count, let base = bytes.baseAddress {
            let n = Glibc.write(file, base + written, bytes.count - written)
            if n < 0 {
                if errno == EINTR { continue }
                throw GnuplotData.failure(errno)
            }
            written += n
        }
        return "'/proc/\(getpid())/fd/\(file)'"
    }

    private static func failure(_ code: Int32) -> Failure {
        Failure(
            .memory, "no room in memory for the figure's data: \(String(cString: strerror(code)))",
            hint: "draw fewer points, or close other figures")
    }
}
