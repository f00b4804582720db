import Graph
import Support
import Tensor

/// Whether a map points at where the evidence is known to be.
public struct Pointing: Sendable {
    /// The place of the map's greatest value, one number for each axis.
    public let peak: [Int]
    /// True where the peak lies in the region or at most the tolerance beside it (Zhang et al. 2016, the
    /// pointing game).
    public let isHit: Bool
    /// The part of the map's positive values that lies in the region.
    public let share: Double
    /// The part of the input that the region is: the share that a map which tells nothing has.
    public let chance: Double
}

extension Attribution {
    /// - region: for each axis the first place and the one after the last.
    /// - tolerance: places beside the region that still count as hits.
    public func pointing(
        index: Int = 0, region: [Range<Int>], tolerance: Int = 0, cancel: CancelFlag = .shared
    ) throws -> Pointing {
        let lengths = Array(input.shape.dropLast())
        guard classes.indices.contains(index) else {
            throw Failure(.index, "pointing: there are \(classes.count) classes, not \(index + 1)")
        }
        guard region.count == lengths.count,
            zip(region, lengths).allSatisfy({ $0.lowerBound >= 0 && $0.upperBound <= $1 && !$0.isEmpty })
        else {
            throw Failure(
                .argument, "pointing: the region does not lie in an input of \(Shape.describe(lengths))",
                hint: "give [from, to] for each axis, the last place not included")
        }
        guard tolerance >= 0 else { throw Failure(.argument, "pointing: tolerance must not be negative") }
        let recording = Recording()
        let flat = try recording.give(map[[.position(index)]]).reshaped(lengths)
        var box = flat
        for (axis, range) in region.enumerated() {
            box = try box.sliced(axis: axis, from: range.lowerBound, to: range.upperBound)
        }
        let values = try recording.run(
            [flat.reshaped([flat.type.count]).argmax(axis: 0), flat.relu().sum(), box.relu().sum()],
            cancel: cancel)
        var at = Int(try values[0].scalarValue())
        var peak = lengths
        for axis in lengths.indices.reversed() {
            peak[axis] = at % lengths[axis]
            at /= lengths[axis]
        }
        let isHit = zip(peak, region).allSatisfy {
            $0 >= $1.lowerBound &- tolerance && $0 < $1.upperBound &+ tolerance
        }
        let (all, inside) = (try values[1].scalarValue(), try values[2].scalarValue())
        let part = zip(region, lengths).reduce(1.0) { $0 * Double($1.0.count) / Double($1.1) }
        return Pointing(peak: peak, isHit: isHit, share: all > 0 ? inside / all : .nan, chance: part)
    }
}
