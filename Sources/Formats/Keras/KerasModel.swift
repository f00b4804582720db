import Network
import Support
import Tensor

/// Builds a network from a Keras model's configuration (Sequential and Functional, of Keras 1 to 3)
/// and its weights, as `model.save("x.h5")` and `model.save("x.keras")` write them.
struct KerasModel {
    /// A value as the network has it.
    struct Flow {
        /// Position of the layer that makes it; -1 is the input.
        var node: Int
        /// Axes of one sample.
        var rank: Int
        /// Length of the last axis, where it is known without the weights.
        var channels: Int?
    }

    let path: String
    let weights: LayerWeights
    var layers: [JSON] = []
    var notes: [String] = []
    /// Tensors that a layer was given by its configuration, by full name.
    var constants: [String: Tensor] = [:]
    /// Where a layer's weights lie in the file, and by which names, by the layer's name.
    private(set) var sources: [String: (entry: String, kind: String)] = [:]
    private var input: [Int] = []
    private var depth = 0
    private var names: Set<String> = []
    /// Layers seen, by class: weights of Keras 3.0 to 3.6 are numbered by it.
    private var counts: [String: Int] = [:]
    private var classNames: [String: String] = [:]

    init(path: String, weights: LayerWeights) {
        (self.path, self.weights) = (path, weights)
    }

    /// A `.keras` archive: config.json and model.weights.h5.
    static func load(_ archive: ZipArchive, input: [Int]?) throws -> LoadedNetwork {
        guard let configuration = archive.entries.first(where: { $0.name == "config.json" }),
            let data = archive.entries.first(where: { $0.name == "model.weights.h5" })
        else { throw ZipArchive.broken(archive.path, "config.json or model.weights.h5 is missing") }
        let file = try HDF5File(RandomAccessFile(archive.bytes(data), name: archive.path))
        return try load(
            archive.bytes(configuration), KerasFile.weights(file), archive.path, input: input)
    }

    static func load(
        _ configuration: [UInt8], _ weights: LayerWeights, _ path: String, input: [Int]?
    ) throws -> LoadedNetwork {
        var model = KerasModel(path: path, weights: weights)
        do { return try model.network(JSON(parsing: configuration), input: input) } catch let failure
            as Failure
            where failure.kind != .interrupted && !failure.message.contains(path)
        {
            throw Failure(
                failure.kind == .shape ? .file : failure.kind, "'\(path)': \(failure.message)",
                hint: failure.hint)
        }
    }

    private mutating func network(_ json: JSON, input given: [Int]?) throws -> LoadedNetwork {
        let output = try model(json, prefix: "", from: nil, given: given)
        guard output.node >= 0 else { throw Failure(.file, "the model has no layers") }
        let architecture: JSON = [
            "format": 1,
            "name": .string(LayerWeights.identifier(json["config"]?["name"]?.string ?? "model")),
            "input": .ints(input), "layers": .array(layers), "output": .integer(output.node),
        ]
        let lookup = self
        let network = try Network(architecture: architecture) { try lookup.parameter($0) }
        return LoadedNetwork(network, notes: notes)
    }

    // MARK: - Models

    /// A model's layers appended; its result. `from`: what a model inside another takes.
    mutating func model(_ json: JSON, prefix: String, from: Flow?, given: [Int]? = nil) throws -> Flow {
        depth += 1
        defer { depth -= 1 }
        guard depth < 8 else { throw Failure(.file, "its models nest too deep") }
        guard let kind = json["class_name"]?.string, let config = json["config"] else {
            throw Failure(.file, "its configuration has no class or no layers")
        }
        switch kind {
        case "Sequential": return try sequential(config, prefix: prefix, from: from, given: given)
        case "Functional", "Model":
            return try functional(config, prefix: prefix, from: from, given: given)
        default:
            throw Failure(
                .file, "it is a model of the class \(kind), whose structure only its program knows",
                hint: "build the network in vz and give it the weights: load_weights(net, path)")
        }
    }

    private mutating func sequential(
        _ config: JSON, prefix: String, from: Flow?, given: [Int]?
    ) throws -> Flow {
        guard let list = config.array ?? config["layers"]?.array, list.count <= 5000 else {
            throw Failure(.file, "its configuration lists no layers")
        }
        var flow: Flow
        if let from {
            flow = from
        } else {
            let shape =
                list.lazy.compactMap { Self.shape($0["config"] ?? [:]) }.first
                ?? config["build_input_shape"].flatMap(Self.sample)
            flow = try begin(shape, given)
        }
        for entry in list where entry["class_name"]?.string != "InputLayer" {
            flow = try add(entry, prefix: prefix, [flow])
        }
        return flow
    }

    private mutating func functional(
        _ config: JSON, prefix: String, from: Flow?, given: [Int]?
    ) throws -> Flow {
        guard let list = config["layers"]?.array, list.count <= 5000 else {
            throw Failure(.file, "its configuration lists no layers")
        }
        let inputs = Self.references(config["input_layers"] ?? .null)
        guard inputs.count == 1, let entry = inputs.first else {
            throw Failure(.file, "it has \(inputs.count) inputs, and networks with one are read")
        }
        // Uses of layers by name and number; a layer's uses beyond the first share its weights.
        var flows: [String: [Flow]] = [:]
        var pending: [(layer: JSON, use: Int, inputs: [(name: String, use: Int)])] = []
        for layer in list {
            guard let name = Self.name(layer) else { throw Failure(.file, "a layer has no name") }
            if layer["class_name"]?.string == "InputLayer" {
                guard name == entry.name else { continue }
                flows[name] = [try from ?? begin(Self.shape(layer["config"] ?? [:]), given)]
                continue
            }
            for (use, node) in (layer["inbound_nodes"]?.array ?? []).enumerated() {
                pending.append((layer, use, Self.references(node)))
            }
        }
        var places: [String: Int] = [:]
        // Layers are listed in no promised order.
        while !pending.isEmpty {
            var waiting: [(layer: JSON, use: Int, inputs: [(name: String, use: Int)])] = []
            for item in pending {
                let name = Self.name(item.layer) ?? ""
                let known = item.inputs.map { input in
                    flows[input.name].flatMap { $0.indices.contains(input.use) ? $0[input.use] : nil }
                }
                guard known.allSatisfy({ $0 != nil }), flows[name, default: []].count == item.use else {
                    waiting.append(item)
                    continue
                }
                let values = known.compactMap { $0 }
                let made: Flow
                if item.use > 0 {
                    made = try again(places[name], values)
                } else {
                    made = try add(item.layer, prefix: prefix, values)
                    places[name] = made.node
                }
                flows[name, default: []].append(made)
            }
            guard waiting.count < pending.count else {
                throw Failure(
                    .file, "'\(Self.name(waiting[0].layer) ?? "")' takes values that nothing makes")
            }
            pending = waiting
        }
        let outputs = Self.references(config["output_layers"] ?? .null)
        guard let last = outputs.first, outputs.count == 1, let flow = flows[last.name],
            flow.indices.contains(last.use)
        else {
            throw Failure(.file, "it has \(outputs.count) outputs, and networks with one are read")
        }
        return flow[last.use]
    }

    /// A layer used once more, with the weights of its first use.
    private mutating func again(_ place: Int?, _ inputs: [Flow]) throws -> Flow {
        guard let place, place >= 0, inputs.count == 1, let name = layers[place]["name"],
            layers[place]["inputs"]?.ints?.count == 1
        else { throw Failure(.file, "it uses a model inside it more than once, which is not read") }
        layers.append(["name": name, "shares": .integer(place), "inputs": .ints(inputs.map(\.node))])
        var flow = inputs[0]
        flow.node = layers.count - 1
        return flow
    }

    private mutating func begin(_ shape: [Int]?, _ given: [Int]?) throws -> Flow {
        guard let known = given ?? shape, (1...3).contains(known.count) else {
            throw Failure(
                .file, "it leaves the shape of its input open",
                hint: "give it: load(path, input = [height, width, 3])")
        }
        var shape = known
        if shape.count == 3, shape[2] > 0, shape[0] == 0 || shape[1] == 0 {
            notes.append("'\(path)' leaves the size of its pictures open; 224 x 224 is taken")
            for axis in 0..<2 where shape[axis] == 0 { shape[axis] = 224 }
        }
        guard shape.allSatisfy({ $0 > 0 }) else {
            throw Failure(
                .file, "it leaves the shape of its input open: \(Shape.describe(shape))",
                hint: "give it: load(path, input = [length, channels])")
        }
        input = shape
        return Flow(node: -1, rank: shape.count, channels: shape.last)
    }

    // MARK: - Configurations

    /// Shape of one sample, lengths that are open as 0.
    private static func shape(_ config: JSON) -> [Int]? {
        (config["batch_shape"] ?? config["batch_input_shape"]).flatMap(sample)
    }

    private static func sample(_ json: JSON) -> [Int]? {
        guard let all = json.array, all.count >= 2, all.count <= 5 else { return nil }
        return all.dropFirst().map { $0.int ?? 0 }
    }

    private static func name(_ layer: JSON) -> String? {
        layer["name"]?.string ?? layer["config"]?["name"]?.string
    }

    /// What a node takes: ["conv", 0, 0] in lists of Keras 1 and 2, `keras_history` in those of Keras 3.
    private static func references(_ json: JSON, depth: Int = 0) -> [(name: String, use: Int)] {
        if depth > 8 { return [] }
        if let list = json.array {
            if let name = list.first?.string, list.count >= 3, let use = list[1].int {
                return [(name, use)]
            }
            return list.flatMap { references($0, depth: depth + 1) }
        }
        if let history = json["config"]?["keras_history"] {
            return references(history, depth: depth + 1)
        }
        if let arguments = json["args"] { return references(arguments, depth: depth + 1) }
        return []
    }

    // MARK: - Layers

    private mutating func add(_ json: JSON, prefix: String, _ inputs: [Flow]) throws -> Flow {
        guard let kind = json["class_name"]?.string, let config = json["config"],
            let name = Self.name(json),
            let first = inputs.first
        else { throw Failure(.file, "a layer has no class, name or input") }
        let own = LayerWeights.identifier(name)
        let full = prefix + own
        if kind == "Sequential" || kind == "Functional" || kind == "Model" {
            return try model(json, prefix: full + ".", from: first)
        }
        let count = counts[kind, default: 0]
        counts[kind] = count + 1
        let byClass = Self.snake(kind) + (count > 0 ? "_\(count)" : "")
        sources[full] = (prefix + name, byClass)
        do {
            return try translate(KerasLayer(kind: kind, config: config, name: full), inputs)
        } catch let failure as Failure {
            throw Failure(
                .file,
                failure.message.hasPrefix(name) ? failure.message : "\(name) (\(kind)): \(failure.message)",
                hint: failure.hint)
        }
    }

    /// "Conv2DTranspose" as Keras calls its file's groups: "conv2d_transpose".
    static func snake(_ name: String) -> String {
        var text = ""
        var before: Character?
        for (i, c) in name.enumerated() {
            let next = name.dropFirst(i + 1).first
            if c.isUppercase, let before,
                !before.isUppercase && !before.isNumber || (next?.isLowercase ?? false) && before != "_"
            {
                if !(before.isNumber && !(next?.isLowercase ?? false)) { text += "_" }
            }
            text += c.lowercased()
            before = c
        }
        return text
    }

    /// One layer of the network.
    mutating func append(
        _ name: String, _ kind: String, _ options: JSON, _ inputs: [Flow], _ made: Flow
    )
        throws -> Flow
    {
        guard names.insert(name).inserted else {
            throw Failure(.file, "two layers are called '\(name)'")
        }
        layers.append([
            "name": .string(name), "kind": .string(kind), "options": options,
            "inputs": .ints(inputs.map(\.node)),
        ])
        var flow = made
        flow.node = layers.count - 1
        return flow
    }

    // MARK: - Weights

    private func entry(_ layer: String) -> LayerWeights.Entry? {
        guard let source = sources[layer] else { return nil }
        let wanted = LayerWeights.identifier(source.entry)
        return weights.layers.first { LayerWeights.identifier($0.name) == wanted }
            ?? weights.layers.first { $0.name == source.kind } ?? outer(source.entry)
    }

    /// A model inside the model with one layer of weights is written under its own name.
    private func outer(_ name: String) -> LayerWeights.Entry? {
        guard let cut = name.lastIndex(of: ".") else { return nil }
        let wanted = LayerWeights.identifier(String(name[..<cut]))
        return weights.layers.first { LayerWeights.identifier($0.name) == wanted }
    }

    /// A parameter by its full name; it must be there, so that no claim decides what memory is taken.
    private func parameter(_ full: String) throws -> Tensor {
        if let constant = constants[full] { return constant }
        guard let cut = full.lastIndex(of: ".") else {
            throw Failure(.file, "the weights \(full) are missing")
        }
        let (layer, name) = (String(full[..<cut]), String(full[full.index(after: cut)...]))
        guard let entry = entry(layer) else {
            throw Failure(.file, "the weights of \(layer) are missing")
        }
        if name == "moving_moments" || name == "gamma" || name == "beta" {
            // Without scale or center the numbered ones are fewer.
            if let value = try LayerWeights.value(name, in: numbered(entry, layer)) { return value }
        } else if let value = try LayerWeights.value(name, in: entry) {
            // [window…, channels, multiplier] as [window…, 1, channels · multiplier].
            let isDepthwise =
                name == "depthwise_kernel"
                || layers.contains {
                    $0["name"]?.string == layer && $0["kind"]?.string?.hasPrefix("depthwise") == true
                } && name == "kernel"
            if isDepthwise, value.rank > 2 {
                return try value.reshaped(
                    value.shape.dropLast(2) + [1, value.shape.suffix(2).reduce(1, *)])
            }
            return value
        }
        throw Failure(.file, "\(full) is missing")
    }

    /// A normalization's variables under their names, where its configuration leaves some out.
    private func numbered(_ entry: LayerWeights.Entry, _ layer: String) -> LayerWeights.Entry {
        guard let options = layers.first(where: { $0["name"]?.string == layer })?["options"],
            entry.tensors.allSatisfy({
                ["gamma", "beta", "kernel", "bias", "mean", "0", "1", "2"].contains($0.name)
            }),
            !entry.tensors.contains(where: { $0.name.hasPrefix("moving") })
        else { return entry }
        var names = options["scale"]?.bool == false ? [] : ["gamma"]
        if options["center"]?.bool != false { names.append("beta") }
        if options["momentum"] != nil { names += ["moving_mean", "moving_variance"] }
        guard names.count == entry.tensors.count else { return entry }
        return LayerWeights.Entry(
            name: entry.name, tensors: Array(zip(names, entry.tensors.map(\.tensor))))
    }
}
