import Language
import Lens
import Media
import Network
import Plot
import Support
import Tensor

/// `maximize` and what its arguments mean.
enum MaximizeBuiltin {
    private static let climbing: [Language.Parameter] = [
        .optional("steps", "200", "how many steps to climb"),
        .optional(
            "start", "nil",
            "where to begin: a tensor, a waveform, an example, a file, a maximization, \"zeros\"; by default seeded noise"
        ),
        .optional("seed", "nil", "of all that is random; by default the session's"),
        .optional(
            "at", "nil", "one place of the filter's map instead of its mean: a number, or [row, column]"),
        .optional("copies", "1", "so many inputs for each filter, each from noise of its own"),
        .optional(
            "style", "\"slide\"",
            "\"slide\": the plain climb; \"clear\": to be read; \"natural\": like real examples. Any other argument changes it"
        ),
        .optional(
            "optimizer", "\"ascent\"",
            "\"ascent\": x + eta · g; or \"adam\", \"sgd\" …, adam(0.05, beta_1 = 0.5) …"),
        .optional("norm", "\"rms\"", "what the gradient is divided by: \"rms\", \"l2\" or \"none\""),
        .optional(
            "parametrization", "\"samples\"",
            "in what terms to climb: \"samples\", \"fourier\", \"dct\", \"laplacian\", \"maco\", maco(data)"),
        .optional("decay", "1", "frequency f of fourier and dct is scaled by 1 / f^decay"),
        .optional("levels", "5", "of the laplacian pyramid"),
        .optional("decorrelate", "true", "climb with the colours' independent directions (fourier)"),
        .optional("prior", "nil", "a generator network: climb with its latent code"),
    ]
    private static let transforms: [Language.Parameter] = [
        .optional("jitter", "0", "each step moves the input by up to so many places, round the ends"),
        .optional("roll", "0", "the same by up to this share of its length"),
        .optional("shift", "0", "moves by up to so many seconds (sound) or places; the ends are empty"),
        .optional("scale", "0", "zooms by up to this share"),
        .optional("speed", "0", "changes the speed by up to this share"),
        .optional("rotate", "0", "turns by up to so many degrees"),
        .optional("crop", "0", "looks at a window up to so many places shorter, at full size"),
        .optional("pad", "0", "leaves up to so many places around it empty"),
        .optional("gain", "0", "makes louder or softer by up to so many dB"),
        .optional("noise", "0", "adds normal noise of this standard deviation"),
    ]
    private static let regularizers: [Language.Parameter] = [
        .optional("l1", "0", "weight of Σ|x|"), .optional("l2", "0", "weight of Σx²"),
        .optional("lp", "0", "weight of Σ|x|^p"), .optional("p", "6", "the exponent of lp"),
        .optional("tv", "0", "weight of the total variation Σ|x[i+1] − x[i]|"),
        .optional("slope", "0", "weight of the mean square distance (dB²) of a sound's spectrum from a line"),
        .optional("slope_db", "-6", "that line's slope in dB an octave"),
        .optional(
            "bounds", "nil",
            "[low, high] between which values stay; \"natural\": what a sound or picture holds"),
        .optional("loudness", "nil", "the root mean square stays at or below this"),
        .optional("blur", "0", "Gaussian blur of so many places, every few steps"),
        .optional("lowpass", "0", "takes out frequencies above so many Hz, every few steps"),
        .optional("clip_norm", "0", "the smallest so many percent become 0, every few steps"),
        .optional(
            "clip_contribution", "0", "so many percent that contribute least become 0, every few steps"),
        .optional("every", "4", "what every few steps means"),
        .optional("redirect", "0", "for so many steps a dead ReLU lets through what would wake it"),
        .optional("settle", "nil", "stop once 25 steps have risen by less than this share of the climb"),
        .optional(
            "frames", "nil", "how many inputs on the way are kept for save(m, \"x.gif\"); by default some"),
        .optional("watch", "false", "true shows a figure that follows the climb"),
    ]

    static func entry(_ chance: Chance) -> Builtin {
        Builtin(
            "maximize", topic: "lens",
            [
                .required(
                    "layer", "a layer of a network (net.conv1d_3, linear(net).softmax), or an objective"),
                .optional(
                    "filter", "nil",
                    "a filter's index, a class' name, a range or list of them, or a function of the layer's activation"
                ),
                .optional(
                    "eta", "nil",
                    "step size: low ones show texture, high ones shape; may be left out with a style"),
            ] + climbing + transforms + regularizers,
            summary:
                "Activation maximization: an input that a filter, a class or an objective answers to most.",
            doc: """
                x ← x + eta · g / (rms(g) + 1e-8), g the gradient of the filter's mean activation with respect to \
                the input (Erhan et al. 2009). Several filters are climbed as one batch. Penalties are taken off \
                the activation before the gradient. Strengths of transforms and eta may be a list of values along \
                the climb, [16, 2], or a function of the step. All that is random follows from seed. Ctrl-C \
                keeps the best so far. The result has input, best, last, loss, probabilities, seed and more. \
                Styles: "clear" climbs Fourier coefficients with Adam under small transforms (Olah et al. 2017); \
                "natural" keeps to spectra that nature has (MACO, Fel et al. 2023) under wide ones.
                """,
            example:
                "net = sequential(conv1d(8, 5), relu(), input = [64, 1])\nm = maximize(net.conv1d, 3, 0.1, steps = 10)\nlen(m.loss)  # expect: 11",
            seeAlso: ["linear", "channel", "compare", "maco", "plot", "save"]
        ) { args in
            let (objective, eta) = try objective(args)
            let space = try InputSpace(objective.network)
            let options = try options(args, objective, space, eta, chance)
            let maximizer = try Maximizer(objective, options)
            let live = try args.bool("watch", default: false) ? PlotBuiltins.live() : nil
            let result = try maximizer.run(
                progress: args.interpreter.progress, watch: live.map { follow($0, options.steps) })
            let object = MaximizationObject(result)
            if let live, live.isLive {
                let figure = try object.ascent().figure()
                try live.finish(name: "maximize \(result.labels[0])", figure)
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
            let name = "maximize \(result.labels[0])"
            let drawing: () throws -> LiveFigure.Drawing = {
                let ascent = try Ascent(MaximizationObject(result), result.last, steps: steps)
                return { try ascent.figure() }
            }
            if result.stepsDone == 0 {
                live.begin(name: name, drawing)
            } else {
                live.offer(name: name, drawing)
            }
        }
    }

    // MARK: what to climb on

    /// The objective, and eta where it was given: `maximize(layer, filter, eta)`, `maximize(objective, eta)`.
    private static func objective(_ args: Arguments) throws -> (Objective, Value) {
        if let given = args.value("layer").asObject as? ObjectiveObject {
            let filter = args.value("filter")
            if !filter.isNil && !args.value("eta").isNil {
                throw args.failure(
                    "an objective says already what to climb on", hint: "maximize(objective, eta)")
            }
            return (given.objective, filter.isNil ? args.value("eta") : filter)
        }
        if let network = args.value("layer").asObject as? NetworkObject {
            // A whole network was given: its output is what is mostly meant.
            let last = network.network.outputLayer.name
            var wrong = args.mismatch("layer", "a layer of a network, or an objective", args.value("layer"))
            wrong.hint = "name the layer: `maximize(net.\(last), …)`; summary(net) lists them"
            throw wrong
        }
        let object = try args.object("layer", as: LayerObject.self, "a layer of a network, or an objective")
        let layer = try Self.handle(object, args)
        if args.value("filter").isCallable {
            return (
                try ObjectiveBuiltins.custom([layer], args.value("filter"), args.interpreter),
                args.value("eta")
            )
        }
        guard !args.value("filter").isNil else {
            throw args.failure(
                "which filter of \(layer.name)?",
                hint: "give its index, a class' name, or a range: maximize(layer, 0..7, eta)")
        }
        return (Objective(try target(layer, args)), args.value("eta"))
    }

    static func handle(_ object: LayerObject, _ args: Arguments) throws -> LayerHandle {
        guard let handle = object.handle else {
            throw args.failure(
                "this \(object.layer.kind.kind) is not part of a network yet",
                hint: "take it from one: net.conv1d_3", kind: .value)
        }
        return handle
    }

    /// The target that `filter` and `at` name.
    static func target(_ layer: LayerHandle, _ args: Arguments) throws -> Target {
        let filters = try filters(layer, args, "filter")
        if args.value("at").isNil { return try Target(layer, filters.map { .filter($0) }) }
        let place = try args.ints("at")
        return try Target(layer, filters.map { .unit(filter: $0, place: place) })
    }

    /// Filters by index, class names, ranges and lists.
    static func filters(_ layer: LayerHandle, _ args: Arguments, _ name: String) throws -> [Int] {
        let filters: [Int]
        switch args.value(name) {
        case .string(let name): filters = [try layer.classIndex(name.string)]
        case .list(let list):
            filters = try list.items.map { item in
                if let name = item.asString { return try layer.classIndex(name) }
                guard let i = item.asInt else {
                    throw args.mismatch(name, "an index, a class, or a list of them", item)
                }
                return i
            }
        default: filters = try args.ints(name)
        }
        guard filters.count <= 4096 else {
            throw args.failure("\(filters.count) filters at once are too many", hint: "give at most 4096")
        }
        return filters
    }

    // MARK: how to climb

    private static func options(
        _ args: Arguments, _ objective: Objective, _ space: InputSpace, _ eta: Value, _ chance: Chance
    ) throws -> MaximizationOptions {
        let styles = Style.allCases.map(\.rawValue)
        let style = Style(rawValue: try args.choice("style", of: styles, default: "slide")) ?? .slide
        var o = try style.options(space)
        if !eta.isNil {
            o.eta = try strength(eta, "eta", args)
        } else if style == .slide {
            guard let own = args.value("optimizer").asObject as? OptimizerObject else {
                throw args.failure(
                    "eta is missing",
                    hint: "the step size: maximize(layer, filter, 0.1), or style = \"clear\"")
            }
            o.eta = .constant(own.optimizer.learningRate)
        }
        o.steps = try args.int("steps", in: 1...10_000_000, default: o.steps)
        o.key = try args.key(chance)
        o.copies = try args.int("copies", in: 1...4096, default: 1)
        try readOptimizer(args, &o)
        o.parametrization = try parametrization(args, space, o.parametrization)
        try readTransforms(args, &o.transforms, space)
        try readRegularizers(args, &o)
        o.redirected = try args.int("redirect", in: 0...10_000_000, default: o.redirected)
        o.settled = try args.optionalNumber("settle") ?? o.settled
        o.frames = try args.optionalInt("frames").map { max(0, min($0, 1000)) }
        o.start = try start(args, objective.network, space)
        return o
    }

    private static func readOptimizer(_ args: Arguments, _ o: inout MaximizationOptions) throws {
        switch args.value("optimizer") {
        case .nil: break
        case .string(let name) where name.string == "ascent":
            o.optimizer = nil
            o.norm = .rms
        case .string(let name):
            o.optimizer = try optimizer(name.string, args)
            o.norm = .none
        default:
            o.optimizer = try args.object("optimizer", as: OptimizerObject.self, "an optimizer or its name")
                .optimizer
            o.norm = .none
        }
        if !args.value("norm").isNil {
            let norms = MaximizationOptions.Norm.allCases.map(\.rawValue)
            o.norm = MaximizationOptions.Norm(rawValue: try args.choice("norm", of: norms)) ?? .rms
        }
    }

    private static func optimizer(_ name: String, _ args: Arguments) throws -> Optimizer {
        switch name {
        case "sgd": return try .sgd()
        case "momentum": return try .sgd(momentum: 0.9)
        case "adam": return try .adam()
        case "adamw": return try .adamw()
        case "nadam": return try .nadam()
        case "rmsprop": return try .rmsprop()
        default:
            _ = try args.choice(
                "optimizer", of: ["ascent", "sgd", "momentum", "adam", "adamw", "nadam", "rmsprop"])
            return try .adam()
        }
    }

    private static func parametrization(_ args: Arguments, _ space: InputSpace, _ own: Parametrization) throws
        -> Parametrization
    {
        if let prior = try args.optionalObject("prior", as: NetworkObject.self, "a generator network") {
            return .generator(prior.network)
        }
        let decay = try args.number("decay", default: 1)
        let decorrelate = try args.bool("decorrelate", default: true)
        switch args.value("parametrization") {
        case .nil:
            if case .fourier(let d, _) = own {
                return .fourier(decay: args.isGiven("decay") ? decay : d, decorrelated: decorrelate)
            }
            return own
        case .object(let object as SpectrumObject): return .maco(object.spectrum)
        default: break
        }
        switch try args.choice(
            "parametrization", of: ["samples", "fourier", "dct", "laplacian", "maco"])
        {
        case "fourier": return .fourier(decay: decay, decorrelated: decorrelate)
        case "dct": return .dct(decay: decay)
        case "laplacian": return .laplacian(levels: try args.int("levels", in: 1...24, default: 5))
        case "maco": return .maco(try .natural(space))
        default: return .samples
        }
    }

    /// A number, a list of them along the climb, or a function of the step.
    static func strength(_ value: Value, _ name: String, _ args: Arguments, unit: Double = 1) throws
        -> Strength
    {
        switch value {
        case .number(let x): return .constant(x * unit)
        case .list(let list):
            let points = list.items.compactMap(\.asNumber)
            guard points.count == list.items.count, !points.isEmpty else { break }
            return .points(points.map { $0 * unit })
        case .function, .builtin:
            let interpreter = args.interpreter
            return .function { step in
                let result = try interpreter.call(value, [Value(step)])
                guard let x = result.asNumber else {
                    throw Failure(
                        .type, "`maximize`: \(name) must give a number for a step, not \(result.typePhrase)")
                }
                return x * unit
            }
        default: break
        }
        throw args.mismatch(name, "a number, a list of numbers, or a function of the step", value)
    }

    private static func readTransforms(_ args: Arguments, _ t: inout Transforms, _ space: InputSpace) throws {
        func read(_ name: String, _ into: inout Strength, unit: Double = 1) throws {
            let value = args.value(name)
            if !value.isNil { into = try strength(value, name, args, unit: unit) }
        }
        try read("jitter", &t.jitter)
        try read("roll", &t.roll)
        try read("shift", &t.shift, unit: space.kind == .sound ? Double(space.rate) : 1)
        try read("scale", &t.scale)
        try read("speed", &t.speed)
        try read("rotate", &t.rotate)
        try read("crop", &t.crop)
        try read("pad", &t.pad)
        try read("gain", &t.gain)
        try read("noise", &t.noise)
    }

    private static func readRegularizers(_ args: Arguments, _ o: inout MaximizationOptions) throws {
        func read(_ name: String, _ into: inout Double) throws { into = try args.number(name, default: into) }
        try read("l1", &o.regularizers.l1)
        try read("l2", &o.regularizers.l2)
        try read("lp", &o.regularizers.lp)
        try read("p", &o.regularizers.p)
        try read("tv", &o.regularizers.totalVariation)
        try read("slope", &o.regularizers.slope)
        try read("slope_db", &o.regularizers.slopeDecibels)
        try read("blur", &o.conditioning.blur)
        try read("lowpass", &o.conditioning.lowPass)
        try read("clip_norm", &o.conditioning.smallNorm)
        try read("clip_contribution", &o.conditioning.smallContribution)
        o.conditioning.every = try args.int("every", in: 1...10_000_000, default: o.conditioning.every)
        o.loudness = try args.optionalNumber("loudness") ?? o.loudness
        if case .string = args.value("bounds") {
            o.bounds = try args.choice("bounds", of: ["natural", "none"]) == "natural" ? .natural : .none
        } else if let bounds = try args.optionalNumbers("bounds") {
            guard bounds.count == 2, bounds[0] < bounds[1] else {
                throw args.failure("`bounds` must be a list of two numbers, low and high")
            }
            o.bounds = .range(bounds[0], bounds[1])
        }
    }

    // MARK: where to begin

    private static func start(_ args: Arguments, _ network: Network, _ space: InputSpace) throws
        -> MaximizationOptions.Start
    {
        switch args.value("start") {
        case .nil: return .noise
        case .string(let s) where s.string == "noise": return .noise
        case .string(let s) where s.string == "zeros": return .zeros
        case .string(let path) where space.kind == .picture:
            return .given(try picture(Outputs.find(FilePaths.expand(path.string)), space))
        case let value:
            if let result = value.asObject as? MaximizationObject { return .given(result.result.input) }
            if case .list(let list) = value {
                let parts = try list.items.map { try Samples.sample($0, for: network, args) }
                return .given(try TensorObject.stacked(parts.map { TensorObject($0) }, axis: 0).concrete())
            }
            return .given(try Samples.sample(value, for: network, args))
        }
    }

    /// A picture file in the size and the units that the network takes.
    private static func picture(_ path: String, _ space: InputSpace) throws -> Tensor {
        let read = try PictureFile.read(path).resized(height: space.shape[0], width: space.shape[1])
        return try space.input(picture: read.tensor())
    }
}
