import Language
import Support
import Testing

/// An interpreter with a few builtins, and what it printed.
final class Bench {
    let interpreter: Interpreter
    var output = ""

    init() {
        interpreter = Interpreter(builtins: [
            Builtin("print", [.variadic("values")]) { args in
                args.interpreter.output(args.rest.map(\.text).joined(separator: " ") + "\n")
                return .nil
            },
            Builtin("twice", [.required("f"), .required("x")]) { args in
                let once = try args.interpreter.call(args[0], [args[1]])
                return try args.interpreter.call(args[0], [once])
            },
            Builtin("conv1d", [.required("filters"), .required("kernel"), .optional("stride", "1")]) { args in
                Value(
                    try args.int("filters") * (try args.int("kernel", in: 1...99))
                        + (try args.int("stride", default: 1)))
            },
            Builtin("cancel", []) { _ in
                CancelFlag.shared.request()
                return .nil
            },
        ])
        interpreter.output = { [unowned self] in self.output += $0 }
    }

    func run(_ text: String) throws -> String {
        output = ""
        try interpreter.run(text, file: "test.vz")
        return output
    }

    func failure(_ text: String) -> Diagnostic? {
        do {
            _ = try run(text)
            return nil
        } catch let error as Diagnostics {
            return error.all.first
        } catch {
            return nil
        }
    }
}

@Suite(.serialized) struct EvaluatorTests {
    @Test func valuesOfLinesAreShown() throws {
        #expect(try Bench().run("1 + 2\n5;\nx = 4\nnil\n\"a\"") == "3\n\"a\"\n")
    }

    @Test func globalsStayBetweenRuns() throws {
        let bench = Bench()
        _ = try bench.run("x = 20\nfn f(y) = x + y")
        #expect(try bench.run("f(1)") == "21\n")
        #expect(bench.interpreter.names.map(\.name) == ["x", "f"])
        #expect(bench.interpreter["x"]?.asNumber == 20)
        bench.interpreter["x"] = Value(5)
        #expect(try bench.run("f(1)") == "6\n")
        bench.interpreter.reset()
        #expect(bench.interpreter.names.isEmpty)
        #expect(bench.failure("f(1)")?.kind == .name)
    }

    @Test func theValueOfTheLastLine() throws {
        let interpreter = Bench().interpreter
        #expect(try interpreter.run("1; 2 + 5;").asNumber == 7)
        #expect(interpreter.lastValue.asNumber == 7)
        #expect(try interpreter.run("x = 1").isNil)
        #expect(interpreter.lastValue.asNumber == 7)
    }

    @Test func swiftCallsFunctions() throws {
        let bench = Bench()
        _ = try bench.run("fn f(a, b = 10, *rest, **named) = [a, b, rest, named]")
        let f = try #require(bench.interpreter["f"])
        let result = try bench.interpreter.call(
            f, [Value(1), Value(2), Value(3)], [(name: "z", value: Value(4))])
        #expect(result.written == "[1, 2, [3], {z: 4}]")
        #expect(try bench.interpreter.call(f, [Value(1)]).written == "[1, 10, [], {}]")
        #expect(throws: Failure.self) { try bench.interpreter.call(f, []) }
        #expect(throws: Failure.self) { try bench.interpreter.call(Value(3), []) }
    }

    @Test func builtinsCallBack() throws {
        #expect(try Bench().run("k = 3\ntwice(x -> x * k, 2)") == "18\n")
        let found = Bench().failure("fn bad(x) = x + nil\ntwice(bad, 1)")
        #expect(found?.span?.line == 1)
        #expect(found?.trace.map(\.function) == ["twice"])
    }

    @Test func cancelStopsALoopAndIsNotCaught() throws {
        defer { CancelFlag.shared.clear() }
        let bench = Bench()
        let found = bench.failure("n = 0\ncancel()\ntry { while true { n += 1 } } else e -> 1")
        #expect(found?.kind == .interrupted)
        CancelFlag.shared.clear()
        #expect(try bench.run("n >= 0") == "true\n")
    }

    @Test func aStepBudgetEndsEndlessWork() {
        let bench = Bench()
        bench.interpreter.stepBudget = 10_000
        #expect(bench.failure("while true { }")?.kind == .interrupted)
    }

    @Test func depthIsLimited() throws {
        let bench = Bench()
        #expect(bench.failure("fn f(n) = f(n + 1)\nf(0)")?.kind == .memory)
        #expect(bench.failure("fn f(n) = twice(f, n)\nf(0)")?.kind == .memory)
        #expect(try bench.run("fn g(n) = if n == 0 { 0 } else { 1 + g(n - 1) }\ng(9000)") == "9000\n")
    }

    @Test func anInterruptedRunLeavesTheMachineClean() throws {
        let bench = Bench()
        for _ in 0..<50 {
            _ = bench.failure("fn f(n) = if n == 0 { raise \"x\" } else { [n, f(n - 1)] }\nf(500)")
        }
        #expect(try bench.run("f2 = x -> x + 1\nf2(1)") == "2\n")
    }
}

@Suite struct DiagnosticTests {
    @Test func rendering() {
        let found = Bench().failure("x = 1\ny = x + conv1d(4, 3, filter = 2)")
        #expect(
            found?.render() == """
                error: `conv1d` has no parameter `filter`; it has filters, kernel, stride
                 --> test.vz:2:22
                2 | y = x + conv1d(4, 3, filter = 2)
                  |                      ^^^^^^
                hint: did you mean `filters`?
                """)
    }

    @Test func tracesAndColours() {
        let found = Bench().failure("fn f(x) = x + \"a\"\nfn g(x) = f(x)\ng(1)")
        #expect(found?.trace.map(\.function) == ["f", "g"])
        #expect(found?.trace.map(\.span.line) == [2, 3])
        #expect(found?.render(color: true).contains("\u{1B}[1;31merror\u{1B}[0m") == true)
        #expect(found?.render().contains("\u{1B}") == false)
    }

    @Test func caretsCountColumns() {
        let found = Bench().failure("  \"漢字\" + 1")
        #expect(found?.span?.column == 3)
        #expect(found?.render().contains("|   ^^^^^^^^^^\n") == true)
    }

    /// The caret stands under the argument that is wrong, not under the whole call.
    @Test func caretsUnderArguments() {
        func marked(_ text: String) -> String {
            guard let span = Bench().failure(text)?.span else { return "" }
            return String(
                text.split(separator: "\n")[span.line - 1].dropFirst(span.column - 1).prefix(span.length))
        }
        #expect(marked("fn f(a, b = 2) = a\nf(1, 2, 3)") == "3")
        #expect(marked("fn f(a, b = 2) = a\nf(1, c = 3)") == "c")
        #expect(marked("fn f(a, b = 2) = a\nf(1, a = 3)") == "a")
        #expect(marked("fn f(a, b = 2) = a\nf()") == "f()")
        #expect(marked("conv1d(4, \"x\")") == "\"x\"")
        #expect(marked("conv1d(4, 3, stride = 1.5)") == "1.5")
        #expect(marked("conv1d(4, 300, 1)") == "300")
        #expect(marked("4 |> conv1d(0)") == "0")
        // What a builtin calls stands nowhere in the text; what is spread may be many.
        #expect(marked("twice(x -> conv1d(x, 0), 3)") == "0")
        #expect(marked("twice(conv1d, 3)") == "twice(conv1d, 3)")
        #expect(marked("xs = [1, 0]\nconv1d(*xs)") == "conv1d(*xs)")
    }

    @Test func severalSyntaxErrors() {
        do {
            try Bench().interpreter.run("a = \nb = 1\nc = )\nfn f(x { }\n", file: "test.vz")
            Issue.record("no error")
        } catch {
            #expect((error as? Diagnostics)?.all.compactMap(\.span?.line) == [1, 3, 4])
        }
    }

    @Test func argumentMessages() {
        #expect(
            Bench().failure("conv1d(\"a\", 3)")?.message
                == "`conv1d`: `filters` must be a whole number, not a string (\"a\")")
        #expect(Bench().failure("conv1d(1, 0)")?.message == "`conv1d`: `kernel` must be from 1 to 99, not 0")
        #expect(Bench().failure("conv1d(1)")?.message == "`conv1d` needs `kernel`")
    }
}

@Suite struct ParserTests {
    private func outcome(_ text: String) -> String {
        switch Interpreter.parse(text) {
        case .complete: "complete"
        case .incomplete: "incomplete"
        case .errors: "errors"
        }
    }

    @Test func whatNeedsAnotherLine() {
        for text in ["1", "", "# note", "x = [1,\n2]", "fn f() {\n1\n}", "if a { 1 }", "a; b", "\"a\""] {
            #expect(outcome(text) == "complete", "\(text)")
        }
        for text in [
            "f(1,", "[1, 2", "{a: 1", "fn f() {", "x = ", "1 +", "if x {\n1", "x |>", "\"\"\"a", "for x in",
            "fn f(a)", "x ->", "try 1 else",
        ] {
            #expect(outcome(text) == "incomplete", "\(text)")
        }
        for text in [")", "x = = 1", "\"abc", "1 2", "f(1 2", "fn 3", "}"] {
            #expect(outcome(text) == "errors", "\(text)")
        }
    }

    @Test func deepNestingIsAnError() {
        for (open, close) in [
            ("(", ")"), ("[", "]"), ("-", ""), ("not ", ""), ("{a:", "}"), ("f(", ")"), ("x -> ", ""),
        ] {
            let text = String(repeating: open, count: 50_000) + "1" + String(repeating: close, count: 50_000)
            #expect(outcome(text) == "errors", "\(open)")
        }
        let sum = "x = " + Array(repeating: "1", count: 5000).joined(separator: " + ")
        #expect(outcome(sum) == "errors")
        let chain = "x" + String(repeating: ".a", count: 5000)
        #expect(outcome(chain) == "errors")
    }

    @Test func checkFindsUnknownNames() {
        let found = Bench().interpreter.check(
            "fn f(x) = x + yy\nprint(zz)\na = 1\nfn g() = a\nprit(1)", file: "test.vz")
        #expect(found.map(\.message) == ["unknown name `yy`", "unknown name `zz`", "unknown name `prit`"])
        #expect(found.last?.hint == "did you mean `print`?")
    }
}

@Suite struct FormatterTests {
    @Test func canonicalForm() throws {
        let text = """
            x=3*( 2+1 )^2;y = - x
              if x>3{ print( x ,y )}
              else if x<2 { y=1 }



            fn  f (a,b=1,*rest)={a:1,"b":[1,2 , 3]}
            xs
            |> map( v->v*2 )   # one
              |> sum   # two
            """
        let wanted = """
            x = 3 * (2 + 1)^2; y = -x
            if x > 3 { print(x, y) } else if x < 2 { y = 1 }

            fn f(a, b = 1, *rest) = {a: 1, "b": [1, 2, 3]}
            xs
                |> map(v -> v * 2)  # one
                |> sum              # two

            """
        #expect(try Formatter.format(text) == wanted)
        #expect(try Formatter.format(wanted) == wanted)
    }

    @Test func aTextWithErrorsIsLeftAlone() {
        #expect(throws: Diagnostics.self) { try Formatter.format("x = (1") }
    }
}

@Suite struct ValueTests {
    @Test func numbersAreWrittenShort() {
        #expect(
            [0.1 + 0.2, 27, 1e-7, 1e21, -0.0, 1e15, 9_007_199_254_740_991].map(Numbers.text) == [
                "0.30000000000000004", "27", "1e-07", "1e+21", "-0", "1000000000000000", "9007199254740991",
            ])
    }

    @Test func spansResolve() throws {
        let r = try Span(-3, nil).resolve(length: 10)
        #expect(r.start == 7 && r.count == 3 && r.step == 1)
        #expect(try Span(0, 99).resolve(length: 4).count == 4)
        #expect(try Span(5, 2).resolve(length: 10).count == 0)
        let back = try Span(nil, nil, step: -2).resolve(length: 5)
        #expect(back.start == 4 && back.count == 3 && back.step == -2)
        #expect(throws: Failure.self) { try Span(0.5, 2).resolve(length: 3) }
        #expect(Span(0, 1, includesUpper: false, step: 0.1).count == 10)
    }

    @Test func valuesAreWrittenAsTheyAreRead() throws {
        let bench = Bench()
        for text in ["[1, 2.5, \"a\\n\\{\", nil]", "{a: 1, \"b c\": [true]}", "1..5", "0..<3", "-1.5"] {
            _ = try bench.run("v = \(text)")
            #expect(bench.interpreter["v"]?.written == text)
        }
    }

    /// The machine reads values by their words.
    @Test func layoutOfValues() throws {
        #expect(MemoryLayout<Value>.size == 16)
        #expect(try Bench().run("1 + 1") == "2\n")
    }
}
