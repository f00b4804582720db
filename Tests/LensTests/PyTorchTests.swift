import Formats
import Foundation
import Lens
import Network
import Support
import Tensor
import Testing

/// The real data beside the checkout, nil where it is not there.
private func realData(_ name: String) -> String? {
    let checkout = #filePath.components(separatedBy: "/Tests/").first ?? ""
    let candidates = [checkout + "/../shared/data/" + name, checkout + "/../../shared/data/" + name]
    return candidates.first { FileManager.default.fileExists(atPath: $0) }
}

/// The same climbs as PyTorch's: see make_maximizations.py.
@Suite struct PyTorchTests {
    private func ruled(_ shape: [Int], _ scale: Float) throws -> Tensor {
        let n = shape.reduce(1, *)
        return try Tensor((0..<n).map { (Float($0 * 37 % 101) / 50 - 1) * scale }, shape: shape)
    }

    private func small() throws -> Target {
        let net = try Network.sequential(
            [
                .layer(try .conv1d(6, 5)), .layer(.relu()), .layer(try .maxpool1d(2)),
                .layer(try .conv1d(4, 3)), .layer(.relu()),
            ], input: [40, 1], name: "small")
        _ = try net.setWeights { name in
            switch name {
            case "conv1d_1.kernel": try ruled([5, 1, 6], 0.3)
            case "conv1d_1.bias": try ruled([6], 0.1)
            case "conv1d_2.kernel": try ruled([3, 6, 4], 0.3)
            case "conv1d_2.bias": try ruled([4], 0.1)
            default: nil
            }
        }
        return try Target(net.layer("relu_2"), [.filter(2)])
    }

    private func options(_ eta: Double, _ change: (inout MaximizationOptions) throws -> Void = { _ in })
        throws
        -> MaximizationOptions
    {
        var options = MaximizationOptions(eta: eta)
        options.steps = 50
        options.start = .given(try ruled([40, 1], 0.1))
        try change(&options)
        return options
    }

    private func check(
        _ options: MaximizationOptions, _ losses: [Double], _ input: [Double],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let result = try Maximizer(small(), options).run()
        #expect(result.loss[0].count == losses.count, sourceLocation: sourceLocation)
        for (own, other) in zip(result.loss[0], losses) {
            #expect(abs(own - other) <= 1e-5 * max(1, abs(other)), sourceLocation: sourceLocation)
        }
        for (own, other) in zip(try result.last.array(of: Double.self), input) {
            #expect(abs(own - other) <= 1e-4, sourceLocation: sourceLocation)
        }
    }

    @Test func plainAscent() throws {
        try check(options(0.05), MaximizationFixtures.plain, MaximizationFixtures.plainInput)
    }
    @Test func euclideanNorm() throws {
        try check(options(0.5) { $0.norm = .l2 }, MaximizationFixtures.l2, MaximizationFixtures.l2Input)
    }
    @Test func penalties() throws {
        let own = try options(0.05) {
            $0.regularizers.totalVariation = 0.01
            $0.regularizers.l2 = 0.02
        }
        try check(own, MaximizationFixtures.regularized, MaximizationFixtures.regularizedInput)
    }
    @Test func adam() throws {
        let own = try options(0.02) {
            $0.optimizer = try .adam()
            $0.norm = .none
        }
        try check(own, MaximizationFixtures.adam, MaximizationFixtures.adamInput)
    }

    /// 128 and waves around it, in the network's units.
    private func picture(_ side: Int) throws -> Tensor {
        var values: [Float] = []
        for y in 0..<side {
            for x in 0..<side {
                for c in 0..<3 {
                    values.append(Float(10 * sin(0.37 * Double(y) + 1.3 * Double(x) + 2.1 * Double(c))))
                }
            }
        }
        return try Tensor(values, shape: [side, side, 3])
    }

    /// Within float32 noise: as near to the path in float64 as PyTorch's own renderings in float32 are,
    /// twice as far at most, or 2e-4 of the highest score where Winograd's longer roundings move a unit
    /// over the edge of its ReLU sooner than a direct sum's do.
    private func checkNoise(
        _ own: [Double], _ exact: [Double], _ noise: [Double],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let size = exact.map { abs($0) }.max() ?? 1
        #expect(own.count == exact.count && noise.count == exact.count, sourceLocation: sourceLocation)
        for (step, (x, (wanted, float32))) in zip(own, zip(exact, noise)).enumerated() {
            let off = abs(x - wanted) / size
            #expect(off <= max(2 * float32, 2e-4), "step \(step)", sourceLocation: sourceLocation)
        }
    }

    @Test(.enabled(if: realData("weights/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5") != nil))
    func vgg16() throws {
        let path = try #require(realData("weights/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"))
        let net = try VGG.network(classes: nil, input: [64, 64, 3])
        _ = try ModelFile.loadWeights(into: net, from: path)
        var options = MaximizationOptions(eta: 2)
        options.steps = 50
        options.start = .given(try picture(64))
        let result = try Maximizer(Target(net.layer("block3_conv3"), [.filter(7)]), options).run()
        checkNoise(result.loss[0], MaximizationFixtures.vgg16, MaximizationFixtures.vgg16Noise)
    }

    @Test(.enabled(if: realData("weights/squeezenet_v1.0.onnx") != nil))
    func squeezeNet() throws {
        let path = try #require(realData("weights/squeezenet_v1.0.onnx"))
        let net = try ModelFile.load(path).network
        var options = MaximizationOptions(eta: 1)
        options.steps = 50
        options.start = .given(try picture(224))
        let soft = try Maximizer(Objective.probability(net, [386]), options).run()
        checkNoise(
            soft.loss[0], MaximizationFixtures.squeezenetSoftmax, MaximizationFixtures.squeezenetSoftmaxNoise)
        let linear = try Maximizer(Objective.logit(net, [386]), options).run()
        checkNoise(
            linear.loss[0], MaximizationFixtures.squeezenetLinear, MaximizationFixtures.squeezenetLinearNoise)
    }
}
