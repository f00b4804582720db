import Network
import Support
import Tensor

/// Writes a network as an ONNX model (opset 20, IR version 9) whose input and maps are [batch,
/// channels, spatial…], as other programs expect. Weights keep every bit; what vzsh knows beside the
/// graph (classes, preprocessing, notes) stands in the metadata under "vzsh".
struct ONNXExport {
    /// A value as ONNX has it.
    struct Value {
        var name: String
        /// Of one sample, channels last, as the network counts it.
        var shape: [Int]
        /// True where ONNX has the channels behind the batch.
        var isChannelsFirst: Bool
    }
    enum Attribute {
        case int(Int)
        case ints([Int])
        case float(Double)
        case text(String)
    }
    /// A constant; large ones are made when they are written.
    struct Constant {
        var name: String
        var shape: [Int]
        var isWhole = false
        var make: () throws -> Tensor
    }

    private var nodes: [[UInt8]] = []
    private var constants: [Constant] = []
    private var known: Set<String> = []

    static func save(_ network: Network, to path: String) throws {
        var export = ONNXExport()
        try export.write(network, path)
    }

    private mutating func write(_ network: Network, _ path: String) throws {
        let input = try network.builtInputShape()
        let first = Value(name: "input", shape: input, isChannelsFirst: input.count > 1)
        var values: [Value] = []
        var names: [ObjectIdentifier: String] = [:]
        for node in network.nodes {
            let inputs = node.inputs.map { $0 < 0 ? first : values[$0] }
            let id = ObjectIdentifier(node.layer)
            let owner = names[id] ?? node.name
            names[id] = owner
            let use = ONNXUse(
                name: uniqueName(node.name), owner: owner, layer: node.layer, outputShape: node.outputShape)
            do { values.append(try add(use, inputs)) } catch let failure as Failure {
                throw Failure(
                    failure.kind,
                    "\(network.name) cannot be written as ONNX: \(node.name): \(failure.message)",
                    hint: failure.hint)
            }
        }
        let last = values[network.output]
        emit("Identity", [last.name], "output", name: "output")
        try file(
            network, first,
            Value(name: "output", shape: last.shape, isChannelsFirst: last.isChannelsFirst),
            path)
    }

    /// The graph's own input and output have the first use of these names.
    private var used: [String: Int] = ["input": 1, "output": 1]
    private mutating func uniqueName(_ name: String) -> String {
        used[name, default: 0] += 1
        let count = used[name, default: 1]
        return count == 1 ? name : "\(name)__\(count)"
    }

    // MARK: - The file

    private func type(_ value: Value) -> (inout ProtobufWriter) -> Void {
        let dims =
            value.isChannelsFirst && value.shape.count > 1
            ? value.shape.suffix(1) + value.shape.dropLast() : value.shape[...]
        return { info in
            info.text(1, value.name)
            info.message(2) { type in
                type.message(1) { tensor in
                    tensor.number(1, 1)
                    tensor.message(2) { shape in
                        shape.message(1) { $0.text(2, "batch") }
                        for length in dims { shape.message(1) { $0.number(1, length) } }
                    }
                }
            }
        }
    }

    private func file(_ network: Network, _ input: Value, _ output: Value, _ path: String) throws {
        var before = ProtobufWriter()
        for node in nodes { before.data(1, node) }
        before.text(2, network.name)
        var after = ProtobufWriter()
        after.message(11, type(input))
        after.message(12, type(output))
        // A tensor's field: dims, type, name, and the raw data last, so that it need not be copied.
        let heads = constants.map { constant -> (outer: [UInt8], inner: [UInt8], size: Int) in
            var head = ProtobufWriter()
            for length in constant.shape { head.number(1, length) }
            head.number(2, constant.isWhole ? 7 : 1)
            head.text(8, constant.name)
            let size = constant.shape.reduce(1, *) * (constant.isWhole ? 8 : 4)
            let inner = head.bytes + ProtobufWriter.head(9, bytes: size)
            return (ProtobufWriter.head(5, bytes: inner.count + size), inner, size)
        }
        let length =
            before.bytes.count + after.bytes.count
            + heads.reduce(0) { $0 + $1.outer.count + $1.inner.count + $1.size }
        guard length < 1 << 31 - 1 << 16 else {
            throw Failure(
                .value, "\(network.name) is too large for one ONNX file, which ends at 2 GiB",
                hint: "save it as .safetensors")
        }
        var model = ProtobufWriter()
        model.number(1, 9)
        model.text(2, "vzsh")
        let about: JSON = [
            "classes": .strings(network.classes), "preprocessing": network.preprocessing.json,
            "notes": network.notes,
        ]
        model.message(14) {
            $0.text(1, "vzsh")
            $0.text(2, about.description)
        }
        model.message(8) { $0.number(2, 20) }
        let head = model.bytes + ProtobufWriter.head(7, bytes: length)
        try AtomicFile.write(to: path) { sink in
            try (head + before.bytes).withUnsafeBytes { try sink($0) }
            for (constant, lead) in zip(constants, heads) {
                try (lead.outer + lead.inner).withUnsafeBytes { try sink($0) }
                let tensor = try constant.make()
                if constant.isWhole {
                    try tensor.array(of: Int32.self).map { Int64($0) }.withUnsafeBytes { try sink($0) }
                } else {
                    try tensor.converted(to: .float32).withBytes { try sink($0) }
                }
            }
            try after.bytes.withUnsafeBytes { try sink($0) }
        }
    }

    // MARK: - Building blocks

    mutating func emit(
        _ operation: String, _ inputs: [String], _ output: String, name: String,
        _ attributes: [(String, Attribute)] = []
    ) {
        var node = ProtobufWriter()
        for input in inputs { node.text(1, input) }
        node.text(2, output)
        node.text(3, name)
        node.text(4, operation)
        for (key, value) in attributes {
            node.message(5) { attribute in
                attribute.text(1, key)
                switch value {
                case .float(let x):
                    attribute.float(2, Float(x))
                    attribute.number(20, 1)
                case .int(let n):
                    attribute.number(3, n)
                    attribute.number(20, 2)
                case .text(let text):
                    attribute.text(4, text)
                    attribute.number(20, 3)
                case .ints(let list):
                    for n in list { attribute.number(8, n) }
                    attribute.number(20, 7)
                }
            }
        }
        nodes.append(node.bytes)
    }

    mutating func constant(_ name: String, _ shape: [Int], _ make: @escaping () throws -> Tensor)
        -> String
    {
        if known.insert(name).inserted {
            constants.append(Constant(name: name, shape: shape, make: make))
        }
        return name
    }

    mutating func whole(_ name: String, _ numbers: [Int]) -> String {
        if known.insert(name).inserted {
            constants.append(
                Constant(name: name, shape: [numbers.count], isWhole: true) {
                    try Tensor(numbers.map { Int32(clamping: $0) }, shape: [numbers.count])
                })
        }
        return name
    }

    /// The value with its channels behind the batch.
    mutating func first(_ value: Value) -> Value {
        guard !value.isChannelsFirst, value.shape.count > 1 else { return value }
        return turned(value, [0, value.shape.count] + Array(1..<value.shape.count), "first")
    }

    /// The value with its channels last.
    mutating func last(_ value: Value) -> Value {
        guard value.isChannelsFirst, value.shape.count > 1 else { return value }
        return turned(value, [0] + Array(2...value.shape.count) + [1], "last")
    }

    private mutating func turned(_ value: Value, _ order: [Int], _ what: String) -> Value {
        let name = "\(value.name)/channels_\(what)"
        if known.insert(name).inserted {
            emit("Transpose", [value.name], name, name: name, [("perm", .ints(order))])
        }
        return Value(name: name, shape: value.shape, isChannelsFirst: !value.isChannelsFirst)
    }

    /// An activation behind a layer; the result is called `name`.
    mutating func activate(_ activation: Activation?, _ value: Value, name: String) -> Value {
        var made = value
        made.name = name
        let axis = value.isChannelsFirst && value.shape.count > 1 ? 1 : value.shape.count
        let simple: [Activation.Function: String] = [
            .relu: "Relu", .gelu: "Gelu", .softplus: "Softplus", .softsign: "Softsign", .tanh: "Tanh",
            .sigmoid: "Sigmoid", .exponential: "Exp", .linear: "Identity",
        ]
        let function = activation?.function ?? .linear
        let x = [value.name]
        switch function {
        case .leakyRelu:
            emit("LeakyRelu", x, name, name: name, [("alpha", .float(activation?.alpha ?? 0.3))])
        case .elu: emit("Elu", x, name, name: name, [("alpha", .float(activation?.alpha ?? 1))])
        case .selu:
            emit(
                "Selu", x, name, name: name,
                [("alpha", .float(1.6732632423543772)), ("gamma", .float(1.0507009873554805))])
        case .hardSigmoid:
            emit("HardSigmoid", x, name, name: name, [("alpha", .float(1.0 / 6)), ("beta", .float(0.5))])
        case .relu6:
            let low = constant("zero", []) { try Tensor(scalar: Float(0)) }
            let high = constant("six", []) { try Tensor(scalar: Float(6)) }
            emit("Clip", x + [low, high], name, name: name)
        case .swish:
            emit("Sigmoid", x, name + "/sigmoid", name: name + "/sigmoid")
            emit("Mul", x + [name + "/sigmoid"], name, name: name)
        case .softmax: emit("Softmax", x, name, name: name, [("axis", .int(axis))])
        case .logSoftmax: emit("LogSoftmax", x, name, name: name, [("axis", .int(axis))])
        default: emit(simple[function] ?? "Identity", x, name, name: name)
        }
        return made
    }

    /// A parameter as a constant, its axes put in ONNX's order.
    mutating func parameter(_ use: ONNXUse, _ name: String, order: [Int]? = nil) throws -> String {
        guard let parameter = use.layer.parameter(name) else {
            throw Failure(.value, "its \(name) is missing")
        }
        let value = parameter.variable.value
        let shape = order.map { $0.map { value.shape[$0] } } ?? value.shape
        return constant("\(use.owner).\(name)", shape) {
            try order.map { try value.transposed($0).dense() } ?? value
        }
    }
}

/// One use of a layer, as it is written.
struct ONNXUse {
    let name: String
    /// The name of the layer's first use, by which its weights go.
    let owner: String
    let layer: Layer
    let outputShape: [Int]
}
