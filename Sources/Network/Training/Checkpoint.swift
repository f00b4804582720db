import Graph
import Support
import Tensor

/// Where a training stands: with the weights and the optimizer's slots, all that the rest follows from.
struct TrainingState {
    var seed: UInt64
    /// Whole epochs done.
    var epoch = 0
    /// Batches done of the epoch that runs.
    var batchInEpoch = 0
    /// Steps in all.
    var step = 0
    /// Of the epoch that runs: Σ loss and metrics over its samples, how many samples, seconds.
    var sums: [Double] = []
    var seen = 0
    var seconds = 0.0
    var history = History()
    var plateauFactor = 1.0
    var plateau = Watch()
    var stopping = Watch()
    /// True once early stopping has ended it.
    var isStopped = false
}

/// Writes and reads checkpoints: weights, optimizer, schedule, random state, history and the data's
/// fingerprint in one file, which is whole or not there.
struct Checkpoint {
    static let format = 1

    /// What must agree between the training that wrote it and the one that goes on.
    struct Identity: Equatable {
        var optimizer: String
        var loss: String
        var batch: Int
        var data: String
    }

    static func write(
        _ state: TrainingState, identity: Identity, network: Network, slots: [OptimizerSlots],
        averages: [Variable], best: [Tensor]?, to path: String
    ) throws {
        var tensors: [(name: String, tensor: Tensor)] = []
        for (i, (name, parameter)) in network.namedParameters.enumerated() {
            tensors.append(("weights/\(name)", parameter.variable.value))
            if let best { tensors.append(("best/\(name)", best[i])) }
            if averages.indices.contains(i) { tensors.append(("averages/\(name)", averages[i].value)) }
        }
        for (i, own) in slots.enumerated() {
            for slot in own.slots { tensors.append(("slots/\(i)/\(slot.name)", slot.variable.value)) }
        }
        let json: JSON = [
            "format": .integer(format), "seed": .string(String(state.seed)), "epoch": .integer(state.epoch),
            "batch_in_epoch": .integer(state.batchInEpoch), "step": .integer(state.step),
            "sums": .numbers(state.sums), "seen": .integer(state.seen), "seconds": .number(state.seconds),
            "plateau_factor": .number(state.plateauFactor), "plateau": state.plateau.json,
            "stopping": state.stopping.json, "stopped": .bool(state.isStopped), "history": state.history.json,
            "optimizer": .string(identity.optimizer), "loss": .string(identity.loss),
            "batch": .integer(identity.batch), "data": .string(identity.data),
        ]
        var metadata = [("vzsh.checkpoint", json.description)]
        // With it, load("run.vzck") gives the network as it stands; functions of the user's go without.
        if let architecture = try? network.architecture() {
            metadata.append(("vzsh.network", architecture.description))
        }
        try TensorFile.write(tensors, metadata: metadata, to: path)
    }

    /// Put everything back; the network's weights and the slots are written only once all was read.
    static func read(
        _ path: String, identity: Identity, network: Network, slots: [OptimizerSlots],
        averages: [Variable]
    ) throws -> (state: TrainingState, best: [Tensor]?) {
        let file = try TensorFile(path: path)
        guard let text = file.metadata["vzsh.checkpoint"] else {
            throw Failure(
                .file, "'\(path)' is no checkpoint",
                hint: "resume takes what fit(…, checkpoint = \"run.vzck\") has written")
        }
        let json = try JSON(parsing: text)
        if let other = json["training"]?.string {
            throw Failure(
                .value, "'\(path)' is a checkpoint of \(other), not of fit",
                hint: "go on with \(other)(…, resume = …)")
        }
        guard let found = json["format"]?.int, found == format else {
            throw Failure(
                .file, "the checkpoint '\(path)' has another format",
                hint: "it comes from a newer vzsh: update")
        }
        try compare(json, identity, path)
        let state = try state(json, path)
        func tensor(_ name: String, _ variable: Variable) throws -> Tensor {
            guard let tensor = try file.tensor(name), ValueType(tensor.shape, tensor.type) == variable.type
            else {
                throw Failure(
                    .file,
                    "the checkpoint '\(path)' belongs to another network: \(variable.name) does not fit",
                    hint: "resume with the network that the checkpoint was written with")
            }
            return tensor
        }
        let named = network.namedParameters
        let weights = try named.map { try tensor("weights/\($0.name)", $0.parameter.variable) }
        let hasBest = named.first.map { file.entry("best/\($0.name)") != nil } ?? false
        let best = hasBest ? try named.map { try tensor("best/\($0.name)", $0.parameter.variable) } : nil
        let slotValues = try slots.enumerated().map { i, own in
            try own.slots.map { try tensor("slots/\(i)/\($0.name)", $0.variable) }
        }
        if let first = named.first, !averages.isEmpty, file.entry("averages/\(first.name)") == nil {
            throw Failure(
                .value, "resume: '\(path)' was written without an average of the weights",
                hint: "go on without average, or start anew with the weights: load(\"\(path)\")")
        }
        let averageValues =
            try averages.isEmpty ? [] : named.map { try tensor("averages/\($0.name)", $0.parameter.variable) }
        for (value, average) in zip(averageValues, averages) { try average.assign(value) }
        for (value, parameter) in zip(weights, named) { try parameter.parameter.variable.assign(value) }
        for (values, own) in zip(slotValues, slots) {
            for (value, slot) in zip(values, own.slots) { try slot.variable.assign(value) }
        }
        return (state, best)
    }

    private static func compare(_ json: JSON, _ identity: Identity, _ path: String) throws {
        func differ(_ what: String, _ then: String, _ now: String) -> Failure {
            Failure(
                .value, "resume: '\(path)' was written with \(what) \(then), not \(now)",
                hint: "go on with the same \(what), or start anew with the weights: load(\"\(path)\")")
        }
        if let batch = json["batch"]?.int, batch != identity.batch {
            throw differ("batch", "\(batch)", "\(identity.batch)")
        }
        if let optimizer = json["optimizer"]?.string, optimizer != identity.optimizer {
            throw differ("optimizer", optimizer, identity.optimizer)
        }
        if let loss = json["loss"]?.string, loss != identity.loss {
            throw differ("loss", loss, identity.loss)
        }
        if let data = json["data"]?.string, data != identity.data {
            throw Failure(
                .value, "resume: '\(path)' was written with other data",
                hint: "give the same data, in the same split and with the same augmentation")
        }
    }

    private static func state(_ json: JSON, _ path: String) throws -> TrainingState {
        guard let seed = json["seed"]?.string.flatMap({ UInt64($0) }), let epoch = json["epoch"]?.int,
            epoch >= 0,
            let batch = json["batch_in_epoch"]?.int, batch >= 0, let step = json["step"]?.int, step >= 0,
            let sums = json["sums"]?.doubles, let seen = json["seen"]?.int,
            let seconds = json["seconds"]?.double,
            let plateauFactor = json["plateau_factor"]?.double, let history = json["history"]
        else {
            throw Failure(
                .file, "the checkpoint '\(path)' is broken", hint: "start anew, or use an older one")
        }
        var state = TrainingState(seed: seed)
        state.epoch = epoch
        state.batchInEpoch = batch
        state.step = step
        state.sums = sums
        state.seen = seen
        state.seconds = seconds
        state.plateauFactor = plateauFactor
        state.plateau = Watch(json: json["plateau"])
        state.stopping = Watch(json: json["stopping"])
        state.isStopped = json["stopped"]?.bool ?? false
        state.history = try History(json: history)
        return state
    }
}

extension Network {
    /// The values of all parameters as they are now, in the order of `parameters`. A plan that writes
    /// a variable whose value somebody holds takes new memory for it, so nothing is copied here.
    func snapshot() -> [Tensor] { parameters.map(\.variable.value) }

    /// Put a snapshot back.
    func restore(_ snapshot: [Tensor]) throws {
        for (parameter, value) in zip(parameters, snapshot) { try parameter.variable.assign(value) }
    }

    /// The first parameter that holds NaN or an infinity.
    func firstBrokenParameter() throws -> String? {
        for (name, parameter) in namedParameters {
            let isWhole = try parameter.variable.value.withBytes { bytes in
                // x − x is 0 for every number but NaN and the infinities, and sums keep NaN.
                bytes.bindMemory(to: Float.self).reduce(Float(0)) { $0 + ($1 - $1) } == 0
            }
            if !isWhole { return name }
        }
        return nil
    }
}
