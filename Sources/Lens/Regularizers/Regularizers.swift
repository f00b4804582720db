import Graph
import Support
import Tensor

/// What is taken off the score so that the input becomes clearer. All weights default to 0.
///
/// Sums run over the values of one input, so that a weight means the same at any batch size.
public struct Regularizers: Sendable, Hashable {
    /// Weight of Σ|x| (x measured from grey, or silence).
    public var l1 = 0.0
    /// Weight of Σx².
    public var l2 = 0.0
    /// Weight of Σ|x|^p with `p`.
    public var lp = 0.0
    public var p = 6.0
    /// Weight of the total variation: Σ of |differences| of neighbours along each spatial axis
    /// (Rudin, Osher and Fatemi 1992; for pictures Mahendran and Vedaldi 2015 with β = 1).
    public var totalVariation = 0.0
    /// Weight of the mean square distance, in dB, of a sound's band levels from a line of
    /// `slopeDecibels` an octave.
    public var slope = 0.0
    public var slopeDecibels = -6.0

    public init() {}

    public var isActive: Bool { [l1, l2, lp, totalVariation, slope].contains { $0 != 0 } }

    /// The penalty of each input: [batch], nil where nothing is asked for. x: [batch, spatial…, channels].
    func penalty(_ x: Traced, _ space: InputSpace) throws -> Traced? {
        let axes = Array(1..<x.rank)
        let isCentred = space.middle.allSatisfy { $0 == 0 }
        let centred = try isCentred ? x : x - space.row(space.middle, in: x.graph)
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
        if slope != 0 {
            guard space.kind == .sound else {
                throw Failure(.argument, "maximize: a spectral slope is a sound's; this network takes none")
            }
            let line = try SpectralSlope(
                length: space.shape[0], rate: space.rate, decibelsPerOctave: slopeDecibels)
            terms.append(try line.distance(x) * slope)
        }
        guard let first = terms.first else { return nil }
        return try terms.dropFirst().reduce(first) { try $0 + $1 }
    }
}
