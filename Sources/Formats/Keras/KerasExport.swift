import CHDF5
import Glibc
import Network
import Support
import Tensor

/// Writes a network's weights as Keras reads them: `.h5` in the layout of Keras 2 (`load_weights` of
/// any Keras, in order or by_name), `.weights.h5` in that of Keras 3. Written by libhdf5; every bit is
/// kept. The Keras model needs layers of the same names and kinds, and no model inside it.
enum KerasExport {
    static func save(_ network: Network, to path: String) throws {
        _ = try network.builtInputShape()
        let isNew = path.lowercased().hasSuffix(".weights.h5")
        // Whole or not there: written beside the target, flushed, then renamed over it.
        let temporary = "\(path).tmp\(getpid())-\(UInt32.random(in: 0 ... .max))"
        defer { unlink(temporary) }
        var message = [CChar](repeating: 0, count: Int(VZ_HDF5_MESSAGE))
        guard
            let file = message.withUnsafeMutableBufferPointer({
                vz_hdf5_create(temporary, $0.baseAddress)
            })
        else {
            let why = String(
                decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw Failure(
                .io, "cannot write '\(path)': \(why)",
                hint: "choose a folder that exists and that you may write to")
        }
        var failure: (any Error)?
        do {
            try isNew ? writeNew(network, file, path) : writeOld(network, file, path)
        } catch { failure = error }
        let isClosed = vz_hdf5_close(file) == 0
        if let failure { throw failure }
        guard isClosed, flush(temporary), rename(temporary, path) == 0 else { throw unwritten(path) }
    }

    private static func unwritten(_ path: String) -> Failure {
        Failure(.io, "cannot write '\(path)'", hint: "make room on that disk, or choose another folder")
    }

    private static func flush(_ path: String) -> Bool {
        let handle = open(path, O_RDONLY | O_CLOEXEC)
        guard handle >= 0 else { return false }
        defer { close(handle) }
        return fsync(handle) == 0
    }

    /// Root: layer_names; a group a layer with weight_names; in it "layer/kernel:0".
    private static func writeOld(_ network: Network, _ file: OpaquePointer, _ path: String) throws {
        let layers = layers(network)
        let listed = layers.filter { kerasClass(of: $0.layer) != rescaling }
        try texts(file, "/", "layer_names", listed.map(\.name), path)
        guard vz_hdf5_text(file, "/", "backend", "tensorflow") == 0,
            vz_hdf5_text(file, "/", "keras_version", "2.15.0") == 0
        else { throw unwritten(path) }
        for (name, layer) in layers {
            guard vz_hdf5_group(file, "/\(name)") == 0 else { throw unwritten(path) }
            let weights = try weights(of: layer)
            try texts(file, "/\(name)", "weight_names", weights.map { "\(name)/\($0.name):0" }, path)
            for weight in weights {
                try write(weight.tensor, file, "/\(name)/\(name)/\(weight.name):0", path)
            }
        }
    }

    /// layers/CLASS/vars/0, 1, …, layers of one class numbered in their order, as Keras finds them; the
    /// layer's name is an attribute of vars.
    private static func writeNew(_ network: Network, _ file: OpaquePointer, _ path: String) throws {
        guard vz_hdf5_group(file, "/layers") == 0, vz_hdf5_group(file, "/vars") == 0 else {
            throw unwritten(path)
        }
        var counts: [String: Int] = [:]
        for (name, layer) in layers(network) {
            let kind = kerasClass(of: layer) ?? classes[layer.kind.kind] ?? layer.kind.kind
            let count = counts[kind, default: 0]
            counts[kind] = count + 1
            let vars = "/layers/\(kind)\(count > 0 ? "_\(count)" : "")/vars"
            guard vz_hdf5_group(file, vars) == 0, vz_hdf5_text(file, vars, "name", name) == 0 else {
                throw unwritten(path)
            }
            for (i, weight) in try weights(of: layer).enumerated() {
                try write(weight.tensor, file, "\(vars)/\(i)", path)
            }
        }
    }

    /// Classes of Keras as its files spell them, where a kind of layer is called otherwise.
    private static let classes = [
        "batchnorm": "batch_normalization", "layernorm": "layer_normalization",
        "maxpool1d": "max_pooling1d", "maxpool2d": "max_pooling2d", "avgpool1d": "average_pooling1d",
        "avgpool2d": "average_pooling2d", "global_maxpool1d": "global_max_pooling1d",
        "global_maxpool2d": "global_max_pooling2d", "global_avgpool1d": "global_average_pooling1d",
        "global_avgpool2d": "global_average_pooling2d", "relu": "re_lu", "leaky_relu": "leaky_re_lu",
        "prelu": "p_re_lu", "concat": "concatenate", "upsample1d": "up_sampling1d",
        "upsample2d": "up_sampling2d",
    ]

    /// A Rescaling's factors are no weights to Keras: they are kept where it does not look.
    private static let rescaling = "vzsh_rescaling"

    /// The class of Keras that a normalization was read from, where it is no BatchNormalization.
    private static func kerasClass(of layer: Layer) -> String? {
        guard let kind = layer.kind as? BatchNormalizationLayer else { return nil }
        return switch kind.epsilon {
        case KerasModel.normalization: "normalization"
        case KerasModel.rescaling: rescaling
        default: nil
        }
    }

    /// All layers, each once, with names that are no paths.
    private static func layers(_ network: Network) -> [(name: String, layer: Layer)] {
        var seen: Set<ObjectIdentifier> = []
        return network.nodes.filter { seen.insert(ObjectIdentifier($0.layer)).inserted }.map {
            ($0.name.replacing("/", with: "_"), $0.layer)
        }
    }

    /// A layer's weights under Keras' names, in its order and shapes.
    private static func weights(of layer: Layer) throws -> [(name: String, tensor: Tensor)] {
        let isDepthwise = layer.kind.kind.hasPrefix("depthwise")
        let standsFor = kerasClass(of: layer)
        return try layer.parameters.flatMap { parameter -> [(name: String, tensor: Tensor)] in
            let value = parameter.variable.value
            switch parameter.name {
            case "moving_moments" where standsFor == "normalization":
                return [
                    ("mean", try value[[.position(0)]].dense()),
                    ("variance", try value[[.position(1)]].dense()),
                    ("count", try Tensor(repeating: 0, shape: [])),
                ]
            case "moving_moments":
                return [
                    ("moving_mean", try value[[.position(0)]].dense()),
                    ("moving_variance", try value[[.position(1)]].dense()),
                ]
            case "depthwise_kernel",
                "kernel" where isDepthwise:
                // [window…, 1, channels · multiplier] as [window…, channels, multiplier].
                let multiplier = multiplier(layer.kind)
                let channels = (value.shape.last ?? 1) / max(multiplier, 1)
                let shape = value.shape.dropLast(2) + [channels, multiplier]
                return [("depthwise_kernel", try value.dense().reshaped(Array(shape)))]
            default: return [(parameter.name, value)]
            }
        }
    }

    private static func multiplier(_ kind: any LayerKind) -> Int {
        switch kind {
        case let kind as DepthwiseConvolutionLayer: kind.depthMultiplier
        case let kind as SeparableConvolutionLayer: kind.depthMultiplier
        default: 1
        }
    }

    private static func write(
        _ tensor: Tensor, _ file: OpaquePointer, _ place: String, _ path: String
    ) throws {
        let shape = tensor.shape.map(UInt64.init)
        let code = try tensor.converted(to: .float32).withBytes { bytes in
            vz_hdf5_floats(
                file, place, bytes.bindMemory(to: Float.self).baseAddress, shape, Int32(shape.count))
        }
        guard code == 0 else { throw unwritten(path) }
    }

    private static func texts(
        _ file: OpaquePointer, _ group: String, _ name: String, _ texts: [String], _ path: String
    ) throws {
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        let code = copies.map { UnsafePointer($0) }.withUnsafeBufferPointer {
            vz_hdf5_texts(file, group, name, $0.baseAddress, texts.count)
        }
        guard code == 0 else { throw unwritten(path) }
    }
}
