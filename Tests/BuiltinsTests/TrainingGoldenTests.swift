import Builtins
import Glibc
import Language
import Testing

/// The cases of Tests/Golden/networks, run as written.
@Suite struct TrainingGoldenTests {
    @Test(arguments: ["training", "attributions"]) func cases(_ name: String) throws {
        let root = String(#filePath.dropLast("BuiltinsTests/TrainingGoldenTests.swift".count))
        let file = "\(root)Golden/networks/\(name).vz"
        let cases = GoldenCase.read(try TextFile.read(file), file: file)
        #expect(cases.count >= 5)
        for test in cases {
            let problem = test.problem(builtins: BuiltinTable.all())
            #expect(problem == nil, "\(test.file):\(test.line) \(test.name): \(problem ?? "")")
        }
    }
}
