import Language
import Support
import Testing

/// Messages that a line of a golden file cannot hold: of texts that are broken, huge or nested.
@Suite struct MessageTests {
    private func said(_ text: String) -> String {
        guard let found = Bench().failure(text) else { return "" }
        return found.message + "; " + (found.hint ?? "")
    }

    @Test func stringsWithoutAnEnd() {
        #expect(said("s = \"\"\"abc\nde").contains("this string is not closed; end it with \"\"\""))
        #expect(said("s = 'abc\n").contains("this string is not closed; end it with '"))
        #expect(said("print(\"abc").contains("this string is not closed; end it with \""))
        #expect(said("print(\"abc\n").contains("end it with \" on the same line"))
    }

    @Test func controlCharactersAreNamed() {
        #expect(said("print(1)\0\nprint(2)").contains("the character U+0000 is not part of vz"))
        #expect(said("x = 1 \u{7F}").contains("the character U+007F is not part of vz"))
    }

    /// At the prompt a string that its line does not end is an error; open brackets ask for more.
    @Test func whatAsksForAnotherLine() {
        func isIncomplete(_ text: String) -> Bool {
            if case .incomplete = Interpreter.parse(text) { true } else { false }
        }
        for text in ["load(\"wo", "load(\"wo\n", "print('a", "[1, \"a {x", "fn f() {\n  x = \"abc\n"] {
            #expect(!isIncomplete(text), "\(text)")
        }
        for text in ["load(", "load(\"wo\"", "x = \"\"\"abc", "fn f() {", "1 +", "[1, \"\"\"a"] {
            #expect(isIncomplete(text), "\(text)")
        }
    }

    @Test func tooMuchOfSomething() {
        let names = (0...200).map { "a\($0)" }.joined(separator: ", ")
        #expect(said("fn f(\(names)) = 1").contains("a function has at most 200 parameters"))
        let sum = "x = 1" + String(repeating: " + 1", count: 200_000)
        #expect(said(sum).contains("this expression is too long; give parts of it names"))
        let brackets = String(repeating: "(", count: 5000)
        #expect(said("x = " + brackets).contains("this is nested too deeply; give the inner parts names"))
    }

    @Test func argumentsOfBuiltins() {
        let interpreter = Interpreter(builtins: [
            Builtin("names", [.required("xs")]) { args in Value(try args.strings("xs").count) },
            Builtin("mode", [.required("word")]) { args in
                Value(try args.choice("word", of: ["same", "valid"]))
            },
        ])
        func said(_ text: String) -> String {
            do {
                try interpreter.run(text)
                return ""
            } catch { return (error as? Diagnostics)?.all.first?.message ?? "" }
        }
        #expect(said("names(3)") == "`names`: `xs` must be a list of strings, not a number (3)")
        #expect(said("names([1])").contains("`xs` must be a list of strings"))
        #expect(said("mode(\"smae\")") == "`mode`: `word` must be one of \"same\", \"valid\", not \"smae\"")
    }

    /// No loop goes round without a look at the budget and at Ctrl-C, however it comes back to its top.
    @Test func everyWayRoundALoopIsWatched() {
        for text in [
            "while true { continue }", "for i in 1..1e15 { continue }", "for i in 0..<1e15 { continue }",
            "r = 1..1e15\nfor i in r { if i > 0 { continue } }",
            "while true { try { continue } else e -> 1 }",
            "while true { for i in 1..2 { break } }", "fn f() { while true { if true { continue } } }\nf()",
            "[0 for i in 1..1e15 if i < 0]",
        ] {
            let interpreter = Interpreter(builtins: [])
            interpreter.stepBudget = 1000
            do {
                try interpreter.run(text)
                Issue.record("it ended: \(text)")
            } catch {
                #expect(
                    (error as? Diagnostics)?.all.first?.message == "the step budget is spent", "\(text)")
            }
        }
    }

    @Test func whatASpentBudgetSays() {
        let interpreter = Interpreter(builtins: [])
        interpreter.stepBudget = 100
        do {
            try interpreter.run("while true { }")
            Issue.record("it ended")
        } catch {
            #expect((error as? Diagnostics)?.all.first?.message == "the step budget is spent")
        }
    }
}

/// What vzsh fmt changes, and what it leaves as its writer lined it up.
@Suite struct LinedUpTests {
    @Test func keepsCommentsThatWereLinedUp() throws {
        let text = """
            x = 3         # three
            name = "a"    # a letter

            total = 1   # set off
            y = [1,       # kept too
                 2]

            """
        #expect(try Formatter.format(text) == text)
    }

    @Test func linesUpOthers() throws {
        #expect(try Formatter.format("y = 1 .. < 2\n") == "y = 1.. < 2\n")
        #expect(try Formatter.format("x=3 # a\nyy  = 4 # b\n") == "x = 3   # a\nyy = 4  # b\n")
        // Neighbours stand together where one cannot stay.
        #expect(
            try Formatter.format("x=[1,2,3]  # a\ny = 4        # b\n")
                == "x = [1, 2, 3]  # a\ny = 4          # b\n")
        #expect(try Formatter.format("x=[1,2,3]  # a\n") == "x = [1, 2, 3]  # a\n")
    }

    @Test func keepsLinesThatHangBelowABracket() throws {
        let text = """
            l = maximize(net.softmax, "dog", 0.5,
                         jitter = 200,
                         tv = 0.01)

            """
        #expect(try Formatter.format(text) == text)
        #expect(
            try Formatter.format("l=maximize(net,\n           tv=1)\n")
                == "l = maximize(net,\n             tv = 1)\n")
        #expect(try Formatter.format("f(1,\n  2)\n") == "f(1,\n  2)\n")
        #expect(try Formatter.format("f(\n  2)\n") == "f(\n    2)\n")
    }
}
