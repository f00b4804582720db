import Glibc
import Language
import Media
import Network
import Plot
import Support
import Tensor

/// fit and evaluate.
enum FitBuiltins {
    static func table(_ chance: Chance) -> [Builtin] { [fit(chance), evaluate()] }

    private static let parameters: [Language.Parameter] = [
        .required("net", "the network; its weights change in place"),
        .required("data", "a data set with its parts, or examples to train on"),
        .optional("epochs", "1", "times through the data"),
        .optional("batch", "32", "examples a step"),
        .optional("optimizer", "adam(0.001)", "how weights follow from gradients"),
        .optional("validation", "data.validation", "examples to measure after each epoch; false for none"),
        .optional("augment", "nil", "a record of changes: see augment"),
        .optional(
            "loss", "nil",
            "\"cross_entropy\", \"mse\", \"mae\", \"bce\", \"hinge\", \"huber\", or a function (prediction, target)"
        ),
        .optional(
            "metrics", "nil",
            "names (\"accuracy\", \"top5_accuracy\", \"mae\" …) and functions like a loss in a list, or a record of functions"
        ),
        .optional("label_smoothing", "0", "the share of each target that goes to all classes alike"),
        .optional("class_weights", "nil", "a number for each class, or \"balanced\""),
        .optional("average", "nil", "keep an average of the weights with this memory, such as 0.999"),
        .optional(
            "early_stopping", "nil",
            "epochs without a better val_loss before it stops and restores the best"),
        .optional("monitor", "\"val_loss\"", "what early stopping watches"),
        .optional("checkpoint", "nil", "a file written after every epoch, from which to go on"),
        .optional("checkpoint_minutes", "10", "and so often within an epoch"),
        .optional(
            "resume", "nil",
            "a checkpoint to go on from; true: the file that `checkpoint` names, where it is there"),
        .optional("csv", "nil", "a file that gets a row an epoch"),
        .optional("shuffle", "true", "another order each epoch"),
        .optional("seed", "nil", "of shuffling, dropout and augmentation; by default the session's"),
        .optional("watch", "false", "true shows curves that follow the training"),
    ]

    private static func fit(_ chance: Chance) -> Builtin {
        Builtin(
            "fit", topic: "training", parameters,
            summary: "Trains a network; the result holds the history.",
            doc:
                "The loss is the cross-entropy where the data has classes, else the mean squared error. Ctrl-C ends after the current batch and keeps what was learned.",
            example:
                "net = sequential(flatten(), dense(16), softmax(), input = [16000, 1])\nrun = fit(net, words16().test.take(32), epochs = 1)\nlen(run.loss)  # expect: 1",
            seeAlso: ["evaluate", "adam", "augment"]
        ) { args in
            let network = try args.network()
            let (train, validation) = try data(args)
            var options = try options(args, train, chance)
            options.validation = validation
            // Before it begins: checkpoints are to hold it.
            if let rate = train.sampleRate {
                network.preprocessing.kind = "audio"
                network.preprocessing.rate = rate
            }
            let live = try args.bool("watch", default: false) ? PlotBuiltins.live() : nil
            let result = try watched(live, network, options) { try network.fit(train, $0) }
            if let advice = result.advice { Notes.say(advice) }
            return Value(FitObject(result, network))
        }
    }

    /// What to train on, augmented, and what to measure.
    private static func data(_ args: Arguments) throws -> (any ExampleSet, (any ExampleSet)?) {
        var (train, validation) = try DataBuiltins.parts(args.value("data"), args)
        if let given = args.value("validation").asBool, !given {
            validation = nil
        } else if !args.value("validation").isNil {
            validation = try DataBuiltins.examples(args.value("validation"), args, "validation")
        }
        if let record = try args.optionalRecord("augment") {
            train = try AugmentationSettings.read(record, rate: train.sampleRate, args).applied(to: train)
        }
        return (train, validation)
    }

    private static func optimizer(_ args: Arguments) throws -> Optimizer? {
        do {
            return try args.optionalObject("optimizer", as: OptimizerObject.self, "an optimizer")?.optimizer
        } catch var failure as Failure {
            failure.hint = "a function makes one: `optimizer = adam(0.001)`"
            throw failure
        }
    }

    private static func options(_ args: Arguments, _ train: any ExampleSet, _ chance: Chance) throws
        -> FitOptions
    {
        var options = FitOptions(
            optimizer: try optimizer(args) ?? .adam())
        options.epochs = try args.int("epochs", in: 1...1_000_000, default: 1)
        options.batch = try args.int("batch", in: 1...1_000_000, default: 32)
        options.loss = try args.blaming("loss") {
            try OwnFunctions.loss(args.value("loss"), args.interpreter)
        }
        options.metrics = try args.blaming("metrics") {
            try OwnFunctions.metrics(args.value("metrics"), args.interpreter)
        }
        options.labelSmoothing = try args.number("label_smoothing", default: 0)
        options.averaging = try args.optionalNumber("average")
        if let patience = try args.optionalInt("early_stopping") {
            options.earlyStopping = try EarlyStopping(
                monitor: try args.string("monitor", default: "val_loss"), patience: patience)
        }
        if args.value("class_weights").asString == "balanced" {
            options.classWeights = FitOptions.balancedWeights(train)
        } else {
            options.classWeights = try args.optionalNumbers("class_weights")
        }
        options.checkpoint = try args.optionalPath("checkpoint").map { try Outputs.place($0) }
        options.checkpointMinutes = try args.number("checkpoint_minutes", default: 10)
        options.resume = try resumed(args, options.checkpoint)
        options.csvLog = try args.optionalPath("csv").map { try Outputs.place($0) }
        options.isShuffled = try args.bool("shuffle", default: true)
        options.seed =
            try args.key(chance).seed
        options.progress = args.interpreter.progress
        return options
    }

    /// The checkpoint that `resume` names, or the one that `checkpoint` does where it is there.
    static func resumed(_ args: Arguments, _ checkpoint: String?) throws -> String? {
        guard let goesOn = args.value("resume").asBool else {
            return try args.optionalPath("resume").map(Outputs.find)
        }
        guard goesOn else { return nil }
        guard let checkpoint else {
            throw args.failure("resume = true needs checkpoint = \"…\", the file to go on from")
        }
        return access(checkpoint, F_OK) == 0 ? checkpoint : nil
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
            let network = try args.network()
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
}
