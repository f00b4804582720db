import Glibc
import Testing

/// Every command and every block of code of the README does what it says, with less work where it would
/// take minutes; every file that it names is there.
@Suite(.serialized) struct ReadmeTests {
    private let home: TemporaryFolder
    private static let checkout = String(#filePath.dropLast("/Tests/ShellTests/ReadmeTests.swift".count))
    private static let text = Binary.get(checkout + "/README.md")

    init() throws { home = try TemporaryFolder() }

    /// The lines of all blocks between ```language and ```.
    private static func blocks(_ language: String) -> [String] {
        var blocks: [String] = []
        var open: [Substring]?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line == "```" + language {
                open = []
            } else if line == "```" {
                if let open { blocks.append(open.joined(separator: "\n")) }
                open = nil
            } else {
                open?.append(line)
            }
        }
        return blocks
    }

    /// The blocks of vz are one session. What they need of a person's files is made first, and what takes
    /// minutes, or weights that vzsh does not ship, is replaced by less of the same.
    @Test func blocksOfVzRun() {
        let prelude = """
            t = arange(16000) / 16000
            for word, pitch in {low: 200, high: 800} {
                for i in 1..6 { save(sound(0.3 * sin(2 * pi * (pitch + 20 * i) * t)), "my-words/{word}/voice{i}_1.wav") }
            }
            save(m5(classes = 12), "m5.safetensors")

            """
        let less = [
            ("steps = 300", "steps = 3"), ("5, 0.02)", "5, 0.02, steps = 3)"),
            (
                "fit(own, data, epochs = 20",
                "fit(own, data.train.take(32), epochs = 2, validation = data.test.take(8)"
            ),
            ("evaluate(own, data.test)", "evaluate(own, data.test.take(16))"),
            ("copies = 4)", "copies = 4, steps = 2)"),
            ("style = \"clear\")", "style = \"clear\", steps = 3)"),
            ("style = \"natural\")", "style = \"natural\", steps = 3)"),
            ("watch = true)", "watch = true, steps = 6, frames = 4)"),
            ("load(\"vgg16\")", "load(\"words13\")"), ("\"zebra.jpg\"", "\"out/happy.wav\""),
            ("m5.pt", "m5.safetensors"),
            ("(\"model.h5\")", "(\"out/model.h5\")"),
            ("\"m5.safetensors\", partial", "\"out/m5.safetensors\", partial"),
            ("(\"my-words\"", "(\"out/my-words\""),
        ]
        var code = Self.blocks("vz").joined(separator: "\n")
        #expect(Self.blocks("vz").count >= 5)
        for (long, short) in less {
            #expect(code.contains(long), "\(long)")
            code = code.replacing(long, with: short)
        }
        home.write("readme.vz", prelude + code)
        let fixture = Self.checkout + "/Tests/Fixtures/wave1d.h5"
        #expect(system("mkdir -p '\(home.path)/out' && cp '\(fixture)' '\(home.path)/out/model.h5'") == 0)
        let result = Binary.run(["--plot", "none", "--out", "out", "readme.vz"], home: home.path)
        #expect(result.status == 0, "\(result.error)")
        for file in ["happy.wav", "loss.pdf", "happy.gif", "happy.gp", "net.onnx"] {
            #expect(access("\(home.path)/out/\(file)", F_OK) == 0, "\(file)")
        }
    }

    /// Commands that only look are run; of those that build, install or compute for long, the script must
    /// be there and its text right.
    @Test func commandsAreThere() throws {
        let lines = Self.blocks("sh").flatMap { $0.split(separator: "\n") }
        #expect(lines.count >= 8)
        for line in lines {
            let words = line.split(separator: " ").map(String.init)
            if words[0] == "vzsh" {
                let isShort = ["-e", "check", "fmt", "--help"].contains(words[1])
                let arguments =
                    words[1] == "-e"
                    ? ["-e", String(line.dropFirst(9).filter { $0 != "'" })]
                    : (isShort ? Array(words.dropFirst()) : ["check", words.last ?? ""]).map {
                        $0.hasSuffix(".vz") ? "\(Self.checkout)/\($0)" : $0
                    }
                let result = Binary.run(arguments, home: home.path)
                #expect(result.status == 0, "\(line): \(result.error)")
            } else {
                let script = "\(Self.checkout)/\(words[0])"
                #expect(access(script, X_OK) == 0, "\(line)")
                #expect(system("bash -n '\(script)'") == 0, "\(line)")
                for argument in words.dropFirst() where argument.hasSuffix(".vz") {
                    let result = Binary.run(["check", "\(Self.checkout)/\(argument)"], home: home.path)
                    #expect(result.status == 0, "\(line): \(result.error)")
                }
            }
        }
    }

    @Test func filesThatItNamesAreThere() {
        var names = Set<Substring>()
        for match in Self.text.matches(of: #/(?:scripts|examples|Sources)\/[A-Za-z0-9_.\/-]*[A-Za-z0-9_]/#) {
            names.insert(match.output)
        }
        #expect(names.count > 10)
        #expect(names.contains { $0.hasSuffix(".jpg") } && names.contains { $0.hasSuffix(".png") })
        for name in names { #expect(access("\(Self.checkout)/\(name)", F_OK) == 0, "\(name)") }
    }

    /// The experiments are scripts that hold together, and each leaves a page of its run.
    @Test func experimentsLeaveAPage() {
        let list = Binary.get(Self.checkout + "/scripts/all").split(separator: "\n")
            .drop { !$0.hasPrefix("experiments=(") }.dropFirst().prefix { $0 != ")" }
        let names = list.flatMap { $0.split(separator: " ") }
        #expect(names.count >= 17)
        for name in names {
            let path = "\(Self.checkout)/scripts/\(name).vz"
            let result = Binary.run(["check", path], home: home.path)
            #expect(result.status == 0, "\(name): \(result.error)")
            let text = Binary.get(path)
            #expect(text.contains("report(\"report.html\")") || text.contains("vgg16_filters.vz"), "\(name)")
            #expect(Self.text.contains("`\(name).vz`"), "the README does not name \(name)")
        }
    }

    /// One that fails does not stop the others, and the index tells of it.
    @Test func allOfThemGoOnAfterAFailure() {
        home.write(
            "good.vz",
            "# Good & <short>: a line.\n\nplot([1, 2, 3], title = \"up\")\nreport(\"report.html\")\n")
        home.write("bad.vz", "# Bad.\n\nnothing_here\n")
        home.write("last.vz", "# Last.\n\nprint(1)\n")
        let command =
            "cd '\(home.path)' && HOME='\(home.path)' VZSH='\(Binary.path)' '\(Self.checkout)/scripts/all' --out pages ./bad.vz ./good.vz ./last.vz 2> said"
        #expect(system(command) >> 8 & 0xFF == 1)
        let said = Binary.get(home.path + "/said")
        #expect(said.contains("failed: bad") && said.contains("nothing_here"), "\(said)")
        let page = Binary.get(home.path + "/pages/index.html")
        for text in [
            "Good &amp; &lt;short&gt;: a line.", "<a href=\"good/report.html\">good</a>",
            "data:image/png;base64,",
            "<span class=\"bad\">failed</span>", "<a href=\"last/report.html\">",
            "prefers-color-scheme: dark",
        ] { #expect(page.contains(text), "\(text)") }
        #expect(!page.contains("<script"))
        #expect(Binary.get(home.path + "/pages/bad/report.html").contains("nothing_here"))
    }
}
