import Language
import Lens
import Network
import Support
import Synchronization
import Tensor

/// Where in an input the evidence for a class lies: the CAM family and attributions to the input.
public enum AttributionBuiltins {
    public static func table(_ chance: Chance) -> [Builtin] {
        cams() + gradients() + [integratedGradients(), occlusion(), lrp()] + sampled(chance)
    }

    static let common: [Language.Parameter] = [
        .required("net", "a network"),
        .required("x", "a waveform, picture, tensor, example of a data set, or a file of sound or a picture"),
        .optional("class", "nil", "a class by name or index, or a list of them; by default the likeliest"),
    ]
    static let batchParameter = Language.Parameter.optional(
        "batch", "nil", "how many inputs go through the network at once; by default as many as fit well")
    private static let layerParameter = Language.Parameter.optional(
        "layer", "nil",
        "whose map is weighed: net.conv1d_5 or its name; by default the last one before pooling")

    static let sound =
        "net = sequential(conv1d(8, 9, stride = 4), relu(), global_avgpool1d(), dense(3), softmax(), input = [400, 1], classes = [\"bed\", \"cat\", \"dog\"])\n"

    // MARK: What all have in common

    /// Notes that were said in this process.
    private static let told = Mutex<Set<String>>([])

    static func classes(_ value: Value, _ network: Network, _ args: Arguments) throws -> [Int]? {
        func one(_ item: Value) throws -> Int {
            if let name = item.asString { return try network.outputLayer.classIndex(name) }
            guard let i = item.asInt else {
                throw args.mismatch("class", "a class' name or index, or a list", item)
            }
            return i
        }
        switch value {
        case .nil: return nil
        case .list(let list): return try list.items.map(one)
        case .range: return try args.ints("class")
        default: return [try one(value)]
        }
    }

    /// The rate of what the network is given: sounds are brought to its own.
    static func rate(_ value: Value, _ network: Network) throws -> Int? {
        if let rate = network.preprocessing.rate { return rate }
        if let wave = value.asObject as? WaveObject { return wave.rate }
        if let example = value.asObject as? ExampleObject, let rate = example.set.sampleRate { return rate }
        return try network.builtInputShape().count == 2 ? 16000 : nil
    }

    static func layer(_ args: Arguments, _ network: Network) throws -> LayerHandle? {
        switch args.value("layer") {
        case .nil: return nil
        case .string(let name): return try network.layer(name.string)
        case let value:
            guard let object = value.asObject as? LayerObject, let handle = object.handle else {
                throw args.mismatch("layer", "a layer of the network, such as net.conv1d_3", value)
            }
            return handle
        }
    }

    static func baseline(_ args: Arguments, _ network: Network, _ name: String = "baseline") throws -> Tensor?
    {
        switch args.value(name) {
        case .nil: return nil
        case .number(let x):
            return try Tensor(repeating: x, shape: [1] + network.builtInputShape().map { _ in 1 })
        case let value: return try Samples.sample(value, for: network, args, name)
        }
    }

    static func run(
        _ method: AttributionMethod, _ args: Arguments, _ change: (inout AttributionOptions) throws -> Void
    )
        throws -> Value
    {
        let network = try args.network()
        var options = AttributionOptions()
        try change(&options)
        if args.builtin.slotNames.contains("batch") { options.batch = try args.optionalInt("batch") }
        let sample = try Samples.sample(args.value("x"), for: network, args)
        let result = try Attributor(network, method, options).run(
            sample, classes: try classes(args.value("class"), network, args),
            progress: args.interpreter.progress)
        // Once is enough, however often a loop asks; the result has it each time.
        for note in result.notes where told.withLock({ $0.insert(note).inserted }) { Notes.say(note) }
        return Value(AttributionObject(result, rate: try rate(args.value("x"), network)))
    }

    // MARK: The CAM family

    private static func cams() -> [Builtin] {
        [
            cam(),
            layerMap(
                .gradcam, "Grad-CAM: a layer's channels weighed by the mean gradient of a class' score.",
                "Σ relu(α A) with α the mean over the map of ∂score/∂A (Selvaraju et al. 2017)."),
            layerMap(
                .gradcampp, "Grad-CAM++: finds several places of one class better than Grad-CAM.",
                "The positive gradients of a class' score, weighed by equation 19 of Chattopadhay et al. 2018."
            ),
            layerMap(
                .xgradcam, "XGrad-CAM: Grad-CAM with each place's gradient weighed by its activation.",
                "α = Σ A · ∂score/∂A / Σ A, so that the weighed maps add up to what the layer gives the score (Fu et al. 2020)."
            ),
            layerMap(
                .layercam,
                "LayerCAM: each place weighed by its own positive gradient; sharp in early layers too.",
                "relu(Σ relu(∂score/∂A) · A) (Jiang et al. 2021)."),
            layerMap(
                .hirescam,
                "HiResCAM: each place weighed by its own gradient; true to what a network with dense layers uses.",
                "relu(Σ ∂score/∂A · A) (Draelos and Carin 2020)."),
            layerMap(
                .scorecam,
                "Score-CAM: channels weighed by the score of the input seen through them; needs no gradient.",
                "One pass of the network for each channel of the layer (Wang et al. 2020).",
                near: ["ablationcam"]),
            layerMap(
                .ablationcam,
                "Ablation-CAM: channels weighed by how much the score falls without them; needs no gradient.",
                """
                relu(Σ w A) with w = (score − score with the channel set to 0) / |score| (Desai and Ramaswamy \
                2020): one pass of what follows the layer for each of its channels.
                """,
                near: ["scorecam", "occlusion"]),
            layerMap(
                .eigencam,
                "Eigen-CAM: the first principal component of a layer's activation, whatever the class.",
                "The projection of the centred activation on its first principal component (Muhammad and Yeasin 2020), with the sign of the mean activation."
            ),
            layerMap(
                .eigengradcam,
                "Eigen-Grad-CAM: Eigen-CAM of the activation times its gradient, so that the class counts.",
                "The first principal component of A · ∂score/∂A, as pytorch-grad-cam has it."),
            guidedGradcam(),
        ]
    }

    private static func cam() -> Builtin {
        let names = [
            "cam", "gradcam", "gradcam++", "xgradcam", "layercam", "hirescam", "scorecam", "ablationcam",
            "eigencam", "eigengradcam",
        ]
        return Builtin(
            "cam", topic: "lens",
            common + [
                layerParameter,
                .optional("method", "\"cam\"", "or \(names.dropFirst().joined(separator: ", "))"),
                batchParameter,
            ],
            summary: "Class activation map: where in a waveform or picture a network hears or sees a class.",
            doc: """
                Where a global average and dense layers follow the layer, the map is Σ w A, the layer's channels \
                weighed by the class' weights (Zhou et al. 2016); elsewhere it is Grad-CAM, which is the same up to \
                its scale where both are defined, and the result's method says so. The score is the one before \
                softmax. plot draws the map over its input; play and save(…, "x.wav") give what is left of a sound \
                where only the attended part is kept.
                """,
            example: sound
                + "c = cam(net, randn(400, 1), \"dog\")\n[c.method, c.class, c.layer.name]  # expect: [\"cam\", \"dog\", \"relu\"]",
            seeAlso: ["gradcam", "lrp", "integrated_gradients", "insertion_deletion", "plot"]
        ) { args in
            let chosen = try args.choice("method", of: names + ["gradcampp"], default: "cam")
            let method = AttributionMethod(rawValue: chosen == "gradcam++" ? "gradcampp" : chosen) ?? .cam
            let network = try args.network()
            return try run(method, args) { $0.layer = try layer(args, network) }
        }
    }

    private static func guidedGradcam() -> Builtin {
        Builtin(
            "guided_gradcam", topic: "lens", common + [layerParameter],
            summary: "Guided Grad-CAM: guided backpropagation where Grad-CAM looks; fine, and of the class.",
            doc:
                "Guided backpropagation times Grad-CAM's map stretched over the input (Selvaraju et al. 2017).",
            example: sound + "guided_gradcam(net, randn(400, 1), \"cat\").raw.shape  # expect: [400, 1]",
            seeAlso: ["gradcam", "guided_backprop", "plot"]
        ) { args in
            let network = try args.network()
            return try run(.guidedGradcam, args) { $0.layer = try layer(args, network) }
        }
    }

    private static func layerMap(
        _ method: AttributionMethod, _ summary: String, _ doc: String, near: [String] = []
    ) -> Builtin {
        let name = method.rawValue
        // A pass for each channel goes in batches.
        let hasBatch = method == .scorecam || method == .ablationcam
        return Builtin(
            name, topic: "lens", common + [layerParameter] + (hasBatch ? [batchParameter] : []),
            summary: summary,
            doc: doc
                + " The score is the one before softmax. Also cam(…, method = \"\(name == "gradcampp" ? "gradcam++" : name)\").",
            example: sound + "\(name)(net, randn(400, 1), [\"bed\", \"dog\"]).map.shape  # expect: [2, 400]",
            seeAlso: ["cam"] + near + ["saliency", "sanity_check", "plot"]
        ) { args in
            let network = try args.network()
            return try run(method, args) { $0.layer = try layer(args, network) }
        }
    }

    // MARK: Attributions to the input

    private static func gradients() -> [Builtin] {
        func one(_ method: AttributionMethod, _ summary: String, _ doc: String) -> Builtin {
            Builtin(
                method.rawValue, topic: "lens", common, summary: summary, doc: doc,
                example: sound
                    + "\(method.rawValue)(net, randn(400, 1), \"cat\").raw.shape  # expect: [400, 1]",
                seeAlso: ["smoothgrad", "integrated_gradients", "cam", "plot"]
            ) { args in try run(method, args) { _ in } }
        }
        return [
            one(
                .saliency,
                "Saliency: the gradient of a class' score (before softmax) with respect to the input.",
                "raw is the gradient; map its size, the greatest over the channels (Simonyan et al. 2014)."),
            one(
                .gradientTimesInput,
                "The gradient times the input: each number's share of a score that is linear around it.",
                "For a network of ReLUs without biases the shares add up to the score (Shrikumar et al. 2016)."
            ),
            one(
                .guidedBackprop, "Guided backpropagation: only positive gradients pass ReLUs that were on.",
                "Springenberg et al. 2015. Clear pictures that depend little on the class: see sanity_check."),
            one(
                .deconvnet, "Deconvnet: only positive gradients pass ReLUs, on or off.",
                "Zeiler and Fergus 2014."),
        ]
    }

    private static func integratedGradients() -> Builtin {
        Builtin(
            "integrated_gradients", topic: "lens",
            common + [
                .optional("steps", "50", "points between baseline and input"),
                .optional(
                    "baseline", "nil",
                    "what stands for nothing: a number, a tensor, a waveform; by default zeros"),
                batchParameter,
            ],
            summary: "Integrated gradients: shares of what the score gains from a baseline to the input.",
            doc: """
                (x − b) · the mean gradient along the line from the baseline b to x, by Gauss-Legendre quadrature \
                (Sundararajan et al. 2017). The shares add up to f(x) − f(b); residual says what is missing, and more \
                steps make it smaller.
                """,
            example: sound
                + "abs(integrated_gradients(net, randn(400, 1), \"dog\").residual) < 0.01  # expect: true",
            seeAlso: ["gradient_shap", "smoothgrad", "grad_times_input", "lrp"]
        ) { args in
            let network = try args.network()
            return try run(.integratedGradients, args) {
                $0.steps = try args.int("steps", in: 1...100_000, default: 50)
                $0.baseline = try baseline(args, network)
            }
        }
    }

    private static func occlusion() -> Builtin {
        Builtin(
            "occlusion", topic: "lens",
            common + [
                .optional(
                    "window", "nil",
                    "what is covered at a time, in samples or pixels; by default an eighth of each axis"),
                .optional("stride", "nil", "how far the window moves; by default half of it"),
                .optional("baseline", "nil", "what it is covered with: a number, a tensor; by default zeros"),
                batchParameter,
            ],
            summary: "Occlusion: by how much a class' score falls when a part of the input is covered.",
            doc: "Averaged over the windows that cover a place (Zeiler and Fergus 2014).",
            example: sound + "occlusion(net, randn(400, 1), \"dog\", window = 40).map.shape  # expect: [400]",
            seeAlso: ["rise", "ablationcam", "insertion_deletion"]
        ) { args in
            let network = try args.network()
            return try run(.occlusion, args) {
                $0.window = try args.optionalInts("window")
                $0.stride = try args.optionalInts("stride")
                $0.baseline = try baseline(args, network)
            }
        }
    }

    private static func lrp() -> Builtin {
        let rules = RelevanceOptions.Rule.allCases.map(\.rawValue)
        let firsts = RelevanceOptions.First.allCases.map(\.rawValue)
        return Builtin(
            "lrp", topic: "lens",
            common + [
                .optional("rule", "\"composite\"", "or \"epsilon\", \"gamma\", \"plus\""),
                .optional("epsilon", "1e-6", "by how much sums are moved away from 0"),
                .optional("gamma", "0.25", "by how much positive parts are strengthened"),
                .optional("bias", "true", "false: biases take no share, and all relevance reaches the input"),
                .optional(
                    "first", "nil",
                    "of the first layer: \"rule\", \"w2\", \"flat\", \"box\"; by default as the rule has it"),
                .optional("low", "nil", "lowest value of an input, or one for each channel, for \"box\""),
                .optional("high", "nil", "highest value of an input"),
            ],
            summary: "Layer-wise relevance propagation: a class' score shared out back to the input.",
            doc: """
                Units share their relevance by what each input adds to their sum (Bach et al. 2015; rules as in \
                Montavon et al. 2019). composite: dense layers by epsilon, convolutions by gamma, the first layer by \
                "w2" on sound and by "box" on pictures whose range is known. Batch normalization behind a \
                convolution or a dense layer is folded into it. Any network of convolutions, dense layers, pooling, \
                sums, joins and usual activations; residual is what the sum over the input misses of the score (what \
                biases took, with bias = true).
                """,
            example: sound
                + "r = lrp(net, randn(400, 1), \"dog\", bias = false)\nabs(r.residual) < 0.001 * max(abs(r.score), 1)  # expect: true",
            seeAlso: ["cam", "integrated_gradients", "sanity_check"]
        ) { args in
            try run(.lrp, args) {
                $0.relevance.rule =
                    RelevanceOptions.Rule(rawValue: try args.choice("rule", of: rules, default: "composite"))
                    ?? .composite
                $0.relevance.epsilon = try args.number("epsilon", default: 1e-6)
                $0.relevance.gamma = try args.number("gamma", default: 0.25)
                $0.relevance.bias = try args.bool("bias", default: true)
                if !args.value("first").isNil {
                    $0.relevance.first = RelevanceOptions.First(
                        rawValue: try args.choice("first", of: firsts))
                }
                $0.relevance.low = try args.optionalNumbers("low")?.map { Float($0) }
                $0.relevance.high = try args.optionalNumbers("high")?.map { Float($0) }
            }
        }
    }
}

extension Builtin {
    /// Names of the parameters.
    var slotNames: [String] { parameters.map(\.name) }
}
