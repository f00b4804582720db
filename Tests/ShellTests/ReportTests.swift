import Foundation
import Glibc
import Testing

/// Runs written as pages: `--report` and `report(path)`.
struct ReportTests {
    private let home: TemporaryFolder

    init() throws { home = try TemporaryFolder() }

    private func run(_ arguments: [String], input: String = "") -> Binary.Result {
        Binary.run(arguments, input: input, home: home.path)
    }

    private func page(_ name: String) -> String { Binary.get(home.path + "/" + name) }

    /// Where each of `texts` begins; nil for those that are missing.
    private func places(_ texts: [String], in page: String) -> [String.Index?] {
        texts.map { page.firstRange(of: $0)?.lowerBound }
    }

    private static let script = """
        # Softmax & <others>: what this run is about.
        #
        # - one
        # - two

        x = [n^2 for n in 1..4]
        x

        # The curve:
        plot(x, title = "squares <b>")
        print("after the figure")
        save(sin(tensor([i / 20 for i in 0..<1600])).reshape([1600, 1]), "tone.wav")
        [{word: "yes", share: 0.5}, {word: "<no>", share: 0.25}]
        # Nothing more.
        """

    @Test func aRunIsOnePage() {
        home.write("s.vz", Self.script.replacing(".reshape([1600, 1])", with: ""))
        let result = run(["--report", "page.html", "--seed", "7", "s.vz"])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.error.contains("report: page.html"))
        let page = page("page.html")
        let order = places(
            [
                "<h1>s</h1>", "Softmax &amp; &lt;others&gt;", "<li>one</li>",
                "x = [n^<span class=\"n\">2</span>", "[1, 4, 9, 16]", "The curve:",
                "<span class=\"f\">plot</span>", "data:image/", "Figure 1", "after the figure",
                "data:audio/wav",
                "&lt;no&gt;</th>", "How to do this again", "vzsh 0", "vzsh --report page.html --seed 7 s.vz",
                "SHA-1",
            ], in: page)
        for (a, b) in zip(order, order.dropFirst()) {
            #expect(a != nil && b != nil && a.flatMap { a in b.map { a < $0 } } == true)
        }
        #expect(page.contains("squares &lt;b&gt;"))
        #expect(page.contains("<th scope=\"row\">seed</th><td class=\"number\">7</td>"))
        #expect(!page.contains("<script"))
        #expect(page.utf8.count < 5_000_000)
    }

    /// Where Chromium is installed; `scripts/look` looks at more, and makes pictures of it.
    @Test func theConsoleOfABrowserIsSilent() {
        guard access("/usr/bin/chromium", X_OK) == 0 else { return }
        home.write("s.vz", Self.script.replacing(".reshape([1600, 1])", with: ""))
        #expect(run(["--report", "page.html", "s.vz"]).status == 0)
        let command =
            "cd '\(home.path)' && HOME='\(home.path)' timeout 100 chromium --headless --no-sandbox --disable-gpu "
            + "--user-data-dir=profile --enable-logging=stderr --log-level=0 --window-size=500,900 "
            + "--screenshot=page.png 'file://\(home.path)/page.html' > log 2>&1"
        #expect(system(command) == 0)
        #expect(access(home.path + "/page.png", F_OK) == 0)
        #expect(!Binary.get(home.path + "/log").contains("CONSOLE"))
    }

    @Test func aPageThatCannotBeWrittenIsSaidBeforeTheRun() {
        for path in ["nowhere/page.html", "page.txt", "/proc/page.html"] {
            let result = run(["--report", path, "-e", "print(\"ran\")"])
            #expect(result.status == 1)
            #expect(result.out == "")
            #expect(result.error.contains(path))
        }
    }

    @Test func aRunThatFailsLeavesItsPage() {
        home.write("bad.vz", "# A run.\n\nprint(1)\nnothing_here\nprint(2)\n")
        let result = run(["--report", "page.html", "bad.vz"])
        #expect(result.status == 1)
        let page = page("page.html")
        #expect(page.contains("nothing_here"))
        #expect(page.contains("class=\"failure\""))
        #expect(!page.contains("<span class=\"f\">print</span>(<span class=\"n\">2</span>)"))
    }

    @Test func aScriptMayAskForItsPageAnywhere() {
        home.write("early.vz", "report(\"r.html\")\nprint(1)\nraise \"broken\"\n")
        #expect(run(["early.vz"]).status == 1)
        #expect(page("out/early/r.html").contains("broken"), "a run that fails leaves it too")
        home.write("r.vz", "report(\"r.html\", title = \"Mine\")\nprint(\"later\")\nexit(0)\n")
        let result = run(["r.vz"])
        #expect(result.status == 0, "\(result.error)")
        let page = page("out/r/r.html")
        #expect(page.contains("<h1>Mine</h1>"))
        #expect(page.contains("later"))
    }

    @Test func resultsInAPipeDoNotWaitForTheEnd() {
        let out = home.path + "/out.txt"
        let command =
            "cd '\(home.path)' && ('\(Binary.path)' -e 'print(\"early\"); sleep(8)' > out.txt &) ; for i in $(seq 60); do sleep 0.1; grep -q early out.txt && exit 0; done; exit 1"
        #expect(system(command) == 0)
        unlink(out)
    }

    @Test func manySmallPrintsAreFast() {
        let start = ContinuousClock.now
        let result = run(["-e", "for i in 1..200000 { print(i) }"])
        #expect(result.status == 0)
        #expect(result.out.utf8.count == 1_288_895)
        #expect(ContinuousClock.now - start < .seconds(5))
    }
}
