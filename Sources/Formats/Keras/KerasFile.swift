import Network
import Support
import Tensor

/// Weights as Keras writes them into HDF5: files of weights (`save_weights`, the published ones) and
/// of whole models (`model.save("x.h5")`), with the names of Keras 1, of Keras 2 and tf.keras, and
/// of Keras 3 (`.weights.h5`).
public enum KerasFile {
    /// Every layer's weights, in the file's order.
    public static func weights(_ path: String) throws -> LayerWeights { try weights(HDF5File(path)) }

    static func weights(_ file: HDF5File) throws -> LayerWeights {
        let top = try file.find("model_weights", in: file.root) ?? file.root
        if let names = try list("layer_names", in: file, of: top) {
            let layers = Dictionary(
                try file.children(of: top).map { ($0.name, $0.object) },
                uniquingKeysWith: { first, _ in first })
            let listed = try names.flatMap { name in
                guard let group = layers[name] else {
                    throw file.broken("the weights of '\(name)' are missing")
                }
                return try layer(name, group, file)
            }
            // What vzsh keeps there beside what Keras knows of.
            let known = Set(names)
            let others = try layers.filter { !known.contains($0.key) }.sorted { $0.key < $1.key }
                .flatMap { try layer($0.key, $0.value, file) }.filter { !$0.tensors.isEmpty }
            return LayerWeights(layers: listed + others)
        }
        if let layers = try file.find("layers", in: top) {
            var found: [LayerWeights.Entry] = []
            try newest(layers, file, prefix: "", depth: 0, &found)
            return LayerWeights(layers: found)
        }
        throw Failure(
            .file, "'\(file.path)' is HDF5, but holds no weights of Keras",
            hint: "Keras' save_weights(\"x.weights.h5\") and save(\"x.h5\") write what is read here")
    }

    /// The model's configuration as JSON text, where the whole model was saved.
    static func configuration(_ file: HDF5File) throws -> String? {
        try file.strings("model_config", of: file.root)?.first
    }

    /// A list of names; long ones are divided into name0, name1, …
    private static func list(_ name: String, in file: HDF5File, of object: HDF5File.Object) throws
        -> [String]?
    {
        if let whole = try file.strings(name, of: object) { return whole }
        var names: [String] = []
        var part = 0
        while let more = try file.strings("\(name)\(part)", of: object) {
            names += more
            part += 1
        }
        return part > 0 ? names : nil
    }

    /// A layer's weights; of a model inside the model one entry for each layer, "inner.conv".
    private static func layer(
        _ name: String, _ group: HDF5File.Object, _ file: HDF5File
    ) throws -> [LayerWeights.Entry] {
        let names = try list("weight_names", in: file, of: group) ?? []
        var entries: [LayerWeights.Entry] = []
        let owners = names.map { String($0.split(separator: "/").dropLast().last ?? "") }
        let isNested = Set(owners).count > 1
        for (weight, owner) in zip(names, owners) {
            guard let object = try file.find(weight, in: group) else {
                throw file.broken("'\(weight)' of '\(name)' is missing")
            }
            let own = isNested ? "\(name).\(owner)" : name
            let value = (
                name: plain(weight, layer: isNested ? owner : name), tensor: try file.tensor(object)
            )
            if let at = entries.lastIndex(where: { $0.name == own }) {
                entries[at].tensors.append(value)
            } else {
                entries.append(LayerWeights.Entry(name: own, tensors: [value]))
            }
        }
        return entries.isEmpty ? [LayerWeights.Entry(name: name, tensors: [])] : entries
    }

    /// "block1_conv1_W_1:0" of Keras 1 and "block1_conv1/kernel:0" of Keras 2 as "kernel".
    package static func plain(_ weight: String, layer: String) -> String {
        var name = weight.split(separator: "/").last ?? ""
        name = name.prefix { $0 != ":" }
        if name.hasPrefix(layer + "_") { name = name.dropFirst(layer.count + 1) }
        // Keras numbers what it has seen before: kernel_1.
        if let mark = name.lastIndex(of: "_"), name[name.index(after: mark)...].allSatisfy(\.isNumber) {
            name = name[..<mark]
        }
        switch name {
        case "W": return "kernel"
        case "b": return "bias"
        case "running_mean": return "moving_mean"
        case "running_std", "running_var": return "moving_variance"
        default: return String(name)
        }
    }

    /// Keras 3: layers/NAME/vars/0, 1, … in the order in which a layer makes them; the layer's own
    /// name is an attribute of vars, the group is called after it or after its class.
    private static func newest(
        _ layers: HDF5File.Object, _ file: HDF5File, prefix: String, depth: Int,
        _ found: inout [LayerWeights.Entry]
    ) throws {
        guard depth < 8 else { throw file.broken("its models nest too deep") }
        for (group, object) in try file.children(of: layers) {
            let inside = Dictionary(
                try file.children(of: object).map { ($0.name, $0.object) },
                uniquingKeysWith: { first, _ in first })
            var name = group
            if let vars = inside["vars"] {
                name = try file.strings("name", of: vars)?.first ?? group
                let all = try file.children(of: vars).sorted { (Int($0.name) ?? 0) < (Int($1.name) ?? 0) }
                let tensors = try all.map { try file.tensor($0.object) }
                if !tensors.isEmpty {
                    found.append(
                        LayerWeights.Entry(
                            name: prefix + name, tensors: Array(zip(names(of: tensors), tensors))))
                }
            }
            if let inner = inside["layers"] {
                try newest(inner, file, prefix: "\(prefix)\(name).", depth: depth + 1, &found)
            }
        }
    }

    /// What a layer's variables are, by their number and shapes.
    private static func names(of tensors: [Tensor]) -> [String] {
        let ranks = tensors.map(\.rank)
        if ranks == [1, 1, 1, 1] { return ["gamma", "beta", "moving_mean", "moving_variance"] }
        if ranks == [1, 1, 0] { return ["mean", "variance", "count"] }
        if ranks == [1, 1] { return ["gamma", "beta"] }
        let isSeparable =
            ranks.count >= 2 && ranks[0] == ranks[1] && ranks[0] > 2
            && tensors[1].shape.dropLast(2).allSatisfy { $0 == 1 }
        if isSeparable, ranks.count <= 3 {
            return Array(["depthwise_kernel", "pointwise_kernel", "bias"].prefix(ranks.count))
        }
        return tensors.indices.map { $0 < 2 ? ["kernel", "bias"][$0] : String($0) }
    }
}
