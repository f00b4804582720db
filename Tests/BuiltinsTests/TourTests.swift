import Builtins
import Glibc
import Language
import Support
import Testing

/// The tour of the language, which lies beside the checkout where it is developed.
@Suite struct TourTests {
    private static let path =
        String(#filePath.dropLast("/Tests/BuiltinsTests/TourTests.swift".count)) + "/../shared/tour.vz"
    static var isThere: Bool { access(path, R_OK) == 0 }

    @Test(.enabled(if: TourTests.isThere)) func languagePartRuns() throws {
        let text = try TextFile.read(Self.path)
        let end = try #require(text.firstRange(of: "# --- data and training"))
        let interpreter = Interpreter(builtins: BuiltinTable.all())
        var shown: [String] = []
        interpreter.output = { _ in }
        interpreter.show = { shown.append($0.display(width: 100)) }
        try interpreter.run(String(text[..<end.lowerBound]), file: "tour.vz")
        #expect(shown.first == "12")
        #expect(shown.contains("[2, 2]"))
    }

    @Test(.enabled(if: TourTests.isThere)) func isInCanonicalForm() throws {
        let text = try TextFile.read(Self.path)
        #expect(try Formatter.format(text) == text)
    }
}
