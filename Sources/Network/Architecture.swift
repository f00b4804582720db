import Support
import Tensor

/// A network's structure as JSON, enough to build it again around its weights.
extension Network {
    /// Everything but the weights. Throws where a layer is a function of the user's own.
    public func architecture() throws -> JSON {
        var known: [ObjectIdentifier: Int] = [:]
        let list = try nodes.enumerated().map { i, node -> JSON in
            if let first = known[ObjectIdentifier(node.layer)] {
                return ["name": .string(node.name), "shares": .integer(first), "inputs": .ints(node.inputs)]
            }
            known[ObjectIdentifier(node.layer)] = i
            guard node.layer.kind.isSavable else {
                throw Failure(
                    .value,
                    "\(name) cannot be written to a file: \(node.name) is a function, which only its script knows",
                    hint:
                        "use layers that vzsh knows, or keep the script and save the weights of the other layers"
                )
            }
            return [
                "name": .string(node.name), "kind": .string(node.layer.kind.kind),
                "options": node.layer.kind.options, "inputs": .ints(node.inputs),
                "trainable": .bool(node.layer.isTrainable),
            ]
        }
        return [
            "format": 1, "name": .string(name), "input": inputShape.map(JSON.ints) ?? .null,
            "layers": .array(list),
            "output": .integer(output), "classes": .strings(classes), "preprocessing": preprocessing.json,
            "notes": notes,
        ]
    }

    /// Build a network from `architecture()`. `weights(full name)` gives its parameters; those it has
    /// none for are drawn anew. Hostile JSON throws a `.file` failure.
    public convenience init(
        architecture json: JSON, key: RandomKey = RandomKey(seed: 0),
        weights: ((String) throws -> Tensor?)? = nil
    ) throws {
        func broken(_ what: String) -> Failure {
            Failure(.file, "the network's description is broken: \(what)")
        }
        guard let format = json["format"]?.int else { throw broken("it has no format") }
        guard format == 1 else {
            throw Failure(
                .file, "the network's description has format \(format)",
                hint: "it comes from a newer vzsh: update")
        }
        guard let list = json["layers"]?.array, !list.isEmpty else { throw broken("it has no layers") }
        var nodes: [Node] = []
        var names: Set<String> = []
        for (i, entry) in list.enumerated() {
            guard let name = entry["name"]?.string, let inputs = entry["inputs"]?.ints else {
                throw broken("layer \(i) has no name or no inputs")
            }
            guard inputs.allSatisfy({ -1..<i ~= $0 }) else {
                throw broken("\(name) takes what comes after it")
            }
            if let shared = entry["shares"]?.int {
                guard nodes.indices.contains(shared) else {
                    throw broken("\(name) shares a layer that is not there")
                }
                nodes.append(Node(layer: nodes[shared].layer, name: nodes[shared].name, inputs: inputs))
                continue
            }
            guard let kind = entry["kind"]?.string else { throw broken("\(name) has no kind") }
            guard names.insert(name).inserted else { throw broken("two layers are called \(name)") }
            let layer = Layer(
                try LayerRegistry.make(kind: kind, options: entry["options"] ?? [:]), name: name)
            layer.isTrainable = entry["trainable"]?.bool ?? true
            nodes.append(Node(layer: layer, name: name, inputs: inputs))
        }
        guard let output = json["output"]?.int, nodes.indices.contains(output) else {
            throw broken("its output is not among its layers")
        }
        self.init(name: json["name"]?.string ?? "network", nodes: nodes, output: output, key: key)
        classes = json["classes"]?.strings ?? []
        if let preprocessing = json["preprocessing"] {
            self.preprocessing = Preprocessing(json: preprocessing)
        }
        notes = json["notes"] ?? [:]
        if let input = json["input"]?.ints { try build(inputShape: input, weights: weights) }
    }
}
