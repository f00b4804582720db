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
