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

/// Opens networks by what a file holds, or by the name of one that vzsh knows.
public enum ModelFile {
    /// Folder of networks that were fetched: `$XDG_CACHE_HOME/vzsh/models`.
    public static var cacheFolder: String { Folders.cache + "/models" }

    /// Published files of networks, by the name that `load` takes, best first.
    static let published: [String: [String]] = [
        "vgg16": [
            "vgg16_weights_tf_dim_ordering_tf_kernels.h5",
            "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        ],
        "vgg19": [
            "vgg19_weights_tf_dim_ordering_tf_kernels.h5",
            "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        ],
    ]

    /// Networks that may come with vzsh.
    static let shipped = ["words13", "words16", "words16_generator"]

    /// A network from a file, or one known by name: a shipped one ("words16") or a published one that
    /// was fetched ("vgg16").
    /// - Parameter input: the input's shape, for networks that take pictures of any size.
    /// Throws a file failure that says what is wrong and where a known file would have to lie.
    public static func load(_ pathOrName: String, input: [Int]? = nil) throws -> LoadedNetwork {
        let path = Folders.expand(pathOrName)
        if !path.contains("/"), access(path, F_OK) != 0 { return try known(path, input: input) }
        return try read(path, input: input)
    }

    /// Write a network; the ending chooses the format: .safetensors (vzsh's own) or .npz (weights alone).
    public static func save(_ network: Network, to path: String) throws {
        let path = Folders.expand(path)
        let ending = path.split(separator: "/").last?.split(separator: ".").dropFirst().last.map {
            $0.lowercased()
        }
        switch ending {
        case "safetensors": try NetworkFile.save(network, to: path)
        case "npz":
            try NumPyFile.write(
                network.namedParameters.map { ($0.name, $0.parameter.variable.value) }, toArchive: path)
        default:
            throw Failure(
                .file,
                ending.map { "'.\($0)' is no format that networks can be written in" }
                    ?? "a network's file needs an ending",
                hint: "use .safetensors, which keeps the network whole, or .npz for its weights alone")
        }
    }

    /// Give a network the weights of a file of any kind; returns what did not match.
    public static func loadWeights(into network: Network, from pathGiven: String) throws -> [String] {
        let path = Folders.expand(pathGiven)
        _ = try network.builtInputShape()
        return try weights(path).apply(to: network, from: path)
    }

    // MARK: - Files

    private static func read(_ path: String, input: [Int]?) throws -> LoadedNetwork {
        let head = try beginning(path)
        if HDF5File.isOne(head) { return try KerasFile.network(HDF5File(path), input: input) }
        if ONNXModel.isOne(head) { return try ONNXNetwork.load(path, input: input) }
        if TensorFile.isOne(head) { return LoadedNetwork(try NetworkFile.load(path)) }
        throw unknown(path)
    }

    static func weights(_ path: String) throws -> LayerWeights {
        let head = try beginning(path)
        if HDF5File.isOne(head) { return try KerasFile.weights(path) }
        if TensorFile.isOne(head) {
            let file = try TensorFile(path: path)
            return try grouped(file.entries.map(\.name)) { try file.tensor($0) }
        }
        if ZipArchive.isOne(head) {
            let arrays = try NumPyFile.readArchive(path)
            let byName = Dictionary(
                arrays.map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first })
            return try grouped(arrays.map(\.name)) { byName[$0] }
        }
        throw unknown(path)
    }

    /// "conv1d_1.kernel" as the kernel of conv1d_1.
    private static func grouped(_ names: [String], _ tensor: (String) throws -> Tensor?) throws
        -> LayerWeights
    {
        var layers: [LayerWeights.Entry] = []
        var known: [String: Int] = [:]
        for name in names {
            let cut = name.lastIndex(of: ".") ?? name.startIndex
            let layer = String(name[..<cut])
            let own = String(name[cut...].drop { $0 == "." })
            guard let value = try tensor(name) else { continue }
            if let at = known[layer] {
                layers[at].tensors.append((own, value))
            } else {
                known[layer] = layers.count
                layers.append(LayerWeights.Entry(name: layer, tensors: [(own, value)]))
            }
        }
        return LayerWeights(layers: layers)
    }

    private static func beginning(_ path: String) throws -> [UInt8] {
        let file = try RandomAccessFile(path)
        return try file.bytes(at: 0, min(64, file.size))
    }

    private static func unknown(_ path: String) -> Failure {
        Failure(
            .file, "'\(path)' is no file of a network that vzsh can read",
            hint: "read are vzsh's own .safetensors, Keras' .h5, .onnx, and .npz for weights")
    }

    // MARK: - Names

    private static func known(_ name: String, input: [Int]?) throws -> LoadedNetwork {
        if shipped.contains(name) {
            return LoadedNetwork(try NetworkFile.load(Folders.resource(name + ".safetensors")))
        }
        guard let files = published[name] else {
            let names = shipped + published.keys.sorted()
            throw Failure(
                .file, "there is no file '\(name)', nor a network known by that name",
                hint: Spelling.nearest(name, among: names).map { "did you mean '\($0)'?" }
                    ?? "known by name are \(names.joined(separator: ", "))")
        }
        for file in files where access("\(cacheFolder)/\(file)", R_OK) == 0 {
            return try read("\(cacheFolder)/\(file)", input: input)
        }
        throw Failure(
            .file, "the weights of \(name) are not on this machine",
            hint:
                "fetch(\"\(name)\") downloads them; or put \(files.joined(separator: " or ")) into \(cacheFolder)"
        )
    }
}
