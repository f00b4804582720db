import Builtins
import Foundation
import Language
import Support
import Testing

/// Networks, data, training, maximization, figures and files, from vz.
@Suite(.serialized) struct NetworkTests {
    /// Runs vz and gives what it showed and printed, by line.
    private func shown(_ source: String) throws -> [String] {
        let interpreter = Interpreter(builtins: BuiltinTable.all())
        var text = ""
        interpreter.output = { text += $0 }
        interpreter.show = { text += $0.display(width: 80) + "\n" }
        try interpreter.run(source, file: "test.vz")
        return text.split(separator: "\n").map(String.init)
    }

    private func message(_ source: String) -> (text: String?, hint: String?) {
        do {
            _ = try shown(source)
            return (nil, nil)
        } catch {
            let first = (error as? Diagnostics)?.all.first
            return (first?.message, first?.hint)
        }
    }

    /// The five networks of the experiments, by their parameter counts.
    @Test func parameterCounts() throws {
        let names = """
            fn same(filters, kernel) = [conv1d(filters, kernel), relu()]
            fn pooled(filters, kernel) = [conv1d(filters, kernel), relu(), maxpool1d(3)]
            fn normal(filters, pool) = [conv1d(filters, 5), batchnorm(), relu()] + (if pool { [maxpool1d(3)] } else { [] })
            fn count(net) { summary(net); net.parameters }
            base = sequential([[conv1d(8 * 2^i, 25, padding = "valid"), relu(), maxpool1d(4, padding = "same")] for i in 0..4],
                flatten(), dense(1024), relu(), dense(512), relu(), dense(16), softmax(), input = [16000, 1])
            channel32 = sequential(same(32, 5), [pooled(32, 5) for i in 1..3], [pooled(64, 5) for i in 1..4],
                flatten(), dropout(0.75), dense(16), softmax(), input = [16000, 1])
            channel64 = sequential(same(64, 5), [pooled(64, 5) for i in 1..3], [pooled(128, 5) for i in 1..4],
                flatten(), dropout(0.75), dense(16), softmax(), input = [16000, 1])
            vgg = sequential([[same(if i < 4 { 64 } else { 128 }, 3), same(if i < 4 { 64 } else { 128 }, 3), maxpool1d(if i < 3 { 4 } else { 2 })] for i in 0..7],
                flatten(), dense(16), softmax(), input = [16000, 1])
            channel128 = sequential(normal(128, false), [normal(128, true) for i in 1..3], [normal(256, true) for i in 1..4], normal(512, true),
                flatten(), dropout(0.25), dense(16), softmax(), input = [16000, 1])
            """
        let nets = ["base", "channel32", "channel64", "vgg", "channel128"]
        let lines = try shown(names + "\n" + nets.map { "summary(\($0))" }.joined(separator: "\n"))
        let totals = lines.filter { $0.contains(" parameters") && $0.hasPrefix("network:") }
        for (total, wanted) in zip(totals, ["1,855,056", "94,768", "363,600", "470,736", "2,071,184"]) {
            #expect(total.contains("\(wanted) parameters"), "\(total)")
        }
        #expect(totals.count == 5)
    }

    @Test func trainsSavesAndMaximizes() throws {
        let folder = NSTemporaryDirectory() + "vzsh-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let lines = try shown(
            """
            seed(3)
            net = sequential(conv1d(8, 9, stride = 4), relu(), maxpool1d(8), conv1d(16, 5), relu(), global_avgpool1d(), dense(16), softmax(),
                input = [16000, 1], name = "tiny")
            data = words16()
            run = fit(net, data.train.take(64), epochs = 2, batch = 16, validation = data.validation.take(16))
            [len(run.loss), len(run.val_loss), run.interrupted]
            score = evaluate(net, data.test.take(16))
            len(score.confusion)
            save(net, "\(folder)/tiny.safetensors")
            again = load("\(folder)/tiny.safetensors")
            wave = data.test[0].x
            wave.rate
            predict(net, wave)[0].class == predict(again, wave)[0].class
            m = maximize(linear(again).softmax, "dog", 0.01, steps = 30, jitter = 8, tv = 0.000001)
            m.input.shape
            m.activation >= m.loss[0]
            grid = maximize(again.conv1d_1, 0..3, 0.01, steps = 3)
            len(grid.loss)
            save(m, "\(folder)/dog.wav")
            load("\(folder)/dog.wav").seconds
            plot(m, save = "\(folder)/m.png", show = false).panels
            plot(grid, show = false).title
            save(score.confusion, "\(folder)/c.svg")
            """)
        #expect(lines == ["[2, 2, false]", "16", "16000", "true", "[16000, 1]", "true", "4", "1", "3"])
        for file in ["m.png", "c.svg", "dog.wav"] {
            #expect(FileManager.default.fileExists(atPath: "\(folder)/\(file)"))
        }
    }

    @Test func mistakesAreExplained() {
        let net =
            "net = sequential(conv1d(8, 5), relu(), dense(2), softmax(), input = [100, 1], classes = [\"a\", \"b\"])\n"
        #expect(message(net + "net.conv2d").text == "network has no layer 'conv2d'")
        #expect(message(net + "net.conv2d").hint == "did you mean 'conv1d'?")
        #expect(
            message("conv1d(8, 5, filter = 3)").text?.hasPrefix(
                "`conv1d` has no parameter `filter`; it has filters, kernel, stride") == true)
        #expect(message(net + "maximize(net.conv1d, 8, 0.1)").text == "maximize: conv1d has no filter 8")
        #expect(
            message(net + "maximize(net, 8, 0.1)").text
                == "`maximize`: `layer` must be a layer of a network, or an objective, not a network")
        #expect(message("sequential(relu)").hint == "call it: relu()")
        #expect(
            message("sequential(maxpool1d(200), input = [100, 1])").text?.contains(
                "a window of 200 does not fit") == true)
        #expect(message("audio_folder(\"/no/such/folder\")").text?.contains("cannot open the folder") == true)
        #expect(message("load(\"no-such-network\")").text?.contains("no-such-network") == true)
        #expect(message("plot([])").text == "nothing to draw: series 1 is empty")
        #expect(message("plot(nil)").text == "`plot`: nil cannot be drawn")
        #expect(message("fit(3, 4)").text == "`fit`: `net` must be a network, not a number (3)")
        #expect(message(net + "save(net, \"x.jpg\")").text?.contains("'.jpg' is no format") == true)
        #expect(message("augment(words16().train, shfit = 1)").hint == "did you mean `shift`?")
        #expect(
            message("adam(0.001, schedule = \"sometimes\")").hint
                == "for example {step: 10, factor: 0.1} or {warm_up: 2, then: \"cosine\"}")
    }

    struct Example: Sendable, CustomTestStringConvertible {
        let name: String
        let source: String
        var testDescription: String { name }
    }

    /// Each entry explains itself, and its example runs and shows what it says.
    @Test(
        arguments: BuiltinTable.all().filter {
            ["layers", "networks", "training", "data", "lens", "files", "figures", "sound"].contains($0.topic)
        }.map { Example(name: $0.name, source: $0.example) }
    )
    func examples(_ example: Example) throws {
        #expect(!example.source.isEmpty)
        var lines = try shown(example.source)[...]
        for line in example.source.split(separator: "\n") {
            guard let at = line.firstRange(of: "# expect: ") else { continue }
            let wanted = String(line[at.upperBound...])
            #expect(lines.contains(wanted), "\(example.name): \(wanted) is not in \(lines)")
            lines = lines.drop { $0 != wanted }.dropFirst()
        }
    }
}
