import Support
import Tensor

/// A piece of a sequential network.
public indirect enum Block {
    case layer(Layer)
    /// A whole network in the place of a layer; its layers are shared.
    case network(Network)
    /// Several ways side by side from one value, merged; an empty way passes the value on.
    case branches([[Block]], merge: MergeLayer)

    /// x + body(x).
    public static func residual(_ body: [Block]) -> Block { .branches([body, []], merge: MergeLayer(.add)) }
}

/// A value in the functional form: what comes in, or what a layer makes of other values.
///
///     let x = Symbol.input([32, 3])
///     let y = try Layer(.conv1d(3, 5)).of(x)
///     let net = try Network(from: x, to: Symbol(add, [x, y]), name: "residual")
public final class Symbol {
    enum Source {
        case input([Int]?)
        case layer(Layer, [Symbol])
        case network(Network, Symbol)
    }
    let source: Source
    private let depth: Int

    private init(_ source: Source, depth: Int) throws(Failure) {
        // Long chains would be released recursively, deeper than a stack goes.
        guard depth <= 10_000 else { throw Failure(.value, "a network is at most 10,000 layers deep") }
        self.source = source
        self.depth = depth
    }

    /// The network's input; the shape of one sample, or nil where training will tell.
    public static func input(_ shape: [Int]? = nil) throws(Failure) -> Symbol {
        try Symbol(.input(shape), depth: 0)
    }

    public convenience init(_ layer: Layer, _ inputs: [Symbol]) throws(Failure) {
        let n = layer.kind.inputCount
        guard n.contains(inputs.count) else {
            throw Failure(
                .argument,
                "\(layer.kind.kind) takes \(n.count == 1 ? "\(n.lowerBound)" : "at least \(n.lowerBound)") value\(n.upperBound == 1 ? "" : "s"), not \(inputs.count)"
            )
        }
        try self.init(.layer(layer, inputs), depth: (inputs.map(\.depth).max() ?? 0) + 1)
    }

    public convenience init(_ network: Network, _ input: Symbol) throws(Failure) {
        try self.init(.network(network, input), depth: input.depth + 1)
    }

    var inputs: [Symbol] {
        switch source {
        case .input: []
        case .layer(_, let inputs): inputs
        case .network(_, let input): [input]
        }
    }
}

extension Layer {
    /// This layer applied to values, in the functional form.
    public func of(_ inputs: Symbol...) throws -> Symbol { try Symbol(self, inputs) }
}

extension Network {
    /// Layers one after another. Without `input` the shape comes with the first data.
    /// `key`: from which the first weights are drawn; give each network another.
    public static func sequential(
        _ blocks: [Block], input: [Int]? = nil, name: String = "network", key: RandomKey = RandomKey(seed: 0)
    ) throws -> Network {
        var assembly = Assembly()
        let output = try assembly.append(blocks, to: -1)
        return try assembly.network(output: output, input: input, name: name, key: key)
    }

    /// Everything between an input and an output symbol.
    public convenience init(
        from input: Symbol, to output: Symbol, name: String = "network", key: RandomKey = RandomKey(seed: 0)
    ) throws {
        guard case .input(let shape) = input.source else {
            throw Failure(
                .argument, "\(name): a network begins with an input",
                hint: "make one with input([length, channels])")
        }
        var assembly = Assembly()
        var positions: [ObjectIdentifier: Int] = [ObjectIdentifier(input): -1]
        // Depth first without recursion: a symbol is placed once all its inputs are.
        var stack = [output]
        while let symbol = stack.last {
            if positions[ObjectIdentifier(symbol)] != nil {
                stack.removeLast()
                continue
            }
            let missing = symbol.inputs.filter { positions[ObjectIdentifier($0)] == nil }
            if !missing.isEmpty {
                stack += missing.reversed()
                continue
            }
            let inputs = symbol.inputs.compactMap { positions[ObjectIdentifier($0)] }
            switch symbol.source {
            case .input:
                throw Failure(.value, "\(name): the output depends on an input that is not the network's own")
            case .layer(let layer, _):
                positions[ObjectIdentifier(symbol)] = assembly.append(layer, inputs: inputs)
            case .network(let network, _):
                positions[ObjectIdentifier(symbol)] = try assembly.append(network, to: inputs[0])
            }
            stack.removeLast()
        }
        guard let last = positions[ObjectIdentifier(output)], last >= 0 else {
            throw Failure(.value, "\(name): a network needs at least one layer")
        }
        let made = try assembly.named()
        self.init(name: name, nodes: made, output: last, key: key)
        if let shape { try build(inputShape: shape) }
    }
}

/// Collects nodes in order and names them at the end.
private struct Assembly {
    private struct Part {
        var layer: Layer
        var inputs: [Int]
        /// Set for layers that come out of a sub-network.
        var fixedName: String?
    }
    private var parts: [Part] = []
    private var networks: [String: Int] = [:]
    private var prefixes: [ObjectIdentifier: String] = [:]

    mutating func append(_ layer: Layer, inputs: [Int]) -> Int {
        parts.append(Part(layer: layer, inputs: inputs))
        return parts.count - 1
    }

    mutating func append(_ network: Network, to input: Int) throws -> Int {
        let id = ObjectIdentifier(network)
        if prefixes[id] == nil {
            networks[network.name, default: 0] += 1
            let count = networks[network.name] ?? 1
            prefixes[id] = count == 1 ? network.name : "\(network.name)_\(count)"
        }
        let first = parts.count
        for node in network.nodes {
            parts.append(
                Part(
                    layer: node.layer, inputs: node.inputs.map { $0 < 0 ? input : first + $0 },
                    fixedName: "\(prefixes[id] ?? network.name).\(node.name)"))
        }
        return first + network.output
    }

    mutating func append(_ blocks: [Block], to input: Int) throws -> Int {
        var last = input
        for block in blocks {
            switch block {
            case .layer(let layer): last = append(layer, inputs: [last])
            case .network(let network): last = try append(network, to: last)
            case .branches(let ways, let merge):
                let ends = try ways.map { try append($0, to: last) }
                last = append(Layer(merge), inputs: ends)
            }
        }
        return last
    }

    func network(output: Int, input: [Int]?, name: String, key: RandomKey) throws -> Network {
        guard output >= 0 else { throw Failure(.value, "\(name): a network needs at least one layer") }
        let network = Network(name: name, nodes: try named(), output: output, key: key)
        if let input { try network.build(inputShape: input) }
        return network
    }

    /// Names by kind and count; the only one of its kind has no number.
    func named() throws -> [Network.Node] {
        var names: [ObjectIdentifier: String] = [:]
        var taken: [String: ObjectIdentifier] = [:]
        var counts: [String: Int] = [:]
        for part in parts {
            let id = ObjectIdentifier(part.layer)
            if names[id] != nil { continue }
            guard let name = part.fixedName ?? part.layer.givenName else {
                names[id] = ""
                counts[part.layer.kind.kind, default: 0] += 1
                continue
            }
            guard taken.updateValue(id, forKey: name) == nil else {
                throw Failure(.name, "two layers are called '\(name)'", hint: "give one of them another name")
            }
            names[id] = name
        }
        var numbers: [String: Int] = [:]
        for part in parts where names[ObjectIdentifier(part.layer)] == "" {
            let kind = part.layer.kind.kind
            var name = kind
            if counts[kind, default: 0] > 1 || taken[kind] != nil {
                repeat {
                    numbers[kind, default: 0] += 1
                    name = "\(kind)_\(numbers[kind, default: 0])"
                } while taken[name] != nil
            }
            names[ObjectIdentifier(part.layer)] = name
            taken[name] = ObjectIdentifier(part.layer)
        }
        return parts.map {
            Network.Node(layer: $0.layer, name: names[ObjectIdentifier($0.layer)] ?? "", inputs: $0.inputs)
        }
    }
}
