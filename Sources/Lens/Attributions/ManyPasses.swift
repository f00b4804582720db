import Graph
import Network
import Support
import Tensor

// Methods that ask the network many times: for each channel, each mask, each point.
extension Attributor {
    /// Inputs of a batch: as many as keep the widest layer's results within about 64 MB.
    private func batch(_ most: Int) -> Int {
        let widest = network.nodes.map { $0.outputShape.reduce(1, *) }.max() ?? 1
        return min(options.batch ?? min(max((16 << 20) / max(widest, 1), 1), 32), max(most, 1))
    }

    // MARK: - For each channel

    /// A layer's channels weighed by what the score is with each of them, or without it.
    func weighedByScores(_ work: Work) throws -> Tensor {
        guard let layer = options.layer else { throw Failure(.value, "\(method.rawValue) needs a layer") }
        let channels = layer.outputShape.last ?? 1
        let places = Array(layer.outputShape.dropLast())
        let isAblation = method == .ablationcam
        let beside = try isAblation ? network.positions(beside: layer) : []
        let recording = Recording()
        let x = try recording.give(work.x)
        let behind = try beside.filter { $0 >= 0 }.map { try network.layer(at: $0) }
        let found = try network.trace(x, layers: [layer] + behind)
        let a = found[0]
        let order = [a.rank - 1] + Array(1..<(a.rank - 1)) + [0]
        let values = try recording.run([a.transposed(order)] + found, cancel: work.cancel)
        let maps = values[0]

        let scores: Tensor
        if isAblation {
            // The row after the last channel is the whole layer's.
            let numbers = try Tensor(
                (0...channels).map { Float($0) }, shape: [channels + 1] + layer.outputShape.map { _ in 1 })
            work.total = channels + 1
            let ablated = try ChannelScores.ablated(
                network, layer, beside: beside, batch: batch(channels + 1))
            // The input comes first among the positions.
            let others = (beside.first == -1 ? [work.x] : []) + values.dropFirst(2)
            scores = try ablated.run(
                [values[1]] + others, each: numbers, cancel: work.cancel, step: work.advance)
        } else {
            work.total = channels
            let seen = try ChannelScores.seenThrough(network, mapShape: places, batch: batch(channels))
            scores = try seen.run([work.x], each: maps, cancel: work.cancel, step: work.advance)
        }
        let last = Recording()
        let chosen = try last.oneHot(work.classes, of: work.count)
        let own = try chosen.matmul(last.give(scores), transposeB: true)
        let weights: Traced
        if isAblation {
            // By what part of its size the score falls without the channel. A score below 0 keeps the
            // sense of the map: what raises the class weighs more.
            let whole = try own.sliced(axis: 1, from: channels, to: channels + 1)
            weights = try (whole - own.sliced(axis: 1, from: 0, to: channels)) / (whole.abs() + 1e-12)
        } else {
            weights = try own.softmax()
        }
        let flat = try last.give(maps).reshaped([channels, places.reduce(1, *)])
        let map = try weights.matmul(flat).relu().reshaped([work.classes.count] + places)
        return try last.run([map], cancel: work.cancel)[0]
    }

    // MARK: - For each mask

    /// Parts of the input covered, the same for all classes.
    func masked(_ work: Work) throws -> Tensor {
        let lengths = Array(shape.dropLast())
        let masks: any InputMasks
        if method == .occlusion {
            masks = try Occlusion(
                lengths: lengths, window: options.window ?? [], stride: options.stride ?? [])
        } else {
            masks = RandomMasks(
                lengths: lengths, cells: options.cells ?? [], keep: options.keep, count: options.masks,
                key: options.key)
        }
        let passes = try MaskPasses(
            network, masks, classes: work.classes.count, batch: batch(masks.count))
        let plain = method == .occlusion ? work.scores : work.probabilities
        work.total = masks.count
        return try passes.run(
            work.x, cover: baselines(), chosen: work.rows(work.classes),
            plain: Tensor(plain, shape: [1, plain.count]).converted(to: .float32), cancel: work.cancel,
            step: work.advance)
    }

    // MARK: - For each point

    /// The noise over the input, as a part of max(x) − min(x).
    var noise: Double { options.noise ?? method.usualNoise }

    func pathGradients(_ work: Work) throws -> Tensor {
        let baselines = try baselines()
        let points = try points()
        let count = points.weights.count
        let isNoise = method == .smoothgrad
        let gradients = try PathGradients(
            network, batch: batch(count),
            .init(
                baselines: isNoise ? 0 : baselines.shape[0],
                isNoisy: isNoise || (method == .gradientSHAP && noise > 0)))
        work.total = count * work.classes.count
        let parts = try work.classes.map { c in
            try gradients.run(
                work.x, baselines: baselines, noise: noise, key: options.key, chosen: work.rows([c]),
                points: points, cancel: work.cancel, step: work.advance)
        }
        return try joined(parts, work.cancel)
    }

    /// Where gradients are taken: the nodes of a quadrature for integrated gradients; for gradient SHAP
    /// one point by chance in each of equal parts of the way, and the baselines in turn, in random order.
    private func points() throws -> PathGradients.Points {
        let count = method == .integratedGradients ? options.steps : options.samples
        let even = [Double](repeating: 1 / Double(count), count: count)
        let rows = [Int](repeating: 0, count: count)
        switch method {
        case .integratedGradients:
            let quadrature = GaussLegendre(count)
            return .init(places: quadrature.nodes, weights: quadrature.weights, rows: rows)
        case .gradientSHAP:
            var chance = RandomNumbers(key: options.key, stream: 3)
            let order = try Tensor(permutation: count, key: options.key, stream: 4).array(of: Double.self)
            let turn = try Tensor(permutation: baselineCount, key: options.key, stream: 5)
                .array(of: Int32.self).map(Int.init)
            return .init(
                places: order.map { ($0 + chance.uniform()) / Double(count) }, weights: even,
                rows: rows.indices.map { turn.isEmpty ? 0 : turn[$0 % turn.count] })
        default: return .init(places: even.map { _ in 1 }, weights: even, rows: rows)
        }
    }

    /// What each class' score gains from the baselines to the input, as often as each is a beginning.
    func gains(_ work: Work) throws -> [Double] {
        let all = try baselines()
        let points = try points()
        var shares = [Double](repeating: 0, count: all.shape[0])
        for (row, weight) in zip(points.rows, points.weights) { shares[row] += weight }
        var gains = work.scores
        let size = batch(shares.count)
        for start in stride(from: 0, to: shares.count, by: size) {
            let end = min(start + size, shares.count)
            let part = try all[[.slice(start: start, end: end, step: 1)]]
            let scores = try network.classScores(part, cancel: work.cancel).scores.array(of: Double.self)
            for i in start..<end {
                for (k, c) in work.classes.enumerated() {
                    gains[k] -= shares[i] * scores[(i - start) * work.count + c]
                }
            }
        }
        return gains
    }

    private func joined(_ parts: [Tensor], _ cancel: CancelFlag) throws -> Tensor {
        if parts.count == 1 { return parts[0] }
        let recording = Recording()
        let values = try parts.map { try recording.give($0) }
        return try recording.run([Traced.concatenated(values, axis: 0)], cancel: cancel)[0]
    }

    // MARK: - What stands for nothing

    /// How many baselines there are to begin at.
    var baselineCount: Int {
        guard method == .gradientSHAP, let given = options.baseline, given.rank == shape.count + 1 else {
            return 1
        }
        return given.shape[0]
    }

    /// [1] + input shape; for gradient SHAP [baselines] + input shape.
    private func baselines() throws -> Tensor {
        let whole = [baselineCount] + shape
        guard let given = options.baseline else { return try Tensor(repeating: 0, shape: whole) }
        let own = given.rank == whole.count ? given : try given.reshaped([1] + given.shape)
        guard whole[0] > 0, Shape.broadcast(own.shape, whole) == whole else {
            throw Failure(
                .shape, "\(method.rawValue): the baseline has shape \(Shape.describe(given.shape))",
                hint: "give a number, or a tensor of the input's shape \(Shape.describe(shape))")
        }
        return try own.converted(to: .float32).broadcasted(to: whole).dense()
    }
}
