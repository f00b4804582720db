import Engine
import Graph
import Lens
import Network
import Support
import Tensor
import Testing

/// Against pytorch-grad-cam, Captum and Zennit on the same weights and input, and by properties.
@Suite struct AttributionTests {
    private typealias F = AttributionFixtures

    private func run(
        _ key: String, _ method: AttributionMethod, _ change: (inout AttributionOptions) -> Void = { _ in }
    ) throws -> Attribution {
        let network = try key == "p" ? F.picture() : F.wave()
        var options = AttributionOptions()
        change(&options)
        return try Attributor(network, method, options).run(
            F.tensor("\(key).input"), classes: [F.chosen(key)])
    }

    @Test(arguments: ["p", "s"]) func theNetworksAreTheSame(_ key: String) throws {
        let result = try run(key, .saliency)
        let scores = try F.values("\(key).scores")
        #expect(abs(result.scores[0] - scores[try F.chosen(key)]) < 1e-5)
    }

    @Test(
        arguments: ["p", "s"],
        [
            AttributionMethod.gradcam, .gradcampp, .xgradcam, .layercam, .hirescam, .scorecam, .ablationcam,
            .eigencam, .eigengradcam,
        ])
    func mapsAgreeWithPytorchGradCam(_ key: String, _ method: AttributionMethod) throws {
        let result = try run(key, method)
        let wanted = try F.values("\(key).\(method.rawValue)")
        let found = try result.map.array(of: Double.self)
        let agreement = F.correlation(found, wanted)
        #expect(agreement > 0.999, "\(key) \(method.rawValue): \(agreement)")
        #expect(result.layer?.name == "relu_2")
    }

    @Test(
        arguments: ["p", "s"],
        [
            AttributionMethod.saliency, .gradientTimesInput, .integratedGradients, .guidedBackprop,
            .deconvnet, .occlusion, .guidedGradcam,
        ])
    func gradientsAgreeWithCaptum(_ key: String, _ method: AttributionMethod) throws {
        let result = try run(key, method) {
            if method == .occlusion {
                ($0.window, $0.stride) = key == "p" ? ([6, 6], [2, 2]) : ([24], [12])
            }
        }
        let wanted = try F.values("\(key).\(method.rawValue)")
        var found = try result.raw.array(of: Double.self)
        // Captum's saliency is the gradient's size.
        if method == .saliency { found = found.map(abs) }
        let agreement = F.correlation(found, wanted)
        #expect(agreement > 0.999, "\(key) \(method.rawValue): \(agreement)")
        let greatest = wanted.map(abs).max() ?? 0
        #expect(zip(found, wanted).allSatisfy { abs($0 - $1) < 1e-3 * greatest }, "\(key) \(method.rawValue)")
    }

    /// By name in the fixtures: who made it, on which network, with which rules.
    @Test(arguments: [
        "p.lrp.epsilon", "p.lrp.gamma", "p.lrp.plus", "p.lrp.box", "s.lrp.epsilon", "s.lrp.w2", "s.lrp.flat",
        "s.lrp.signed",
    ])
    func relevanceAgreesWithCaptumAndZennit(_ name: String) throws {
        let rule = String(name.dropFirst("p.lrp.".count))
        let result = try run(String(name.prefix(1)), .lrp) {
            $0.relevance.first = .rule
            switch rule {
            case "epsilon": $0.relevance.rule = .epsilon
            case "gamma", "plus":
                $0.relevance.rule = rule == "gamma" ? .gamma : .plus
                $0.relevance.bias = false
            default:
                $0.relevance.rule = .composite
                $0.relevance.first = rule == "signed" ? .rule : RelevanceOptions.First(rawValue: rule)
                if rule == "box" { ($0.relevance.low, $0.relevance.high) = ([0], [1]) }
            }
        }
        let agreement = F.correlation(try result.raw.array(of: Double.self), try F.values(name))
        #expect(agreement > 0.999, "\(name): \(agreement)")
    }

    /// Without biases all of the score arrives at the input, under every rule.
    @Test(arguments: ["p", "s"], RelevanceOptions.Rule.allCases) func relevanceIsConserved(
        _ key: String, _ rule: RelevanceOptions.Rule
    ) throws {
        for first in [RelevanceOptions.First.rule, .w2, .flat] {
            let result = try run(key, .lrp) {
                $0.relevance.rule = rule
                $0.relevance.first = first
                $0.relevance.bias = false
                $0.relevance.epsilon = 1e-9
            }
            let residual = try #require(result.residuals)[0]
            #expect(
                abs(residual) < 2e-3 * max(abs(result.scores[0]), 0.1),
                "\(key) \(rule.rawValue) \(first.rawValue): \(residual) of \(result.scores[0])")
        }
    }

    /// Sums, joins, gates and other activations hand relevance on as well.
    @Test(arguments: [6, 32]) func relevanceGoesThroughBranchesAndActivations(_ filters: Int) throws {
        let blocks: [Block] = [
            .layer(try .conv1d(filters, 5)), .layer(.activation(.tanh)),
            .residual([
                .layer(try .conv1d(filters, 3)), .layer(try .batchnorm()), .layer(.activation(.swish)),
            ]),
            .branches(
                [
                    [.layer(try .conv1d(4, 3)), .layer(.relu())],
                    [.layer(try .conv1d(4, 5)), .layer(.activation(.elu))],
                ],
                merge: MergeLayer(.concat)),
            .layer(Layer(GlobalPoolLayer(maximum: false, rank: 1))), .layer(try .dense(3)),
            .layer(.softmax()),
        ]
        let network = try Network.sequential(blocks, input: [80, 1], key: RandomKey(seed: 5))
        let x = try Tensor(random: .normal, shape: [80, 1], key: RandomKey(seed: 6))
        for rule in [RelevanceOptions.Rule.epsilon, .composite] {
            var options = AttributionOptions()
            options.relevance.rule = rule
            options.relevance.bias = false
            let result = try Attributor(network, .lrp, options).run(x)
            let residual = try #require(result.residuals)[0]
            #expect(
                abs(residual) < 1e-2 * abs(result.scores[0]),
                "\(rule.rawValue): \(residual) of \(result.scores[0])")
        }
    }

    @Test(arguments: ["p", "s"]) func integratedGradientsAreComplete(_ key: String) throws {
        let result = try run(key, .integratedGradients) { $0.steps = 200 }
        #expect(abs(try #require(result.residuals)[0]) < 5e-3)
        // Any batch gives the same.
        let again = try run(key, .integratedGradients) { ($0.steps, $0.batch) = (200, 7) }
        #expect(
            F.correlation(try result.raw.array(of: Double.self), try again.raw.array(of: Double.self))
                > 0.99999)
    }

    @Test func quadratureIsExactForPolynomials() {
        // n nodes integrate x^k on [0, 1] exactly up to k = 2n − 1.
        let attribution = GaussLegendre(5)
        for k in 0...9 {
            let sum = zip(attribution.nodes, attribution.weights).reduce(0.0) { sum, point in
                sum + point.1 * (0..<k).reduce(1.0) { power, _ in power * point.0 }
            }
            #expect(abs(sum - 1 / Double(k + 1)) < 1e-13)
        }
    }

    @Test func camIsDefinedBehindAGlobalAverage() throws {
        let result = try run("p", .cam)
        #expect(result.method == .cam && result.notes.isEmpty && result.isSigned)
        // Σ w A with the dense layer's own weights; its mean and the bias make the score.
        let mean = try result.raw.array(of: Double.self).reduce(0, +) / Double(result.raw.count)
        let bias = try F.values("p.dense.bias")[try F.chosen("p")]
        #expect(abs(mean + bias - result.scores[0]) < 1e-4)
        // Grad-CAM is its positive part over the number of places.
        let grad = try run("p", .gradcam).raw.array(of: Double.self)
        let own = try result.raw.array(of: Double.self)
        #expect(zip(own, grad).allSatisfy { abs(max($0, 0) / Double(own.count) - $1) < 1e-6 })
        // Elsewhere Grad-CAM stands in and says so.
        let other = try run("s", .cam)
        #expect(other.method == .gradcam && other.notes.count == 1)
    }

    @Test func severalClassesAtOnce() throws {
        let network = try F.picture()
        let x = try F.tensor("p.input")
        for method in AttributionMethod.allCases {
            var options = AttributionOptions()
            options.steps = 6
            options.samples = 6
            options.masks = 6
            let attributor = try Attributor(network, method, options)
            let together = try attributor.run(x, classes: [3, 0])
            let alone = try attributor.run(x, classes: [0])
            #expect(together.map.shape == [2, 24, 20])
            let (a, b) = (
                try together.only(1).map.array(of: Double.self), try alone.map.array(of: Double.self)
            )
            let size = b.map(abs).max() ?? 0
            #expect(zip(a, b).allSatisfy { abs($0 - $1) <= 1e-4 * max(size, 1e-6) }, "\(method.rawValue)")
        }
    }

    @Test func attendedKeepsWhatTheMapPointsAt() throws {
        let network = try AttributionFixtures.detector()
        let x = try AttributionFixtures.burst(at: 300)
        let result = try Attributor(network, .cam).run(x, classes: [0])
        var options = AttendedOptions()
        options.smoothing = 60
        let kept = try result.attended(options).array(of: Float.self)
        let before = try x.array(of: Float.self)
        #expect(zip(kept, before).allSatisfy { abs($0) <= abs($1) + 1e-6 })
        func energy(_ values: some Sequence<Float>) -> Float { values.reduce(0) { $0 + $1 * $1 } }
        #expect(energy(kept[290..<345]) > 0.5 * energy(before))
        #expect(kept[..<200].allSatisfy { abs($0) < 1e-6 })
        options.threshold = 0
        #expect(throws: Failure.self) { try result.attended(options) }
    }

    @Test func namesWhatDoesNotFit() throws {
        let network = try F.picture()
        let x = try F.tensor("p.input")
        #expect(throws: Failure.self) { try Attributor(network, .saliency).run(x, classes: [5]) }
        #expect(throws: Failure.self) { try Attributor(network, .saliency).run(F.tensor("s.input")) }
        var options = AttributionOptions()
        options.layer = try network.layer("dense")
        #expect(throws: Failure.self) { try Attributor(network, .gradcam, options) }
        let flat = try Network.sequential([.layer(try .dense(2))], input: [7])
        #expect(throws: Failure.self) { try Attributor(flat, .gradcam) }
        #expect(try Attributor(flat, .saliency).run(Tensor(repeating: 1, shape: [7])).map.shape == [1, 7])
        let cancel = CancelFlag()
        cancel.request()
        #expect(throws: Failure.self) { try Attributor(network, .occlusion).run(x, cancel: cancel) }
    }
}
