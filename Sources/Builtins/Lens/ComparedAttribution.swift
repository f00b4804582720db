import Lens
import Plot
import Support

/// Attributions side by side: `compare(cam(…), lrp(…))`.
extension AttributionObject: ComparedResult {
    var comparedName: String { result.method.rawValue }

    /// The class' probability, and the areas under the curves of deletion (small is good) and insertion
    /// (great is good).
    func measures(_ against: ComparisonBasis) throws -> [Measure] {
        guard result.classes.count == 1 else {
            throw Failure(
                .value, "`compare`: this attribution is of \(result.classes.count) classes",
                hint: "take one of them: result[0]")
        }
        let curves = try result.evidenceCurves()
        return [
            Measure("probability", result.probabilities[0]),
            Measure("deletion", curves.deletionArea), Measure("insertion", curves.insertionArea),
            Measure("seconds", result.seconds),
        ]
    }

    func comparedFigures() throws -> [Panel] { Array(try figure(labels: []).panels.prefix(2)) }
}
