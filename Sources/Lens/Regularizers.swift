import Graph
import Support
import Tensor

/// What is taken off the score so that the input becomes clearer. All weights default to 0.
///
/// Sums run over the values of one input, so that a weight means the same at any batch size.
public struct Regularizers: Sendable, Hashable {
    /// Weight of Σ|x| (x measured from the start's middle value).
    public var l1 = 0.0
    /// Weight of Σx².
    public var l2 = 0.0
    /// Weight of Σ|x|^p with `p`.
    public var lp = 0.0
    public var p = 6.0
    /// Weight of the total variation: Σ of |differences| of neighbours along each spatial axis
    /// (Rudin, Osher and Fatemi 1992; for pictures Mahendran and Vedaldi 2015 with β = 1).
    public var totalVariation = 0.0

    public init() {}

    /// The penalty of each input: [batch], nil where nothing is asked for. x: [batch, spatial…, channels].
    func penalty(_ x: Traced, middle: Double) throws -> Traced? {
        let axes = Array(1..<x.rank)
        let centred = middle == 0 ? x : try x - middle
        var terms: [Traced] = []
        if l1 != 0 { terms.append(try centred.abs().sum(axes) * l1) }
        if l2 != 0 { terms.append(try centred.square().sum(axes) * l2) }
        if lp != 0 { terms.append(try centred.abs().power(centred.scalar(p)).sum(axes) * lp) }
        if totalVariation != 0 {
            for axis in 1..<(x.rank - 1) where x.shape[axis] > 1 {
                let later = try x.sliced(axis: axis, from: 1, to: x.shape[axis])
                let earlier = try x.sliced(axis: axis, from: 0, to: x.shape[axis] - 1)
                terms.append(try (later - earlier).abs().sum(axes) * totalVariation)
            }
        }
        guard let first = terms.first else { return nil }
        return try terms.dropFirst().reduce(first) { try $0 + $1 }
    }
}
