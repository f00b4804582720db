import Formats
import Foundation
import Network
import Support
import Tensor
import Testing

@Suite struct ONNXTests {
    private func file(_ name: String) throws -> [UInt8] {
        let fixture = try #require(onnxFiles[name])
        let data = try #require(Data(base64Encoded: fixture.text))
        return try Inflate.bytes([UInt8](data), count: fixture.size, .zlib)
    }

    /// The fixtures' input for a network: made in ONNX's order, turned to channels last.
    private func input(_ shape: [Int]) throws -> Tensor {
        let onnx = shape.suffix(1) + shape.dropLast()
        let values = (0..<shape.reduce(1, *)).map { Float($0 * 37 % 101) / 50 - 1 }
        return try Tensor(values, shape: Array(onnx)).transposed(Array(1..<shape.count) + [0]).dense()
    }

    @Test(arguments: ["cnn2d", "audio1d", "mobile"])
    func givesWhatONNXRuntimeGives(name: String) throws {
        let scratch = try Scratch()
        let loaded = try ModelFile.load(scratch.write(try file(name), "\(name).onnx"))
        let y = try loaded.network.predict(input(loaded.network.builtInputShape())).array(
            of: Float.self)
        let wanted = try #require(onnxFiles[name]).output
        #expect(y.count == wanted.count)
        for (a, b) in zip(y, wanted) {
            #expect(abs(a - b) < 1e-4 * max(1, abs(b)), "\(a) instead of \(b)")
        }
        // What was read can be written and read again.
        try ModelFile.save(loaded.network, to: scratch.file("copy.safetensors"))
        let copy = try ModelFile.load(scratch.file("copy.safetensors")).network
        #expect(try copy.predict(input(copy.builtInputShape())).array(of: Float.self) == y)
    }

    @Test(arguments: ["cnn2d", "audio1d", "mobile"])
    func brokenFilesAreFailures(name: String) throws {
        let scratch = try Scratch()
        let good = try file(name)
        for trial in 0..<800 {
            let path = scratch.write(mutated(good, trial, favouring: good.count), "broken.onnx")
            do { _ = try ModelFile.load(path) } catch { #expect(error is Failure, "\(error)") }
        }
    }

    @Test(.enabled(if: realData("weights") != nil, "needs the real weights beside the checkout"))
    func realModels() throws {
        let folder = try #require(realData("weights"))
        let squeeze = try ModelFile.load(folder + "/squeezenet_v1.0.onnx")
        #expect(try squeeze.network.builtInputShape() == [224, 224, 3])
        #expect(try squeeze.network.outputShape() == [1000])
        #expect(squeeze.network.parameters.reduce(0) { $0 + $1.count } == 1_248_424)
        let m5 = try ModelFile.load(folder + "/speech_commands_m5.onnx")
        #expect(try m5.network.builtInputShape() == [4000, 1])
        #expect(try m5.network.outputShape() == [35])
        let x = try Tensor(random: .normal, shape: [4000, 1], key: RandomKey(seed: 1))
        let y = try m5.network.predict(x).array(of: Float.self)
        let sum = y.reduce(0) { $0 + exp($1) }
        #expect(abs(sum - 1) < 1e-4)
    }
}
