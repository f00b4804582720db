import Language
import Lens
import Network
import Plot
import Support
import Tensor

/// What a network has learned.
public enum LensBuiltins {
    public static func table(_ chance: Chance) -> [Builtin] { [maximize(chance)] }

    private static func maximize(_ chance: Chance) -> Builtin {
        Builtin(
            "maximize", topic: "lens",
            [
                .required("layer", "a layer of a network: net.conv1d_3, linear(net).softmax"),
                .required("filter", "a filter's index, a class' name, or a range or list of them"),
                .required("eta", "step size: low ones show texture, high ones shape"),
                .optional("steps", "200", "how many steps to climb"),
                .optional(
                    "start", "nil",
                    "where to begin: a tensor, a waveform, an example, \"zeros\"; by default seeded noise"),
                .optional("seed", "nil", "of the noise; by default the session's"),
                .optional(
                    "at", "nil",
                    "one place of the filter's map instead of its mean: a number, or [row, column]"),
                .optional("norm", "\"rms\"", "what the gradient is divided by: \"rms\", \"l2\" or \"none\""),
                .optional("jitter", "0", "the input moves by up to so many places, at random, at each step"),
                .optional("l1", "0", "weight of Σ|x|"), .optional("l2", "0", "weight of Σx²"),
                .optional("lp", "0", "weight of Σ|x|^p"), .optional("p", "6", "the exponent of lp"),
                .optional("tv", "0", "weight of the total variation Σ|x[i+1] − x[i]|"),
                .optional("bounds", "nil", "[low, high] between which values stay"),
                .optional(
                    "frames", "nil",
                    "how many inputs on the way are kept for save(m, \"x.gif\"); by default some"),
                .optional("watch", "false", "true shows a figure that follows the climb"),
            ],
            summary: "Activation maximization: an input that a filter or a class answers to most.",
            doc: """
                x ← x + eta · g / (rms(g) + 1e-8), g the gradient of the filter's mean activation with respect to \
                the input (Erhan et al. 2009). Penalties are taken off the activation before the gradient. Ctrl-C \
                keeps the best so far. The result has input, best, last, loss, probabilities, seed and more.
                """,
            example:
                "net = sequential(conv1d(8, 5), relu(), input = [64, 1])\nm = maximize(net.conv1d, 3, 0.1, steps = 10)\nlen(m.loss)  # expect: 11",
            seeAlso: ["linear", "plot", "save"]
        ) { args in
            let layer = try handle(args)
            var options = MaximizationOptions(eta: try args.number("eta"))
            options.steps = try args.int("steps", in: 1...10_000_000, default: 200)
            options.key =
                try args.optionalInt("seed").map { RandomKey(seed: UInt64(bitPattern: Int64($0))) }
                ?? chance.nextKey()
            let norms = MaximizationOptions.Norm.allCases.map(\.rawValue)
            options.norm =
                MaximizationOptions.Norm(rawValue: try args.choice("norm", of: norms, default: "rms")) ?? .rms
            options.jitter = try args.int("jitter", in: 0...1_000_000, default: 0)
            options.regularizers.l1 = try args.number("l1", default: 0)
            options.regularizers.l2 = try args.number("l2", default: 0)
            options.regularizers.lp = try args.number("lp", default: 0)
            options.regularizers.p = try args.number("p", default: 6)
            options.regularizers.totalVariation = try args.number("tv", default: 0)
            if let bounds = try args.optionalNumbers("bounds") {
                guard bounds.count == 2, bounds[0] < bounds[1] else {
                    throw args.failure("`bounds` must be a list of two numbers, low and high")
                }
                options.bounds = bounds[0]...bounds[1]
            }
            options.frames = try args.optionalInt("frames").map { max(0, min($0, 1000)) }
            options.start = try start(args, layer)
            let maximizer = try Maximizer(try target(args, layer), options)
            let live = try args.bool("watch", default: false) ? PlotBuiltins.live() : nil
            let result = try maximizer.run(
                progress: args.interpreter.progress, watch: live.map { follow($0, options.steps) })
            let object = MaximizationObject(result)
            if let live, live.isLive {
                let figure = try object.ascent().figure()
                try live.finish(name: "maximize \(result.target.labels[0])", figure)
                RunRecord.shared.figure(figure)
            }
            for note in result.notes { Notes.say(note) }
            if result.wasInterrupted {
                Notes.say("stopped after \(result.stepsDone) steps; the result holds the best so far")
            }
            return Value(object)
        }
    }

    /// Offers the climb as it stands to a figure that moves.
    private static func follow(_ live: LiveFigure, _ steps: Int) -> (Maximization) -> Void {
        { result in
            live.offer(name: "maximize \(result.target.labels[0])") {
                let ascent = Ascent(
                    labels: result.target.labels, inputs: result.last, loss: result.loss,
                    rate: MaximizationObject(result).rate, steps: steps)
                return { try ascent.figure() }
            }
        }
    }

    private static func handle(_ args: Arguments) throws -> LayerHandle {
        let object = try args.object("layer", as: LayerObject.self, "a layer of a network")
        guard let handle = object.handle else {
            throw args.failure(
                "this \(object.layer.kind.kind) is not part of a network yet",
                hint: "take it from one: net.conv1d_3", kind: .value)
        }
        return handle
    }

    private static func start(_ args: Arguments, _ layer: LayerHandle) throws -> Tensor? {
        switch args.value("start") {
        case .nil: return nil
        case .string(let s) where s.string == "zeros":
            return try Tensor(repeating: 0, shape: try layer.network.builtInputShape())
        case let value:
            if let result = value.asObject as? MaximizationObject { return result.result.best }
            return try Samples.sample(value, for: layer.network, args)
        }
    }

    private static func target(_ args: Arguments, _ layer: LayerHandle) throws -> Target {
        let filters: [Int]
        switch args.value("filter") {
        case .string(let name): filters = [try layer.classIndex(name.string)]
        case .list(let list):
            filters = try list.items.map { item in
                if let name = item.asString { return try layer.classIndex(name) }
                guard let i = item.asInt else {
                    throw args.mismatch("filter", "an index, a class, or a list of them", item)
                }
                return i
            }
        default: filters = try args.ints("filter")
        }
        guard filters.count <= 4096 else {
            throw args.failure("\(filters.count) filters at once are too many", hint: "give at most 4096")
        }
        if args.value("at").isNil {
            return try Target(layer, filters.map { .filter($0) })
        }
        let place = try args.ints("at")
        return try Target(layer, filters.map { .unit(filter: $0, place: place) })
    }
}

/// What a maximization found.
final class MaximizationObject: VZObject {
    let result: Maximization
    init(_ result: Maximization) { self.result = result }

    var rate: Int? {
        let network = result.target.layer.network
        if let rate = network.preprocessing.rate { return rate }
        return network.preprocessing.kind == "audio" || network.inputShape?.count == 2 ? 16000 : nil
    }

    /// One aim's own, without the batch axis; all of them otherwise.
    func own(_ t: Tensor) throws -> Tensor { t.shape[0] == 1 ? try t[[.position(0)]] : t }
    func best() throws -> Tensor { try own(result.best) }

    private func signal(_ t: Tensor) throws -> Value {
        let own = try own(t)
        if own.rank == 2, let rate { return Value(WaveObject(own, rate: rate)) }
        return Value(TensorObject(own))
    }

    private func lists(_ values: [[Double]]) -> Value {
        // The first value is that of the start, before any step.
        let lists = zip(values, result.target.labels).map { values, label in
            let counting = Counting(first: 0, name: "step", what: result.loss.count > 1 ? label : nil)
            return Value.list(List(values.map { Value($0) }, counting: counting))
        }
        return lists.count == 1 ? lists[0] : .list(lists)
    }

    var typeName: String { "maximization" }
    var memberNames: [String] {
        [
            "input", "best", "last", "loss", "activation", "probabilities", "labels", "layer", "eta", "seed",
            "steps", "seconds", "interrupted", "notes",
        ]
    }
    func memberDoc(_ name: String) -> String? {
        switch name {
        case "input", "best": "the input with the highest activation met"
        case "last": "the input after the last step"
        case "loss": "the activation before each step and after the last"
        case "activation": "the highest activation met"
        case "probabilities": "the class' probability before each step and after the last"
        default: nil
        }
    }
    func member(_ name: String) throws -> Value? {
        switch name {
        case "input", "best": return try signal(result.best)
        case "last": return try signal(result.last)
        case "loss": return lists(result.loss)
        case "probabilities": return lists(result.probabilities)
        case "activation":
            return result.bestScore.count == 1 ? Value(result.bestScore[0]) : Value(result.bestScore)
        case "labels": return Value(result.target.labels)
        case "layer": return Value(LayerObject(result.target.layer))
        case "eta": return Value(result.options.eta)
        case "seed": return Value(Double(result.options.key.seed))
        case "steps": return Value(result.stepsDone)
        case "seconds": return Value(result.seconds)
        case "interrupted": return Value(result.wasInterrupted)
        case "notes": return Value(result.notes)
        default: return nil
        }
    }

    var summary: String {
        let labels = result.target.labels
        let what = labels.count == 1 ? labels[0] : "\(labels[0]) and \(labels.count - 1) more"
        return
            "<maximization of \(what): \(format4(result.loss[0].first ?? .nan)) → \(format4(result.bestScore[0])) in \(result.stepsDone) steps>"
    }
}
