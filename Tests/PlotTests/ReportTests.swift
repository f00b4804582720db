import Glibc
import Plot
import Support
import Testing

@Suite(.serialized) struct ReportTests {
    static func report() throws -> Report {
        var report = Report(title: "Softmax & <linear>", subtitle: "22 November 2026")
        report.append(
            .prose(
                "# What softmax hides\n\nThe same class, `softmax` and linear:\n\n- one\n- two & <b>three</b>"
            ))
        report.append(
            .code("net = load(\"words13\")  # the network\nfn f(x) = x^2 + 1.5e-3 if true", seconds: 0.42))
        report.append(.output("loss 0.1\n"))
        report.append(.output("loss 0.09\rloss 0.08\u{1B}[31m red\u{1B}[0m\n"))
        report.append(.failure("error: it's <script>alert(1)</script>"))
        for (name, figure) in try Samples.all() {
            report.append(.figure(figure, caption: name == "series" ? nil : name))
        }
        report.append(.sound([82, 73, 70, 70], type: "audio/wav", caption: "the clip \"yes\""))
        report.append(.table(header: ["class", "accuracy"], rows: [["yes", "98.2 %"], ["<no>", "n/a"]]))
        report.reproduction = [("version", "0.1"), ("command", "vzsh 'a'.vz"), ("seed", "7")]
        report.seconds = 75
        return report
    }

    @Test func aPageHoldsEverythingAndNothingFromElsewhere() throws {
        let renderer = FigureRenderer()
        let page = try Self.report().html(renderer: renderer)
        if let folder = getenv("VZ_GALLERY").map({ String(cString: $0) }) {
            try AtomicFile.write(page, to: "\(folder)/report.html")
        }
        #expect(page.utf8.count < 5_000_000)
        #expect(page.hasPrefix("<!DOCTYPE html>"))
        for text in [
            "<title>Softmax &amp; &lt;linear&gt;</title>", "<h2>What softmax hides</h2>",
            "<code>softmax</code>",
            "<li>two &amp; &lt;b&gt;three&lt;/b&gt;</li>", "<span class=\"c\"># the network</span>",
            "<span class=\"k\">fn</span> <span class=\"f\">f</span>", "<span class=\"n\">1.5e-3</span>",
            "loss 0.1\nloss 0.08 red", "&lt;script&gt;alert(1)&lt;/script&gt;",
            "<td class=\"number\">98.2 %</td>",
            "<th scope=\"row\">&lt;no&gt;</th>", "1 min 15 s", "vzsh &#39;a&#39;.vz",
            "data:audio/wav;base64,UklGRg==",
        ] { #expect(page.contains(text), "\(text)") }
        #expect(!page.contains("<script"))
        #expect(!page.contains("\u{1B}"))
        // Nothing is fetched: every source is data, no address stands in a link.
        for match in page.matches(of: #/(?:src|href)="([^"]{0,12})/#) {
            #expect(match.output.1.hasPrefix("data:"))
        }
        #expect(page.matches(of: #/<img [^>]*alt="[^"]+"/#).count == page.matches(of: #/<img /#).count)
        #expect(page.matches(of: #/<img /#).count == (try Samples.all()).count)
        renderer.session.close()
    }

    @Test func tagsAreBalanced() throws {
        let renderer = FigureRenderer()
        let page = try Self.report().html(renderer: renderer)
        var open: [Substring] = []
        let void: Set<Substring> = ["meta", "link", "img"]
        for match in page.matches(of: #/<(\/?)([a-z][a-z0-9]*)[^>]*>/#) {
            let name = match.output.2
            if void.contains(name) { continue }
            if match.output.1.isEmpty {
                open.append(name)
            } else {
                #expect(open.popLast() == name)
            }
        }
        #expect(open.isEmpty)
        renderer.session.close()
    }

    @Test func aFigureThatCannotBeDrawnIsAnErrorInItsPlace() throws {
        let renderer = FigureRenderer()
        var report = Report(title: "t")
        report.append(.figure(Figure(try .series([Series(y: [.nan])])), caption: nil))
        report.append(.output("after"))
        let page = try report.html(renderer: renderer)
        #expect(page.contains("no finite number"))
        #expect(page.contains("after"))
        renderer.session.close()
    }

    @Test func aFullPageStaysUnderItsLimit() throws {
        let renderer = FigureRenderer()
        var report = Report(title: "t")
        let clip = [UInt8](repeating: 1, count: 900_000)
        for i in 0..<12 { report.append(.sound(clip, type: "audio/wav", caption: "clip \(i)")) }
        let page = try report.html(renderer: renderer)
        #expect(page.utf8.count < 5_000_000)
        #expect(page.contains("clip 11: the sound is left out"))
        renderer.session.close()
    }
}
