import Lens
import Network
import Support
import Tensor
import Testing

/// Attributions by random points and masks, and by the network's answers alone.
@Suite struct SampledAttributionTests {
    private typealias F = AttributionFixtures

    private func run(
        _ key: String, _ method: AttributionMethod, _ change: (inout AttributionOptions) throws -> Void
    ) throws -> Attribution {
        let network = try key == "p" ? F.picture() : F.wave()
        var options = AttributionOptions()
        try change(&options)
        return try Attributor(network, method, options).run(
            F.tensor("\(key).input"), classes: [F.chosen(key)])
    }

    // MARK: Gradient SHAP

    @Test(arguments: ["p", "s"]) func expectedGradientsAgreeWithCaptum(_ key: String) throws {
        let result = try run(key, .gradientSHAP) {
            $0.baseline = try F.tensor("\(key).baselines")
            $0.samples = 2000
        }
        let agreement = F.correlation(
            try result.raw.array(of: Double.self), try F.values("\(key).gradient_shap"))
        #expect(agreement > 0.999, "\(key): \(agreement)")
        #expect(abs(try #require(result.residuals)[0]) < 5e-3)
        #expect(result.settings["baselines"] == .integer(4))
    }

    /// Where the network is linear chance plays no part: gradient times (input − baseline).
    @Test func expectedGradientsOfALinearNetworkAreExact() throws {
        let blocks: [Block] = [.layer(.flatten()), .layer(try .dense(3))]
        let network = try Network.sequential(blocks, input: [12, 2], name: "linear")
        let missing = try network.setWeights { try F.tensor("l.\($0)") }
        #expect(missing.isEmpty)
        var options = AttributionOptions()
        options.samples = 8
        options.baseline = try F.tensor("l.baselines")
        let x = try F.tensor("l.input")
        let result = try Attributor(network, .gradientSHAP, options).run(x, classes: [1])
        let found = try result.raw.array(of: Double.self)
        #expect(zip(found, try F.values("l.gradient_shap")).allSatisfy { abs($0 - $1) < 1e-6 })
        #expect(abs(try #require(result.residuals)[0]) < 1e-5)
        // Two baselines, each as often: their mean counts.
        let zero = [Double](repeating: 0, count: 24)
        let both = try F.values("l.baselines") + zero
        options.baseline = try Tensor(both.map { Float($0) }, shape: [2, 12, 2])
        let two = try Attributor(network, .gradientSHAP, options).run(x, classes: [1])
        options.baseline = nil
        let none = try Attributor(network, .gradientSHAP, options).run(x, classes: [1])
        let (a, b) = (try two.raw.array(of: Double.self), try none.raw.array(of: Double.self))
        for i in found.indices { #expect(abs(a[i] - (found[i] + b[i]) / 2) < 1e-6) }
    }

    /// More points, less chance; noise and seed count, the batch does not.
    @Test func expectedGradientsAreComplete() throws {
        func residual(_ samples: Int, _ seed: UInt64) throws -> Double {
            let result = try run("s", .gradientSHAP) {
                $0.baseline = try F.tensor("s.baselines")
                $0.samples = samples
                $0.key = RandomKey(seed: seed)
            }
            return abs(try #require(result.residuals)[0])
        }
        let (few, many) = (try (0..<8).map { try residual(8, $0) }, try (0..<8).map { try residual(512, $0) })
        #expect(many.reduce(0, +) < 0.2 * few.reduce(0, +), "\(few) \(many)")

        func values(_ change: (inout AttributionOptions) -> Void) throws -> [Double] {
            try run("s", .gradientSHAP) {
                $0.baseline = try F.tensor("s.baselines")
                change(&$0)
            }.raw.array(of: Double.self)
        }
        let plain = try values { _ in }
        #expect(F.correlation(plain, try values { $0.batch = 7 }) > 0.99999)
        #expect(try values { $0.key = RandomKey(seed: 1) } != plain)
        #expect(try values { $0.noise = 0.2 } != plain)
    }

    @Test func namesBaselinesThatDoNotFit() throws {
        #expect(throws: Failure.self) {
            try run("s", .gradientSHAP) { $0.baseline = try Tensor(repeating: 0, shape: [3, 200, 1]) }
        }
        #expect(throws: Failure.self) {
            try run("s", .gradientSHAP) { $0.baseline = try Tensor(repeating: 0, shape: [0, 240, 1]) }
        }
        // Integrated gradients have one beginning.
        #expect(throws: Failure.self) {
            try run("s", .integratedGradients) { $0.baseline = try F.tensor("s.baselines") }
        }
    }

    // MARK: RISE

    @Test(arguments: ["p", "s"]) func riseAgreesWithItsPaper(_ key: String) throws {
        let result = try run(key, .rise) {
            $0.masks = 8000
            $0.cells = key == "p" ? [6, 5] : [16]
        }
        let found = try result.map.array(of: Double.self)
        let wanted = try F.values("\(key).rise")
        let agreement = F.correlation(found, wanted)
        #expect(agreement > 0.99, "\(key): \(agreement)")
        // The paper's map is this one and the mean probability.
        let range = (wanted.max() ?? 0) - (wanted.min() ?? 0)
        let levels = zip(wanted, found).map { $0 - $1 }
        #expect((levels.max() ?? 0) - (levels.min() ?? 0) < 0.2 * range)
    }

    @Test func riseFollowsItsSeedAlone() throws {
        func values(_ change: (inout AttributionOptions) -> Void) throws -> [Double] {
            try run("s", .rise) {
                $0.masks = 50
                change(&$0)
            }.map.array(of: Double.self)
        }
        let plain = try values { _ in }
        let other = try values { $0.batch = 7 }
        #expect(zip(plain, other).allSatisfy { abs($0 - $1) < 1e-6 })
        #expect(try values { $0.key = RandomKey(seed: 1) } != plain)
        #expect(F.correlation(plain, try values { $0.keep = 0.2 }) < 0.99)
        // What covers what is not seen counts.
        #expect(try values { $0.baseline = try? Tensor(repeating: 0.3, shape: [240, 1]) } != plain)
    }

    @Test func riseTellsWhatItDoes() throws {
        let cancel = CancelFlag()
        var options = AttributionOptions()
        options.masks = 40
        options.batch = 16
        var reports: [Int] = []
        let network = try F.wave()
        _ = try Attributor(network, .rise, options).run(F.tensor("s.input")) { reports.append($0.done) }
        #expect(reports == [16, 32, 40, 40])
        #expect(throws: Failure.self) {
            try Attributor(network, .rise, options).run(F.tensor("s.input"), cancel: cancel) { _ in
                cancel.request()
            }
        }
        options.keep = 1
        #expect(throws: Failure.self) { try Attributor(network, .rise, options) }
        options.keep = 0.5
        options.cells = [241]
        #expect(throws: Failure.self) { try Attributor(network, .rise, options) }
        let flat = try Network.sequential([.layer(try .dense(2))], input: [7])
        #expect(throws: Failure.self) { try Attributor(flat, .rise) }
    }

    // MARK: Ablation-CAM

    /// A channel of a layer in one of several branches is taken out as where its kernel holds zeros.
    @Test func ablationIsWhatZeroKernelsDo() throws {
        let blocks: [Block] = [
            .layer(try .conv1d(4, 5)), .layer(.relu()),
            .residual([
                .layer(try .conv1d(6, 3)), .layer(.relu()), .layer(try .conv1d(4, 3)),
            ]),
            .branches(
                [[.layer(try .conv1d(3, 3)), .layer(.relu())], [.layer(try .conv1d(5, 5))]],
                merge: MergeLayer(.concat)),
            .layer(.relu()), .layer(Layer(GlobalPoolLayer(maximum: false, rank: 1))),
            .layer(try .dense(3)), .layer(.softmax()),
        ]
        let network = try Network.sequential(blocks, input: [60, 1], key: RandomKey(seed: 2))
        let x = try Tensor(random: .normal, shape: [60, 1], key: RandomKey(seed: 3))
        for (layer, kernel, channels) in [("relu_2", "conv1d_2", 6), ("relu_3", "conv1d_4", 3)] {
            var options = AttributionOptions()
            options.layer = try network.layer(layer)
            options.batch = 4
            let result = try Attributor(network, .ablationcam, options).run(x, classes: [0, 1, 2])
            let maps = try Responses(of: network, to: x, layers: [network.layer(layer)])
                .layers[0].value.array(of: Double.self)
            let length = maps.count / channels
            var wanted = [Double](repeating: 0, count: 3 * length)
            for k in 0..<channels {
                let without = try self.without(k, of: channels, kernel, network)
                let scores = try Attributor(without, .saliency).run(x, classes: [0, 1, 2]).scores
                for (c, (whole, score)) in zip(result.scores, scores).enumerated() {
                    for t in 0..<length {
                        wanted[c * length + t] += (whole - score) / abs(whole) * maps[t * channels + k]
                    }
                }
            }
            let found = try result.raw.array(of: Double.self)
            let greatest = wanted.map { abs($0) }.max() ?? 0
            #expect(
                zip(found, wanted).allSatisfy { abs($0 - max($1, 0)) < 1e-4 * greatest },
                "\(layer): \(found) \(wanted)")
            #expect(found.contains { $0 > 0 }, "\(layer): the maps are empty")
        }
    }

    /// A copy whose kernel and bias of one channel are zeros.
    private func without(_ k: Int, of channels: Int, _ layer: String, _ network: Network) throws -> Network {
        let copy = network.copy()
        try copy.setWeights { name in
            guard name == "\(layer).kernel" || name == "\(layer).bias" else { return nil }
            let own = try #require(network.namedParameters.first { $0.name == name }).parameter.variable.value
            var values = try own.array(of: Float.self)
            for i in stride(from: k, to: values.count, by: channels) { values[i] = 0 }
            return try Tensor(values, shape: own.shape)
        }
        return copy
    }
}
