import Network
import Support
import Tensor

/// vzsh's own format for networks: safetensors, with the architecture as JSON in the metadata under
/// "vzsh", so that other programs read the weights and vzsh rebuilds the network. Every bit is kept.
public enum NetworkFile {
    private static let key = "vzsh"

    /// Write architecture and weights, whole or not at all. Throws where a layer is a function of the
    /// user's own, where the network was not built, and where the file cannot be written.
    public static func save(_ network: Network, to path: String) throws {
        _ = try network.builtInputShape()
        let metadata = [("format", "vzsh"), (key, try network.architecture().description)]
        try TensorFile.write(
            network.namedParameters.map { ($0.name, $0.parameter.variable.value) }, metadata: metadata,
            to: path)
    }

    /// True where a file tells a network, as vzsh writes it.
    static func holdsNetwork(_ file: TensorFile) -> Bool {
        file.metadata[key] != nil || file.metadata["vzsh.checkpoint"] != nil
    }

    /// Rebuild a network from its file, or from a checkpoint as the training would leave it: averaged
    /// weights where it keeps averages.
    /// Throws a file failure that names what is wrong.
    public static func load(_ path: String) throws -> Network {
        let file = try TensorFile(path: path)
        // Checkpoints hold more than the weights, so these have a prefix.
        let isCheckpoint = file.metadata["vzsh.checkpoint"] != nil
        guard let text = file.metadata[isCheckpoint ? "vzsh.network" : key] else {
            throw Failure(
                .file, "'\(path)' holds weights but no network",
                hint: "define the network, then load the weights into it")
        }
        do {
            return try Network(architecture: JSON(parsing: text)) { name in
                // Never drawn anew: a file decides by its data, not by its claims, what memory is taken.
                let averaged = isCheckpoint ? try file.tensor("averages/" + name) : nil
                guard let tensor = try averaged ?? file.tensor((isCheckpoint ? "weights/" : "") + name) else {
                    throw Failure(.file, "the weights \(name) are missing")
                }
                return tensor
            }
        } catch let failure as Failure where !failure.message.contains(path) {
            throw Failure(.file, "'\(path)': \(failure.message)", hint: failure.hint)
        }
    }
}
