import Language
import Media
import Network
import Plot
import Support
import Tensor

/// Optimizers, fit, evaluate.
public enum TrainingBuiltins {
    public static func table(_ chance: Chance) -> [Builtin] {
        optimizers() + [fit(chance), evaluate(), augment()]
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
        Builtin(
            name, topic: "training",
            [.optional("rate", "\(rate)", "the learning rate")] + parameters + shared,
            summary: summary, example: "\(name)(\(rate))", seeAlso: ["fit"]
        ) { args in
            var optimizer = try make(args, try args.number("rate", default: rate))
            optimizer.schedule = try schedule(args.value("schedule"), args)
            optimizer.globalClipNorm = try args.optionalNumber("clip_norm")
            optimizer.clipValue = try args.optionalNumber("clip_value")
            return Value(OptimizerObject(optimizer))
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

    // MARK: fit

    private static func fit(_ chance: Chance) -> Builtin {
        Builtin(
            "fit", topic: "training",
            [
                .required("net", "the network; its weights change in place"),
                .required("data", "a data set with its parts, or examples to train on"),
                .optional("epochs", "1", "times through the data"),
                .optional("batch", "32", "examples a step"),
                .optional("optimizer", "adam(0.001)", "how weights follow from gradients"),
                .optional(
                    "loss", "nil",
                    "a name (\"cross_entropy\", \"mse\", \"mae\", \"hinge\", \"huber\" …) or a function (prediction, target) to a number for each sample"
                ),
                .optional(
                    "metrics", "nil",
                    "names (\"accuracy\", \"top5_accuracy\", \"mae\" …) and functions like a loss in a list, or a record of functions"
                ),
                .optional(
                    "validation", "data.validation", "examples to measure after each epoch; false for none"),
                .optional("augment", "nil", "a record of changes: see augment"),
                .optional(
                    "early_stopping", "nil",
                    "epochs without a better val_loss before it stops and restores the best"),
                .optional("monitor", "\"val_loss\"", "what early stopping watches"),
                .optional("class_weights", "nil", "a number for each class"),
                .optional("checkpoint", "nil", "a file written after every epoch, from which to go on"),
                .optional("resume", "nil", "a checkpoint to go on from"),
                .optional("csv", "nil", "a file that gets a row an epoch"),
                .optional("seed", "nil", "of shuffling, dropout and augmentation; by default the session's"),
                .optional("watch", "false", "true shows curves that follow the training"),
            ],
            summary: "Trains a network; the result holds the history.",
            doc:
                "The loss is the cross-entropy where the data has classes, else the mean squared error. Ctrl-C ends after the current batch and keeps what was learned.",
            example:
                "net = sequential(flatten(), dense(16), softmax(), input = [16000, 1])\nrun = fit(net, words16().test.take(32), epochs = 1)\nlen(run.loss)  # expect: 1",
            seeAlso: ["evaluate", "adam", "augment"]
        ) { args in
            let network = try args.object("net", as: NetworkObject.self, "a network").network
            var options = FitOptions(
                optimizer: try args.optionalObject("optimizer", as: OptimizerObject.self, "an optimizer")?
                    .optimizer ?? .adam())
            var (train, validation) = try DataBuiltins.parts(args.value("data"), args)
            if let given = args.value("validation").asBool, !given {
                validation = nil
            } else if !args.value("validation").isNil {
                validation = try DataBuiltins.examples(args.value("validation"), args, "validation")
            }
            if let record = try args.optionalRecord("augment") {
                train = try AugmentationSettings.read(record, args).applied(to: train)
            }
            options.validation = validation
            options.loss = try OwnFunctions.loss(args.value("loss"), args.interpreter)
            options.metrics = try OwnFunctions.metrics(args.value("metrics"), args.interpreter)
            options.epochs = try args.int("epochs", in: 1...1_000_000, default: 1)
            options.batch = try args.int("batch", in: 1...1_000_000, default: 32)
            if let patience = try args.optionalInt("early_stopping") {
                options.earlyStopping = try EarlyStopping(
                    monitor: try args.string("monitor", default: "val_loss"), patience: patience)
            }
            options.classWeights = try args.optionalNumbers("class_weights")
            options.checkpoint = try args.optionalPath("checkpoint").map { try Outputs.place($0) }
            options.resume = try args.optionalPath("resume").map(Outputs.find)
            options.csvLog = try args.optionalPath("csv").map { try Outputs.place($0) }
            options.seed =
                try args.optionalInt("seed").map { UInt64(bitPattern: Int64($0)) } ?? chance.nextKey().seed
            options.progress = args.interpreter.progress
            let live = try args.bool("watch", default: false) ? PlotBuiltins.live() : nil
            let result = try watched(live, network, options) { try network.fit(train, $0) }
            if let advice = result.advice { Notes.say(advice) }
            if let rate = train.sampleRate {
                network.preprocessing.kind = "audio"
                network.preprocessing.rate = rate
            }
            return Value(FitObject(result, network))
        }
    }

    /// Runs `fit` with a figure that follows it.
    private static func watched(
        _ live: LiveFigure?, _ network: Network, _ options: FitOptions,
        _ fit: (FitOptions) throws -> FitResult
    ) throws -> FitResult {
        guard let live, live.isLive else { return try fit(options) }
        var options = options
        var curve = TrainingCurve()
        let name = "training of \(network.name)"
        options.watch = { moment in
            curve.add(moment)
            live.offer(name: name) {
                let now = curve
                return { try now.figure() }
            }
        }
        let progress = options.progress
        options.progress = { report in
            progress?(report)
            if report.isFinal { live.lineWasPrinted() }
        }
        let result = try fit(options)
        if let figure = try? curve.figure() {
            try live.finish(name: name, figure)
            RunRecord.shared.figure(figure)
        }
        return result
    }

    private static func evaluate() -> Builtin {
        Builtin(
            "evaluate", topic: "training",
            [
                .required("net", "a network"), .required("data", "examples; of a data set its test part"),
                .optional("batch", "32", "examples at a time"),
                .optional("loss", "nil", "as of fit"), .optional("metrics", "nil", "as of fit"),
            ],
            summary: "Loss, accuracy and confusion matrix on examples.",
            example:
                "net = sequential(flatten(), dense(16), softmax(), input = [16000, 1])\nscore = evaluate(net, words16().test.take(32))\nlen(score.confusion)  # expect: 16",
            seeAlso: ["fit", "predict"]
        ) { args in
            let network = try args.object("net", as: NetworkObject.self, "a network").network
            let data: any ExampleSet
            if let set = args.value("data").asObject as? DataSetObject {
                data = set.data.test
            } else {
                data = try DataBuiltins.examples(args.value("data"), args, "data")
            }
            let result = try network.evaluate(
                data, batch: try args.int("batch", in: 1...1_000_000, default: 32),
                loss: try OwnFunctions.loss(args.value("loss"), args.interpreter),
                metrics: try OwnFunctions.metrics(args.value("metrics"), args.interpreter),
                progress: args.interpreter.progress)
            return Value(EvaluationObject(result))
        }
    }

    private static func augment() -> Builtin {
        Builtin(
            "augment", topic: "data",
            [.required("data", "examples"), .extras("changes", AugmentationSettings.doc)],
            summary: "The same examples, changed anew each time they are read for training.",
            doc: "Changes: \(AugmentationSettings.doc).",
            example: "len(augment(words16().test, shift = 0.1, gain = [-6, 6]).classes)  # expect: 16",
            seeAlso: ["fit"]
        ) { args in
            let data = try DataBuiltins.examples(args.value("data"), args, "data")
            let record = Record(args.extras.map { ($0.name, $0.value) })
            return Value(ExampleSetObject(try AugmentationSettings.read(record, args).applied(to: data)))
        }
    }
}

/// `augment = {shift: 0.1, gain: [-6, 6], noise: [5, 30], speed: [0.9, 1.1], mask: 0.1, mix_up: 0.2}`.
enum AugmentationSettings {
    static let doc =
        "shift (seconds), gain ([dB, dB]), noise ([SNR dB, SNR dB]), noise_share, speed ([factor, factor]), mask (share of the clip), mix_up (alpha), flip (\"horizontal\" or \"vertical\"), crop (pixels)"

    static func read(_ record: Record, _ args: Arguments) throws -> AugmentationOptions {
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
                    "shift", "gain", "noise", "noise_share", "speed", "mask", "mix_up", "flip", "crop",
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
    init(_ optimizer: Optimizer) { self.optimizer = optimizer }
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

/// What `fit` gives: the history by column.
final class FitObject: VZObject {
    let result: FitResult
    let network: Network
    init(_ result: FitResult, _ network: Network) {
        self.result = result
        self.network = network
    }

    var typeName: String { "run" }
    var memberNames: [String] { result.history.columns + ["epochs", "steps", "interrupted", "net"] }
    func member(_ name: String) throws -> Value? {
        switch name {
        case "epochs": return Value(result.epochs)
        case "steps": return Value(result.steps)
        case "interrupted": return Value(result.isInterrupted)
        case "net": return Value(NetworkObject(network))
        default:
            if result.history.columns.contains(name) {
                let counting = Counting(first: 1, name: "epoch", what: name)
                return .list(List(result.history[name].map { Value($0) }, counting: counting))
            }
            // An interrupted first epoch has no row yet, but the names are known.
            return ["loss", "val_loss", "accuracy", "val_accuracy"].contains(name) ? Value([Double]()) : nil
        }
    }

    var summary: String { "<run of \(network.name): \(result.epochs) epochs, \(result.steps) steps>" }
    func display(width: Int) -> String {
        let h = result.history
        let columns = h.columns
        guard h.count > 0 else { return summary }
        var lines = [(["epoch"] + columns).map { $0.leftPadded(14) }.joined()]
        let rows = h.count <= 12 ? Array(0..<h.count) : Array(0..<5) + [-1] + Array(h.count - 6..<h.count)
        for row in rows {
            if row < 0 {
                lines.append("…".leftPadded(14))
                continue
            }
            let cells = columns.map { String(format4(h[$0][row])) }
            lines.append(([String(row + 1)] + cells).map { $0.leftPadded(14) }.joined())
        }
        return lines.joined(separator: "\n")
    }
}

/// What `evaluate` gives.
final class EvaluationObject: VZObject {
    let result: Evaluation
    init(_ result: Evaluation) { self.result = result }

    var typeName: String { "score" }
    var memberNames: [String] {
        ["loss", "accuracy", "confusion", "count", "classes", "precision", "recall", "f1", "most_confused"]
    }
    func member(_ name: String) throws -> Value? {
        let scores = result.classScores
        switch name {
        case "loss": return Value(result.loss)
        case "accuracy": return Value(result.accuracy)
        case "count": return Value(result.count)
        case "classes": return Value(result.classes)
        case "confusion": return Value(ConfusionObject(result))
        case "precision": return Value(scores.map { ($0.name, Value($0.precision)) })
        case "recall": return Value(scores.map { ($0.name, Value($0.recall)) })
        case "f1": return Value(scores.map { ($0.name, Value($0.f1)) })
        case "most_confused":
            return Value(
                result.mostConfused().map {
                    Value([
                        ("actual", Value($0.actual)), ("predicted", Value($0.predicted)),
                        ("count", Value($0.count)),
                    ])
                })
        default: return result.metrics.first { $0.name == name }.map { Value($0.value) }
        }
    }

    var summary: String {
        "<score: accuracy \(format4(result.accuracy)), loss \(format4(result.loss)) on \(result.count) examples>"
    }
    func display(width: Int) -> String {
        var lines = [
            "accuracy \(format4(result.accuracy)), loss \(format4(result.loss)) on \(result.count) examples"
        ]
        if !result.classes.isEmpty {
            lines.append(
                "class".padded(16)
                    + ["count", "precision", "recall", "f1"].map { $0.leftPadded(11) }.joined())
            for s in result.classScores {
                lines.append(
                    s.name.padded(16) + String(s.count).leftPadded(11)
                        + [s.precision, s.recall, s.f1].map { format4($0).leftPadded(11) }.joined())
            }
        }
        return lines.joined(separator: "\n")
    }
}

extension FitObject: Tabular {
    /// A row an epoch.
    var table: (header: [String], rows: [[String]])? {
        let h = result.history
        guard h.count > 0 else { return nil }
        let shown = h.count <= 60 ? Array(0..<h.count) : Array(0..<20) + Array(h.count - 40..<h.count)
        return (
            ["epoch"] + h.columns, shown.map { row in ["\(row + 1)"] + h.columns.map { format4(h[$0][row]) } }
        )
    }
}

extension EvaluationObject: Tabular {
    /// A row a class, and all of them together.
    var table: (header: [String], rows: [[String]])? {
        guard !result.classes.isEmpty else { return nil }
        let all = ["all: accuracy \(format4(result.accuracy))", "\(result.count)", "", "", ""]
        let rows = result.classScores.map {
            [$0.name, "\($0.count)", format4($0.precision), format4($0.recall), format4($0.f1)]
        }
        return (["class", "count", "precision", "recall", "f1"], rows + [all])
    }
}

/// A confusion matrix: rows are the true classes, columns the predicted ones.
final class ConfusionObject: VZObject {
    let result: Evaluation
    init(_ result: Evaluation) { self.result = result }
    var typeName: String { "confusion" }
    var count: Int? { result.confusion.count }
    func index(_ indices: [Value]) throws -> Value {
        let n = result.confusion.count
        let places = try indices.map { value -> Int in
            guard let i = value.asInt, (-n..<n).contains(i) else {
                throw Failure(
                    .index, "a confusion matrix of \(n) classes has no place \(value.summary(limit: 20))")
            }
            return i < 0 ? i + n : i
        }
        if places.count == 1 { return Value(result.confusion[places[0]].map(Double.init)) }
        guard places.count == 2 else { throw Failure(.index, "a confusion matrix takes [actual, predicted]") }
        return Value(result.confusion[places[0]][places[1]])
    }
    var summary: String { "<confusion matrix of \(result.confusion.count) classes>" }
}
