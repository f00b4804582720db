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
            return LayerWeights(
                layers: try names.map { name in
                    guard let group = layers[name] else {
                        throw file.broken("the weights of '\(name)' are missing")
                    }
                    return try layer(name, group, file)
                })
        }
        if let layers = try file.find("layers", in: top) { return try newest(layers, file) }
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

    private static func layer(
        _ name: String, _ group: HDF5File.Object, _ file: HDF5File
    ) throws -> LayerWeights.Entry {
        let names = try list("weight_names", in: file, of: group) ?? []
        return LayerWeights.Entry(
            name: name,
            tensors: try names.map { weight in
                guard let object = try file.find(weight, in: group) else {
                    throw file.broken("'\(weight)' of '\(name)' is missing")
                }
                return (plain(weight, layer: name), try file.tensor(object))
            })
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

    /// Keras 3: layers/NAME/vars/0, 1, … in the order in which a layer makes them.
    private static func newest(_ layers: HDF5File.Object, _ file: HDF5File) throws -> LayerWeights {
        LayerWeights(
            layers: try file.children(of: layers).compactMap { name, group in
                guard let vars = try file.find("vars", in: group) else { return nil }
                let all = try file.children(of: vars).sorted { (Int($0.name) ?? 0) < (Int($1.name) ?? 0) }
                let names =
                    name.hasPrefix("batch_normalization") && all.count == 4
                    ? ["gamma", "beta", "moving_mean", "moving_variance"] : ["kernel", "bias"]
                let tensors = try all.enumerated().map { i, child in
                    (i < names.count ? names[i] : child.name, try file.tensor(child.object))
                }
                return LayerWeights.Entry(name: name, tensors: tensors)
            })
    }

    // MARK: - Networks

    /// A network whose layers a file of weights names, built with them.
    /// - Parameter input: the input's shape for VGG without its dense layers.
    static func network(_ file: HDF5File, input: [Int]? = nil) throws -> LoadedNetwork {
        let weights = try self.weights(file)
        let names = Set(weights.layers.map(\.name))
        guard names.contains("block1_conv1"), names.contains("block5_conv3") else {
            throw Failure(
                .file,
                "'\(file.path)' holds weights of Keras, but not for a network that vzsh knows by its layers",
                hint:
                    "build the network they belong to and give it the weights: load_weights(net, \"\(file.path)\")"
            )
        }
        let depth = names.contains("block5_conv4") ? 19 : 16
        let top = weights.layers.first { $0.name == "predictions" }?.tensors.first?.tensor.shape.last
        let byName = Dictionary(weights.layers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let network = try VGG.network(depth: depth, classes: top, input: input ?? [224, 224, 3]) { name in
            let parts = name.split(separator: ".")
            guard parts.count == 2, let layer = byName[String(parts[0])],
                let value = try LayerWeights.value(String(parts[1]), in: layer)
            else { throw Failure(.file, "'\(file.path)' lacks \(name)") }
            return value
        }
        return LoadedNetwork(network)
    }
}
