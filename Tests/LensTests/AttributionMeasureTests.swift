import Graph
import Lens
import Network
import Support
import Tensor
import Testing

extension AttributionFixtures {
    /// A network that hears a burst of 32 samples wherever it is: one matched filter and its opposite
    /// number, an average, two classes. Class 0 is the burst.
    static func detector() throws -> Network {
        let blocks: [Block] = [
            .layer(try .conv1d(2, 32, bias: true)), .layer(.relu()),
            .layer(Layer(GlobalPoolLayer(maximum: false, rank: 1))),
            .layer(try .dense(2)), .layer(.softmax()),
        ]
        let network = try Network.sequential(blocks, input: [800, 1], name: "detector")
        let shape = try burst(at: 0).array(of: Float.self).prefix(32)
        try network.setWeights { name in
            switch name {
            case "conv1d.kernel": return try Tensor(shape.flatMap { [$0, 0.05] }, shape: [32, 1, 2])
            case "conv1d.bias": return try Tensor([Float(-2), 0.1], shape: [2])
            case "dense.kernel": return try Tensor([Float(40), -40, -1, 1], shape: [2, 2])
            case "dense.bias": return try Tensor([Float(-1), 1], shape: [2])
            default: return nil
            }
        }
        return network
    }

    /// A burst in silence.
    static func burst(at place: Int) throws -> Tensor {
        var samples = [Float](repeating: 0, count: 800)
        let one: [Float] = [1, 1, -1, 1, -1, -1, 1, -1]
        for i in 0..<32 { samples[place + i] = one[i % 8] * (i < 16 ? 1 : -1) }
        return try Tensor(samples, shape: [800, 1])
    }
}

@Suite struct AttributionMeasureTests {
    private typealias F = AttributionFixtures

    @Test(arguments: [
        AttributionMethod.cam, .gradcam, .layercam, .hirescam, .scorecam, .ablationcam, .saliency,
        .gradientTimesInput, .integratedGradients, .gradientSHAP, .smoothgrad, .occlusion, .rise, .lrp,
    ])
    func pointsAtWhereTheBurstIs(_ method: AttributionMethod) throws {
        let network = try F.detector()
        var options = AttributionOptions()
        options.window = [40]
        options.relevance.rule = .epsilon
        options.noise = 0.02
        options.cells = [20]
        options.masks = 2000
        for place in [90, 300, 700] {
            let result = try Attributor(network, method, options).run(F.burst(at: place))
            #expect(result.labels == ["0"])
            let pointing = try result.pointing(region: [place..<place + 32], tolerance: 20)
            #expect(pointing.isHit, "\(method.rawValue) at \(place): \(pointing)")
            #expect(pointing.share > 4 * pointing.chance, "\(method.rawValue) at \(place): \(pointing)")
            #expect(abs(pointing.chance - 0.04) < 1e-12)
        }
    }

    @Test func aGoodMapDeletesAtOnce() throws {
        let network = try F.detector()
        let x = try F.burst(at: 300)
        let good = try Attributor(network, .gradientTimesInput).run(x).evidenceCurves()
        #expect(good.deletion.count == 21)
        #expect(good.deletion[0] > 0.9 && (good.deletion.last ?? 1) < 0.5)
        #expect(good.deletionArea < good.randomDeletionArea)
        #expect(good.insertionArea > good.randomInsertionArea)
        #expect(abs(good.insertion.last.map { $0 - good.deletion[0] } ?? 1) < 1e-5)
        // The same order gives the same numbers.
        let again = try Attributor(network, .gradientTimesInput).run(x).evidenceCurves()
        #expect(again.randomDeletion == good.randomDeletion)
    }

    @Test func sanityTellsNetworkFromInput() throws {
        let network = try F.picture()
        let before = try network.namedParameters.map { try $0.parameter.variable.value.array(of: Float.self) }
        let sanity = try Attributor(network, .saliency).weightSanity(F.tensor("p.input"))
        #expect(sanity.stages.map(\.layer) == ["dense", "batchnorm", "conv2d_2", "conv2d_1"])
        #expect(sanity.stages.allSatisfy { $0.correlation >= -1 && $0.correlation <= 1 })
        #expect((sanity.stages.last?.correlation ?? 1) < 0.9)
        // The network is left as it was.
        #expect(
            try network.namedParameters.map { try $0.parameter.variable.value.array(of: Float.self) }
                == before)
        // What shows the input alone never changes.
        let flat = try Attributor(network, .eigencam).weightSanity(F.tensor("p.input"))
        #expect(abs((flat.stages.first?.correlation ?? 0) - 1) < 1e-9)
    }
}

@Suite struct InsideTests {
    private typealias F = AttributionFixtures

    @Test func receptiveFieldsAreWhatMovesAUnit() throws {
        let network = try F.wave()
        for name in ["conv1d_1", "maxpool1d_1", "conv1d_2", "maxpool1d_2"] {
            let layer = try network.layer(name)
            let field = try ReceptiveField(of: layer)
            for place in [0, 5, layer.outputShape[0] - 1] {
                // The gradient of a sum of linear units reaches just the places that a unit sees.
                let seen = field.range(of: [place])[0]
                let graph = Graph()
                let x = graph.input(ValueType([1, 240, 1]))
                let a = try network.trace(x, upTo: layer)
                let base = try Tensor(random: .normal, shape: [1, 240, 1], key: RandomKey(seed: 1))
                var moved: [Int] = []
                let reference = try graph.referenceValues(of: [a], leaves: [x.id: ReferenceArray(base)])[0]
                for at in max(seen.lowerBound - 3, 0)..<min(seen.upperBound + 3, 240) {
                    var values = try base.array(of: Double.self)
                    values[at] += 50
                    let other = try graph.referenceValues(
                        of: [a], leaves: [x.id: ReferenceArray([1, 240, 1], values)])[0]
                    let width = layer.outputShape[1]
                    if (0..<width).contains(where: {
                        other.values[place * width + $0] != reference.values[place * width + $0]
                    }) {
                        moved.append(at)
                    }
                }
                #expect(moved.allSatisfy(seen.contains), "\(name) at \(place): \(seen) but \(moved)")
                #expect(moved.count >= seen.count / 2, "\(name) at \(place): \(seen) but \(moved)")
            }
        }
    }

    @Test func kernelsAreSortedByPeak() throws {
        let network = try Network.sequential([.layer(try .conv1d(3, 64))], input: [400, 1])
        // Cosines of 2000, 500 and 4000 Hz at 16 kHz.
        let tones = [2000.0, 500, 4000]
        let taps = (0..<64).flatMap { t in tones.map { Float(cosine(2 * Double.pi * $0 * Double(t) / 16000)) }
        }
        try network.setWeights { $0 == "conv1d.kernel" ? try Tensor(taps, shape: [64, 1, 3]) : nil }
        let kernels = try Kernels(of: network.layer("conv1d"), rate: 16000)
        #expect(kernels.order == [1, 0, 2])
        let response = try #require(kernels.response)
        #expect(zip(response.peaks, tones).allSatisfy { abs($0 - $1) < 65 }, "\(response.peaks)")
        #expect(throws: Failure.self) { try Kernels(of: F.wave().layer("relu_1")) }
    }

    @Test func nearestFindsTheBurst() throws {
        let network = try F.detector()
        let places = [90, 300, 700, 10]
        let inputs = try places.enumerated().flatMap { i, place in
            try F.burst(at: place).array(of: Float.self).map { $0 * Float(i + 1) / 4 }
        }
        let data = try TensorExamples(
            inputs: Tensor(inputs, shape: [4, 800, 1]), labels: [0, 0, 0, 0], classNames: ["burst", "none"])
        let found = try NearestExamples(network.layer("conv1d"), filter: 0, in: data, count: 2, batch: 3)
        #expect(found.matches.map(\.index) == [3, 2])
        #expect(found.matches.allSatisfy { $0.seen[0].count == 32 })
        #expect(found.matches[0].seen[0].lowerBound == 10 && found.matches[1].seen[0].lowerBound == 700)
        #expect(found.matches[0].activation > found.matches[1].activation)
        let whole = try NearestExamples(network.outputLayer, filter: 0, in: data, count: 9)
        #expect(whole.matches.count == 4 && whole.matches[0].seen == [0..<800])
    }

    @Test func responsesAreEveryLayersResults() throws {
        let network = try F.wave()
        let x = try F.tensor("s.input")
        let found = try Responses(of: network, to: x)
        #expect(found.layers.map(\.layer.name) == network.layerNames)
        let scores = try F.values("s.scores")
        let last = try #require(found.layers.last).value.array(of: Double.self)
        #expect(zip(last, scores).allSatisfy { abs($0 - $1) < 1e-5 })
    }

    /// Without a mathematics library: the cosine by its series.
    private func cosine(_ x: Double) -> Double {
        let turns = x / (2 * Double.pi)
        let angle = (turns - turns.rounded()) * 2 * Double.pi
        var (term, sum) = (1.0, 1.0)
        for k in 1...20 {
            term *= -angle * angle / Double((2 * k - 1) * 2 * k)
            sum += term
        }
        return sum
    }
}
