import Engine
import Foundation
import Graph
import Support
import Tensor

/// Something that is stepped and timed: a plan with what it is fed.
struct Workload {
    let name: String
    let plan: Plan
    let inputs: (Int) throws -> [Tensor]
    /// Floating-point operations of one step, counted as direct convolutions.
    let flops: Double
    let parameters: Int

    /// One step; returns the loss.
    func step(_ number: Int) throws -> Double { try plan.run(inputs(number))[0].scalarValue() }
}

enum Workloads {
    // MARK: activation maximization on VGG16

    /// Gradient ascent on the first filter of block5_conv1 (or the first logit) of a VGG16-shaped
    /// network with random He weights, batch 1, 224 x 224 x 3: x ← x + 0.1 · g / (rms(g) + 1e-8).
    static func maximization(logit: Bool) throws -> Workload {
        let widths = [
            [64, 64], [128, 128], [256, 256, 256], [512, 512, 512], logit ? [512, 512, 512] : [512],
        ]
        let graph = Graph()
        let start = try Tensor(random: .uniform, shape: [1, 224, 224, 3], key: RandomKey(seed: 1))
        let image = Variable(start, name: "image")
        let x = graph.read(image)
        var h = x
        var (channels, side, flops, parameters, stream) = (3, 224, 0.0, 0, UInt32(0))
        func weight(_ shape: [Int], fanIn: Int) throws -> Traced {
            stream += 1
            parameters += shape.reduce(1, *)
            let normal = try Tensor(random: .normal, shape: shape, key: RandomKey(seed: 2), stream: stream)
            return try (graph.constant(normal) * (2 / Double(fanIn)).squareRoot()).evaluatedConstant()
        }
        for (block, filters) in widths.enumerated() {
            if block > 0 {
                h = try h.maxPooled([2, 2])
                side /= 2
            }
            for width in filters {
                let kernel = try weight([3, 3, channels, width], fanIn: 9 * channels)
                let bias = try graph.constant(Tensor(repeating: 0, shape: [width]))
                h = try (h.convolved(with: kernel) + bias).relu()
                flops += 2 * 9 * Double(channels * width * side * side)
                channels = width
            }
        }
        let score: Traced
        if logit {
            h = try h.maxPooled([2, 2]).reshaped([1, 25088])
            for (i, (n, m)) in [(25088, 4096), (4096, 4096), (4096, 1000)].enumerated() {
                h = try h.matmul(weight([n, m], fanIn: n)) + graph.constant(Tensor(repeating: 0, shape: [m]))
                if i < 2 { h = try h.relu() }
                flops += 2 * Double(n * m)
            }
            score = try h.indexed([.position(0), .position(0)])
        } else {
            let all = Subscript.slice(start: nil, end: nil, step: 1)
            score = try h.indexed([all, all, all, .position(0)]).mean()
        }
        let g = try graph.gradients(of: score, withRespectTo: [x])[0]
        let next = try x + g / (g.square().mean().sqrt() + 1e-8) * 0.1
        let plan = try Plan(inputs: [], outputs: [score], updates: [(image, next)])
        return Workload(
            name: "am-vgg16 \(logit ? "logit" : "conv")", plan: plan, inputs: { _ in [] }, flops: 2 * flops,
            parameters: parameters)
    }

    // MARK: training

    struct Architecture {
        var convolutions: [(filters: Int, kernel: Int, pool: Int)]
        var batchNorm = false
        var dropout = 0.0
        var hidden = 0
    }

    /// a: like the experiments' base model; b: channel 32; c: channel 128 with batch norm.
    static let architectures: [String: Architecture] = [
        "a": Architecture(convolutions: [8, 16, 32, 64, 128].map { ($0, 25, 4) }, hidden: 1024),
        "b": Architecture(
            convolutions: [(32, 5, 0)] + [(32, 5, 3), (32, 5, 3), (32, 5, 3)]
                + [Int](repeating: 64, count: 4).map { ($0, 5, 3) },
            dropout: 0.75),
        "c": Architecture(
            convolutions: [(128, 5, 0), (128, 5, 3), (128, 5, 3), (128, 5, 3)]
                + [Int](repeating: 256, count: 4).map { ($0, 5, 3) } + [(512, 5, 3)],
            batchNorm: true, dropout: 0.25),
    ]

    /// One Adam step on waveforms of 16,000 samples and 16 classes.
    static func training(_ name: String, batch: Int) throws -> Workload {
        guard let architecture = architectures[name] else {
            throw Failure(.argument, "no network '\(name)'", hint: "choose a, b or c")
        }
        let graph = Graph()
        var weights: [Variable] = []
        func weight(_ shape: [Int], limit: Double, _ constant: Double = 0) throws -> Traced {
            let key = RandomKey(seed: 3)
            let values = try Tensor(random: .uniform, shape: shape, key: key, stream: UInt32(weights.count))
                .array(of: Float.self).map { ($0 * 2 - 1) * Float(limit) + Float(constant) }
            weights.append(Variable(try Tensor(values, shape: shape), name: "w\(weights.count)"))
            return graph.read(weights[weights.count - 1])
        }
        let x = graph.input(ValueType([batch, 16000, 1]))
        let labels = graph.input(ValueType([batch, 16]))
        let key = graph.input(ValueType([4], .int32))
        let rate = graph.input(ValueType([]))
        var (h, channels, length, flops, updates) = (
            x, 1, 16000, 0.0, [(variable: Variable, value: Traced)]()
        )
        for (i, layer) in architecture.convolutions.enumerated() {
            let limit = (6 / Double(layer.kernel * (channels + layer.filters))).squareRoot()
            h =
                try h.convolved(with: weight([layer.kernel, channels, layer.filters], limit: limit))
                + weight([layer.filters], limit: 0)
            flops += Double(i == 0 ? 4 : 6) * Double(layer.kernel * channels * layer.filters * length * batch)
            if architecture.batchNorm {
                let moments = try graph.add(BatchMoments(), [h])
                let moving = Variable(
                    try Tensor(repeating: 0, shape: [2, layer.filters]), name: "moving\(i)")
                updates.append((moving, try graph.read(moving) * 0.99 + moments * 0.01))
                h = try graph.add(
                    Normalize(epsilon: 1e-3),
                    [h, moments, weight([layer.filters], limit: 0, 1), weight([layer.filters], limit: 0)])
            }
            h = try h.relu()
            if layer.pool > 0 {
                h = try h.maxPooled([layer.pool])
                length /= layer.pool
            }
            channels = layer.filters
        }
        var features = channels * length
        h = try h.reshaped([batch, features])
        if architecture.dropout > 0 { h = try h.droppedOut(rate: architecture.dropout, key: key, stream: 0) }
        for width in architecture.hidden > 0 ? [architecture.hidden, 16] : [16] {
            let limit = (6 / Double(features + width)).squareRoot()
            h = try h.matmul(weight([features, width], limit: limit)) + weight([width], limit: 0)
            if width != 16 { h = try h.relu() }
            flops += 6 * Double(features * width * batch)
            features = width
        }
        let loss = try h.crossEntropyFromLogits(labels).mean()
        updates += try adam(graph, loss, weights, rate)
        let plan = try Plan(inputs: [x, labels, key, rate], outputs: [loss], updates: updates)
        let waves = try Tensor(random: .normal, shape: [batch, 16000, 1], key: RandomKey(seed: 5))
        let classes = try Tensor(random: .uniform, shape: [batch], key: RandomKey(seed: 6)).array(
            of: Float.self)
        var oneHot = [Float](repeating: 0, count: batch * 16)
        for (i, u) in classes.enumerated() { oneHot[i * 16 + min(Int(u * 16), 15)] = 1 }
        let targets = try Tensor(oneHot, shape: [batch, 16])
        let inputs = { (step: Int) -> [Tensor] in
            // Adam's bias corrections folded into the step size.
            let t = Double(step + 1)
            let size = 1e-3 * (1 - pow(0.999, t)).squareRoot() / (1 - pow(0.9, t))
            return [
                waves, targets, try Tensor(RandomKey(seed: 7, step: UInt64(step)).words, shape: [4]),
                try Tensor(scalar: Float(size)),
            ]
        }
        return Workload(
            name: "train \(name) \(batch)", plan: plan, inputs: inputs, flops: flops,
            parameters: weights.reduce(0) { $0 + $1.type.count })
    }

    private static func adam(
        _ graph: Graph, _ loss: Traced, _ weights: [Variable], _ rate: Traced
    ) throws -> [(variable: Variable, value: Traced)] {
        let gradients = try graph.gradients(of: loss, withRespectTo: weights.map { graph.read($0) })
        var updates: [(variable: Variable, value: Traced)] = []
        for (weight, g) in zip(weights, gradients) {
            let zero = try Tensor(repeating: 0, shape: weight.type.shape)
            let (m, v) = (Variable(zero, name: weight.name + ".m"), Variable(zero, name: weight.name + ".v"))
            let newM = try graph.read(m) * 0.9 + g * 0.1
            let newV = try graph.read(v) * 0.999 + g.square() * 0.001
            updates.append((m, newM))
            updates.append((v, newV))
            updates.append((weight, try graph.read(weight) - rate * newM / (newV.sqrt() + 1e-7)))
        }
        return updates
    }
}

extension Traced {
    /// The value as a constant of the same graph.
    fileprivate func evaluatedConstant() throws -> Traced { graph.constant(try evaluated()) }
}
