import Language
import Support
import Testing

/// Where the caret stands, and the calls that lead to it: what a line of a golden file cannot say.
@Suite struct CaretTests {
    /// What the caret of the first error marks.
    private func marked(_ text: String) -> String {
        guard let span = Bench().failure(text)?.span else { return "" }
        return String(span.sourceLine.dropFirst(span.column - 1).prefix(span.length))
    }

    @Test func theIndexThatIsWrong() {
        #expect(marked("xs = [1, 2]\nxs[5]") == "5")
        #expect(marked("xs = [1, 2]\n1 + xs[-1 - 7]") == "-1 - 7")
        #expect(marked("xs = [1, 2]\nxs[9] = 3") == "9")
        #expect(marked("xs = [1, 2]\nxs[9] += 3") == "9")
        #expect(marked("xs = [[1], [2]]\nxs[1][4]") == "4")
    }

    @Test func theArgumentThatIsWrong() {
        #expect(marked("conv1d(8, 100)") == "100")
        #expect(marked("conv1d(8, 3, stride = \"a\")") == "\"a\"")
    }

    /// What is wrong with a call that a builtin makes is no argument of the call in the source.
    @Test func aFunctionThatABuiltinCalls() {
        #expect(marked("twice(() -> 1, 3)") == "twice(() -> 1, 3)")
        #expect(marked("twice((a, b = 1) -> a + \"\", 3)") == "a + \"\"")
    }

    @Test func theOperatorThatNothingFollows() {
        #expect(marked("x = 3 +\n") == "+")
        #expect(marked("x = 3 +\ny = 4") == "+")
        #expect(marked("x =\n") == "=")
    }

    @Test func aBraceInAString() {
        #expect(marked("print(\"a {x\")") == "{")
    }

    @Test func aLongTraceIsCounted() {
        let found = Bench().failure("fn f(n) {\n    if n == 0 { raise \"end\" }\n    f(n - 1)\n}\nf(100)")
        #expect(found?.trace.count == 12)
        #expect(found?.omitted == 89)
        #expect(found?.trace.last?.span.line == 5)
        let text = found?.render() ?? ""
        #expect(text.contains("… 89 more calls …"))
        let short = Bench().failure("fn f(n) = if n == 0 { raise \"end\" } else { f(n - 1) }\nf(10)")
        #expect(short?.trace.count == 11)
        #expect(short?.omitted == 0)
    }

    @Test func aLambdaIsCalledByItsVariable() {
        let found = Bench().failure("f = x -> x + \"\"\nf(1)")
        #expect(found?.trace.map(\.function) == ["f"])
    }

    /// Raised again where it was caught: the first place and the calls that led there.
    @Test func anErrorRaisedAgain() {
        let text = "fn g() = 1 + \"a\"\nfn f() {\n    try g() else e -> {\n        raise e\n    }\n}\nf()"
        let found = Bench().failure(text)
        #expect(found?.span?.line == 1)
        #expect(found?.trace.map(\.function) == ["g", "f"])
        let changed = Bench().failure(
            "try { 1 + \"a\" } else e -> {\n    e.message = \"own\"\n    raise e\n}")
        #expect(changed?.message == "own")
        #expect(changed?.span?.line == 1)
    }

    @Test func formatting() throws {
        let cases = [
            ("\"{x+1} {f( 1,2 ):.2f}\"", "\"{x + 1} {f(1, 2):.2f}\"\n"),
            ("\"{ x } {{x+1}} \\{y+1}} {\"{a+b}\"}\"", "\"{x} {{x+1}} \\{y+1}} {\"{a + b}\"}\"\n"),
            ("\"{ {a:1}.a }\"", "\"{ {a:1}.a }\"\n"),
            ("'{x+1}'", "'{x+1}'\n"),
            ("a;;b", "a; b\n"),
            (";a; ;", "a;\n"),
            ("fn f() {; a }", "fn f() { a }\n"),
            (
                "x = xs\n# one\n|> sum\n# two\n|> f\n# three\ny = 1",
                "x = xs\n    # one\n    |> sum\n    # two\n    |> f\n# three\ny = 1\n"
            ),
        ]
        for (text, wanted) in cases {
            let once = try? Formatter.format(text)
            #expect(once == wanted, "\(text)")
            #expect(try Formatter.format(wanted) == wanted, "\(text)")
        }
    }

    /// Many line ends, many statements on a line, many expressions in a string: time that grows with the
    /// text alone.
    @Test func longTextsTakeTimeInProportion() {
        let clock = ContinuousClock()
        let texts = [
            String(repeating: "\n", count: 300_000), String(repeating: "a b;", count: 60_000),
            "\"" + String(repeating: "{1}", count: 60_000) + "\"",
            String(repeating: "fn f() = 1;", count: 30_000),
        ]
        for text in texts {
            #expect(clock.measure { _ = Interpreter.parse(text) } < .seconds(20), "\(text.prefix(20))")
        }
    }
}
