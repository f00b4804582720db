import Glibc
import Support
import Tensor

/// What a position outside the axis means.
public enum Border: UInt8, Sendable, Hashable, CaseIterable {
    /// 0.
    case zeros
    /// The nearest element.
    case edge
    /// The element as far inside, mirrored about the last element (which stands once).
    case reflect

    /// The element that whole position `i` of an axis of `n` means; nil: none.
    func place(_ i: Int, _ n: Int) -> Int? {
        if i >= 0 && i < n { return i }
        switch self {
        case .zeros: return nil
        case .edge: return i < 0 ? 0 : n - 1
        case .reflect:
            if n == 1 { return 0 }
            let period = 2 * (n - 1)
            let turned = ((i % period) + period) % period
            return turned < n ? turned : period - turned
        }
    }
}

/// (x [batch, length, C], positions [batch, places, 1]) → [batch, places, C], or
/// (x [batch, height, width, C], positions [batch, rows, columns, 2]) → [batch, rows, columns, C]:
/// x read between its elements, linearly along each axis. Positions count elements from 0, (row,
/// column) in two dimensions; a batch of one set of positions holds for all. Differentiable by both
/// inputs (Jaderberg et al. 2015, "Spatial transformer networks").
public struct Resample: Operation {
    public let border: Border
    public init(border: Border) { self.border = border }
    public var name: String { "resample" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        try requireFloat(inputs, name)
        try ResampleGeometry.check(inputs[0].shape, inputs[1].shape, name)
        return ValueType(
            [inputs[0].shape[0]] + inputs[1].shape.dropFirst().dropLast() + inputs[0].shape.suffix(1),
            ElementType.promoted(inputs[0].type, inputs[1].type))
    }

    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        let (x, positions) = (c.inputs[0], c.inputs[1])
        return [
            c.needed[0]
                ? try c.graphAdd(
                    ResampleGradient(border: border, inputShape: x.shape), [c.cotangent, positions]) : nil,
            c.needed[1] ? try x.resampleSlope(positions, by: c.cotangent, border: border) : nil,
        ]
    }

    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let (x, positions) = (inputs[0], inputs[1])
        let channels = x.shape[x.shape.count - 1]
        var y = ReferenceArray([x.shape[0]] + positions.shape.dropFirst().dropLast() + [channels])
        ResampleGeometry(border, x.shape, positions).forEachTap { place, from, weight in
            for c in 0..<channels { y.values[place + c] += weight * x.values[from + c] }
        }
        return y
    }
}

/// (result's cotangent, positions) → x's cotangent: each value laid down where it was read.
public struct ResampleGradient: Operation {
    public let border: Border
    public let inputShape: [Int]

    public init(border: Border, inputShape: [Int]) {
        self.border = border
        self.inputShape = inputShape
    }
    public var name: String { "resample_gradient" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        try requireFloat(inputs, name)
        try ResampleGeometry.check(inputShape, inputs[1].shape, name)
        let expected = [inputShape[0]] + inputs[1].shape.dropFirst().dropLast() + inputShape.suffix(1)
        guard inputs[0].shape == expected else {
            throw Failure(
                .shape,
                "\(name): the cotangent has shape \(Shape.describe(inputs[0].shape)), expected \(Shape.describe(expected))"
            )
        }
        return ValueType(inputShape, ElementType.promoted(inputs[0].type, inputs[1].type))
    }

    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        let (dy, positions) = (c.inputs[0], c.inputs[1])
        return [
            c.needed[0] ? try c.graphAdd(Resample(border: border), [c.cotangent, positions]) : nil,
            c.needed[1] ? try c.cotangent.resampleSlope(positions, by: dy, border: border) : nil,
        ]
    }

    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        var dx = ReferenceArray(inputShape)
        let channels = inputShape[inputShape.count - 1]
        ResampleGeometry(border, inputShape, inputs[1]).forEachTap { place, from, weight in
            for c in 0..<channels { dx.values[from + c] += weight * inputs[0].values[place + c] }
        }
        return dx
    }
}

/// Which elements each place reads, and how much of each.
private struct ResampleGeometry {
    let border: Border
    let shape: [Int]
    let positions: ReferenceArray

    init(_ border: Border, _ shape: [Int], _ positions: ReferenceArray) {
        self.border = border
        self.shape = shape
        self.positions = positions
    }

    static func check(_ x: [Int], _ positions: [Int], _ name: String) throws {
        let n = x.count - 2
        guard n == 1 || n == 2 else {
            throw Failure(
                .shape,
                "\(name): the input has shape \(Shape.describe(x)), expected [batch, length, channels] or [batch, height, width, channels]"
            )
        }
        guard positions.count == n + 2, positions[n + 1] == n, positions[0] == x[0] || positions[0] == 1
        else {
            throw Failure(
                .shape,
                "\(name): positions of shape \(Shape.describe(positions)) do not fit an input of shape \(Shape.describe(x))",
                hint: n == 1
                    ? "positions are [batch or 1, places, 1]"
                    : "positions are [batch or 1, rows, columns, 2], each (row, column)")
        }
        guard x[1...n].allSatisfy({ $0 > 0 && $0 < 1 << 30 }) else {
            throw Failure(.shape, "\(name): the input \(Shape.describe(x)) has no elements to read")
        }
    }

    /// Calls `body(y index, x index, weight)`, indices without the channel.
    func forEachTap(_ body: (Int, Int, Double) -> Void) {
        let n = shape.count - 2
        let channels = shape[n + 1]
        let places = positions.shape[1...n].reduce(1, *)
        let perImage = shape[1...].reduce(1, *)
        for b in 0..<shape[0] {
            let own = positions.shape[0] == 1 ? 0 : b
            for p in 0..<places {
                let at = (own * places + p) * n
                var taps = [(b * perImage, 1.0)]
                for axis in 0..<n {
                    let stride = shape[(axis + 2)...].reduce(1, *)
                    taps = taps.flatMap { tap in
                        self.taps(positions.values[at + axis], shape[axis + 1]).map {
                            (tap.0 + $0.0 * stride, tap.1 * $0.1)
                        }
                    }
                }
                for (from, weight) in taps { body((b * places + p) * channels, from, weight) }
            }
        }
    }

    private func taps(_ position: Double, _ n: Int) -> [(Int, Double)] {
        if position.isNaN { return [(0, .nan)] }
        let x = min(max(position, -0x1p30), 0x1p30)
        let low = x.rounded(.down)
        return [(Int(low), 1 - (x - low)), (Int(low) + 1, x - low)].compactMap { i, weight in
            weight == 0 ? nil : border.place(i, n).map { ($0, weight) }
        }
    }
}

extension Traced {
    /// x (self) read at `positions`; see `Resample`.
    public func resampled(at positions: Traced, border: Border = .zeros) throws -> Traced {
        try graph.add(Resample(border: border), [self, positions])
    }

    /// Gradient of Σ `weights` · resampled(at: positions) by the positions: along each axis the
    /// difference between the next whole position and the one before, so that it can be differentiated
    /// again.
    fileprivate func resampleSlope(_ positions: Traced, by weights: Traced, border: Border) throws -> Traced {
        let n = rank - 2
        let whole = try positions.unary(.floor)
        let columns = try (0..<n).map { axis -> Traced in
            func read(_ shift: Double) throws -> Traced {
                let parts = try (0..<n).map { i in
                    let from = i == axis ? whole : positions
                    let part = try from.sliced(axis: positions.rank - 1, from: i, to: i + 1)
                    return i == axis && shift != 0 ? try part + shift : part
                }
                return try resampled(
                    at: Traced.concatenated(parts, axis: positions.rank - 1), border: border)
            }
            return try (weights * (read(1) - read(0))).sum([-1], keepAxes: true)
        }
        return try Traced.concatenated(columns, axis: positions.rank - 1).summed(to: positions.shape)
    }

    /// Pictures turned, scaled and moved: [batch, height, width, C] → [batch, rows, columns, C].
    ///
    /// - matrix: [batch or 1, 2, 3], what takes an output place (row, column, 1), counted from the
    ///   middle of the output, to the input place that is read, counted from the middle of the input,
    ///   in pixels. [[1, 0, 0], [0, 1, 0]] cuts out the middle.
    /// - size: rows and columns of the result; the input's where not given.
    public func affineSampled(_ matrix: Traced, size: [Int]? = nil, border: Border = .zeros) throws -> Traced
    {
        guard rank == 4, matrix.rank == 3, matrix.shape[1...] == [2, 3] else {
            throw Failure(
                .shape,
                "affine: pictures \(Shape.describe(shape)) and a matrix \(Shape.describe(matrix.shape))",
                hint: "pictures are [batch, height, width, channels], the matrix is [batch or 1, 2, 3]")
        }
        let size = size ?? Array(shape[1...2])
        guard size.count == 2, size.allSatisfy({ $0 > 0 }) else {
            throw Failure(.argument, "affine: the size is [rows, columns], each at least 1, not \(size)")
        }
        let float = matrix.type.type
        let rows = try (graph.iota(size[0], float) - Double(size[0] - 1) / 2).reshaped([1, size[0], 1, 1])
        let columns = try (graph.iota(size[1], float) - Double(size[1] - 1) / 2).reshaped([1, 1, size[1], 1])
        func column(_ i: Int) throws -> Traced {
            try matrix.sliced(axis: 2, from: i, to: i + 1).reshaped([matrix.shape[0], 1, 1, 2])
        }
        let middle = try Traced.concatenated(
            [
                graph.fill(Double(shape[1] - 1) / 2, shape: [1], float),
                graph.fill(Double(shape[2] - 1) / 2, shape: [1], float),
            ],
            axis: 0)
        let shift = try column(2) + middle
        return try resampled(at: rows * column(0) + (columns * column(1) + shift), border: border)
    }

    /// Sound stretched in time: [batch, length, C] → [batch, places, C], place t read at
    /// start + t · step, both [batch or 1] in samples. A step below 1 makes it longer and lower.
    public func timeSampled(start: Traced, step: Traced, places: Int, border: Border = .zeros) throws
        -> Traced
    {
        guard rank == 3, start.rank == 1, step.rank == 1, places > 0 else {
            throw Failure(
                .shape,
                "time stretch: sound \(Shape.describe(shape)), start \(Shape.describe(start.shape)), step \(Shape.describe(step.shape)), \(places) places",
                hint: "sound is [batch, length, channels], start and step are [batch or 1]")
        }
        let time = try graph.iota(places, step.type.type).reshaped([1, places, 1])
        let positions = try time * step.reshaped([-1, 1, 1]) + start.reshaped([-1, 1, 1])
        return try resampled(at: positions, border: border)
    }
}
