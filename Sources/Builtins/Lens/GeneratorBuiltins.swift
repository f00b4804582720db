import Language
import Lens
import Network
import Support
import Tensor

/// Generators: priors for `maximize`.
enum GeneratorBuiltins {
    static func table(_ chance: Chance) -> [Builtin] { [fitGAN(chance), generate(chance)] }

    private static let example =
        "g = sequential(dense(16), reshape([16, 1]), input = [4])\nd = sequential(flatten(), dense(1), input = [16, 1])\n"

    private static func fitGAN(_ chance: Chance) -> Builtin {
        Builtin(
            "fit_gan", topic: "training",
            [
                .required("generator", "a network from a code [d] to the shape of an example"),
                .required("discriminator", "a network from an example to one number: it ends in dense(1)"),
                .required("data", "examples; of a data set its training part"),
                .optional("steps", "1000", "steps of the generator"), .optional("batch", "32"),
                .optional("loss", "\"hinge\"", "\"hinge\" or \"wgan_gp\""),
                .optional("penalty", "10", "weight of the gradient penalty of wgan_gp"),
                .optional(
                    "spectral_norm", "nil",
                    "divide the discriminator's weights by their largest singular value; by default with hinge"
                ),
                .optional("discriminator_steps", "nil", "for each of the generator: 1, with wgan_gp 5"),
                .optional("optimizer", "adam(2e-4, beta_1 = 0.5, beta_2 = 0.9)", "the generator's"),
                .optional("discriminator_optimizer", "nil", "by default the generator's"),
                .optional(
                    "average", "0.999", "share of the past in the generator that is kept; 0 keeps the last"),
                .optional("seed", "nil", "by default the session's"),
                .optional(
                    "checkpoint", "nil",
                    "a file that gets both networks and the whole state; load gives the generator from it"),
                .optional("checkpoint_minutes", "2", "how often it is written; at the end in any case"),
                .optional(
                    "resume", "nil",
                    "a checkpoint to go on from; true: the file that `checkpoint` names, where it is there"),
            ],
            summary: "Trains a generator against a discriminator (GAN).",
            doc:
                "Codes are normal numbers. hinge with spectral norm: Miyato et al. 2018; wgan_gp: Gulrajani et al. 2017. The result has the losses. Use the generator as maximize(…, prior = generator).",
            example: example
                + "run = fit_gan(g, d, [randn(16, 1), randn(16, 1)], steps = 2, batch = 2)\nlen(run.generator)  # expect: 2",
            seeAlso: ["generate", "maximize", "fit"]
        ) { args in
            let generator = try args.network("generator")
            let judge = try args.network("discriminator")
            var o = try AdversarialOptions()
            let losses = AdversarialOptions.Loss.allCases.map(\.rawValue)
            o.loss =
                AdversarialOptions.Loss(rawValue: try args.choice("loss", of: losses, default: "hinge"))
                ?? .hinge
            o.penaltyWeight = try args.number("penalty", default: o.penaltyWeight)
            o.spectralNorm = try args.optionalBool("spectral_norm")
            o.steps = try args.int("steps", in: 1...100_000_000, default: o.steps)
            o.batch = try args.int("batch", in: 1...65536, default: o.batch)
            o.discriminatorSteps = try args.optionalInt("discriminator_steps").map { max(1, min($0, 1000)) }
            if let given = try args.optionalObject("optimizer", as: OptimizerObject.self, "an optimizer") {
                o.generatorOptimizer = given.optimizer
                o.discriminatorOptimizer = given.optimizer
            }
            if let given = try args.optionalObject(
                "discriminator_optimizer", as: OptimizerObject.self, "an optimizer")
            {
                o.discriminatorOptimizer = given.optimizer
            }
            o.average = try args.number("average", default: o.average)
            o.key = try args.key(chance)
            let examples = try examples(args)
            o.checkpoint = try args.optionalPath("checkpoint").map { try Outputs.place($0) }
            o.checkpointMinutes = try args.number("checkpoint_minutes", default: o.checkpointMinutes)
            o.resume = try FitBuiltins.resumed(args, o.checkpoint)
            // Before it begins: checkpoints are to hold it.
            if let rate = examples.sampleRate {
                generator.preprocessing.kind = "audio"
                generator.preprocessing.rate = rate
            }
            let training = try AdversarialTraining(generator, against: judge, examples, o)
            let history = try training.run(progress: args.interpreter.progress)
            if history.wasInterrupted {
                let path =
                    o.checkpoint.map { "; to go on: the same fit_gan(…) with resume = \"\($0)\"" } ?? ""
                Notes.say(
                    "stopped after \(history.generator.count) steps; the generator keeps what it learned\(path)"
                )
            } else if o.steps <= history.resumedAt {
                Notes.say(
                    "the checkpoint has done \(history.resumedAt) of steps = \(o.steps) already: give a greater number to go on"
                )
            }
            return Value([
                ("generator", Value(history.generator)), ("discriminator", Value(history.discriminator)),
                ("steps", Value(history.generator.count)), ("seconds", Value(history.seconds)),
                ("interrupted", Value(history.wasInterrupted)),
            ])
        }
    }

    private static func examples(_ args: Arguments) throws -> any ExampleSet {
        if case .list(let list) = args.value("data") {
            let parts = try list.items.map { try TensorObject.from($0, "each example") }
            let all = try TensorObject.stacked(parts, axis: 0).concrete().converted(to: .float32)
            return try TensorExamples(inputs: all, labels: parts.map { _ in 0 }, classNames: ["all"])
        }
        return try DataBuiltins.parts(args.value("data"), args).0
    }

    private static func generate(_ chance: Chance) -> Builtin {
        Builtin(
            "generate", topic: "lens",
            [
                .required("generator", "a generator network"), .optional("count", "1", "how many"),
                .optional("seed", "nil", "of the codes; by default the session's"),
            ],
            summary: "What a generator makes of random codes: a list of sounds or pictures.",
            example: example + "len(generate(g, 3))  # expect: 3", seeAlso: ["fit_gan", "maximize"]
        ) { args in
            let network = try args.network("generator")
            let count = try args.int("count", in: 1...4096, default: 1)
            let key = try args.key(chance)
            let codes = try Tensor(random: .normal, shape: [count] + network.builtInputShape(), key: key)
            let made = try network.predict(codes)
            return Value(
                try (0..<count).map { i -> Value in
                    let one = try made[[.position(i)]].dense()
                    let isSound = one.rank == 2 && one.shape[1] == 1
                    return isSound
                        ? Value(WaveObject(one, rate: network.preprocessing.rate ?? 16000))
                        : Value(TensorObject(one))
                })
        }
    }
}
