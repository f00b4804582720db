import Formats
import Foundation
import Network
import Support
import Tensor
import Testing

/// The small files of Tests/Fixtures, made by `make_models.py` there.
let fixtures = #filePath.split(separator: "/").dropLast(2).map { "/" + $0 }.joined() + "/Fixtures/"

private struct Expected {
    let values: [Float]

    init(_ name: String) throws {
        let json = try JSON(
            parsing: [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixtures + "expected.json"))))
        values = try #require(json[name]?["values"]?.doubles).map { Float($0) }
    }
}

/// (i * 37 % 101) / 50 - 1 in the order of axes of the framework that made a fixture.
private func input(_ shape: [Int], channelsFirst: Bool) throws -> Tensor {
    let order = channelsFirst ? Array(shape.suffix(1) + shape.dropLast()) : shape
    let plain = try Tensor(
        (0..<shape.reduce(1, *)).map { Float($0 * 37 % 101) / 50 - 1 }, shape: order)
    return channelsFirst ? try plain.transposed(Array(1..<shape.count) + [0]).dense() : plain
}

private func expectClose(_ y: Tensor, _ wanted: [Float], channelsFirst: Bool, _ what: String) throws {
    let rank = y.rank
    let turned =
        channelsFirst && rank > 1 ? try y.transposed([rank - 1] + Array(0..<rank - 1)).dense() : y
    let values = try turned.array(of: Float.self)
    #expect(values.count == wanted.count, "\(what)")
    let scale = wanted.map(abs).max() ?? 1
    for (a, b) in zip(values, wanted) {
        #expect(abs(a - b) <= 1e-4 * scale, "\(what): \(a) instead of \(b)")
    }
}

private let onnxNames = [
    "alex", "lrn", "squeeze", "residual", "mobile", "dense", "inception", "unet", "pitch", "wave", "wave7",
    "outside",
]

@Suite struct ModelFixtureTests {
    @Test(arguments: onnxNames)
    func onnxGivesWhatONNXRuntimeGives(name: String) throws {
        let network = try ModelFile.load("\(fixtures)\(name).onnx").network
        // The pitch network takes its waveform as a list of one channel.
        let x = try input(network.builtInputShape(), channelsFirst: true)
        try expectClose(network.predict(x), Expected(name + ".onnx").values, channelsFirst: true, name)
    }

    @Test(arguments: ["small.keras", "small.h5", "wave1d.keras", "wave1d.h5"])
    func kerasGivesWhatKerasGives(name: String) throws {
        let network = try ModelFile.load(fixtures + name).network
        let x = try input(network.builtInputShape(), channelsFirst: false)
        try expectClose(network.predict(x), Expected(name).values, channelsFirst: false, name)
    }

    @Test func kerasWeightsFitAnotherNetwork() throws {
        let network = try ModelFile.load(fixtures + "wave1d.keras").network
        let other = try ModelFile.load(fixtures + "wave1d.h5").network
        for parameter in other.parameters {
            try parameter.variable.assign(Tensor(repeating: 0.25, shape: parameter.variable.type.shape))
        }
        #expect(
            try ModelFile.loadWeights(into: other, from: fixtures + "wave1d.weights.h5").notes.isEmpty)
        for (a, b) in zip(network.parameters, other.parameters) {
            #expect(try a.variable.value.array(of: Float.self) == b.variable.value.array(of: Float.self))
        }
    }

    /// Everything that can be written whole gives the same numbers when it is read again, and every
    /// weight keeps its bits.
    @Test(arguments: onnxNames.dropLast() + ["small", "wave1d"])
    func onnxRoundTrip(name: String) throws {
        let scratch = try Scratch()
        let isKeras = name == "small" || name == "wave1d"
        let network = try ModelFile.load(fixtures + name + (isKeras ? ".keras" : ".onnx")).network
        network.classes = ["a", "b"]
        network.preprocessing = Preprocessing(
            kind: "image", channels: "BGR", scale: 0.5, mean: [1, 2, 3])
        try ModelFile.save(network, to: scratch.file("net.onnx"))
        let back = try ModelFile.load(scratch.file("net.onnx")).network
        #expect(back.classes == network.classes && back.preprocessing == network.preprocessing)
        let x = try input(network.builtInputShape(), channelsFirst: true)
        let wanted = try network.predict(x).array(of: Float.self)
        try expectClose(back.predict(x), wanted, channelsFirst: false, name)
        let own = Dictionary(
            back.namedParameters.map { ($0.name, $0.parameter) }, uniquingKeysWith: { a, _ in a })
        for (full, parameter) in network.namedParameters where own[full] != nil {
            #expect(
                try own[full]?.variable.value.array(of: Float.self)
                    == parameter.variable.value.array(of: Float.self), "\(full)")
        }
    }

    @Test func weightsForKerasComeBack() throws {
        let scratch = try Scratch()
        let network = try ModelFile.load(fixtures + "small.keras").network
        for name in ["w.h5", "w.weights.h5"] {
            try ModelFile.save(network, to: scratch.file(name))
            let copy = network.copy()
            for parameter in copy.parameters {
                try parameter.variable.assign(Tensor(repeating: 0.5, shape: parameter.variable.type.shape))
            }
            let report = try ModelFile.loadWeights(into: copy, from: scratch.file(name))
            #expect(report.notes.isEmpty, "\(name): \(report.notes)")
            for (a, b) in zip(network.parameters, copy.parameters) {
                #expect(
                    try a.variable.value.array(of: Float.self) == b.variable.value.array(of: Float.self),
                    "\(name)")
            }
        }
        // Keras 3 finds a layer by its class and its number among those of its class.
        let file = try HDF5File(scratch.file("w.weights.h5"))
        let layers = try #require(try file.find("layers", in: file.root))
        let names = try file.children(of: layers).map(\.name)
        #expect(names.contains("conv2d") && names.contains("batch_normalization"), "\(names)")
        #expect(throws: Failure.self) { try ModelFile.save(network, to: scratch.file("none/w.h5")) }
    }

    /// Keras' Normalization is read as a normalization without scale and centre, and written as itself.
    @Test func aNormalizationOfKerasStaysOne() throws {
        let scratch = try Scratch()
        let plain = try BatchNormalizationLayer(epsilon: 1e-14, center: false, scale: false)
        let network = try Network.sequential(
            [.layer(Layer(plain, name: "n")), .layer(Layer(try BatchNormalizationLayer(), name: "b"))],
            input: [3], name: "normalized")
        let first = try #require(network.layers.first?.parameters.first)
        try first.variable.assign(Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3]))
        for name in ["n.h5", "n.weights.h5"] {
            try ModelFile.save(network, to: scratch.file(name))
            let weights = try KerasFile.weights(scratch.file(name))
            let names = weights.layers.first { $0.name == "n" }?.tensors.map(\.name)
            #expect(names == ["mean", "variance", "count"], "\(name)")
            let copy = network.copy()
            let own = try #require(copy.layers.first?.parameters.first)
            try own.variable.assign(Tensor(repeating: 0, shape: [2, 3]))
            #expect(try ModelFile.loadWeights(into: copy, from: scratch.file(name)).notes.isEmpty)
            #expect(try own.variable.value.array(of: Float.self) == [1, 2, 3, 4, 5, 6], "\(name)")
        }
    }
}

@Suite struct TorchTests {
    private func wave() throws -> Network { try ModelFile.load(fixtures + "wave.onnx").network }

    /// A state dictionary gives the network of the same structure the same outputs.
    @Test(arguments: ["wave.pt", "wave_legacy.pth"])
    func stateDictionaries(name: String) throws {
        let network = try wave()
        let wanted = try Expected("wave.onnx").values
        for parameter in network.parameters {
            try parameter.variable.assign(Tensor(repeating: 0.5, shape: parameter.variable.type.shape))
        }
        // The exporter folds normalizations into convolutions, so only the plain layers can match.
        let tensors = try TorchFile(fixtures + name).tensors
        #expect(
            tensors.map(\.name).contains("conv1.weight")
                && !tensors.contains { $0.name.hasPrefix("module.") }
        )
        let net = try Network.sequential(
            [
                .layer(.conv1d(4, 8, stride: 4, padding: .valid, name: "conv1")),
                .layer(Layer(try BatchNormalizationLayer(epsilon: 1e-5), name: "bn1")),
                .layer(.relu()), .layer(.maxpool1d(4)), .layer(.conv1d(6, 3, name: "conv2")),
                .layer(Layer(try BatchNormalizationLayer(epsilon: 1e-5), name: "bn2")),
                .layer(.activation(.relu)), .layer(.maxpool1d(3)),
                .layer(Layer(GlobalPoolLayer(maximum: false, rank: 1))), .layer(.dense(5, name: "fc1")),
                .layer(.activation(.logSoftmax)),
            ], input: [200, 1], name: "wave")
        let report = try ModelFile.loadWeights(into: net, from: fixtures + name)
        #expect(report.notes.isEmpty && report.matched.count == 12, "\(report.notes)")
        let x = try input([200, 1], channelsFirst: true)
        try expectClose(net.predict(x), wanted, channelsFirst: false, name)
    }

    @Test func everyKindOfTensor() throws {
        let file = try TorchFile(fixtures + "kinds.pt")
        let byName = Dictionary(
            file.tensors.map { ($0.name, $0.tensor) }, uniquingKeysWith: { a, _ in a })
        func floats(_ name: String) throws -> [Float] {
            try #require(byName[name]).array(of: Float.self)
        }
        #expect(byName["turned"]?.shape == [6, 4])
        #expect(try floats("turned").prefix(5) == [0, 6, 12, 18, 1])
        #expect(try floats("part") == [6, 9, 12, 15])
        #expect(try floats("half") == [0, 1, 2, 3, 4] && floats("bf16") == [0, 1, 2, 3, 4])
        #expect(byName["double"]?.type == .float64)
        #expect(try #require(byName["double"]).array(of: Double.self) == [0, 1.0 / 7, 2.0 / 7])
        #expect(try #require(byName["long"]).array(of: Int32.self) == [-1, .max, 7])
        #expect(try floats("byte") == [0, 255])
        #expect(try #require(byName["flag"]).array(of: Bool.self) == [true, false])
        #expect(try floats("nested.list.1") == [2, 3] && floats("parameter") == [0, 1, 2])
        #expect(try #require(byName["scalar"]).scalarValue() == 2.5)
        #expect(byName["empty"]?.shape == [0, 3])
        guard case .tensors(let all) = try ModelFile.open(fixtures + "kinds.pt") else {
            Issue.record("weights of no known network are tensors")
            return
        }
        #expect(all.count == file.tensors.count)
    }

    @Test(arguments: ["evil.pt", "evil_legacy.pth"])
    func nothingIsRun(name: String) throws {
        #expect {
            try ModelFile.open(fixtures + name)
        } throws: {
            let message = ($0 as? Failure)?.message ?? ""
            return message.contains(name) && message.contains("would run") && message.contains("system")
        }
        #expect(!FileManager.default.fileExists(atPath: "/tmp/vzsh-was-here"))
    }

    @Test func torchScriptIsRefusedWithAdvice() throws {
        #expect {
            try ModelFile.open(fixtures + "script.pt")
        } throws: {
            let failure = $0 as? Failure
            return failure?.message.contains("TorchScript") == true
                && failure?.hint?.contains("state_dict") == true
        }
    }

    @Test(arguments: ["dotdot.npz", "bomb.npz", "huge.safetensors", "huge.onnx"])
    func claimsAreRefused(name: String) throws {
        #expect {
            try ModelFile.open(fixtures + name)
        } throws: {
            ($0 as? Failure)?.message.contains(name) == true
        }
    }

    @Test(arguments: [
        "wave.pt", "wave_legacy.pth", "kinds.pt", "wave1d.keras", "wave1d.h5", "unet.onnx",
    ])
    func brokenFilesAreFailures(name: String) throws {
        let scratch = try Scratch()
        let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixtures + name)))
        for trial in 0..<200 {
            let path = scratch.write(mutated(good, trial, favouring: good.count), "broken." + name)
            do { _ = try ModelFile.open(path) } catch {
                let failure = try #require(error as? Failure)
                #expect(failure.message.contains(path), "\(failure.message)")
            }
        }
    }
}
