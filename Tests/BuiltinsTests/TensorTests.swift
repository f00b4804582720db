import Builtins
import Glibc
import Language
import Testing

/// The cases of Tests/Golden/tensors and the examples of the tensor tables, run as written.
@Suite struct TensorBuiltinTests {
    @Test(arguments: ["tensors", "gradients", "mistakes", "common_names", "saving"])
    func golden(_ name: String) throws {
        let folder = String(#filePath.dropLast("BuiltinsTests/TensorTests.swift".count)) + "Golden/tensors"
        let file = "\(folder)/\(name).vz"
        let cases = GoldenCase.read(try TextFile.read(file), file: file)
        #expect(cases.count > 3)
        for test in cases {
            let problem = test.problem(builtins: BuiltinTable.all())
            #expect(problem == nil, "\(test.file):\(test.line) \(test.name): \(problem ?? "")")
        }
    }

    @Test func examples() {
        for b in TensorBuiltins.table(Chance(seed: 1)) {
            #expect(
                !b.topic.isEmpty && !b.summary.isEmpty && !b.example.isEmpty, "\(b.name) is not documented")
            let test = GoldenCase(name: b.name, file: b.name, line: 1, source: b.example)
            let problem = test.problem(builtins: BuiltinTable.all())
            #expect(problem == nil, "\(b.name): \(problem ?? "")")
        }
    }

    @Test func seeAlsoNamesExist() {
        let names = Set(BuiltinTable.all().map(\.name))
        for b in TensorBuiltins.table(Chance(seed: 1)) {
            for other in b.seeAlso { #expect(names.contains(other), "\(b.name) refers to \(other)") }
        }
    }
}
