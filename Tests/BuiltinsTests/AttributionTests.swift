import Builtins
import Foundation
import Language
import Support
import Testing

/// Attributions, their measures and looks inside a network, from vz.
@Suite(.serialized) struct AttributionTests {
    private func shown(_ source: String, _ file: String = "test.vz") throws -> [String] {
        let interpreter = Interpreter(builtins: BuiltinTable.all())
        var text = ""
        interpreter.output = { text += $0 }
        interpreter.show = { text += $0.display(width: 100) + "\n" }
        try interpreter.run(source, file: file)
        return text.split(separator: "\n").map(String.init)
    }

    private func message(_ source: String) -> (text: String, hint: String?) {
        do {
            return ("nothing failed: \(try shown(source))", nil)
        } catch {
            let first = (error as? Diagnostics)?.all.first
            return (first?.message ?? "\(error)", first?.hint)
        }
    }

    private let sound = """
        seed(5)
        net = sequential(conv1d(8, 9, stride = 4), relu(), maxpool1d(2), conv1d(8, 5), relu(), flatten(), dense(3), softmax(),
            input = [800, 1], classes = ["bed", "cat", "dog"])
        wave = randn(800, 1)

        """

    @Test func resultsAreValues() throws {
        let folder = NSTemporaryDirectory() + "vzsh-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let lines = try shown(
            sound + """
                c = cam(net, wave, "dog")
                [c.method, c.layer.name, c.class, c.index, c.map.shape, c.raw.shape, c.input.rate, len(c.notes)]
                several = gradcam(net, wave, ["bed", 2], layer = net.conv1d_1)
                [len(several), several.class, several.map.shape, several[1].class, several[-1].probability == several.probability[1]]
                likeliest = lrp(net, wave)
                likeliest.class == predict(net, wave)[0].class
                cam(net, wave, 1, method = "gradcam++").method
                c.attended(threshold = 0.5).shape
                save(c, "\(folder)/c.wav")
                save(c, "\(folder)/c.npz")
                save(c, "\(folder)/c.safetensors")
                save(c, "\(folder)/c.png")
                load("\(folder)/c.wav").shape
                plot(c, show = false).panels
                plot(several, show = false).panels
                plot(insertion_deletion(c, steps = 4, seed = 1), show = false).panels
                plot(sanity_check(net, wave, "dog", seed = 1), show = false).panels
                plot(activations(net, wave), show = false).panels
                plot(filters(net.conv1d_1), show = false).panels
                filters(net.conv1d_1).grid.panels
                plot(filters(net.conv1d_2), show = false).panels
                plot(filters(net.dense), show = false).panels
                both = compare(c, saliency(net, wave, "dog"), names = ["cam", "saliency"])
                [both.names, len(both.deletion), len(both.insertion)]
                plot(both, show = false).panels
                p = pointing(c, [0, 800])
                [p.hit, p.share, p.chance]
                """)
        #expect(lines[0] == "[\"gradcam\", \"relu_2\", \"dog\", 2, [800], [100], 16000, 1]")
        #expect(lines[1] == "[2, [\"bed\", \"dog\"], [2, 800], \"dog\", true]")
        let rest = [
            "true", "\"gradcampp\"", "[800, 1]", "[800, 1]", "2", "4", "2", "1", "7", "2", "8", "8", "1",
            "[[\"cam\", \"saliency\"], 2, 2]", "4", "[true, 1, 1]",
        ]
        #expect(Array(lines.dropFirst(2)) == rest, "\(lines)")
        for ending in ["wav", "npz", "safetensors", "png"] {
            #expect(FileManager.default.fileExists(atPath: "\(folder)/c.\(ending)"))
        }
    }

    @Test func picturesAreDrawnUnderTheirMaps() throws {
        let lines = try shown(
            """
            seed(5)
            net = sequential(conv2d(6, 3), relu(), maxpool2d(2), conv2d(8, 3), relu(), global_avgpool2d(), dense(3), softmax(), input = [24, 20, 3])
            x = rand(24, 20, 3) * 255
            c = cam(net, x, 0)
            [c.method, c.signed, c.map.shape, c.raw.shape]
            plot(gradcam(net, x, [0, 2]), show = false).panels
            plot(lrp(net, x, 1), show = false).panels
            plot(filters(net.conv2d_1), show = false).panels
            plot(filters(net.conv2d_2), show = false).panels
            plot(activations(net, x), show = false).panels
            occlusion(net, x, 1, window = 8, stride = [4, 4]).map.shape
            pointing(c, [[0, 24], [0, 10]]).chance
            """)
        #expect(
            lines == ["[\"cam\", true, [24, 20], [12, 10]]", "4", "3", "6", "8", "8", "[24, 20]", "0.5"],
            "\(lines)")
    }

    @Test func mistakesAreNamed() {
        #expect(message(sound + "cam(net, wave, \"dgo\")").hint == "did you mean 'dog'?")
        #expect(message(sound + "cam(net, wave, 3)").text == "gradcam: network has no class 3")
        #expect(
            message(sound + "gradcam(net, wave, layer = net.dense)").text.contains(
                "dense has shape [3] and no places to draw"))
        #expect(message(sound + "cam(net, randn(10, 1))").text.contains("the input has shape [10, 1]"))
        #expect(message(sound + "lrp(net, wave, rule = \"gama\")").hint == "did you mean \"gamma\"?")
        #expect(message(sound + "filters(net.relu_1)").text.contains("is a relu layer and has no kernels"))
        #expect(message(sound + "play(cam(net, wave, [0, 1]))").text.contains("of 2 classes"))
        #expect(
            message(sound + "pointing(cam(net, wave), [700, 900])").text.contains(
                "does not lie in an input of [800]"))
        #expect(
            message(sound + "occlusion(net, wave, window = 9000)").text.contains(
                "does not fit an input of [800]"))
    }

    /// A layer and an objective of one's own in examples/: each line of output that they promise, in order.
    @Test func examplesRun() throws {
        let folder =
            String(#filePath.dropLast("Tests/BuiltinsTests/AttributionTests.swift".count)) + "examples"
        for name in ["own_layer.vz", "own_objective.vz"] {
            let source = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
            var lines = try shown(source, name)[...]
            for line in source.split(separator: "\n") {
                guard let at = line.firstRange(of: "# expect: ") else { continue }
                let wanted = String(line[at.upperBound...])
                #expect(lines.contains(wanted), "\(name): \(wanted) is not in \(lines)")
                lines = lines.drop { $0 != wanted }.dropFirst()
            }
        }
    }
}
