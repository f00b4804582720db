import Glibc
import Network
import Support
import Tensor

/// A network as read from a file, and what the person should know about it.
public struct LoadedNetwork {
    public let network: Network
    /// What did not match, was converted, or looks odd.
    public let notes: [String]

    public init(_ network: Network, notes: [String] = []) {
        self.network = network
        self.notes = notes
    }
}

/// What a file held.
public enum LoadedFile {
    case network(LoadedNetwork)
    /// Weights whose network the file does not tell, or arrays.
    case tensors([(name: String, tensor: Tensor)])
}

/// Opens networks by what a file holds, or by the name of one that vzsh knows.
public enum ModelFile {
    /// Folder of networks that were fetched: `$XDG_CACHE_HOME/vzsh/models`.
    public static var cacheFolder: String { Folders.cache + "/models" }

    /// Networks that may come with vzsh.
    static let shipped = ["words13", "words16", "words16_generator"]

    /// A network from a file, or one known by name: a shipped one ("words16") or a published one that
    /// was fetched ("vgg16").
    /// - Parameter input: the input's shape, for networks that take pictures of any size.
    /// Throws a file failure that says what is wrong and where a known file would have to lie.
    public static func load(_ pathOrName: String, input: [Int]? = nil) throws -> LoadedNetwork {
        switch try open(pathOrName, input: input) {
        case .network(let loaded): return loaded
        case .tensors:
            throw Failure(
                .file, "'\(pathOrName)' holds weights but no network",
                hint:
                    "build the network they belong to and give it the weights: load_weights(net, \"\(pathOrName)\")"
            )
        }
    }

    /// The same; where a file holds nothing but tensors, those by name.
    public static func open(_ pathOrName: String, input: [Int]? = nil) throws -> LoadedFile {
        let path = Folders.expand(pathOrName)
        if !path.contains("/"), access(path, F_OK) != 0 {
            return .network(try known(path, input: input))
        }
        return try read(path, input: input)
    }

    /// Write a network; the ending chooses the format: .safetensors (vzsh's own), .onnx, .h5 (weights as
    /// Keras reads them) or .npz (weights alone).
    public static func save(_ network: Network, to path: String) throws {
        let path = Folders.expand(path)
        let ending = path.split(separator: "/").last?.split(separator: ".").dropFirst().last.map {
            $0.lowercased()
        }
        switch ending {
        case "safetensors": try NetworkFile.save(network, to: path)
        case "onnx": try ONNXExport.save(network, to: path)
        case "h5", "hdf5": try KerasExport.save(network, to: path)
        case "npz":
            try NumPyFile.write(
                network.namedParameters.map { ($0.name, $0.parameter.variable.value) }, toArchive: path)
        default:
            throw Failure(
                .file,
                ending.map { "'.\($0)' is no format that networks can be written in" }
                    ?? "a network's file needs an ending",
                hint:
                    "use .safetensors or .onnx, which keep the network whole, .h5 (for Keras) or .npz for its weights alone"
            )
        }
    }

    /// Give a network the weights of a file of any kind.
    /// - Parameter isPartial: leave out what does not fit, as another number of classes.
    public static func loadWeights(
        into network: Network, from pathGiven: String, isPartial: Bool = false
    ) throws -> LayerWeights.Report {
        let path = Folders.expand(pathGiven)
        _ = try network.builtInputShape()
        let weights = try weights(path)
        let definition = Definition.named(network.name)
        let report = try weights.apply(
            to: network, from: path, aliases: definition?.aliases() ?? [:], isPartial: isPartial,
            isFlattenedChannelsFirst: definition?.isFlattenedChannelsFirst ?? true)
        if weights.layout == .channelsFirst, let definition {
            network.preprocessing = definition.torchPreprocessing
        }
        return report
    }

    // MARK: - Files

    private static func read(_ path: String, input: [Int]?) throws -> LoadedFile {
        let file = try RandomAccessFile(path)
        let head = try file.bytes(at: 0, min(64, file.size))
        if HDF5File.isOne(head) {
            let file = try HDF5File(file)
            let weights = try KerasFile.weights(file)
            if let configuration = try KerasFile.configuration(file) {
                return .network(try KerasModel.load(Array(configuration.utf8), weights, path, input: input))
            }
            return try recognized(weights, [], path, input: input)
        }
        if ZipArchive.isOne(head) {
            let archive = try ZipArchive(file)
            if archive.entries.contains(where: { $0.name == "config.json" }) {
                return .network(try KerasModel.load(archive, input: input))
            }
            if TorchFile.isOne(archive) {
                let tensors = try TorchFile(file, head).tensors
                return try recognized(
                    LayerWeights(tensors, layout: .channelsFirst), tensors, path, input: input)
            }
            return .tensors(try NumPyFile.readArchive(archive))
        }
        if TorchFile.isLegacy(head) {
            let tensors = try TorchFile(file, head).tensors
            return try recognized(
                LayerWeights(tensors, layout: .channelsFirst), tensors, path, input: input)
        }
        if NumPyFile.isOne(head) { return .tensors([("tensor", try NumPyFile.read(path))]) }
        if TensorFile.isOne(head) {
            let file = try TensorFile(path: path)
            if NetworkFile.holdsNetwork(file) {
                return .network(LoadedNetwork(try NetworkFile.load(path)))
            }
            let tensors = try self.tensors(of: file)
            // Other programs write PyTorch's layout.
            return try recognized(
                LayerWeights(tensors, layout: .channelsFirst), tensors, path, input: input)
        }
        if ONNXModel.isOne(head) { return .network(try ONNXNetwork.load(path, input: input)) }
        throw unknown(path)
    }

    private static func tensors(of file: TensorFile) throws -> [(name: String, tensor: Tensor)] {
        try file.entries.compactMap { entry in try file.tensor(entry.name).map { (entry.name, $0) } }
    }

    static func weights(_ path: String) throws -> LayerWeights {
        let file = try RandomAccessFile(path)
        let head = try file.bytes(at: 0, min(64, file.size))
        if HDF5File.isOne(head) { return try KerasFile.weights(HDF5File(file)) }
        if ZipArchive.isOne(head) {
            let archive = try ZipArchive(file)
            if let data = archive.entries.first(where: { $0.name == "model.weights.h5" }) {
                return try KerasFile.weights(HDF5File(RandomAccessFile(archive.bytes(data), name: path)))
            }
            if TorchFile.isOne(archive) {
                return LayerWeights(try TorchFile(file, head).tensors, layout: .channelsFirst)
            }
            return LayerWeights(try NumPyFile.readArchive(archive))
        }
        if TorchFile.isLegacy(head) {
            return LayerWeights(try TorchFile(file, head).tensors, layout: .channelsFirst)
        }
        if TensorFile.isOne(head) {
            let file = try TensorFile(path: path)
            return LayerWeights(
                try tensors(of: file),
                layout: NetworkFile.holdsNetwork(file) ? .channelsLast : .channelsFirst
            )
        }
        throw unknown(path)
    }

    /// Weights without a structure as the published network whose layers they name, if it is one.
    private static func recognized(
        _ weights: LayerWeights, _ tensors: [(name: String, tensor: Tensor)], _ path: String,
        input: [Int]?
    ) throws -> LoadedFile {
        if let network = try Definition.recognize(weights, path, input: input) {
            return .network(network)
        }
        let all =
            tensors.isEmpty
            ? weights.layers.flatMap { layer in
                layer.tensors.map { ("\(layer.name).\($0.name)", $0.tensor) }
            } : tensors
        return .tensors(all)
    }

    private static func unknown(_ path: String) -> Failure {
        Failure(
            .file, "'\(path)' is no file of a network that vzsh can read",
            hint:
                "read are .safetensors, Keras' .h5 and .keras, .onnx, PyTorch's .pt and .pth, .npy and .npz"
        )
    }

    // MARK: - Names

    private static func known(_ name: String, input: [Int]?) throws -> LoadedNetwork {
        if shipped.contains(name) {
            return LoadedNetwork(try NetworkFile.load(Folders.resource(name + ".safetensors")))
        }
        let files = Published.files(of: name)
        guard !files.isEmpty else {
            let names = shipped + Published.networks
            throw Failure(
                .file, "there is no file '\(name)', nor a network known by that name",
                hint: Spelling.nearest(name, among: names).map { "did you mean '\($0)'?" }
                    ?? "known by name are \(names.joined(separator: ", "))")
        }
        for file in files where access("\(cacheFolder)/\(file.name)", R_OK) == 0 {
            guard case .network(let loaded) = try read("\(cacheFolder)/\(file.name)", input: input) else {
                continue
            }
            return loaded
        }
        throw Failure(
            .file, "the weights of \(name) are not on this machine",
            hint:
                "fetch(\"\(name)\") downloads them; or put \(files.map(\.name).joined(separator: " or ")) into \(cacheFolder)"
        )
    }
}
