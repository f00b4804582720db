import Glibc
import Language
import Shell
import Testing

struct CursorContextTests {
    private func context(_ text: String) -> CursorContext { CursorContext(text, at: text.utf8.count) }

    @Test func findsTheWord() {
        let c = context("x = conv")
        #expect(c.place == .name)
        #expect(c.start == 4)
        #expect(c.prefix == "conv")
        #expect(context("größe + brei").prefix == "brei")
        #expect(context("grö").prefix == "grö")
    }

    @Test func findsWhatStandsBeforeTheDot() {
        #expect(context("net.con").place == .member(of: "net"))
        #expect(context("f(data.test[0].").place == .member(of: "data.test[0]"))
        #expect(context("1..n").place == .name)
        #expect(context("xs[1..").place == .name)
        #expect(context("3.").place == .comment)
        #expect(context("\"{net.").place == .member(of: "net"))
    }

    @Test func knowsStringsAndComments() {
        let c = context("load(\"a dir/fi")
        #expect(c.place == .string(isRaw: false))
        #expect(c.prefix == "a dir/fi")
        #expect(c.start == 6)
        #expect(context("load('a").place == .string(isRaw: true))
        #expect(context("x = 1 # con").place == .comment)
        #expect(context("\"# {con").place == .name)
        #expect(context("\"a\\\"b\" + c").place == .name)
        #expect(context("# it's\nab").prefix == "ab")
    }

    @Test func findsTheCallAndItsNames() {
        let c = context("fit(net, data, epochs = 3, ba")
        #expect(c.call?.function == "fit")
        #expect(c.call?.given == ["epochs"])
        #expect(context("f(g(1), a == b, ").call?.given == [])
        #expect(context("f(g(1), x").call?.function == "f")
        #expect(context("net.run(x").call?.function == "net.run")
        #expect(context("f(1) + x").call == nil)
        #expect(context("f([x").call == nil)
        #expect(context("(x").call == nil)
    }

    @Test func stringsHideCommas() {
        for string in ["'a,b'", "\"\\\"\"", "\"a, {g(1, 2)}\"", "\"\"\"a \" , b\"\"\"", "# a, b\n1"] {
            #expect(context("f(\(string), x").call?.positional == 1, "\(string)")
            #expect(context("f(\(string), b = 1, x").call?.given == ["b"], "\(string)")
        }
        #expect(context("cam(g('a,b', 2), \"").firstArgument == "g('a,b', 2)")
        #expect(context("f(1, style = \"").stringArgument?.name == "style")
        #expect(context("f(1, \"").stringArgument?.positional == 1)
        #expect(context("opts[\"").stringIndex == "opts")
        #expect(context("\"\"\"a \" b").prefix == "a \" b")
    }

    @Test func findsTheFirstArgument() {
        #expect(context("cam(net, x, \"").firstArgument == "net")
        #expect(context("maximize(linear(net).softmax, \"ca").firstArgument == "linear(net).softmax")
        #expect(context("load(\"").firstArgument == nil)
        #expect(context("plot(m, save = \"").firstArgument == nil)
    }

    @Test func anyTextIsSafe() {
        for text in ["", ")", "]]}", "\"", "\"{", "\\", "a.b].", "..", ".", "[.", "f(((", "é.", "'", "\u{0}"]
        {
            for cursor in 0...text.utf8.count + 1 { _ = CursorContext(text, at: cursor) }
        }
    }
}

struct CompleterTests {
    private func interpreter() -> Interpreter {
        let interpreter = Interpreter(builtins: [
            Builtin("conv1d", [.required("filters", "channels"), .optional("kernel", "3")], summary: "layer")
            { _ in .nil },
            Builtin("conv2d", [.required("filters")]) { _ in .nil }, Builtin("now") { _ in .nil },
            Builtin("draw", [.required("what"), .optional("style", "\"plain\"", "\"clear\": to be read")]) {
                _ in .nil
            },
        ])
        interpreter["wave"] = Value([("rate", Value(16000)), ("rest", Value([Value([("deep", Value(1))])]))])
        return interpreter
    }

    private func complete(_ text: String) -> [String] {
        Completer(interpreter()).complete(text, at: text.utf8.count).candidates.map(\.alone)
    }

    @Test func completesNamesMembersAndKeywords() {
        #expect(complete("co") == ["continue", "conv1d(", "conv2d("])
        #expect(complete("wa") == ["wave"])
        #expect(complete("wave.ra") == ["rate"])
        #expect(complete("wave.rest[0].d") == ["deep"])
        #expect(complete("wave[\"rest\"][-1].") == ["deep"])
        #expect(complete("nothing.a") == [])
        #expect(complete("no") == ["not ", "now()"])
        #expect(complete("wh") == ["while ", "whos "])
    }

    @Test func completesNamedArguments() {
        #expect(complete("conv1d(") == ["filters = ", "kernel = "])
        #expect(complete("conv1d(filters = 3, k") == ["kernel = "])
        #expect(complete("conv1d(wa") == ["wave"])
    }

    @Test func completesWhatIsBeingTyped() {
        let block = "fn loc(parameter_one, *others, number = 2) {\n  local_value = 3\n"
        #expect(complete(block + "  par") == ["parameter_one"])
        #expect(complete(block + "  loc") == ["loc", "local_value"])
        #expect(complete(block + "  num") == ["number"])
        #expect(complete(block + "  oth") == ["others"])
        #expect(complete("[el for el_x in xs if el") == ["el_x", "else "])
        #expect(complete("for one_of_them, two_of_them in xs {\n two") == ["two_of_them"])
        #expect(complete("f = (first_one, second_one) -> sec") == ["second_one"])
        #expect(complete("\"=\" # commented = 1\nf(named = 2, nam") == [])
        #expect(complete("r.membered = 1; first_a, first_b = 1, 2\nmem") == [])
        #expect(complete("first_a, first_b = 1, 2\nfir") == ["first_a", "first_b"])
    }

    @Test func asksForNamesAlone() {
        #expect(complete("?conv1") == ["conv1d"])
        #expect(complete("??now") == ["now"])
        #expect(complete("help conv2") == ["conv2d"])
        #expect(complete("?wave.re") == ["rest"])
        #expect(complete("?whil") == ["while"])
        #expect(complete("clear w") == ["wave"])
        #expect(complete("clear con") == [])
        #expect(complete("clear wave, al") == ["all"])
        #expect(complete("edit con") == [])
    }

    @Test func completesInStringsWhatIsKnown() {
        #expect(complete("wave[\"") == ["rate\"", "rest\""])
        #expect(complete("wave['ra") == ["rate'"])
        #expect(complete("draw(1, style = \"") == ["plain\"", "clear\""])
        #expect(complete("draw(1, \"cl") == ["clear\""])
        #expect(complete("draw('a,b', ") == ["style = "])
    }

    @Test func indentsAtTheBeginningOfALine() {
        #expect(complete("") == ["    "])
        #expect(complete("for x in xs {\n") == ["    "])
    }

    @Test func completesFilesInStringsAndCommands() throws {
        let folder = try TemporaryFolder()
        folder.write("a wave.wav", "")
        folder.write("br{ace.wav", "")
        #expect(complete("load(\"\(folder.path)/a") == ["a wave.wav\""])
        #expect(complete("load(\"\(folder.path)/b") == ["br\\{ace.wav\""])
        #expect(complete("load('\(folder.path)/b") == ["br{ace.wav'"])
        #expect(complete("ls \(folder.path)/b") == ["br{ace.wav"])
        #expect(complete("cd \(folder.path)/b") == [])
        #expect(complete("cd /us") == ["usr/"])
        folder.write("a wave's.txt", "")
        #expect(complete("$ cat \(folder.path)/a") == ["a\\ wave\\'s.txt", "a\\ wave.wav"])
        #expect(complete("$ cat x|cat \"\(folder.path)/a wave.") == ["a wave.wav\""])
        #expect(complete("$ cat '\(folder.path)/a") == ["a wave.wav'"])
        #expect(complete("ls \(folder.path)/a wave.") == ["a wave.wav"])
        #expect(complete("ls \"\(folder.path)/a wave.") == ["a wave.wav\""])
        #expect(complete("ls \(folder.path)/a\\ wave.") == ["a\\ wave.wav"])
        #expect(complete("load(\"/no/such/folder/a") == [])
    }
}

struct PromptCommandTests {
    @Test func knowsCommandsFromExpressions() {
        #expect(PromptCommand("?clamp") == .help("clamp"))
        #expect(PromptCommand("?") == .help(""))
        #expect(PromptCommand("??clamp") == .source("clamp"))
        #expect(PromptCommand("$ ls -la") == .system("ls -la"))
        #expect(PromptCommand("cd ~/data") == .cd("~/data"))
        #expect(PromptCommand("cd ..") == .cd(".."))
        #expect(PromptCommand("cd -") == .cd("-"))
        #expect(PromptCommand("time sum(xs)") == .time("sum(xs)"))
        #expect(PromptCommand("bench(f(1) + g(2))") == .bench("f(1) + g(2)"))
        #expect(PromptCommand("bench f(1)") == .bench("f(1)"))
        #expect(PromptCommand("clear x, y") == .clear(["x", "y"]))
        #expect(PromptCommand("quit") == .exit)
        #expect(PromptCommand.askedBehind("maximize?") == "maximize")
        #expect(PromptCommand.askedBehind("net.conv1d ??") == "net.conv1d")
        #expect(PromptCommand.askedBehind("?") == nil)
        #expect(PromptCommand.askedBehind("a ?? b") == nil)
        for text in [
            "cd = 3", "time + 1", "ls |> len", "pwd()", "cd(\"a\")", "timer", "bench(a) + bench(b)", "x", "",
            "exit + 1",
        ] {
            #expect(PromptCommand(text) == nil, "\(text)")
        }
    }
}

struct HistoryTests {
    @Test func keepsBlocksWhole() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/deep/er/history"
        var history = History(path: path)
        let before = history.load()
        #expect(before == [])
        let entries = ["x = 1", "for x in xs {\n    print(\"a\\n\")\n}", "größe 😀", "\\", "\\n"]
        for e in entries { history.append(e) }
        let isNew = history.append("\\n")
        #expect(!isNew)
        var again = History(path: path)
        let after = again.load()
        #expect(after == entries)
        #expect(Binary.get(path).split(separator: "\n").count == entries.count)
    }

    @Test func forgivesBytesAndMissingEnds() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/history"
        let file = open(path, O_WRONLY | O_CREAT, 0o600)
        _ = write(file, Array("x = 1\ny = \"".utf8) + [0xFF] + Array("\"\nz = 3".utf8), 19)
        close(file)
        var history = History(path: path)
        let before = history.load()
        #expect(before == ["x = 1", "y = \"\u{FFFD}\"", "z = 3"])
        history.append("last = 4")
        var again = History(path: path)
        let after = again.load()
        #expect(after == before + ["last = 4"])
    }

    @Test func cutsALongFile() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/history"
        folder.write("history", (0..<25_000).map { "line \($0)\n" }.joined())
        var history = History(path: path)
        let kept = history.load()
        #expect(kept.count == History.limit)
        #expect(Binary.get(path).split(separator: "\n").count == History.limit)
        #expect(Binary.get(path).hasSuffix("line 24999\n"))
    }
}
