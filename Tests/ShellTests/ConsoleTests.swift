import Language
import Shell
import Support
import Testing

struct ProgressLineTests {
    private final class Screen {
        var text = ""
        var time = 0.0
    }

    private func line(_ screen: Screen, isTerminal: Bool, width: Int = 80) -> ProgressLine {
        ProgressLine(
            isTerminal: isTerminal, style: Style(false), now: { screen.time }, width: { width },
            write: { screen.text += $0 })
    }

    @Test func drawsAtMostTenTimesASecond() {
        let screen = Screen()
        var line = line(screen, isTerminal: true)
        for i in 0..<1000 {
            screen.time = Double(i) * 0.005
            line.show(Progress(label: "epoch 1/2", done: i, total: 1000))
        }
        let drawn = screen.text.split(separator: "\r").count
        #expect(drawn > 20 && drawn <= 50)
        #expect(screen.text.contains("ETA 0:0"))
        line.wipe()
        #expect(screen.text.hasSuffix("\r\u{1B}[K"))
    }

    @Test func writesOneLineWhereNobodyWatches() {
        let screen = Screen()
        var line = line(screen, isTerminal: false)
        for i in 0..<100 {
            screen.time = Double(i)
            line.show(Progress(label: "epoch 1/2", done: i, total: 100))
        }
        line.show(
            Progress(label: "epoch 1/2", done: 100, total: 100, figures: [("loss", "0.41")], isFinal: true))
        #expect(screen.text == "epoch 1/2  loss 0.41  1:39\n")
    }

    @Test func breaksTheLastLineBetweenItsParts() {
        let screen = Screen()
        var line = line(screen, isTerminal: true, width: 31)
        line.show(
            Progress(
                label: "epoch 1/2", done: 9, total: 9,
                figures: [("loss", "0.41"), ("accuracy", "0.875"), ("val_loss", "0.55")], isFinal: true))
        #expect(screen.text == "epoch 1/2  loss 0.41\n  accuracy 0.875  val_loss 0.55\n")
    }

    @Test func keepsDiariesPlain() {
        #expect(Diary.plain("\u{1B}[36mx\u{1B}[0m = 3\u{1B}[H\u{1B}[2J") == "x = 3")
        #expect(Diary.plain("größe 日") == "größe 日")
    }

    @Test(arguments: [20, 30, 40, 60, 80, 200]) func fitsTheWidth(width: Int) {
        let screen = Screen()
        let line = line(screen, isTerminal: true)
        let report = Progress(
            label: "maximize net.conv1d_3[5] größe", done: 37, total: 100,
            figures: [("loss", "0.412"), ("val_loss", "0.5"), ("samples/s", "1430")])
        let text = line.line(report, elapsed: 12, width: width - 1)
        #expect(Columns.width(text) < width)
        #expect(text.contains("37/100"))
        #expect(width < 60 || text.contains("ETA"))
    }

    @Test func showsStrangeReports() {
        let screen = Screen()
        let line = line(screen, isTerminal: true)
        for (done, total) in [(0, 0), (5, 0), (7, 5), (-1, 5), (0, .max), (.max, 1)] {
            _ = line.line(Progress(label: "", done: done, total: total), elapsed: 1, width: 30)
        }
    }

    @Test func writesTimes() {
        #expect(TimeText.text(0.0123) == "12.3 ms")
        #expect(TimeText.text(1.4) == "1.40 s")
        #expect(TimeText.text(3.2e-7) == "320 ns")
        #expect(TimeText.text(125) == "2:05")
        #expect(TimeText.clock(3661) == "1:01:01")
        #expect(TimeText.text(.nan) == "–")
        #expect(TimeText.clock(.infinity) == "–")
    }
}

struct ColumnsTests {
    @Test func measuresAndCuts() {
        Terminal.useUnicode()
        #expect(Columns.width("größe") == 5)
        #expect(Columns.width("日本") == 4)
        #expect(Columns.cut("日本語", to: 4) == "日…")
        #expect(Columns.cut("abc", to: 3) == "abc")
        #expect(Columns.cut("abc", to: 0) == "")
        #expect(Table.columns(["a", "bb", "c", "d"], width: 8) == "a   c\nbb  d")
    }

    @Test func promptsHideTheirColours() {
        #expect(
            LineReader.invisible("\u{1B}[1;32mvz> \u{1B}[0m")
                == "\u{1}\u{1B}[1;32m\u{2}vz> \u{1}\u{1B}[0m\u{2}")
    }
}

struct HelpTests {
    private let help = Help(
        Interpreter(builtins: [
            Builtin(
                "maxpool1d", topic: "layers",
                [.required("size", "how many positions"), .optional("stride", "size")],
                summary: "Takes the largest of each window.", doc: "Rounds down.", example: "maxpool1d(3)",
                seeAlso: ["conv1d"]
            ) { _ in .nil },
            Builtin("conv1d", topic: "layers", summary: "Convolution before a pool.") { _ in .nil },
        ]))

    @Test func explainsABuiltin() throws {
        let text = try help.text("maxpool1d")
        for part in [
            "maxpool1d(size, stride = size)", "largest", "Rounds down", "how many", "maxpool1d(3)", "conv1d",
        ] {
            #expect(text.contains(part), "\(part)")
        }
    }

    @Test func explainsTopicsWordsAndItself() throws {
        #expect(try help.text("layers").contains("Convolution"))
        #expect(try help.text("for").contains("for x in xs"))
        #expect(try help.text("").contains("layers"))
        #expect(try help.text("time").contains("how long"))
        #expect(try help.text("|>").contains("first argument"))
        #expect(try help.text("..").contains("whole numbers"))
    }

    @Test func showsResultsOfExamples() throws {
        let help = Help(
            Interpreter(builtins: [
                Builtin("twice", summary: "Doubles.", example: "twice(3)  # expect: 6") { _ in .nil }
            ]))
        #expect(try help.text("twice").contains("  twice(3)  # 6"))
    }

    @Test func suggestsWhereNothingFits() {
        let failure = #expect(throws: Failure.self) { try help.text("maxpool1") }
        #expect(failure?.hint?.contains("did you mean `maxpool1d`") == true)
    }

    @Test func searches() throws {
        let text = try help.apropos("pool")
        let first = try #require(text.split(separator: "\n").first)
        #expect(first.contains("maxpool1d"))
        #expect(text.contains("conv1d"))
        #expect(throws: Failure.self) { try help.apropos("zebra") }
        #expect(throws: Failure.self) { try help.apropos(" ") }
    }

    @Test func everyWordOfTheLanguageIsExplained() {
        for entry in KeywordHelp.entries { #expect(!entry.form.isEmpty && !entry.text.isEmpty) }
    }
}
