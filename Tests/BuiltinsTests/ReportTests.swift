import Builtins
import Testing

struct NotebookTests {
    private func pieces(_ text: String, statements: [ClosedRange<Int>]) -> [Notebook.Piece] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var taken = 0
        var all: [Notebook.Piece] = []
        for s in statements {
            all += Notebook.pieces(lines, from: taken, statement: (s.lowerBound - 1)..<s.upperBound)
            taken = max(taken, s.upperBound)
        }
        return all + Notebook.pieces(lines, from: taken, statement: nil)
    }

    @Test func commentsThatStandAloneAreProse() {
        let text = """
            #!/usr/bin/env vzsh
            # A title: of two
            # lines.

            x = 1   # with a note
            # about the next line
            y = 2

            # The numbers:
            for i in 1..2 {
                # inside
                print(i)
            }
            # an end
            """
        #expect(
            pieces(text, statements: [5...5, 7...7, 10...13]) == [
                .prose("A title: of two\nlines.\n"), .code("x = 1   # with a note", isJoined: false),
                .code("# about the next line\ny = 2", isJoined: true), .prose("The numbers:"),
                .code("for i in 1..2 {\n    # inside\n    print(i)\n}", isJoined: false),
                .code("# an end", isJoined: true),
            ])
    }

    @Test func documentationStaysWithItsFunction() {
        let text = "x = 1\n\n## Doubles.\nfn f(x) = x * 2\nf(1); f(2)\n\n# done"
        #expect(
            pieces(text, statements: [1...1, 4...4, 5...5, 5...5]) == [
                .code("x = 1", isJoined: false), .code("## Doubles.\nfn f(x) = x * 2", isJoined: false),
                .code("f(1); f(2)", isJoined: true), .prose("done"),
            ])
    }

    @Test func anyTextIsSafe() {
        for text in ["", "\n", "#", "##", "#!", " # x", "x", "\t\n#\n\n#"] {
            _ = pieces(text, statements: [])
            _ = pieces(text, statements: [1...1])
            _ = pieces(text, statements: [3...9, 1...2])
        }
    }

    @Test func longTextsLoseTheirMiddle() {
        var text = LongText()
        for i in 0..<100_000 { text.append("line \(i)\n") }
        let whole = text.whole
        #expect(whole.utf8.count < 100_000)
        #expect(whole.hasPrefix("line 0\nline 1\n"))
        #expect(whole.hasSuffix("line 99999\n"))
        #expect(whole.contains("characters left out"))
        var short = LongText()
        short.append("a")
        short.append("b")
        #expect(short.whole == "ab")
    }
}
