import Plot
import Support
import Testing

/// Figures drawn with characters.
@Suite struct TextTests {
    @Test func aLineGoesWhereItsValuesGo() throws {
        let text = try Figure(.series([Series(y: [0, 1, 2, 3])], xlabel: "step")).text(TextStyle(columns: 40))
        let lines = text.split(separator: "\n").map(String.init)
        // Braille at the upper right and the lower left, nothing at the upper left.
        let drawn = lines.filter { $0.contains("│") || $0.contains("┤") }
        let first = try #require(drawn.first)
        let last = try #require(drawn.last)
        func braille(_ line: String) -> [Int] {
            line.enumerated().filter { ("\u{2801}"..."\u{28FF}").contains($0.element) }.map(\.offset)
        }
        let top = drawn.first { !braille($0).isEmpty }.map(braille) ?? []
        let bottom = drawn.last { !braille($0).isEmpty }.map(braille) ?? []
        #expect((top.first ?? 0) > 30)
        #expect((bottom.last ?? 99) < 15)
        #expect(first.count <= 40 && last.count <= 40)
        #expect(text.contains("step"))
        #expect(text.contains("┬"))
    }

    @Test func asciiStaysAscii() throws {
        let figure = Figure(
            try .series([Series(name: "a", y: [1, 5, 2]), Series(name: "b", y: [2, 2, 9])]))
        let text = try figure.text(TextStyle(columns: 50, isUnicode: false))
        #expect(text.unicodeScalars.allSatisfy { $0.isASCII })
        #expect(text.contains("*") && text.contains("o"))
    }

    @Test func wordsCannotSteerTheTerminal() throws {
        var panel = try Panel.bars(labels: ["a\u{1B}[2Jb", "\u{202E}back"], series: [Series(y: [1, 2])])
        panel.title = "t\u{1B}]0;owned\u{7}\nnext"
        let text = try Figure(panel).text(TextStyle(columns: 60))
        #expect(!text.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{7}" || $0 == "\u{202E}" })
        #expect(text.contains("next"))
    }

    @Test func wideWordsKeepTheColumns() throws {
        let text = try Figure(.bars(labels: ["二二", "abcd"], series: [Series(y: [3, 3])])).text(
            TextStyle(columns: 40))
        let lines = text.split(separator: "\n")
        #expect(lines[0].hasPrefix("二二 │"))
        #expect(lines[1].hasPrefix("abcd │"))
    }

    @Test func aConfusionMatrixIsATable() throws {
        let text = try Figure(.confusion([8, 2, 1, 9], labels: ["cat", "dog"])).text(TextStyle(columns: 60))
        #expect(text.contains("accuracy 85 % (17 of 20)"))
        #expect(text.contains("80 %") && text.contains("90 %"))
        // Where there is no room for numbers there are still shades.
        let n = 40
        let many = try Figure(.confusion(Samples.confusion(n), labels: (0..<n).map { "class \($0)" }))
        #expect(try many.text(TextStyle(columns: 60)).contains("@"))
    }

    @Test(arguments: [20, 33, 80, 400]) func everyKindFitsEveryWidth(_ columns: Int) throws {
        for (name, figure) in try Samples.all() {
            for style in [
                TextStyle(columns: columns), TextStyle(columns: columns, rows: 10, color: .palette),
            ] {
                var text = try figure.text(style)
                text.replace(#/\u{1B}\[[0-9;]*m/#, with: "")
                let widest = text.split(separator: "\n").map(\.count).max() ?? 0
                #expect(widest <= columns, "\(name) at \(columns)")
                #expect(widest > 0, "\(name) at \(columns)")
            }
        }
    }

    @Test func strangeDataAreDrawnOrRefused() throws {
        let y: [Double] = [1, .nan, .infinity, -.infinity, 1e299, -1e299, 0]
        for figure in [
            Figure(try .series([Series(y: y)])), Figure(try .series([Series(y: [5])])),
            Figure(try .waveform([0], rate: 16000)), Figure(try .histogram([(nil, y)])),
            Figure(try .bars(labels: y.map { "\($0)" }, series: [Series(y: y)])),
            Figure(try .heatmap(y, rows: 1, columns: 7)), Figure(try .scatter([(nil, y, y)])),
        ] { #expect(try !figure.text(TextStyle()).isEmpty, "\(figure.summary)") }
        #expect(throws: Failure.self) { try Figure(.series([Series(y: [.nan])])).text(TextStyle()) }
    }
}
