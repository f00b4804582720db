import Engine
import Foundation
import Formats
import Graph
import Lens
import Network
import Support
import Tensor
import Testing

@Suite struct ParametrizationTests {
    private func sound(_ length: Int = 1600) throws -> Network {
        let net = try Network.sequential(
            [.layer(try .conv1d(4, 9)), .layer(.relu())], input: [length, 1], name: "sound",
            key: RandomKey(seed: 1))
        net.preprocessing.kind = "audio"
        net.preprocessing.rate = 16000
        return net
    }

    private func picture(_ height: Int, _ width: Int) throws -> Network {
        let net = try Network.sequential(
            [.layer(try .conv2d(4, 3)), .layer(.relu())], input: [height, width, 3], name: "picture",
            key: RandomKey(seed: 1))
        net.preprocessing = Preprocessing(kind: "image", channels: "BGR", mean: [103.939, 116.779, 123.68])
        return net
    }

    /// One step of almost nothing: what a given start becomes in a parametrization's terms and back.
    private func roundTrip(_ net: Network, _ start: Tensor, _ p: Parametrization) throws -> Tensor {
        var options = MaximizationOptions(eta: 1e-9)
        options.steps = 1
        options.norm = .none
        options.parametrization = p
        options.start = .given(start)
        return try Maximizer(Target(net.layer("relu"), [.filter(0)]), options).run().last
    }

    private func largestDifference(_ a: Tensor, _ b: Tensor) throws -> Double {
        zip(try a.array(of: Double.self), try b.array(of: Double.self)).reduce(0) {
            max($0, abs($1.0 - $1.1))
        }
    }

    @Test(arguments: [(24, 20), (15, 17)]) func picturesThereAndBack(_ height: Int, _ width: Int) throws {
        let net = try picture(height, width)
        let noise = try Tensor(random: .uniform, shape: [1, height, width, 3], key: RandomKey(seed: 3))
        let start = try Tensor(
            noise.array(of: Float.self).map { $0 * 150 - 70 }, shape: [1, height, width, 3])
        for p in [
            Parametrization.fourier(), .fourier(decay: 0.5, decorrelated: false), .laplacian(levels: 3),
        ] {
            #expect(try largestDifference(roundTrip(net, start, p), start) < 0.5)
        }
    }

    @Test(arguments: [1600, 1601]) func soundsThereAndBack(_ length: Int) throws {
        let net = try sound(length)
        // Waves between 200 Hz and 3 kHz, which every parametrization holds.
        let values = (0..<length).map { t -> Float in
            let time = Float(t) / 16000
            return 0.2 * (sinf(time * 2 * .pi * 400) + sinf(time * 2 * .pi * 3000))
        }
        let start = try Tensor(values, shape: [1, length, 1])
        #expect(try largestDifference(roundTrip(net, start, .laplacian(levels: 4)), start) < 1e-4)
        #expect(try largestDifference(roundTrip(net, start, .fourier(decay: 1)), start) < 0.02)
        #expect(try largestDifference(roundTrip(net, start, .dct(decay: 1)), start) < 0.02)
    }

    @Test func magnitudesStay() throws {
        let net = try sound()
        let clips = try Tensor(random: .normal, shape: [8, 1600, 1], key: RandomKey(seed: 4))
        let set = try TensorExamples(
            inputs: clips, labels: [Int](repeating: 0, count: 8), classNames: ["all"])
        let spectrum = try MagnitudeSpectrum(set)
        var options = MaximizationOptions(eta: 0.1)
        options.steps = 30
        options.parametrization = .maco(spectrum)
        let result = try Maximizer(Target(net.layer("relu"), [.filter(0)]), options).run()
        #expect(result.bestScore[0] > result.loss[0][0])
        let power = try Graph().constant(result.last).transposed([0, 2, 1]).realFourier().square().sum([-1])
            .sqrt().evaluated().array(of: Double.self)
        // The first and last frequency are real: their phase can only be a sign.
        for (own, wanted) in zip(
            power.dropFirst().dropLast(), try spectrum.values.array(of: Double.self).dropFirst())
        {
            #expect(abs(own - wanted) < 1e-3 * wanted + 1e-3)
        }
    }

    @Test func stylesClimb() throws {
        let nets = [try sound(4000), try picture(48, 40)]
        for net in nets {
            let target = try Target(net.layer(at: 0), [.filter(1), .filter(2)])
            for style in Style.allCases {
                var options = try style.options(InputSpace(net))
                options.steps = 30
                options.key = RandomKey(seed: 2)
                if style == .slide { options.eta = .constant(0.5) }
                let first = try Maximizer(target, options).run()
                #expect(first.activation.allSatisfy { $0.isFinite })
                for (i, loss) in first.loss.enumerated() {
                    // Random transforms make the last score a matter of luck, not the best.
                    #expect((loss.max() ?? 0) > loss[0], "\(style) \(i)")
                }
                let again = try Maximizer(target, options).run()
                #expect(try first.last.array(of: Float.self) == again.last.array(of: Float.self))
            }
        }
    }

    @Test func everyTransformAndPenalty() throws {
        for net in [try sound(2000), try picture(32, 32)] {
            let isSound = net.inputShape?.count == 2
            var options = MaximizationOptions(eta: isSound ? 0.01 : 1)
            options.steps = 12
            var t = Transforms()
            (t.jitter, t.roll, t.scale, t.crop) = (
                .constant(2), .constant(0.1), .constant(0.1), .points([8, 2])
            )
            (t.pad, t.shift, t.speed, t.gain) = (
                .constant(2), .constant(3), .constant(0.1), .function { 6 / Double($0 + 1) }
            )
            t.noise = .constant(0.001)
            if !isSound { t.rotate = .constant(10) }
            options.transforms = t
            options.regularizers.lp = 1e-9
            options.regularizers.l1 = 1e-6
            if isSound { options.regularizers.slope = 1e-4 }
            options.conditioning.blur = 0.6
            options.conditioning.smallNorm = 10
            options.conditioning.smallContribution = 10
            if isSound { options.conditioning.lowPass = 4000 }
            options.bounds = .natural
            if isSound { options.loudness = 0.05 }
            let result = try Maximizer(Target(net.layer("relu"), [.filter(1)]), options).run()
            let values = try result.last.array(of: Double.self)
            #expect(values.allSatisfy { $0.isFinite })
            if isSound {
                let level = (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
                #expect(level <= 0.051)
            }
        }
        var options = MaximizationOptions(eta: 1)
        options.transforms.rotate = .constant(5)
        let net = try sound()
        #expect(throws: Failure.self) {
            try Maximizer(Target(net.layer("relu"), [.filter(1)]), options).run()
        }
        options.transforms = Transforms()
        options.parametrization = .fourier()
        options.conditioning.blur = 1
        #expect(throws: Failure.self) {
            try Maximizer(Target(net.layer("relu"), [.filter(1)]), options).run()
        }
    }

    @Test func smallValuesBecomeSilence() throws {
        let net = try sound()
        var options = MaximizationOptions(eta: 1e-9)
        options.steps = 1
        options.norm = .none
        options.conditioning.smallNorm = 60
        options.conditioning.every = 1
        options.start = .given(try Tensor(random: .normal, shape: [1600, 1], key: RandomKey(seed: 9)))
        let values = try Maximizer(Target(net.layer("relu"), [.filter(1)]), options).run().last
            .array(of: Float.self)
        #expect(abs(values.filter { $0 == 0 }.count - 960) <= 2)
    }

    @Test func measures() throws {
        let net = try sound(4096)
        let space = try InputSpace(net)
        let noise = try Tensor(random: .normal, shape: [3, 4096, 1], key: RandomKey(seed: 6))
        let variation = try ClarityMeasures.totalVariation(noise)
        #expect(variation.allSatisfy { abs($0 - 1.128) < 0.05 })
        let one = try noise[[.slice(start: 0, end: 1, step: 1)]].dense()
        let same = try one.broadcasted(to: [2, 4096, 1]).dense()
        #expect(abs(try ClarityMeasures.agreement(same, space) - 1) < 1e-4)
        #expect(try ClarityMeasures.agreement(noise, space) < 0.8)
        let set = try TensorExamples(inputs: one, labels: [0], classNames: ["all"])
        #expect(try ClarityMeasures.spectralDistance(one, space, from: set)[0] < 1e-3)
        #expect(try ClarityMeasures.spectralDistance(noise, space, from: set)[1] > 0.1)
    }
}

@Suite struct AdversarialTests {
    /// Examples around (1, -2); a generator that starts around 0 finds them, with the gradient penalty
    /// (whose second derivatives take part) after fewer steps as yet on its way.
    @Test(arguments: [AdversarialOptions.Loss.hinge, .wassersteinGP]) func findsTheData(
        _ loss: AdversarialOptions.Loss
    ) throws {
        let noise = try Tensor(random: .normal, shape: [256, 2], key: RandomKey(seed: 1)).array(
            of: Float.self)
        let values = noise.enumerated().map { $0.element * 0.1 + ($0.offset % 2 == 0 ? 1 : -2) }
        let data = try TensorExamples(
            inputs: Tensor(values, shape: [256, 2]), labels: [Int](repeating: 0, count: 256),
            classNames: ["all"])
        let generator = try Network.sequential(
            [.layer(try .dense(16)), .layer(.relu()), .layer(try .dense(2))], input: [4], name: "maker",
            key: RandomKey(seed: 2))
        let judge = try Network.sequential(
            [
                .layer(try .dense(32)), .layer(Layer(ActivationLayer(Activation(.leakyRelu, alpha: 0.2)))),
                .layer(try .dense(1)),
            ],
            input: [2], name: "judge", key: RandomKey(seed: 3))
        var options = try AdversarialOptions()
        options.loss = loss
        let isHinge = loss == .hinge
        options.steps = isHinge ? 400 : 150
        options.batch = 32
        options.average = 0.9
        options.discriminatorSteps = isHinge ? 2 : 5
        options.generatorOptimizer = try .adam(isHinge ? 5e-3 : 1e-3, beta1: isHinge ? 0.5 : 0, beta2: 0.9)
        options.discriminatorOptimizer = options.generatorOptimizer
        let history = try AdversarialTraining(generator, against: judge, data, options).run()
        #expect(history.generator.count == options.steps)
        let codes = try Tensor(random: .normal, shape: [128, 4], key: RandomKey(seed: 9))
        let made = try generator.predict(codes).array(of: Double.self)
        let means = (0..<2).map { c in
            stride(from: c, to: made.count, by: 2).reduce(0.0) { $0 + made[$1] } / 128
        }
        #expect(hypot(means[0] - 1, means[1] + 2) < (isHinge ? 0.7 : 1.8))
        if !isHinge { #expect((history.discriminator.min() ?? 0) < -0.5) }
    }

    private func pair() throws -> (generator: Network, judge: Network) {
        let generator = try Network.sequential(
            [.layer(try .dense(8)), .layer(.relu()), .layer(try .dense(2))], input: [3], name: "maker",
            key: RandomKey(seed: 2))
        let judge = try Network.sequential(
            [.layer(try .dense(8)), .layer(.relu()), .layer(try .dense(1))], input: [2], name: "judge",
            key: RandomKey(seed: 3))
        return (generator, judge)
    }

    /// A training that stopped and goes on from its checkpoint ends with the bits of one that never did;
    /// the file alone gives the generator.
    @Test func goesOnFromACheckpoint() throws {
        let path = NSTemporaryDirectory() + "adversarial-\(UInt64.random(in: 0...(.max))).vzck"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let data = try TensorExamples(
            inputs: Tensor(random: .normal, shape: [64, 2], key: RandomKey(seed: 1)),
            labels: [Int](repeating: 0, count: 64), classNames: ["all"])
        func train(_ steps: Int, resume: Bool = false, batch: Int = 8) throws -> (Network, AdversarialHistory)
        {
            let (generator, judge) = try pair()
            var options = try AdversarialOptions()
            (options.steps, options.batch, options.average) = (steps, batch, 0.9)
            options.key = RandomKey(seed: resume ? 99 : 7)
            options.checkpoint = path
            options.resume = resume ? path : nil
            return (generator, try AdversarialTraining(generator, against: judge, data, options).run())
        }
        func bits(_ network: Network) throws -> [[Float]] {
            try network.namedParameters.map { try $0.parameter.variable.value.array(of: Float.self) }
        }
        let (whole, history) = try train(12)
        _ = try train(5)
        let (continued, later) = try train(12, resume: true)
        #expect(try bits(continued) == bits(whole))
        #expect(later.generator == history.generator)
        #expect(later.resumedAt == 5)
        #expect(try bits(ModelFile.load(path).network) == bits(whole))
        #expect(throws: Failure.self) { try train(20, resume: true, batch: 4) }
    }
}
