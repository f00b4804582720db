import Network
import Support
import Tensor

/// Turns an ONNX graph of inference into a network of layers with channels last.
///
/// ONNX has [batch, channels, spatial…], vzsh [batch, spatial…, channels]. Values keep vzsh's
/// layout throughout; where a graph flattens a value its axes are put into ONNX's order first, so
/// that the weights behind it fit as they are.
struct ONNXNetwork {
    /// A value of the graph as the network has it.
    struct Flow {
        /// Position of the layer that makes it; -1 is the input.
        var node: Int
        /// Of one sample, channels last.
        var shape: [Int]
        /// True where ONNX has the channels first.
        var isChannelsFirst: Bool
        /// Spatial axes of length 1 that ONNX still has and `shape` has not: behind global pooling.
        var ones = 0
    }

    let model: ONNXModel
    let path: String
    var layers: [JSON] = []
    var weights: [String: Tensor] = [:]
    var flows: [String: Flow] = [:]
    var constants: [String: Tensor]
    /// How many nodes take a value.
    var uses: [String: Int] = [:]
    var notes: [String] = []
    private var counts: [String: Int] = [:]
    private var names: Set<String> = []
    /// What a file of vzsh's own calls the node in hand.
    private var nodeName = ""

    /// - Parameter input: the input's shape, channels last, where the file leaves it open.
    static func load(_ path: String, input: [Int]? = nil) throws -> LoadedNetwork {
        let model = try ONNXModel(path)
        var builder = ONNXNetwork(model: model, path: path, constants: model.constants)
        do {
            return try builder.network(input)
        } catch let failure as Failure
            where failure.kind != .interrupted && !failure.message.contains(path)
        {
            throw Failure(
                failure.kind == .shape ? .file : failure.kind, "'\(path)': \(failure.message)",
                hint: failure.hint)
        }
    }

    private init(model: ONNXModel, path: String, constants: [String: Tensor]) {
        (self.model, self.path, self.constants) = (model, path, constants)
    }

    private mutating func network(_ input: [Int]?) throws -> LoadedNetwork {
        guard let entry = model.inputs.first, model.inputs.count == 1 else {
            throw Failure(.file, "it has \(model.inputs.count) inputs, and networks with one are read")
        }
        let shape = try inputShape(entry.shape, input)
        for node in model.nodes { for name in node.inputs { uses[name, default: 0] += 1 } }
        for name in model.outputs { uses[name, default: 0] += 1 }
        flows[entry.name] = Flow(node: -1, shape: shape, isChannelsFirst: shape.count > 1)
        for node in model.nodes {
            guard layers.count < 100_000 else { throw Failure(.file, "it has too many layers") }
            guard node.domain.isEmpty || node.domain == "ai.onnx" else {
                throw unsupported(node, "of the domain '\(node.domain)'")
            }
            nodeName = model.producer == "vzsh" ? node.name : ""
            do { try add(node) } catch let failure as Failure where failure.kind != .file {
                let name = node.name.isEmpty ? node.operation : node.name
                throw Failure(.file, "\(name): \(failure.message)", hint: failure.hint)
            }
        }
        guard let name = model.outputs.first, var output = flows[name] else {
            throw Failure(.file, "its output is computed by nothing")
        }
        if model.outputs.count > 1 {
            notes.append("'\(path)' has \(model.outputs.count) outputs; the first, '\(name)', is taken")
        }
        // A list of classes with spatial axes of length 1 around it is a list of classes.
        if output.shape.count > 1, output.shape.dropLast().allSatisfy({ $0 == 1 }) {
            output = append("flatten", [:], [output], [output.shape.reduce(1, *)], like: output)
        }
        guard !layers.isEmpty, output.node >= 0 else { throw Failure(.file, "it has no layers") }
        let base =
            path.split(separator: "/").last?.split(separator: ".").first.map(String.init) ?? "network"
        let architecture: JSON = [
            "format": 1, "name": .string(Self.identifier(base)), "input": .ints(shape),
            "layers": .array(layers),
            "output": .integer(output.node),
        ]
        let weights = self.weights
        let network = try Network(architecture: architecture) { name in
            guard let tensor = weights[name] else {
                throw Failure(.file, "the weights \(name) are missing")
            }
            return tensor
        }
        describe(network)
        return LoadedNetwork(network, notes: notes)
    }

    /// Classes and preprocessing, as vzsh wrote them beside the graph; of a classifier of ImageNet
    /// those that its kind usually has.
    private mutating func describe(_ network: Network) {
        if let text = model.metadata["vzsh"], let json = try? JSON(parsing: text) {
            network.classes = json["classes"]?.strings ?? []
            network.preprocessing = Preprocessing(json: json["preprocessing"] ?? [:])
            network.notes = json["notes"] ?? [:]
            return
        }
        guard let input = network.inputShape, input.count == 3, input[2] == 3,
            (try? network.outputShape()) == [1000]
        else { return }
        // SqueezeNet 1.0 is published in ONNX as its authors' Caffe weights alone, which name no producer.
        let count = network.parameters.reduce(0) { $0 &+ $1.count }
        let isCaffe = model.producer.contains("caffe") || model.producer.isEmpty && count == 1_248_424
        network.preprocessing = isCaffe ? .caffe : .torchvision
        let known = ImageNet.knownClasses()
        network.classes = known ?? []
        let names = known == nil ? "; the classes' names come with fetch(\"imagenet_classes\")" : ""
        notes.append(
            "'\(path)' does not say what its input is; taken are ImageNet's classes and pictures as \(isCaffe ? "Caffe's networks want them (BGR, mean taken off)" : "torchvision's networks want them (RGB, mean and deviation)"); change net.preprocessing where that is wrong\(names)"
        )
    }

    private mutating func inputShape(_ declared: [Int], _ wanted: [Int]?) throws -> [Int] {
        guard (2...4).contains(declared.count) else {
            throw Failure(
                .file, "its input has \(declared.count) axes; lists, waveforms and pictures are read")
        }
        var shape = Array(declared.dropFirst(2)) + [declared[1]]
        if let wanted {
            guard wanted.count == shape.count,
                zip(wanted, shape).allSatisfy({ $0 > 0 && ($0 == $1 || $1 == 0) })
            else {
                throw Failure(
                    .shape, "its input has shape \(Shape.describe(shape)), not \(Shape.describe(wanted))")
            }
            return try Self.checked(wanted)
        }
        if shape.count == 3, shape[0] == 0 || shape[1] == 0 {
            notes.append("'\(path)' leaves the size of its pictures open; 224 x 224 is taken")
            for axis in 0..<2 where shape[axis] == 0 { shape[axis] = 224 }
        }
        guard shape.allSatisfy({ $0 > 0 }) else {
            throw Failure(
                .file, "it leaves the shape of its input open: \(Shape.describe(shape))",
                hint: "give it: load(path, input = [length, channels])")
        }
        _ = try Self.checked(shape)
        return shape
    }

    /// Throws where a value would have more numbers than any machine holds; what is below may be
    /// multiplied by a stride without a thought.
    static func checked(_ shape: [Int]) throws -> [Int] {
        guard try Shape.count(shape) <= 1 << 40 else {
            throw Failure(.file, "a value of shape \(Shape.describe(shape)) is not possible")
        }
        return shape
    }

    // MARK: - Building blocks

    func unsupported(_ node: ONNXModel.Node, _ why: String = "") -> Failure {
        Failure(
            .file, "the operation \(node.operation)\(why.isEmpty ? "" : " \(why)") is not read",
            hint:
                "networks of convolutions, pooling, normalization, dense layers and their usual activations are"
        )
    }

    func flow(_ node: ONNXModel.Node, _ i: Int = 0) throws -> Flow {
        guard node.inputs.indices.contains(i), let flow = flows[node.inputs[i]] else {
            throw unsupported(node, "on values that are not the network's")
        }
        return flow
    }

    func constant(_ node: ONNXModel.Node, _ i: Int) throws -> Tensor {
        guard node.inputs.indices.contains(i), let tensor = constants[node.inputs[i]] else {
            throw unsupported(node, "with weights that are computed")
        }
        return tensor
    }

    func optionalConstant(_ node: ONNXModel.Node, _ i: Int) throws -> Tensor? {
        guard node.inputs.indices.contains(i), !node.inputs[i].isEmpty else { return nil }
        return try constant(node, i)
    }

    /// A new layer; `named` is a weight's name in the file, which often tells the layer's.
    mutating func append(
        _ kind: String, _ options: JSON, _ inputs: [Flow], _ shape: [Int], like flow: Flow,
        named: String = "",
        weights own: [String: Tensor] = [:]
    ) -> Flow {
        let name = layerName(kind, named)
        layers.append([
            "name": .string(name), "kind": .string(kind), "options": options,
            "inputs": .ints(inputs.map(\.node)),
        ])
        for (parameter, tensor) in own { weights["\(name).\(parameter)"] = tensor }
        return Flow(
            node: layers.count - 1, shape: shape, isChannelsFirst: flow.isChannelsFirst && shape.count > 1
        )
    }

    /// An activation as part of the layer before it, where a file of vzsh's own says that it was; nil
    /// where it was not.
    mutating func fused(_ kind: String, _ options: JSON, _ x: Flow) -> Flow? {
        guard !nodeName.isEmpty, x.node >= 0, layers[x.node]["name"]?.string == nodeName,
            let owner = layers[x.node]["kind"]?.string, owner == "dense" || owner.contains("conv")
        else { return nil }
        layers[x.node]["options"]?["activation"] =
            options["alpha"].map { ["name": .string(kind), "alpha": $0] } ?? .string(kind)
        return x
    }

    private mutating func layerName(_ kind: String, _ hint: String) -> String {
        // vzsh names nodes after layers; what it needs beside them has a stroke in its name.
        let own = nodeName.hasSuffix("/linear") ? String(nodeName.dropLast(7)) : nodeName
        if !own.isEmpty, !own.contains("/"), names.insert(own).inserted { return own }
        // "fire2/conv1x1_1.w" is fire2_conv1x1_1; "onnx::Conv_55" and plain numbers tell nothing.
        let stem =
            hint.contains("::") ? "" : hint.split(separator: ".").dropLast().joined(separator: "_")
        let name = Self.identifier(stem)
        if name.first?.isLetter == true, names.insert(name).inserted { return name }
        while true {
            counts[kind, default: 0] += 1
            let numbered = "\(kind)_\(counts[kind, default: 0])"
            if names.insert(numbered).inserted { return numbered }
        }
    }

    static func identifier(_ text: String) -> String {
        String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    }

    /// The value with the spatial axes that ONNX says it has, channels last.
    mutating func spatial(_ flow: Flow) -> Flow {
        if flow.ones == 0, !flow.isChannelsFirst, flow.shape.count > 1 {
            let order = Array(1..<flow.shape.count) + [0]
            var turned = append(
                "permute", ["order": .ints(order)], [flow], order.map { flow.shape[$0] }, like: flow)
            turned.isChannelsFirst = true
            return turned
        }
        guard flow.ones > 0 else { return flow }
        let shape = [Int](repeating: 1, count: flow.ones) + flow.shape
        var full = append("reshape", ["shape": .ints(shape)], [flow], shape, like: flow)
        full.isChannelsFirst = true
        return full
    }

    /// All numbers in one row, in ONNX's order.
    mutating func flattened(_ flow: Flow) -> Flow {
        if flow.shape.count == 1 {
            var plain = flow
            plain.ones = 0
            return plain
        }
        var source = flow
        let rank = flow.shape.count
        if flow.isChannelsFirst, flow.shape.dropLast().contains(where: { $0 != 1 }) {
            let order = [rank - 1] + Array(0..<rank - 1)
            source = append(
                "permute", ["order": .ints(order)], [flow], order.map { flow.shape[$0] }, like: flow)
        }
        return append("flatten", [:], [source], [flow.shape.reduce(1, *)], like: flow)
    }

    /// ONNX's axis of a whole value as an axis of one sample, channels last; nil is the batch.
    func axis(_ axis: Int, of flow: Flow) throws -> Int? {
        let rank = flow.shape.count + flow.ones + 1
        let positive = axis < 0 ? axis &+ rank : axis
        guard positive >= 0, positive < rank else {
            throw Failure(.file, "axis \(axis) does not exist")
        }
        if positive == 0 { return nil }
        let last = flow.shape.count - 1
        if flow.ones > 0 { return positive == 1 ? last : -1 }
        if !flow.isChannelsFirst { return positive - 1 }
        return positive == 1 ? last : positive - 2
    }
}
