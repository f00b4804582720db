import Support
import Tensor

/// How an axis is read at places between its elements.
public enum Interpolation: UInt8, Sendable, Hashable, CaseIterable {
    /// The nearest element (of two the later), as PyTorch's nearest-exact.
    case nearest
    /// Straight lines between neighbours.
    case linear
    /// Keys' cubic with a = −1/2, as TensorFlow (Keys 1981).
    case cubic

    /// Half the width of the kernel.
    var radius: Double {
        switch self {
        case .nearest: 0.5
        case .linear: 1
        case .cubic: 2
        }
    }

    func weight(_ distance: Double) -> Double {
        let x = abs(distance)
        switch self {
        case .nearest: return x <= 0.5 ? 1 : 0
        case .linear: return max(1 - x, 0)
        case .cubic:
            if x >= 2 { return 0 }
            return x <= 1 ? (1.5 * x - 2.5) * x * x + 1 : ((-0.5 * x + 2.5) * x - 4) * x + 2
        }
    }
}

/// An axis brought to another length: each result a weighted mean of neighbouring elements. Elements
/// have their middles at half numbers, so that both ends stay where they are (what PyTorch calls
/// align_corners = False and TensorFlow half_pixel_centers); what a kernel would read beyond the ends
/// does not count.
public struct ResizeTable: Hashable, Sendable {
    public let from: Int
    public let to: Int
    public let interpolation: Interpolation
    /// When shrinking, widen the kernel by the factor so that what is too fine is averaged away.
    public let antialias: Bool

    public init(from: Int, to: Int, interpolation: Interpolation, antialias: Bool) {
        self.from = from
        self.to = to
        self.interpolation = interpolation
        self.antialias = antialias
    }

    /// For each place of the result the first element that it reads, and the weights from there on.
    public var rows: [(start: Int, weights: [Double])] { (0..<to).map(row) }

    /// The same for the way back: for each element, the first place that reads it and how much.
    public var columns: [(start: Int, weights: [Double])] {
        var starts = [Int](repeating: -1, count: from)
        var weights = [[Double]](repeating: [], count: from)
        for (i, row) in rows.enumerated() {
            for (k, weight) in row.weights.enumerated() {
                let element = row.start + k
                if starts[element] < 0 { starts[element] = i }
                // Places between that do not read it count 0.
                while starts[element] + weights[element].count < i { weights[element].append(0) }
                weights[element].append(weight)
            }
        }
        return zip(starts, weights).map { (max($0, 0), $1) }
    }

    private func row(_ place: Int) -> (start: Int, weights: [Double]) {
        let scale = Double(from) / Double(to)
        let center = (Double(place) + 0.5) * scale - 0.5
        if interpolation == .nearest {
            return (min(max(Int((center + 0.5).rounded(.down)), 0), from - 1), [1])
        }
        let widen = antialias ? max(scale, 1) : 1
        let reach = interpolation.radius * widen
        let (low, high) = (Int((center - reach).rounded(.up)), Int((center + reach).rounded(.down)))
        let first = min(max(low, 0), from - 1)
        let last = max(min(high, from - 1), first)
        var weights = [Double](repeating: 0, count: last - first + 1)
        for i in first...last { weights[i - first] = interpolation.weight((Double(i) - center) / widen) }
        let total = weights.reduce(0, +)
        return (first, weights.map { $0 / total })
    }
}

/// x → x with `axis` brought to the table's length.
public struct Resize: Operation {
    public let axis: Int
    public let table: ResizeTable
    /// The adjoint: from the resized axis back to the first length.
    public let isAdjoint: Bool

    public init(axis: Int, table: ResizeTable, isAdjoint: Bool = false) {
        self.axis = axis
        self.table = table
        self.isAdjoint = isAdjoint
    }
    /// The tables of weights are made for axes up to this length.
    public static let longest = 1 << 24

    public var name: String { isAdjoint ? "resize_gradient" : "resize" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        try requireFloat(inputs, name)
        let (from, to) = isAdjoint ? (table.to, table.from) : (table.from, table.to)
        guard inputs[0].shape.indices.contains(axis), inputs[0].shape[axis] == from, from > 0, to > 0,
            max(from, to) <= Self.longest
        else {
            throw Failure(
                .shape, "\(name): axis \(axis) of \(inputs[0]) cannot go from \(from) to \(to)",
                hint: "lengths are at least 1")
        }
        var shape = inputs[0].shape
        shape[axis] = to
        return ValueType(shape, inputs[0].type)
    }

    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        [try c.graphAdd(Resize(axis: axis, table: table, isAdjoint: !isAdjoint), [c.cotangent])]
    }

    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let x = inputs[0]
        let rows = isAdjoint ? table.columns : table.rows
        let (n, inner) = (x.shape[axis], x.shape[(axis + 1)...].reduce(1, *))
        var shape = x.shape
        shape[axis] = rows.count
        var y = ReferenceArray(shape)
        for outer in 0..<x.shape[..<axis].reduce(1, *) {
            for (i, row) in rows.enumerated() {
                for (k, weight) in row.weights.enumerated() {
                    let (from, to) = ((outer * n + row.start + k) * inner, (outer * rows.count + i) * inner)
                    for j in 0..<inner { y.values[to + j] += weight * x.values[from + j] }
                }
            }
        }
        return y
    }
}

extension Traced {
    /// The spatial axes of [batch, spatial…, channels] brought to `lengths`; see `ResizeTable`.
    public func resized(
        _ lengths: [Int], interpolation: Interpolation = .linear, antialias: Bool = false
    ) throws -> Traced {
        guard rank == lengths.count + 2, lengths.allSatisfy({ (1...Resize.longest).contains($0) }),
            shape[1..<Swift.max(rank - 1, 1)].allSatisfy({ $0 > 0 })
        else {
            throw Failure(
                .shape,
                "resize: an input of shape \(Shape.describe(shape)) cannot take the lengths \(Shape.describe(lengths))",
                hint: "one length, from 1 to \(Resize.longest), for each axis between batch and channels")
        }
        var y = self
        for (i, length) in lengths.enumerated() where length != shape[i + 1] {
            let table = ResizeTable(
                from: shape[i + 1], to: length, interpolation: interpolation, antialias: antialias)
            y = try graph.add(Resize(axis: i + 1, table: table), [y])
        }
        return y
    }

    /// Each spatial axis of [batch, spatial…, channels] made `factors` times as long: `nearest` repeats
    /// each value, `linear` and `cubic` draw lines and curves between them.
    public func upsampled(_ factors: [Int], interpolation: Interpolation = .nearest) throws -> Traced {
        guard rank == factors.count + 2, factors.allSatisfy({ $0 >= 1 && $0 <= 1 << 20 }) else {
            throw Failure(
                .shape,
                "upsampling: an input of shape \(Shape.describe(shape)) and factors \(Shape.describe(factors))",
                hint: "one factor, at least 1, for each axis between batch and channels")
        }
        let lengths = zip(shape.dropFirst(), factors).map { $0 &* $1 }
        return try resized(lengths, interpolation: interpolation)
    }
}
