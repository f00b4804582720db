import Glibc
import Plot
import Support
import Testing

/// With VZ_GALLERY=FOLDER the pictures are also written there, to be looked at.
@Suite struct GalleryTests {
    static let renderer = FigureRenderer()

    @Test func everyKindIsDrawnWithoutComplaint() throws {
        let folder = getenv("VZ_GALLERY").map { String(cString: $0) }
        for (name, figure) in try Samples.all() {
            for (style, columns) in [
                (TextStyle(columns: 80), 80), (TextStyle(columns: 100, color: .full), 100),
                (TextStyle(columns: 60, color: .none, isUnicode: false), 60),
            ] {
                let text = try figure.text(style)
                if folder != nil { print("\(name)\n\(text)") }
                if style.color == .none {
                    #expect(text.split(separator: "\n").allSatisfy { $0.count <= columns }, "\(name)")
                }
                if !style.isUnicode {
                    #expect(
                        text.unicodeScalars.allSatisfy { $0.isASCII || $0 == "…" || $0 == "–" }, "\(name)")
                }
            }
            for (ending, terminal) in [
                ("png", GnuplotTerminal.png), ("svg", .svg), ("pdf", .pdf), ("six", .sixel),
            ] {
                let start = clock()
                let answer = try Self.renderer.draw(frames: [figure], terminal: terminal)
                #expect(answer.complaints.isEmpty, "\(name).\(ending): \(answer.complaints)")
                let bytes = answer.output
                #expect(bytes.count > 500, "\(name).\(ending)")
                if let folder {
                    try AtomicFile.write(bytes, to: "\(folder)/\(name).\(ending)")
                    print(name, ending, bytes.count, Double(clock() - start) / 1e6)
                }
            }
        }
    }
}
