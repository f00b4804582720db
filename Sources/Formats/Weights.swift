import Network
import Support
import Tensor

/// Weights by layer, as files of other programs hold them: in the order of their layers.
public struct LayerWeights: Sendable {
    public struct Entry: Sendable {
        public var name: String
        /// Names without the layer's own ("kernel", "bias", "moving_mean"), in the file's order.
        public var tensors: [(name: String, tensor: Tensor)]

        public init(name: String, tensors: [(name: String, tensor: Tensor)]) {
            self.name = name
            self.tensors = tensors
        }
    }
    /// How kernels lie.
    public enum Layout: Sendable {
        /// [window…, in, out] and [in, out]: Keras, vzsh.
        case channelsLast
        /// [out, in, window…] and [out, in], a row of a flattened picture with its channels first: PyTorch.
        case channelsFirst
    }

    public var layers: [Entry]
    public var layout: Layout

    public init(layers: [Entry], layout: Layout = .channelsLast) {
        self.layers = layers
        self.layout = layout
    }

    /// "conv1d_1.kernel" as the kernel of conv1d_1.
    public init(_ tensors: [(name: String, tensor: Tensor)], layout: Layout = .channelsLast) {
        var layers: [Entry] = []
        var known: [String: Int] = [:]
        for (name, tensor) in tensors {
            let cut = name.lastIndex(of: ".") ?? name.startIndex
            let layer = String(name[..<cut])
            let own = String(name[cut...].drop { $0 == "." })
            // How many batches a normalization has seen is no weight.
            if own == "num_batches_tracked" { continue }
            if let at = known[layer] {
                layers[at].tensors.append((own, tensor))
            } else {
                known[layer] = layers.count
                layers.append(Entry(name: layer, tensors: [(own, tensor)]))
            }
        }
        self.init(layers: layers, layout: layout)
    }

    /// What giving a network its weights came to.
    public struct Report: Sendable {
        /// "features.0.weight → conv1.kernel".
        public var matched: [String] = []
        /// Parameters of the network that keep their own values, and why.
        public var kept: [String] = []
        /// What the file has and the network does not.
        public var unused: [String] = []
        /// What does not match, in words; empty where everything does.
        public var notes: [String] { kept + unused }
    }

    /// The value for a parameter of a layer: under its own name or a usual other one, the moving
    /// moments put together from mean and variance. Nil where the layer has none.
    static func value(_ parameter: String, in layer: Entry) throws -> Tensor? {
        func find(_ names: [String]) -> Tensor? {
            for name in names {
                if let found = layer.tensors.first(where: { $0.name == name }) { return found.tensor }
            }
            return nil
        }
        switch parameter {
        case "kernel": return find(["kernel", "W", "weight", "depthwise_kernel"])
        case "bias": return find(["bias", "b"])
        case "gamma": return find(["gamma", "weight", "scale"])
        case "beta": return find(["beta", "bias", "B"])
        case "moving_moments":
            if let both = find([parameter]) { return both }
            guard let mean = find(["moving_mean", "running_mean", "mean"]),
                let variance = find(["moving_variance", "running_var", "variance", "var"])
            else { return nil }
            let values = try mean.array(of: Float.self) + variance.array(of: Float.self)
            guard mean.count == variance.count else {
                throw Failure(
                    .file, "'\(layer.name)' has \(mean.count) means and \(variance.count) variances")
            }
            return try Tensor(values, shape: [2, mean.count])
        default: return find([parameter])
        }
    }

    /// Give a network these weights: by the layers' names where any is the same, else in order.
    /// Nothing is changed unless every parameter that finds a value fits it.
    /// - Parameters:
    ///   - aliases: names in the file by names of layers.
    ///   - isPartial: leave out what does not fit, as another number of classes, and say so.
    ///   - isFlattenedChannelsFirst: false where a network of channels first puts a picture into one row
    ///     with its channels last.
    /// Throws a shape failure where a tensor does not fit, a file failure where nothing matches.
    public func apply(
        to network: Network, from path: String, aliases: [String: String] = [:],
        isPartial: Bool = false,
        isFlattenedChannelsFirst: Bool = true
    ) throws -> Report {
        let targets = network.layers.filter { !$0.parameters.isEmpty }
        let nodes = Dictionary(
            network.nodes.indices.map { (ObjectIdentifier(network.nodes[$0].layer), $0) },
            uniquingKeysWith: { first, _ in first })
        let filled = layers.filter { !$0.tensors.isEmpty }
        let byName = Dictionary(
            filled.map { (Self.identifier($0.name), $0) }, uniquingKeysWith: { first, _ in first })
        func named(_ name: String) -> Entry? {
            byName[Self.identifier(name)] ?? aliases[name].flatMap { byName[Self.identifier($0)] }
        }
        let isByName = targets.contains { layer in
            nodes[ObjectIdentifier(layer)].map { named(network.nodes[$0].name) != nil } ?? false
        }
        var plan: [(Parameter, Tensor)] = []
        var report = Report()
        var used: Set<String> = []
        for (i, target) in targets.enumerated() {
            guard let position = nodes[ObjectIdentifier(target)] else { continue }
            let name = network.nodes[position].name
            guard let found = isByName ? named(name) : filled.indices.contains(i) ? filled[i] : nil
            else {
                report.kept.append("\(name) has no weights in '\(path)' and keeps its own")
                continue
            }
            let source = Self.numbered(found, as: target)
            used.insert(source.name)
            for parameter in target.parameters {
                guard let given = try Self.value(parameter.name, in: source) else {
                    report.kept.append(
                        "\(name).\(parameter.name) is not in '\(path)' and keeps its own value")
                    continue
                }
                let wanted = parameter.variable.type.shape
                let turnedRound = try turned(
                    given, parameter.name, rank: wanted.count, at: position, in: network,
                    isFlattenedChannelsFirst: isFlattenedChannelsFirst)
                let value = try Self.depthwise(turnedRound, wanted, parameter.name, target)
                guard value.shape == wanted else {
                    let what =
                        "\(source.name) has a \(parameter.name) of shape \(Shape.describe(value.shape)), "
                        + "\(name) of \(network.name) needs \(Shape.describe(wanted))"
                    guard isPartial else {
                        throw Failure(
                            .shape, "'\(path)': \(what)",
                            hint: isByName
                                ? "load_weights(net, path, partial = true) leaves out what does not fit" : nil
                        )
                    }
                    report.kept.append(what)
                    continue
                }
                plan.append((parameter, try value.converted(to: parameter.variable.type.type).dense()))
                report.matched.append("\(source.name) → \(name).\(parameter.name)")
            }
        }
        guard !plan.isEmpty else {
            throw Failure(.file, "no weights in '\(path)' belong to a layer of \(network.name)")
        }
        for layer in filled where !used.contains(layer.name) {
            report.unused.append(
                "'\(path)' has weights for '\(layer.name)', which \(network.name) does not have")
        }
        for (parameter, value) in plan { try parameter.variable.assign(value) }
        return report
    }

    /// Names are the same where they differ in what joins their parts: "layer1.0.conv1", "layer1_0_conv1".
    static func identifier(_ text: String) -> String {
        String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    }

    /// A tensor of another layout as the network has it.
    /// - Parameters:
    ///   - rank: axes of the parameter.
    ///   - position: of the layer, for what stands in front of a dense one.
    func turned(
        _ tensor: Tensor, _ parameter: String, rank: Int, at position: Int, in network: Network,
        isFlattenedChannelsFirst: Bool
    ) throws -> Tensor {
        guard parameter.hasSuffix("kernel"), tensor.rank > 1 else { return tensor }
        if layout == .channelsLast { return try Self.withoutUnitAxis(tensor, rank: rank) }
        if tensor.rank > 2 {
            let plain = try tensor.transposed(Array(2..<tensor.rank) + [1, 0]).dense()
            // One of one tap may stand for a dense layer.
            if rank == 2, plain.shape.dropLast(2).allSatisfy({ $0 == 1 }) {
                return try plain.reshaped(Array(plain.shape.suffix(2)))
            }
            return try Self.withoutUnitAxis(plain, rank: rank)
        }
        let kernel = try tensor.transposed([1, 0]).dense()
        if rank > 2 { return try kernel.reshaped([Int](repeating: 1, count: rank - 2) + kernel.shape) }
        guard isFlattenedChannelsFirst, let shape = network.shapeFlattened(before: position),
            shape.dropLast().contains(where: { $0 != 1 }), shape.reduce(1, *) == kernel.shape[0]
        else { return kernel }
        // Rows come by channels first and are wanted with the channels last.
        let rows = try kernel.reshaped([shape[shape.count - 1]] + shape.dropLast() + [kernel.shape[1]])
        let order = Array(1..<shape.count) + [0, shape.count]
        return try rows.transposed(order).dense().reshaped(kernel.shape)
    }

    /// Variables that a file only numbers, as a normalization has them: scale and centre where it has
    /// them, then mean and variance.
    private static func numbered(_ entry: Entry, as layer: Layer) -> Entry {
        let parameters = layer.parameters.map(\.name)
        guard parameters.contains("moving_moments"),
            !entry.tensors.contains(where: { $0.name.contains("mean") || $0.name == "moving_moments" })
        else { return entry }
        let names = ["gamma", "beta"].filter(parameters.contains) + ["moving_mean", "moving_variance"]
        guard names.count == entry.tensors.count else { return entry }
        return Entry(name: entry.name, tensors: zip(names, entry.tensors).map { ($0, $1.tensor) })
    }

    /// Keras' depthwise [window…, channels, multiplier] as [window…, 1, channels · multiplier].
    private static func depthwise(
        _ kernel: Tensor, _ wanted: [Int], _ name: String, _ layer: Layer
    ) throws -> Tensor {
        let n = wanted.count
        guard name == "depthwise_kernel" || layer.kind.kind.hasPrefix("depthwise"), n > 2,
            kernel.shape != wanted, kernel.rank == n, kernel.shape.dropLast(2) == wanted.dropLast(2),
            wanted[n - 2] == 1, kernel.shape[n - 2] * kernel.shape[n - 1] == wanted[n - 1]
        else { return kernel }
        return try kernel.dense().reshaped(wanted)
    }

    /// [window, 1, in, out] as [window, in, out]: a convolution in one direction may be kept as one in
    /// two of which the second is 1 long.
    private static func withoutUnitAxis(_ kernel: Tensor, rank: Int) throws -> Tensor {
        guard kernel.rank == 4, rank == 3, kernel.shape[1] == 1 else { return kernel }
        return try kernel.reshaped([kernel.shape[0], kernel.shape[2], kernel.shape[3]])
    }
}

extension Network {
    /// The shape of what was put into one row before it came to a dense layer; nil where nothing was.
    func shapeFlattened(before position: Int) -> [Int]? {
        var at = position
        let passing: Set<String> = ["dropout", "spatial_dropout", "linear", "relu"]
        while let before = nodes[at].inputs.first, nodes[at].inputs.count == 1 {
            guard before >= 0 else { return nil }
            let kind = nodes[before].layer.kind.kind
            if kind == "flatten" {
                guard let source = nodes[before].inputs.first else { return nil }
                return source < 0 ? inputShape : nodes[source].outputShape
            }
            guard passing.contains(kind) else { return nil }
            at = before
        }
        return nil
    }
}
