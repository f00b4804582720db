import Builtins
import Glibc
import Language
import Support
import Testing

/// The small cases of Tests/Golden and the examples of the builtins, run as written.
@Suite struct GoldenTests {
    private static let folder = String(#filePath.dropLast("BuiltinsTests/GoldenTests.swift".count)) + "Golden"

    private static func files() -> [String] {
        guard let handle = opendir(folder) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".vz") { names.append("\(folder)/\(name)") }
        }
        return names.sorted()
    }

    @Test func goldenCases() throws {
        var count = 0
        // Figures are no part of the language.
        for file in Self.files() where !file.hasSuffix("/figures.vz") {
            for test in GoldenCase.read(try TextFile.read(file), file: file) {
                count += 1
                let problem = test.problem(builtins: CoreBuiltins.table())
                #expect(problem == nil, "\(test.file):\(test.line) \(test.name): \(problem ?? "")")
            }
        }
        #expect(count >= 300)
    }

    /// The same with everything that vz can call: no name of the engine hides one of the language.
    @Test func goldenCasesWithAllNames() throws {
        let table = BuiltinTable.all()
        for file in Self.files() {
            for test in GoldenCase.read(try TextFile.read(file), file: file) {
                let problem = test.problem(builtins: table)
                #expect(problem == nil, "\(test.file):\(test.line) \(test.name): \(problem ?? "")")
            }
        }
    }

    /// The examples of the specification.
    @Test func specification() throws {
        let file =
            String(#filePath.dropLast("Tests/BuiltinsTests/GoldenTests.swift".count))
            + "Sources/Language/SPEC.md"
        let examples = GoldenCase.readMarkdown(try TextFile.read(file), file: file)
        #expect(examples.count >= 20)
        for test in examples {
            let problem = test.problem(builtins: CoreBuiltins.table())
            #expect(problem == nil, "\(test.file):\(test.line): \(problem ?? "")")
        }
    }

    /// What is formatted stays as it is, and means what it meant.
    @Test func formattingIsIdempotent() throws {
        for file in Self.files() {
            for test in GoldenCase.read(try TextFile.read(file), file: file) {
                guard let once = try? Formatter.format(test.source) else { continue }
                #expect(try Formatter.format(once) == once, "\(test.file):\(test.line)")
            }
        }
    }

    /// Every entry of the core table explains itself, and its example gives what it says.
    @Test func examplesOfTheCore() {
        for b in CoreBuiltins.table() {
            #expect(
                !b.topic.isEmpty && !b.summary.isEmpty && !b.example.isEmpty, "\(b.name) is not documented")
            let test = GoldenCase(name: b.name, file: b.name, line: 1, source: b.example)
            let problem = test.problem(builtins: CoreBuiltins.table())
            #expect(problem == nil, "\(b.name): \(problem ?? "")")
        }
    }

    @Test func seeAlsoNamesExist() {
        let names = Set(CoreBuiltins.table().map(\.name)).union(["pi"])
        for b in CoreBuiltins.table() {
            for other in b.seeAlso { #expect(names.contains(other), "\(b.name) refers to \(other)") }
        }
    }
}
