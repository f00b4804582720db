import Network
import Support
import Tensor

/// A published network: how it is built, what its layers are called in published weights, and what
/// is done to its input.
public struct Definition: Sendable {
    /// What `load`, `fetch` and vz call it: "resnet18".
    public let name: String
    /// Shape of one sample, channels last, where nothing else is asked for.
    public let input: [Int]
    /// Units of the last layer of the published weights.
    public let classes: Int
    /// True where the classes are those of ImageNet's challenge.
    public let isImageNet: Bool
    /// Layers of the structure, without weights; `classes` nil leaves the classifier out.
    let layers: @Sendable (_ input: [Int], _ classes: Int?) throws -> ArchitectureWriter
    /// What PyTorch's weights expect to be done to the input.
    public let torchPreprocessing: Preprocessing
    /// The same of Keras' weights, where they are published.
    public let preprocessing: Preprocessing
    /// False where PyTorch's network puts the axes in vzsh's order itself before its dense layer.
    var isFlattenedChannelsFirst = true

    /// The network with `weights(full name)`, or with new ones.
    /// Throws a shape failure where the input is too small for it.
    public func network(
        input: [Int]? = nil, classes: Int?, key: RandomKey = RandomKey(seed: 0),
        weights: ((String) throws -> Tensor?)? = nil
    ) throws -> Network {
        let network = try structure(input: input, classes: classes, key: key)
        try network.build(inputShape: input ?? self.input, weights: weights)
        return network
    }

    /// The network before it has weights.
    private func structure(input given: [Int]?, classes: Int?, key: RandomKey) throws -> Network {
        let input = given ?? input
        guard input.count == self.input.count, input.last == self.input.last else {
            throw Failure(
                .shape,
                "\(name): the input has shape \(Shape.describe(input)), expected one like \(Shape.describe(self.input))"
            )
        }
        guard input.allSatisfy({ (1...1 << 20).contains($0) }) else {
            throw Failure(.shape, "\(name): an input of shape \(Shape.describe(input)) is not possible")
        }
        let writer = try layers(input, classes)
        let architecture: JSON = [
            "format": 1, "name": .string(name), "layers": .array(writer.layers),
            "output": .integer(writer.last), "preprocessing": preprocessing.json,
        ]
        let network = try Network(architecture: architecture, key: key)
        if isImageNet, classes == 1000 { network.classes = ImageNet.knownClasses() ?? [] }
        return network
    }

    /// Names in PyTorch's weights by names of layers, where they differ in more than points.
    func aliases() throws -> [String: String] { try layers(input, classes).aliases }

    public static let all: [Definition] =
        [
            VGG.definition(depth: 16), VGG.definition(depth: 19), AlexNet.definition,
            SqueezeNet.definition(version: "1.0"), SqueezeNet.definition(version: "1.1"),
            ResNet.definition(depth: 18), ResNet.definition(depth: 50), MobileNetV2.definition,
            M5.definition(),
            Crepe.definition(),
        ]

    /// By the name of a network, also one whose options were changed ("crepe_tiny").
    public static func named(_ name: String) -> Definition? {
        all.first { $0.name == name }
            ?? (name == "squeezenet" ? all.first { $0.name == "squeezenet1_1" } : nil)
    }
}

extension Definition {
    /// The published network whose layers these weights name, all of them and no others; nil where
    /// there is none.
    static func recognize(
        _ weights: LayerWeights, _ path: String, input: [Int]?
    ) throws -> LoadedNetwork? {
        let filled = weights.layers.filter { !$0.tensors.isEmpty }
        let names = Set(filled.map { LayerWeights.identifier($0.name) })
        for known in signatures {
            let isTorch = weights.layout == .channelsFirst && known.torch == names
            guard isTorch || known.own == names else { continue }
            let end = LayerWeights.identifier(isTorch ? known.torchLast : known.last)
            let bias = filled.first { LayerWeights.identifier($0.name) == end }?.tensors.last?.tensor
            let classes = known.hasTop ? bias?.shape.last : nil
            if known.hasTop, classes == nil { continue }
            let definition = candidates(weights)[known.index]
            return try definition.filled(weights, path, input: input, classes: classes)
        }
        return nil
    }

    /// The layers that a published network's weights name.
    private struct Signature {
        let index: Int
        let hasTop: Bool
        let own: Set<String>
        let torch: Set<String>
        let last: String
        let torchLast: String
    }

    private static let signatures: [Signature] = all.indices.flatMap { index in
        [true, false].compactMap { hasTop in
            let definition = all[index]
            guard
                let writer = try? definition.layers(definition.input, hasTop ? definition.classes : nil),
                let last = writer.parametric.last
            else { return nil }
            let own = writer.parametric
            return Signature(
                index: index, hasTop: hasTop, own: Set(own),
                torch: Set(own.map { LayerWeights.identifier(writer.aliases[$0] ?? $0) }), last: last,
                torchLast: writer.aliases[last] ?? last)
        }
    }

    /// The definitions, those of several sizes in the size that the first convolution has.
    private static func candidates(_ weights: LayerWeights) -> [Definition] {
        let first = weights.layers.first { LayerWeights.identifier($0.name) == "conv1" }?.tensors.first?
            .tensor
        let filters =
            first.flatMap { weights.layout == .channelsFirst ? $0.shape.first : $0.shape.last } ?? 0
        return all.map { definition in
            if definition.name == "m5", (1...65_536).contains(filters) {
                return M5.definition(channels: filters)
            }
            if definition.name == "crepe",
                let size = Crepe.capacities.first(where: { $0.value * 32 == filters })
            {
                return Crepe.definition(capacity: size.key)
            }
            return definition
        }
    }

    /// The network with weights of a file; every one must be there, so that none is made.
    private func filled(
        _ weights: LayerWeights, _ path: String, input: [Int]?, classes: Int?
    ) throws -> LoadedNetwork {
        let network = try structure(input: input, classes: classes, key: RandomKey(seed: 0))
        let aliases = try aliases()
        let byName = Dictionary(
            weights.layers.map { (LayerWeights.identifier($0.name), $0) },
            uniquingKeysWith: { first, _ in first })
        let places = Dictionary(
            network.nodes.indices.map { (network.nodes[$0].name, $0) },
            uniquingKeysWith: { first, _ in first })
        do {
            try network.build(inputShape: input ?? self.input) { full in
                let parts = full.split(separator: ".").map(String.init)
                guard parts.count == 2, let place = places[parts[0]],
                    let entry = byName[parts[0]]
                        ?? aliases[parts[0]].flatMap({ byName[LayerWeights.identifier($0)] }),
                    let value = try LayerWeights.value(parts[1], in: entry)
                else { throw Failure(.file, "\(full) is missing") }
                let kind = network.nodes[place].layer.kind.kind
                let rank = kind == "dense" ? 2 : kind.hasSuffix("1d") ? 3 : 4
                return try weights.turned(
                    value, parts[1], rank: rank, at: place, in: network,
                    isFlattenedChannelsFirst: isFlattenedChannelsFirst
                ).converted(to: .float32).dense()
            }
        } catch let failure as Failure where failure.kind == .file || failure.kind == .shape {
            throw Failure(
                .file, "'\(path)' names the layers of \(name), but: \(failure.message)", hint: failure.hint)
        }
        if weights.layout == .channelsFirst { network.preprocessing = torchPreprocessing }
        return LoadedNetwork(network)
    }
}

extension Preprocessing {
    /// Of torchvision's networks: RGB from 0 to 1, ImageNet's mean and deviation.
    public static let torchvision = Preprocessing(
        kind: "image", channels: "RGB", scale: 1 / 255, mean: [0.485, 0.456, 0.406],
        deviation: [0.229, 0.224, 0.225], crop: 0.875)
    /// Of Keras' VGG, as of the Caffe networks it comes from: BGR with the mean taken off.
    public static let caffe = Preprocessing(
        kind: "image", channels: "BGR", mean: [103.939, 116.779, 123.68], crop: 0.875)
}

/// Writes an architecture layer after layer, as `Network(architecture:)` reads it.
struct ArchitectureWriter {
    private(set) var layers: [JSON] = []
    /// Names in PyTorch's weights by names of layers.
    private(set) var aliases: [String: String] = [:]
    var last: Int { layers.count - 1 }

    /// Names of the layers that have weights.
    var parametric: [String] {
        layers.compactMap { layer in
            guard let kind = layer["kind"]?.string, let name = layer["name"]?.string else { return nil }
            return kind.contains("conv") || kind == "dense" || kind == "batchnorm" ? name : nil
        }
    }

    /// A layer behind the last one, or behind others. Returns its position.
    @discardableResult
    mutating func add(
        _ name: String, _ kind: String, _ options: JSON = [:], from inputs: [Int]? = nil,
        torch: String? = nil
    ) -> Int {
        layers.append([
            "name": .string(name), "kind": .string(kind), "options": options,
            "inputs": .ints(inputs ?? [last]),
        ])
        if let torch { aliases[name] = torch }
        return last
    }

    /// A convolution over height and width with zeros around, as PyTorch counts them.
    @discardableResult
    mutating func conv2d(
        _ name: String, _ filters: Int, _ kernel: Int, stride: Int = 1, zeros: Int = 0,
        bias: Bool = true,
        isDepthwise: Bool = false, from inputs: [Int]? = nil, torch: String? = nil
    ) -> Int {
        add(
            name, isDepthwise ? "depthwise_conv2d" : "conv2d",
            [
                "filters": .integer(filters), "kernel": [.integer(kernel), .integer(kernel)],
                "stride": [.integer(stride), .integer(stride)], "dilation": [1, 1],
                "padding": [[.integer(zeros), .integer(zeros)], [.integer(zeros), .integer(zeros)]],
                "bias": .bool(bias),
            ], from: inputs, torch: torch)
    }

    mutating func batchNorm(_ name: String, epsilon: Double = 1e-5, from inputs: [Int]? = nil) {
        add(name, "batchnorm", ["momentum": 0.9, "epsilon": .number(epsilon)], from: inputs)
    }

    /// - Parameter after: places that the last window may stick out over each side's end.
    mutating func maxpool2d(
        _ name: String, _ size: Int, stride: Int, before: Int = 0, after: [Int] = [0, 0]
    ) {
        add(
            name, "maxpool2d",
            [
                "size": [.integer(size), .integer(size)], "stride": [.integer(stride), .integer(stride)],
                "padding": .array(after.map { [.integer(before), .integer($0)] }),
            ])
    }

    mutating func dense(_ name: String, _ units: Int, torch: String? = nil) {
        add(name, "dense", ["units": .integer(units)], torch: torch)
    }
}
