import Network
import Support
import Tensor

/// vzsh's own format for networks: safetensors, with the architecture as JSON in the metadata under
/// "vzsh", so that other programs read the weights and vzsh rebuilds the network.
public enum NetworkFile {
    private static let key = "vzsh"

    /// Write architecture and weights. Throws where a layer is a function of the user's own, and where
    /// the file cannot be written.
    public static func save(_ network: Network, to path: String) throws {
        _ = try network.builtInputShape()
        let metadata = [("format", "vzsh"), (key, try network.architecture().description)]
        try TensorFile.write(
            network.namedParameters.map { ($0.name, $0.parameter.variable.value) }, metadata: metadata,
            to: path)
    }

    /// Rebuild a network from its file. Throws a file failure that names what is wrong.
    public static func load(_ path: String) throws -> Network {
        let file = try TensorFile(path: path)
        guard let text = file.metadata[key] else {
            throw Failure(
                .file, "'\(path)' holds weights but no network",
                hint: "it was not written by vzsh: define the network, then load the weights into it")
        }
        var used: Set<String> = []
        let network: Network
        do {
            network = try Network(architecture: try JSON(parsing: text)) { name in
                used.insert(name)
                guard let tensor = try file.tensor(name) else {
                    throw Failure(.file, "the weights \(name) are missing")
                }
                return tensor
            }
        } catch let failure as Failure {
            throw Failure(.file, "'\(path)': \(failure.message)", hint: failure.hint)
        }
        return network
    }
}
