import Builtins
import Language
import Support
import Testing

/// Runs small pieces of vz whose comments say what they show: `# expect: text` beside each line
/// that shows or prints something, `# error: message` beside a line that fails.
enum VZ {
    /// Compares what a piece of vz shows with what its comments expect.
    static func check(_ source: String, sourceLocation: SourceLocation = #_sourceLocation) {
        var expected: [String] = []
        for line in source.split(separator: "\n") {
            if let at = line.firstRange(of: "# expect: ") { expected.append(String(line[at.upperBound...])) }
        }
        let interpreter = Interpreter(builtins: BuiltinTable.all())
        var text = ""
        interpreter.output = { text += $0 }
        interpreter.show = { text += $0.display(width: 80) + "\n" }
        do {
            try interpreter.run(source, file: "test.vz")
            if let missing = expectedMessage(source) {
                Issue.record("no error: \(missing)", sourceLocation: sourceLocation)
            }
        } catch {
            let found = (error as? Diagnostics)?.all.first
            #expect(found?.message == expectedMessage(source), sourceLocation: sourceLocation)
            #expect(found?.span?.line == expectedLine(source), sourceLocation: sourceLocation)
        }
        let shown = text.split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
        #expect(shown == expected, sourceLocation: sourceLocation)
    }

    private static func expectedMessage(_ source: String) -> String? {
        source.firstRange(of: "# error: ").map { at in
            String(source[at.upperBound...].prefix { $0 != "\n" })
        }
    }

    private static func expectedLine(_ source: String) -> Int? {
        source.firstRange(of: "# error: ").map { at in
            source[..<at.lowerBound].filter { $0 == "\n" }.count + 1
        }
    }
}
