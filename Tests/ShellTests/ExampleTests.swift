import Glibc
import Testing

/// The programs of examples/ and the commands of the README do what they say, on a little data.
@Suite(.serialized) struct ExampleTests {
    private let home: TemporaryFolder
    private static let checkout = String(#filePath.dropLast("/Tests/ShellTests/ExampleTests.swift".count))

    init() throws { home = try TemporaryFolder() }

    private func run(_ name: String, _ arguments: [String]) -> Binary.Result {
        Binary.run(
            ["--plot", "none", "--out", "out", "\(Self.checkout)/examples/\(name).vz"] + arguments,
            home: home.path)
    }

    /// In one home folder: the data is decoded once.
    @Test func examples() {
        var result = run("own_optimizer", ["32", "1"])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.out.contains("validation accuracy: adam"))

        // Without a folder it makes one; its two classes are easily told apart.
        result = run("own_data", [])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.out.contains("square"))
        #expect(access(home.path + "/out/mine.safetensors", F_OK) == 0)

        result = run("residual", ["16", "1"])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.out.contains("residual: 17,232 parameters"))

        result = run("compare_trainings", ["32", "1"])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.out.contains("augmented  loss"))
    }

    /// Every line of the README's "Ten lines of vz", but for what plays a sound or waits for a person.
    @Test func linesOfTheReadme() throws {
        let text = Binary.get(Self.checkout + "/README.md")
        let begin = try #require(text.firstRange(of: "## Ten lines of vz"))
        let block = text[begin.upperBound...].split(separator: "\n\n").first { $0.hasPrefix("    ") }
        let lines = try #require(block).split(separator: "\n").map { String($0.dropFirst(4)) }
        #expect(lines.count >= 8)
        // The same, with fewer steps.
        let code = lines.joined(separator: "\n").replacing("steps = 300", with: "steps = 3")
            .replacing("5, 0.02)", with: "5, 0.02, steps = 3)")
        home.write("ten.vz", code)
        let result = Binary.run(["--plot", "none", "--out", "out", "ten.vz"], home: home.path)
        #expect(result.status == 0, "\(result.error)")
        #expect(access(home.path + "/out/happy.wav", F_OK) == 0)
    }

    @Test func examplesAreInCanonicalForm() {
        for name in ["own_optimizer", "own_data", "residual", "compare_trainings"] {
            let result = Binary.run(
                ["fmt", "--check", "\(Self.checkout)/examples/\(name).vz"], home: home.path)
            #expect(result.status == 0, "\(name)")
        }
    }
}
