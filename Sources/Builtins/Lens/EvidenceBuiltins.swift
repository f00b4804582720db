import Language
import Lens
import Network
import Plot
import Support
import Tensor

/// Measures of attributions: whether a map tells what matters, points right, and hears the network.
public enum EvidenceBuiltins {
    public static func table(_ chance: Chance) -> [Builtin] {
        [insertionDeletion(chance), pointing(), sanityCheck(chance)]
    }

    private static let sound =
        "net = sequential(conv1d(8, 9, stride = 4), relu(), global_avgpool1d(), dense(3), softmax(), input = [400, 1], classes = [\"bed\", \"cat\", \"dog\"])\n"

    private static func one(_ args: Arguments) throws -> AttributionObject {
        let object = try args.object(
            "map", as: AttributionObject.self, "an attribution, such as cam(net, wave, \"dog\")")
        guard object.result.classes.count == 1 else {
            throw args.failure(
                "this attribution is of \(object.result.classes.count) classes",
                hint: "take one of them: result[0]",
                kind: .value)
        }
        return object
    }

    private static func insertionDeletion(_ chance: Chance) -> Builtin {
        Builtin(
            "insertion_deletion", topic: "lens",
            [
                .required("map", "an attribution of one class"),
                .optional("steps", "20", "pieces in which the places go"),
                .optional(
                    "baseline", "nil", "what deleted places hold: a number or a tensor; by default zeros"),
                .optional("orders", "3", "random orders to compare with"),
                .optional("seed", "nil", "of the random orders; by default the session's"),
            ],
            summary:
                "Insertion and deletion: the class' probability as the most important places go or come first.",
            doc: """
                A map that tells what matters has a small area under the deletion curve and a great one under the \
                insertion curve (Petsiuk et al. 2018); random is what places in random order give. Insertion begins \
                with zeros for sound and with a blurred copy for pictures.
                """,
            example: sound
                + "d = insertion_deletion(cam(net, randn(400, 1), \"dog\"), steps = 5)\nlen(d.deletion_curve)  # expect: 6",
            seeAlso: ["cam", "rise", "pointing", "sanity_check"]
        ) { args in
            let object = try one(args)
            let network = object.result.network
            let curves = try object.result.evidenceCurves(
                steps: try args.int("steps", in: 2...1000, default: 20),
                orders: try args.int("orders", in: 1...100, default: 3),
                baseline: try AttributionBuiltins.baseline(args, network), key: try args.key(chance))
            return Value(EvidenceObject(curves))
        }
    }

    private static func pointing() -> Builtin {
        Builtin(
            "pointing", topic: "lens",
            [
                .required("map", "an attribution of one class"),
                .required(
                    "region",
                    "where the evidence is: [from, to] in samples, or [[top, bottom], [left, right]]"),
                .optional("tolerance", "0", "places beside the region that still count as hits"),
            ],
            summary:
                "The pointing game: whether a map's peak, and how much of it, lies where the evidence is known to be.",
            doc: """
                A record of hit, peak, share (the part of the positive values that lies in the region) and chance (the \
                part of the input that the region is, which a map that tells nothing has for its share). Zhang et al. \
                2016. The end of the region is not part of it.
                """,
            example: sound
                + "p = pointing(cam(net, randn(400, 1), \"dog\"), [100, 200])\np.chance  # expect: 0.25",
            seeAlso: ["cam", "insertion_deletion"]
        ) { args in
            let object = try one(args)
            let items = try args.list("region").items
            let pairs =
                items.allSatisfy { $0.asList != nil } ? items.compactMap { $0.asList?.items } : [items]
            let region = try pairs.map { pair -> Range<Int> in
                guard pair.count == 2, let low = pair[0].asInt, let high = pair[1].asInt, low < high else {
                    throw args.failure("`region` must be [from, to], or such a pair for each axis")
                }
                return low..<high
            }
            let found = try object.result.pointing(
                region: region, tolerance: try args.int("tolerance", in: 0...1_000_000_000, default: 0))
            return Value([
                ("hit", Value(found.isHit)),
                ("peak", found.peak.count == 1 ? Value(found.peak[0]) : Value(found.peak.map(Double.init))),
                ("share", Value(found.share)), ("chance", Value(found.chance)),
            ])
        }
    }

    private static func sanityCheck(_ chance: Chance) -> Builtin {
        let methods = AttributionMethod.allCases.map(\.rawValue)
        return Builtin(
            "sanity_check", topic: "lens",
            [
                .required("net", "a network"),
                .required("x", "a waveform, picture, tensor, example of a data set, or a sound file"),
                .optional("class", "nil", "a class by name or index; by default the likeliest"),
                .optional(
                    "method", "\"gradcam\"",
                    "or \(methods.filter { $0 != "gradcam" }.joined(separator: ", "))"),
                .optional("layer", "nil", "whose map is weighed, for the CAM family"),
                .optional("seed", "nil", "of the new weights; by default the session's"),
            ],
            summary:
                "Sanity check: does an attribution change as the network's weights are drawn anew, layer by layer?",
            doc: """
                From the last layer to the first; for each the rank correlation (Spearman) of the map's sizes with the \
                original's. A method whose map stays the same shows the input rather than what was learned (Adebayo et \
                al. 2018). The network itself is not changed.
                """,
            example: sound
                + "s = sanity_check(net, randn(400, 1), \"dog\", method = \"saliency\")\ns.layers  # expect: [\"dense\", \"conv1d\"]",
            seeAlso: ["saliency", "guided_backprop", "insertion_deletion"]
        ) { args in
            let network = try args.network()
            let method =
                AttributionMethod(rawValue: try args.choice("method", of: methods, default: "gradcam"))
                ?? .gradcam
            var options = AttributionOptions()
            options.layer = try AttributionBuiltins.layer(args, network)
            let classes = try AttributionBuiltins.classes(args.value("class"), network, args)
            guard classes.map({ $0.count == 1 }) ?? true else { throw args.failure("give one class") }
            let sample = try Samples.sample(args.value("x"), for: network, args)
            let found = try Attributor(network, method, options).weightSanity(
                sample, class: classes?[0], key: args.key(chance), progress: args.interpreter.progress)
            return Value(SanityObject(found))
        }
    }
}

/// The curves of insertion and deletion.
final class EvidenceObject: VZObject, Drawable {
    let curves: EvidenceCurves
    init(_ curves: EvidenceCurves) { self.curves = curves }

    var typeName: String { "evidence curves" }
    private static let docs: [(name: String, doc: String)] = [
        ("deletion", "area under the deletion curve; small is good"),
        ("insertion", "area under the insertion curve; great is good"),
        ("random", "record of both areas for places in random order"),
        ("parts", "part of the places that are gone, or there"),
        ("deletion_curve", "the class' probability at each part"),
        ("insertion_curve", "the class' probability at each part"),
        ("class", "the class"),
    ]
    var memberNames: [String] { Self.docs.map(\.name) }
    func memberDoc(_ name: String) -> String? { Self.docs.first { $0.name == name }?.doc }
    func member(_ name: String) throws -> Value? {
        switch name {
        case "deletion": Value(curves.deletionArea)
        case "insertion": Value(curves.insertionArea)
        case "random":
            Value([
                ("deletion", Value(curves.randomDeletionArea)),
                ("insertion", Value(curves.randomInsertionArea)),
            ])
        case "parts": Value(curves.parts)
        case "deletion_curve": Value(curves.deletion)
        case "insertion_curve": Value(curves.insertion)
        case "class": Value(curves.label)
        default: nil
        }
    }
    var summary: String {
        "<\(curves.label): deletion \(format4(curves.deletionArea)) (random \(format4(curves.randomDeletionArea))), insertion \(format4(curves.insertionArea)) (random \(format4(curves.randomInsertionArea)))>"
    }

    func figure(labels: [String]) throws -> Figure {
        func panel(_ title: String, _ own: [Double], _ random: [Double], _ xlabel: String) throws -> Panel {
            var panel = try Panel.series([
                Series(name: labels.first ?? "by the map", x: curves.parts, y: own),
                Series(name: "in random order", x: curves.parts, y: random),
            ])
            panel.title = title
            panel.x.label = xlabel
            panel.y.label = "probability of \(curves.label)"
            panel.y.wanted = (0, 1)
            return panel
        }
        return Figure(
            panels: [
                try panel(
                    "deletion: \(format4(curves.deletionArea))", curves.deletion, curves.randomDeletion,
                    "part deleted"),
                try panel(
                    "insertion: \(format4(curves.insertionArea))", curves.insertion, curves.randomInsertion,
                    "part inserted"),
            ], columns: 2)
    }
}

/// What a sanity check found.
final class SanityObject: VZObject, Drawable {
    let found: WeightSanity
    init(_ found: WeightSanity) { self.found = found }

    var typeName: String { "sanity check" }
    private static let docs: [(name: String, doc: String)] = [
        ("layers", "names of the layers whose weights were drawn anew, in that order"),
        ("correlations", "rank correlation with the original map after each"),
        ("method", "what was checked"), ("class", "for which class"),
    ]
    var memberNames: [String] { Self.docs.map(\.name) }
    func memberDoc(_ name: String) -> String? { Self.docs.first { $0.name == name }?.doc }
    func member(_ name: String) throws -> Value? {
        switch name {
        case "layers": Value(found.stages.map(\.layer))
        case "correlations": Value(found.stages.map(\.correlation))
        case "method": Value(found.method)
        case "class": Value(found.label)
        default: nil
        }
    }
    var summary: String {
        "<sanity check of \(found.method): rank correlation \(format4(found.stages.first?.correlation ?? .nan)) after the last layer, \(format4(found.stages.last?.correlation ?? .nan)) after all>"
    }

    func figure(labels: [String]) throws -> Figure {
        var panel = try Panel.bars(
            labels: found.stages.map(\.layer),
            series: [Series(y: found.stages.map { $0.correlation.isFinite ? $0.correlation : 0 })],
            valueLabel: "rank correlation with the original map")
        panel.title = "\(found.method) of \(found.label): weights drawn anew from the last layer on"
        return Figure(panel)
    }
}
