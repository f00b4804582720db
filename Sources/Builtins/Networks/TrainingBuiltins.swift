import Language
import Media
import Network
import Plot
import Support
import Tensor

/// Optimizers, fit, evaluate.
public enum TrainingBuiltins {
    public static func table(_ chance: Chance) -> [Builtin] {
        optimizers() + FitBuiltins.table(chance) + [augment()]
    }

    // MARK: optimizers

    private static let shared: [Language.Parameter] = [
        .optional(
            "schedule", "nil",
            "\"cosine\", or a record: {step: epochs, factor: 0.1}, {warm_up: epochs, then: \"cosine\"}, {plateau: epochs, factor: 0.1}"
        ),
        .optional("clip_norm", "nil", "all gradients together are kept below this length"),
        .optional("clip_value", "nil", "each gradient is kept between minus and plus this"),
    ]

    private static func optimizer(
        _ name: String, _ rate: Double, _ parameters: [Language.Parameter], _ summary: String,
        _ make: @escaping (Arguments, Double) throws -> Optimizer
    ) -> Builtin {
        let all = [.optional("rate", "\(rate)", "the learning rate")] + parameters + shared
        return Builtin(
            name, topic: "training", all,
            summary: summary, example: "\(name)(\(rate))", seeAlso: ["fit"]
        ) { args in
            var optimizer = try make(args, try args.number("rate", default: rate))
            optimizer.schedule = try schedule(args.value("schedule"), args)
            optimizer.globalClipNorm = try args.optionalNumber("clip_norm")
            optimizer.clipValue = try args.optionalNumber("clip_value")
            return Value(OptimizerObject(optimizer, recipe: Recipes.call(name, all, args)))
        }
    }

    private static func optimizers() -> [Builtin] {
        let betas: [Language.Parameter] = [
            .optional("beta_1", "0.9", "memory of the gradients"),
            .optional("beta_2", "0.999", "memory of their squares"),
            .optional("epsilon", "1e-7", "added to the denominator"),
        ]
        func beta(_ a: Arguments) throws -> (Double, Double, Double) {
            (
                try a.number("beta_1", default: 0.9), try a.number("beta_2", default: 0.999),
                try a.number("epsilon", default: 1e-7)
            )
        }
        return [
            optimizer(
                "sgd", 0.01,
                [
                    .optional("momentum", "0", "memory of the steps"),
                    .optional("nesterov", "false", "look ahead"),
                ],
                "Gradient descent, with momentum where wanted."
            ) { a, rate in
                try .sgd(
                    rate, momentum: a.number("momentum", default: 0),
                    nesterov: a.bool("nesterov", default: false))
            },
            optimizer("adam", 1e-3, betas, "Adam (Kingma and Ba 2015).") { a, rate in
                let (b1, b2, e) = try beta(a)
                return try .adam(rate, beta1: b1, beta2: b2, epsilon: e)
            },
            optimizer(
                "adamw", 1e-3,
                [.optional("weight_decay", "0.004", "the share of each weight lost a step, times the rate")]
                    + betas,
                "Adam with decoupled weight decay (Loshchilov and Hutter 2019)."
            ) { a, rate in
                let (b1, b2, e) = try beta(a)
                return try .adamw(
                    rate, weightDecay: a.number("weight_decay", default: 0.004), beta1: b1, beta2: b2,
                    epsilon: e)
            },
            optimizer("nadam", 1e-3, betas, "Adam with Nesterov momentum (Dozat 2016).") { a, rate in
                let (b1, b2, e) = try beta(a)
                return try .nadam(rate, beta1: b1, beta2: b2, epsilon: e)
            },
            optimizer(
                "rmsprop", 1e-3,
                [
                    .optional("rho", "0.9", "memory of the squares"),
                    .optional("momentum", "0", "memory of the steps"),
                ],
                "RMSprop (Tieleman and Hinton 2012)."
            ) { a, rate in
                try .rmsprop(
                    rate, rho: a.number("rho", default: 0.9), momentum: a.number("momentum", default: 0))
            },
        ]
    }

    static func schedule(_ value: Value, _ args: Arguments) throws -> Schedule {
        switch value {
        case .nil: return .constant
        case .string(let s) where s.string == "cosine": return .cosine()
        case .string(let s) where s.string == "constant": return .constant
        case .record(let r):
            func number(_ key: String, _ fallback: Double) throws -> Double {
                guard let v = r[key] else { return fallback }
                guard let x = v.asNumber else {
                    throw args.failure("the schedule's `\(key)` must be a number")
                }
                return x
            }
            if r["step"] != nil {
                return .step(every: try number("step", 1), factor: try number("factor", 0.1))
            }
            if r["warm_up"] != nil {
                return .warmUp(epochs: try number("warm_up", 1), then: try schedule(r["then"] ?? .nil, args))
            }
            if r["plateau"] != nil {
                let patience = Int(exactly: try number("plateau", 10)) ?? 10
                return .plateau(factor: try number("factor", 0.1), patience: patience)
            }
            if r["cosine"] != nil {
                return .cosine(epochs: try number("cosine", 1), final: try number("final", 0))
            }
            if r["exponential"] != nil { return .exponential(factor: try number("exponential", 0.95)) }
            fallthrough
        default:
            throw args.failure(
                "`schedule` must be \"cosine\" or a record, not \(value.summary(limit: 40))",
                hint: "for example {step: 10, factor: 0.1} or {warm_up: 2, then: \"cosine\"}")
        }
    }

    // MARK: augmentation

    private static func augment() -> Builtin {
        Builtin(
            "augment", topic: "data",
            [
                .required("data", "examples, or a data set, of which the training part is changed"),
                .extras("changes", AugmentationSettings.doc),
            ],
            summary: "The same examples, changed anew each time they are read for training.",
            doc: "Changes: \(AugmentationSettings.doc).",
            example: "len(augment(words16().test, shift = 0.1, gain = [-6, 6]).classes)  # expect: 16",
            seeAlso: ["fit"]
        ) { args in
            let record = Record(args.extras.map { ($0.name, $0.value) })
            if let set = args.value("data").asObject as? DataSetObject {
                var changed = set.data
                changed.split.train = try AugmentationSettings.read(
                    record, rate: changed.train.sampleRate, args
                ).applied(to: changed.train)
                return Value(DataSetObject(changed))
            }
            let data = try DataBuiltins.examples(args.value("data"), args, "data")
            return Value(
                ExampleSetObject(
                    try AugmentationSettings.read(record, rate: data.sampleRate, args).applied(to: data)))
        }
    }
}

/// `augment = {shift: 0.1, gain: [-6, 6], noise: [5, 30], speed: [0.9, 1.1], mask: 0.1, mix_up: 0.2}`.
enum AugmentationSettings {
    static let doc =
        "shift (seconds), gain ([dB, dB]), noise ([SNR dB, SNR dB]), noise_share, recordings (a folder with noise in _background_noise_), speed ([factor, factor]), mask (share of the clip), mix_up (alpha), flip (\"horizontal\" or \"vertical\"), crop (pixels)"

    /// `rate`: samples a second of what is changed.
    static func read(_ record: Record, rate: Int? = nil, _ args: Arguments) throws -> AugmentationOptions {
        let rate = rate ?? 16000
        var options = AugmentationOptions()
        for (key, value) in record.pairs {
            func number() throws -> Double {
                guard let x = value.asNumber else {
                    throw args.failure("augmentation: `\(key)` must be a number")
                }
                return x
            }
            func pair() throws -> (Double, Double) {
                if let x = value.asNumber { return (-abs(x), abs(x)) }
                guard let list = value.asList, list.count == 2, let a = list.items[0].asNumber,
                    let b = list.items[1].asNumber
                else {
                    throw args.failure("augmentation: `\(key)` must be a list of two numbers, from and to")
                }
                return (a, b)
            }
            switch key {
            case "shift": options.shift = try number()
            case "gain": options.gain = try pair()
            case "noise": options.noise = try pair()
            case "recordings":
                guard let folder = value.asString else {
                    throw args.failure(
                        "augmentation: `recordings` is a folder with noise in _background_noise_")
                }
                options.recordings = try AudioFolder.backgroundNoise(folder, rate: rate)
                guard !options.recordings.isEmpty else {
                    throw args.failure(
                        "'\(folder)' has no recordings in _background_noise_",
                        hint: "Speech Commands brings them along; without recordings noise is made")
                }
            case "noise_share": options.noiseProbability = try number()
            case "speed": options.speed = try pair()
            case "mask": options.mask = try number()
            case "mix_up": options.mixUp = try number()
            case "crop": options.crop = Int(exactly: try number())
            case "flip":
                switch value.asString {
                case "horizontal": options.flip = .horizontal
                case "vertical": options.flip = .vertical
                default: throw args.failure("augmentation: `flip` is \"horizontal\" or \"vertical\"")
                }
            default:
                let known = [
                    "shift", "gain", "noise", "noise_share", "recordings", "speed", "mask", "mix_up", "flip",
                    "crop",
                ]
                throw args.failure(
                    "there is no augmentation `\(key)`",
                    hint: Spelling.nearest(key, among: known).map { "did you mean `\($0)`?" }
                        ?? "there are \(known.joined(separator: ", "))")
            }
        }
        return options
    }
}

/// An optimizer as vz sees it.
final class OptimizerObject: VZObject {
    let optimizer: Optimizer
    let recipe: String?
    init(_ optimizer: Optimizer, recipe: String? = nil) {
        (self.optimizer, self.recipe) = (optimizer, recipe)
    }
    var typeName: String { "optimizer" }
    var memberNames: [String] { ["name", "rate"] }
    func member(_ name: String) throws -> Value? {
        switch name {
        case "name": Value(optimizer.name)
        case "rate": Value(optimizer.learningRate)
        default: nil
        }
    }
    var summary: String { "\(optimizer.name)(rate = \(optimizer.learningRate))" }
}
