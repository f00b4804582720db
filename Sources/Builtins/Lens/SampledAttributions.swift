import Language
import Lens
import Network
import Support
import Tensor

// Attributions by random numbers: noisy copies, points on the way from examples, masks.
extension AttributionBuiltins {
    static func sampled(_ chance: Chance) -> [Builtin] {
        [smoothgrad(chance), gradientSHAP(chance), rise(chance)]
    }

    private static let seedParameter = Language.Parameter.optional(
        "seed", "nil", "of the random numbers; by default the session's")

    private static func smoothgrad(_ chance: Chance) -> Builtin {
        Builtin(
            "smoothgrad", topic: "lens",
            common + [
                .optional("samples", "50", "noisy copies"),
                .optional("noise", "0.15", "standard deviation of the noise, as a part of max(x) − min(x)"),
                seedParameter, batchParameter,
            ],
            summary: "SmoothGrad: the mean gradient over noisy copies of the input.",
            doc: "Smilkov et al. 2017.",
            example: sound + "smoothgrad(net, randn(400, 1), 0, samples = 8).options.samples  # expect: 8",
            seeAlso: ["saliency", "integrated_gradients", "gradient_shap"]
        ) { args in
            try run(.smoothgrad, args) {
                $0.samples = try args.int("samples", in: 1...1_000_000, default: 50)
                $0.noise = try args.number("noise", default: 0.15)
                $0.key = try args.key(chance)
            }
        }
    }

    private static func gradientSHAP(_ chance: Chance) -> Builtin {
        Builtin(
            "gradient_shap", topic: "lens",
            common + [
                .optional(
                    "baselines", "nil",
                    "what stands for nothing: a number, a waveform, a tensor or a list of them, a data set; by default zeros"
                ),
                .optional("samples", "50", "points, one in each of equal parts of the way"),
                .optional("noise", "0", "standard deviation of noise on x, as a part of max(x) − min(x)"),
                seedParameter, batchParameter,
            ],
            summary: "Gradient SHAP: expected gradients on the ways from many baselines to the input.",
            doc: """
                The mean of gradient · (x − b) at random points between baselines b, drawn from the given ones in \
                turn, and x (Lundberg and Lee 2017; expected gradients, Erion et al. 2021): Shapley values where \
                the network is linear and its inputs independent. The shares add up to f(x) less the mean of f(b), \
                up to chance; residual says what is missing, and more samples make it smaller. Of a data set so \
                many examples are drawn as there are samples.
                """,
            example: sound
                + "g = gradient_shap(net, randn(400, 1), \"dog\", baselines = randn(5, 400, 1), samples = 200, seed = 1)\n[g.options.baselines, abs(g.residual) < 0.1]  # expect: [5, true]",
            seeAlso: ["integrated_gradients", "smoothgrad", "rise", "lrp"]
        ) { args in
            let network = try args.network()
            return try run(.gradientSHAP, args) {
                $0.samples = try args.int("samples", in: 1...1_000_000, default: 50)
                $0.noise = try args.number("noise", default: 0)
                $0.key = try args.key(chance)
                $0.baseline = try baselines(args, network, most: $0.samples, key: $0.key)
            }
        }
    }

    /// Baselines [n] + input shape, at most `most` of a data set's.
    private static func baselines(
        _ args: Arguments, _ network: Network, most: Int, key: RandomKey
    ) throws -> Tensor? {
        let name = "baselines"
        let shape = try network.builtInputShape()
        switch args.value(name) {
        case .list(let list):
            guard !list.items.isEmpty else { throw args.failure("there are no baselines") }
            let each = try list.items.map { item in
                let one = try Samples.sample(item, for: network, args, name)
                guard one.shape == shape else { throw mismatched(one.shape, shape) }
                return one
            }
            return try TensorObject.stacked(each.map { TensorObject($0) }, axis: 0).concrete()
        case .object(let tensor as TensorObject) where tensor.shape.count == shape.count + 1:
            guard tensor.shape[0] > 0, Array(tensor.shape.dropFirst()) == shape else {
                throw mismatched(tensor.shape, shape)
            }
            return try tensor.concrete()
        case .object(let set) where set is DataSetObject || set is ExampleSetObject:
            let examples = try DataBuiltins.examples(args.value(name), args, name)
            guard examples.count > 0 else { throw args.failure("there are no baselines") }
            guard examples.exampleShape == shape else { throw mismatched(examples.exampleShape, shape) }
            // No more than fit well beside the network.
            let count = min(most, examples.count, max((64 << 20) / max(examples.exampleSize, 1), 1))
            let order = try Tensor(permutation: examples.count, key: key, stream: 6).array(of: Int32.self)
            return try examples.batch(order.prefix(count).map(Int.init)).inputs
        default: return try baseline(args, network, name)
        }
    }

    private static func mismatched(_ found: [Int], _ shape: [Int]) -> Failure {
        Failure(
            .shape, "`gradient_shap`: baselines of shape \(Shape.describe(found))",
            hint: "the network takes \(Shape.describe(shape)): give such a tensor, or several in a list")
    }

    private static func rise(_ chance: Chance) -> Builtin {
        Builtin(
            "rise", topic: "lens",
            common + [
                .optional("masks", "4000", "random masks"),
                .optional(
                    "cells", "nil",
                    "cells of a mask along each axis, or one number for all; by default 16 of a sound, 7 of each side of a picture"
                ),
                .optional("keep", "0.5", "probability that a cell is seen"),
                .optional("baseline", "nil", "what is there instead: a number, a tensor; by default zeros"),
                seedParameter, batchParameter,
            ],
            summary: "RISE: what a class gains where random masks let a part of the input be seen.",
            doc: """
                At each place the mean of the class' probability over masks, each weighed by how much it shows of the \
                place, less the mean over all masks: above 0 seeing the place helps the class, below it harms. \
                Masks are coarse grids of cells, stretched linearly and moved at random (Petsiuk et al. 2018, whose \
                map is this one plus a number). Only the network's answers are asked for, no gradient and no layer.
                """,
            example: sound
                + "r = rise(net, randn(400, 1), \"dog\", masks = 100, seed = 1)\n[r.map.shape, r.options.cells]  # expect: [[400], [16]]",
            seeAlso: ["occlusion", "ablationcam", "gradient_shap", "insertion_deletion"]
        ) { args in
            let network = try args.network()
            return try run(.rise, args) {
                $0.masks = try args.int("masks", in: 1...1_000_000, default: 4000)
                $0.cells = try args.optionalInts("cells")
                $0.keep = try args.number("keep", default: 0.5)
                $0.baseline = try baseline(args, network)
                $0.key = try args.key(chance)
            }
        }
    }
}
