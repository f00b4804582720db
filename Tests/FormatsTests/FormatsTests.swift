import Formats
import Foundation
import Network
import Support
import Tensor
import Testing

/// A folder that is gone when the test ends.
final class Scratch {
    let path = NSTemporaryDirectory() + "vzsh-formats-\(UUID().uuidString)"
    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
    func file(_ name: String) -> String { path + "/" + name }
    func write(_ bytes: [UInt8], _ name: String) -> String {
        _ = FileManager.default.createFile(atPath: file(name), contents: Data(bytes))
        return file(name)
    }
}

/// The folder of real data beside the checkout, nil where this machine has none.
func realData(_ name: String, file: String = #filePath) -> String? {
    let checkout = file.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
    let candidates = [checkout + "/../shared/data/" + name, checkout + "/../../shared/data/" + name]
    return candidates.first { FileManager.default.fileExists(atPath: $0) }
}

func bytes(hdf5 name: String) throws -> [UInt8] {
    let (count, text) = try #require(hdf5Files[name])
    return try Inflate.bytes([UInt8](try #require(Data(base64Encoded: text))), count: count, .zlib)
}

func bytes(numPy name: String) throws -> [UInt8] {
    let text = try #require(numPyFiles[name])
    return [UInt8](try #require(Data(base64Encoded: text)))
}

/// Bytes cut off or changed at random, the same for the same number.
func mutated(_ good: [UInt8], _ trial: Int, favouring head: Int = 512) -> [UInt8] {
    var random = RandomNumbers(key: RandomKey(seed: UInt64(trial)), stream: 9)
    var bytes = good
    switch trial % 4 {
    case 0: bytes.removeLast(1 + random.index(bytes.count))
    case 1:
        for _ in 0..<4 {
            bytes[random.index(min(head, bytes.count))] = UInt8(truncatingIfNeeded: random.word())
        }
    case 2:
        for _ in 0..<12 { bytes[random.index(bytes.count)] = UInt8(truncatingIfNeeded: random.word()) }
    default:
        // A size or an address that is huge or negative.
        let at = random.index(max(bytes.count - 8, 1))
        let value: [UInt8] =
            random.index(2) == 0
            ? [255, 255, 255, 255, 255, 255, 255, 127] : Array(repeating: 255, count: 8)
        for i in 0..<min(8, bytes.count - at) { bytes[at + i] = value[i] }
    }
    return bytes
}

private func smallNetwork() throws -> Network {
    let net = try Network.sequential(
        [
            .layer(.conv1d(4, 3, activation: .relu)), .layer(.batchnorm()), .layer(.maxpool1d(2)),
            .residual([.layer(.conv1d(4, 3))]), .layer(.flatten()), .layer(.dense(3)), .layer(.softmax()),
        ], input: [8, 2], name: "small", key: RandomKey(seed: 3))
    net.classes = ["a", "b", "c"]
    net.preprocessing = Preprocessing(kind: "audio", rate: 16000)
    net.notes = ["accuracy": 0.93]
    return net
}

@Suite struct NetworkFileTests {
    @Test func everyBitComesBack() throws {
        let scratch = try Scratch()
        let net = try smallNetwork()
        try ModelFile.save(net, to: scratch.file("net.safetensors"))
        let back = try ModelFile.load(scratch.file("net.safetensors"))
        #expect(back.notes.isEmpty)
        #expect(back.network.classes == net.classes && back.network.preprocessing == net.preprocessing)
        #expect(back.network.notes == net.notes && back.network.name == "small")
        #expect(try back.network.architecture() == net.architecture())
        #expect(net.namedParameters.map(\.name) == back.network.namedParameters.map(\.name))
        for (a, b) in zip(net.parameters, back.network.parameters) {
            #expect(try a.variable.value.array(of: Float.self) == b.variable.value.array(of: Float.self))
        }
    }

    @Test func weightsGoIntoAnotherNetworkThroughNpz() throws {
        let scratch = try Scratch()
        let net = try smallNetwork()
        try ModelFile.save(net, to: scratch.file("net.npz"))
        let other = try Network.sequential(
            [
                .layer(.conv1d(4, 3, activation: .relu)), .layer(.batchnorm()), .layer(.maxpool1d(2)),
                .residual([.layer(.conv1d(4, 3))]), .layer(.flatten()), .layer(.dense(3)),
                .layer(.softmax()),
            ], input: [8, 2], name: "other", key: RandomKey(seed: 4))
        #expect(try ModelFile.loadWeights(into: other, from: scratch.file("net.npz")).notes.isEmpty)
        for (a, b) in zip(net.parameters, other.parameters) {
            #expect(try a.variable.value.array(of: Float.self) == b.variable.value.array(of: Float.self))
        }
        let smaller = try Network.sequential([.layer(.conv1d(5, 3, name: "dense"))], input: [8, 2])
        #expect(throws: Failure.self) {
            try ModelFile.loadWeights(into: smaller, from: scratch.file("net.npz"))
        }
    }

    @Test func mistakesAreExplained() throws {
        let scratch = try Scratch()
        let net = try smallNetwork()
        #expect(throws: Failure.self) { try ModelFile.save(net, to: scratch.file("net.doc")) }
        #expect(throws: Failure.self) { try ModelFile.save(net, to: scratch.file("net")) }
        let unbuilt = try Network.sequential([.layer(.dense(3))])
        #expect(throws: Failure.self) {
            try ModelFile.save(unbuilt, to: scratch.file("net.safetensors"))
        }
        #expect {
            try ModelFile.load("vgg61")
        } throws: {
            ($0 as? Failure)?.hint == "did you mean 'vgg16'?"
        }
        let text = scratch.write(Array("hello".utf8), "text.h5")
        #expect {
            try ModelFile.load(text)
        } throws: {
            ($0 as? Failure)?.message == "'\(text)' is no file of a network that vzsh can read"
        }
        #expect(throws: Failure.self) { try ModelFile.load(scratch.path) }
        #expect(throws: Failure.self) { try ModelFile.load(scratch.file("none.safetensors")) }
    }

    @Test func brokenFilesAreFailures() throws {
        let scratch = try Scratch()
        try ModelFile.save(smallNetwork(), to: scratch.file("net.safetensors"))
        let good = [UInt8](
            try #require(FileManager.default.contents(atPath: scratch.file("net.safetensors"))))
        for trial in 0..<400 {
            let path = scratch.write(mutated(good, trial, favouring: 3000), "broken.safetensors")
            do { _ = try ModelFile.load(path) } catch { #expect(error is Failure, "\(error)") }
        }
        // A layer that claims 2^40 units takes no memory.
        let text = String(decoding: good, as: Unicode.ASCII.self)
        let claim = text.replacing("\\\"units\\\":3", with: "\\\"units\\\":9")
        #expect(claim != text)
        let path = scratch.write(Array(claim.utf8.prefix(good.count)), "claim.safetensors")
        #expect(throws: Failure.self) { try ModelFile.load(path) }
    }
}

@Suite struct KerasTests {
    private let kernel = (0..<24).map { Float($0) * 0.5 }
    private let bias: [Float] = [1, -2, 3, -4]

    @Test(arguments: ["old", "new", "latest", "keras3"])
    func readsWhatH5pyWrote(name: String) throws {
        let scratch = try Scratch()
        let path = scratch.write(try bytes(hdf5: name), "w.h5")
        let weights = try KerasFile.weights(path)
        let conv = try #require(weights.layers.first { $0.name == "conv" })
        #expect(conv.tensors.map(\.name) == ["kernel", "bias"])
        #expect(conv.tensors[0].tensor.shape == [3, 2, 4])
        #expect(try conv.tensors[0].tensor.array(of: Float.self) == kernel)
        #expect(try conv.tensors[1].tensor.array(of: Float.self) == bias)
        let norm = try #require(weights.layers.first { $0.name.hasPrefix("b") })
        #expect(norm.tensors[0].name == "gamma")
        #expect(try norm.tensors[0].tensor.array(of: Float.self) == bias)
    }

    @Test func weightsFindTheirLayers() throws {
        let scratch = try Scratch()
        let path = scratch.write(try bytes(hdf5: "old"), "w.h5")
        let net = try Network.sequential(
            [
                .layer(.conv1d(4, 3, name: "conv")), .layer(.batchnorm(name: "bn")), .layer(.flatten()),
                .layer(.dense(2)),
            ], input: [8, 2])
        let report = try ModelFile.loadWeights(into: net, from: path)
        #expect(report.notes == ["dense has no weights in '\(path)' and keeps its own"])
        #expect(
            try net.layer("conv").layer.parameter("kernel")?.variable.value.array(of: Float.self)
                == kernel)
        let moments = try net.layer("bn").layer.parameter("moving_moments")?.variable.value.array(
            of: Float.self)
        #expect(moments == bias.map { $0 + 2 } + bias.map { $0 + 3 })
    }

    @Test func names() {
        #expect(KerasFile.plain("block1_conv1_W_1:0", layer: "block1_conv1") == "kernel")
        #expect(KerasFile.plain("block1_conv1/kernel:0", layer: "block1_conv1") == "kernel")
        #expect(KerasFile.plain("dense_3/bias_12:0", layer: "dense_3") == "bias")
        #expect(KerasFile.plain("bn_running_std:0", layer: "bn") == "moving_variance")
        #expect(KerasFile.plain("bn/moving_mean:0", layer: "bn") == "moving_mean")
    }

    @Test(arguments: ["old", "new", "latest", "keras3"])
    func brokenFilesAreFailures(name: String) throws {
        let scratch = try Scratch()
        let good = try bytes(hdf5: name)
        for trial in 0..<600 {
            let path = scratch.write(mutated(good, trial, favouring: good.count), "broken.h5")
            do { _ = try KerasFile.weights(path) } catch { #expect(error is Failure, "\(error)") }
        }
    }

    @Test(.enabled(if: realData("weights") != nil, "needs the real weights beside the checkout"))
    func realVGG16() throws {
        let path =
            try #require(realData("weights")) + "/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
        let loaded = try ModelFile.load(path)
        let net = loaded.network
        #expect(loaded.notes.isEmpty && net.name == "vgg16")
        #expect(net.namedParameters.count == 26)
        #expect(net.parameters.reduce(0) { $0 + $1.count } == 14_714_688)
        #expect(try net.outputShape() == [7, 7, 512])
        #expect(
            net.preprocessing.channels == "BGR" && net.preprocessing.mean == [103.939, 116.779, 123.68])
        let first = try #require(try net.layer("block1_conv1").layer.parameter("kernel")).variable.value
        #expect(first.shape == [3, 3, 3, 64])
        let values = try first.array(of: Float.self)
        #expect(values.allSatisfy { $0.isFinite && abs($0) < 2 } && values.contains { abs($0) > 0.1 })
    }
}

@Suite struct NumPyTests {
    private let values: [Float] = [0, 0.5, 1, 1.5, 2, 2.5]

    @Test func readsWhatNumPyWrote() throws {
        let scratch = try Scratch()
        for name in ["f4", "f8big", "f2", "fortran"] {
            let tensor = try NumPyFile.read(scratch.write(try bytes(numPy: name), "a.npy"))
            #expect(tensor.shape == [2, 3], "\(name)")
            #expect(try tensor.array(of: Float.self) == values, "\(name)")
        }
        #expect(
            try NumPyFile.read(scratch.write(try bytes(numPy: "i8"), "a.npy")).array(of: Int32.self) == [
                -3, -2, -1, 0, 1, 2,
            ])
        #expect(
            try NumPyFile.read(scratch.write(try bytes(numPy: "u1"), "a.npy")).array(of: Int32.self) == [
                0, 1, 2, 3, 4, 5,
            ])
        let flags = try NumPyFile.read(scratch.write(try bytes(numPy: "bool"), "a.npy"))
        #expect(flags.type == .bool)
        #expect(try flags.array(of: Bool.self) == [false, true, false, true, false, true])
        #expect(
            try NumPyFile.read(scratch.write(try bytes(numPy: "scalar"), "a.npy")).scalarValue() == 2.5)
        let archive = try NumPyFile.readArchive(scratch.write(try bytes(numPy: "npz"), "a.npz"))
        #expect(archive.map(\.name) == ["a", "b"] && archive[0].tensor.shape == [2, 3])
        #expect {
            try NumPyFile.read(scratch.write(try bytes(numPy: "object"), "a.npy"))
        } throws: {
            ($0 as? Failure)?.message.contains("elements of type '") == true
        }
    }

    @Test func everyBitComesBack() throws {
        let scratch = try Scratch()
        let tensors: [(String, Tensor)] = [
            ("half", try Tensor(values, shape: [2, 3])),
            ("double", try Tensor([1.25, .infinity], shape: [2])),
            ("whole", try Tensor([-7] as [Int32], shape: [])),
            ("flags", try Tensor([true, false], shape: [1, 2])),
            ("empty", try Tensor([] as [Float], shape: [0, 4])),
        ]
        try NumPyFile.write(tensors, toArchive: scratch.file("all.npz"))
        let back = try NumPyFile.readArchive(scratch.file("all.npz"))
        #expect(back.map(\.name) == tensors.map(\.0))
        for ((name, tensor), (_, read)) in zip(tensors, back) {
            #expect(read.shape == tensor.shape && read.type == tensor.type, "\(name)")
            #expect(try read.array(of: Double.self) == tensor.array(of: Double.self))
            try NumPyFile.write(tensor, to: scratch.file("one.npy"))
            #expect(
                try NumPyFile.read(scratch.file("one.npy")).array(of: Double.self)
                    == tensor.array(of: Double.self))
        }
    }

    @Test func brokenFilesAreFailures() throws {
        let scratch = try Scratch()
        for name in ["f4", "fortran", "npz"] {
            let good = try bytes(numPy: name)
            for trial in 0..<500 {
                let path = scratch.write(mutated(good, trial, favouring: 128), "broken")
                do {
                    if name == "npz" {
                        _ = try NumPyFile.readArchive(path)
                    } else {
                        _ = try NumPyFile.read(path)
                    }
                } catch {
                    #expect(error is Failure, "\(error)")
                }
            }
        }
        let huge = "{'descr': '<f4', 'fortran_order': False, 'shape': (1152921504606846976,), }"
        let header =
            [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(huge.utf8.count), 0] + Array(huge.utf8)
        #expect(throws: Failure.self) { try NumPyFile.read(scratch.write(header, "huge.npy")) }
    }
}
