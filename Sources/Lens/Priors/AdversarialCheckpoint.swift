import Graph
import Network
import Support
import Tensor

/// Where an adversarial training stands, in one file: both networks, their optimizers, the averages of
/// the generator, the discriminator's singular vectors and the losses so far. With the step, from which
/// everything random follows, a training that goes on does the same steps as one that never stopped.
///
/// As in checkpoints of `fit`, the generator lies under "weights/" and "averages/", so that
/// `load("gan.vzck")` gives it.
struct AdversarialCheckpoint {
    private static let format = 1

    /// What must agree between the training that wrote it and the one that goes on.
    struct Identity {
        let loss: String
        let batch: Int
        let discriminatorSteps: Int
        let optimizers: String
        let data: String

        fileprivate var named: [(name: String, value: String)] {
            [
                ("loss", loss), ("batch", "\(batch)"), ("discriminator_steps", "\(discriminatorSteps)"),
                ("optimizers", optimizers), ("data", data),
            ]
        }
    }

    /// Everything that changes in a training, by the name it has in the file.
    let variables: [(name: String, variable: Variable)]
    let identity: Identity

    init(
        _ generator: Network, _ discriminator: Network, slots: [(side: String, slots: [OptimizerSlots])],
        averages: [(weight: Variable, average: Variable)],
        singular: [(weight: Variable, vector: Variable)], identity: Identity
    ) {
        var all: [(name: String, variable: Variable)] = []
        for (name, parameter) in generator.namedParameters {
            all.append(("weights/\(name)", parameter.variable))
            if let own = averages.first(where: { $0.weight === parameter.variable }) {
                all.append(("averages/\(name)", own.average))
            }
        }
        for (name, parameter) in discriminator.namedParameters {
            all.append(("discriminator/\(name)", parameter.variable))
        }
        for (side, list) in slots {
            for (i, own) in list.enumerated() {
                all += own.slots.map { ("slots/\(side)/\(i)/\($0.name)", $0.variable) }
            }
        }
        for (i, own) in singular.enumerated() { all.append(("singular/\(i)", own.vector)) }
        variables = all
        self.identity = identity
    }

    /// Write the state after the last step of `history`, whole or not at all.
    func write(_ history: AdversarialHistory, seed: UInt64, generator: Network, to path: String) throws {
        var json: JSON = [
            "training": "fit_gan", "format": .integer(Self.format), "seed": .string(String(seed)),
            "generator": .numbers(history.generator), "discriminator": .numbers(history.discriminator),
            "seconds": .number(history.seconds),
        ]
        for (name, value) in identity.named { json[name] = .string(value) }
        var metadata = [("vzsh.checkpoint", json.description)]
        if let architecture = try? generator.architecture() {
            metadata.append(("vzsh.network", architecture.description))
        }
        try TensorFile.write(variables.map { ($0.name, $0.variable.value) }, metadata: metadata, to: path)
    }

    /// Put everything back; nothing is written before all was read.
    func read(_ path: String) throws -> (history: AdversarialHistory, seed: UInt64) {
        let file = try TensorFile(path: path)
        let json = try file.metadata["vzsh.checkpoint"].map { try JSON(parsing: $0) }
        guard let json, json["training"]?.string == "fit_gan" else {
            throw Failure(
                .file, "'\(path)' is no checkpoint of fit_gan",
                hint: "resume takes what fit_gan(…, checkpoint = \"gan.vzck\") has written")
        }
        guard json["format"]?.int == Self.format else {
            throw Failure(
                .file, "the checkpoint '\(path)' has another format",
                hint: "it comes from a newer vzsh: update")
        }
        for (name, now) in identity.named {
            guard let then = json[name]?.string, then != now else { continue }
            throw Failure(
                .value, "resume: '\(path)' was written with \(name) \(then), not \(now)",
                hint: "go on with the same \(name)")
        }
        var history = AdversarialHistory()
        guard let seed = json["seed"]?.string.flatMap({ UInt64($0) }),
            let made = json["generator"]?.doubles, let judged = json["discriminator"]?.doubles,
            made.count == judged.count, let seconds = json["seconds"]?.double
        else {
            throw Failure(
                .file, "the checkpoint '\(path)' is broken", hint: "start anew, or use an older one")
        }
        history.generator = made
        history.discriminator = judged
        history.seconds = seconds
        let values = try variables.map { name, variable in
            guard let tensor = try file.tensor(name), ValueType(tensor.shape, tensor.type) == variable.type
            else {
                throw Failure(
                    .file, "the checkpoint '\(path)' belongs to other networks: \(name) does not fit",
                    hint: "resume with the networks that the checkpoint was written with")
            }
            return tensor
        }
        for (value, (_, variable)) in zip(values, variables) { try variable.assign(value) }
        return (history, seed)
    }
}
