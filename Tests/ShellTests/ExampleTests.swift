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

        result = run("own_loss", ["32", "1"])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.out.contains("focal          test accuracy"))

        result = run("drawn_digits", ["60", "1"])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.out.contains("accuracy"))

        // The machine's own weights of VGG16 are in another home: here it says so, and goes on.
        result = run("transfer", ["32", "1"])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.out.contains("VGG16 is not on this machine. fetch(\"vgg16\")"))
        #expect(result.out.contains("over 16 classes"))
    }

    @Test func examplesAreInCanonicalForm() {
        for name in [
            "own_optimizer", "own_data", "residual", "compare_trainings", "own_loss", "drawn_digits",
            "transfer",
        ] {
            let result = Binary.run(
                ["fmt", "--check", "\(Self.checkout)/examples/\(name).vz"], home: home.path)
            #expect(result.status == 0, "\(name)")
        }
    }
}
