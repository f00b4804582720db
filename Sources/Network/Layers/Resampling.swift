import Graph
import Support
import Tensor

/// Another number of positions along each spatial axis, between them interpolated (ONNX, operator
/// Resize; PyTorch's `interpolate`): [length, C] → [length', C], the same for height and width.
///
/// Linear interpolation between centres is the graph's own operation; in the other ways each axis is a
/// product with a matrix of the weights that old positions have in new ones.
public struct ResizeLayer: LayerKind {
    public enum Mode: String, Sendable { case nearest, linear, cubic }
    /// Where in the old axis a new position lies: "half_pixel", "pytorch_half_pixel",
    /// "align_corners" or "asymmetric".
    public let coordinates: String
    public let mode: Mode
    /// Lengths of the result; nil: from `scale`.
    public let length: [Int]?
    public let scale: [Double]
    /// Of "nearest": "floor", "ceil", "round_prefer_floor" or "round_prefer_ceil".
    public let rounding: String
    /// Coefficient of the cubic (Keys 1981).
    public let cubic: Double

    init(_ o: Options) throws {
        let name = o.json["mode"]?.string ?? "linear"
        guard let mode = Mode(rawValue: name) else {
            throw Failure(
                .value, "\(o.kind): there is no mode '\(name)'",
                hint: "use \"nearest\", \"linear\" or \"cubic\"")
        }
        self.mode = mode
        coordinates = o.json["coordinates"]?.string ?? "half_pixel"
        guard ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"].contains(coordinates) else {
            throw Failure(.value, "\(o.kind): positions cannot be '\(coordinates)'")
        }
        rounding = o.json["rounding"]?.string ?? "round_prefer_floor"
        cubic = o.json["cubic"]?.double ?? -0.75
        length = o.json["length"]?.ints
        scale = o.json["scale"]?.doubles ?? []
        let rank = o.kind.contains("1") ? 1 : 2
        if let length { try checkLengths(length, "length", rank: rank, o.kind) }
        guard length != nil || scale.count == rank, scale.count == rank || scale.isEmpty,
            scale.allSatisfy({ $0 > 0 && $0 <= 1_048_576 })
        else { throw Failure(.argument, "\(o.kind): a positive factor for each axis is needed") }
        self.rank = rank
    }

    /// Spatial axes: 1 or 2.
    public let rank: Int
    public var kind: String { "resize\(rank)d" }
    public var options: JSON {
        [
            "mode": .string(mode.rawValue), "coordinates": .string(coordinates),
            "length": length.map(JSON.ints) ?? .null,
            "scale": .numbers(scale), "rounding": .string(rounding), "cubic": .number(cubic),
        ]
    }

    public func trace(_ inputs: [Traced], _: LayerContext) throws -> Traced {
        var x = inputs[0]
        try checkSpatial(Array(x.shape.dropFirst()), rank: rank, kind)
        for i in 0..<rank {
            let old = x.shape[i + 1]
            let new = length?[i] ?? Int((Double(old) * scale[i]).rounded(.down))
            guard new > 0, new <= 1 << 20 else {
                throw Failure(.shape, "\(kind): a length of \(new) is not possible")
            }
            let factor = scale.isEmpty ? Double(new) / Double(old) : scale[i]
            if new == old, factor == 1 { continue }
            if mode == .linear, coordinates == "half_pixel", abs(factor * Double(old) - Double(new)) < 1e-6 {
                var lengths = (0..<rank).map { x.shape[$0 + 1] }
                lengths[i] = new
                x = try x.resized(lengths, interpolation: .linear)
                continue
            }
            let matrix = x.graph.constant(try weights(from: old, to: new, factor))
            // The axis goes to the end, where the product runs along it.
            var order = Array(0..<x.rank)
            order.swapAt(i + 1, x.rank - 1)
            x = try x.transposed(order).matmul(matrix).transposed(order)
        }
        return x
    }

    /// [old, new]: what each old position gives to each new one.
    private func weights(from old: Int, to new: Int, _ factor: Double) throws -> Tensor {
        guard try Shape.count([old, new]) <= 1 << 24 else {
            throw Failure(.shape, "\(kind): \(old) positions cannot become \(new) in this way")
        }
        var values = [Float](repeating: 0, count: old * new)
        for n in 0..<new {
            let position: Double
            switch coordinates {
            case "align_corners": position = new > 1 ? Double(n) * Double(old - 1) / Double(new - 1) : 0
            case "asymmetric": position = Double(n) / factor
            case "pytorch_half_pixel" where new == 1: position = 0
            default: position = (Double(n) + 0.5) / factor - 0.5
            }
            for (place, weight) in taps(position) {
                values[min(max(place, 0), old - 1) * new + n] += Float(weight)
            }
        }
        return try Tensor(values, shape: [old, new])
    }

    private func taps(_ x: Double) -> [(Int, Double)] {
        let low = x.rounded(.down)
        let rest = x - low
        let first = Int(low)
        switch mode {
        case .nearest:
            switch rounding {
            case "floor": return [(first, 1)]
            case "ceil": return [(rest > 0 ? first + 1 : first, 1)]
            case "round_prefer_ceil": return [(rest >= 0.5 ? first + 1 : first, 1)]
            default: return [(rest > 0.5 ? first + 1 : first, 1)]
            }
        case .linear: return [(first, 1 - rest), (first + 1, rest)]
        case .cubic:
            func inner(_ t: Double) -> Double { ((cubic + 2) * t - (cubic + 3)) * t * t + 1 }
            func outer(_ t: Double) -> Double { ((cubic * t - 5 * cubic) * t + 8 * cubic) * t - 4 * cubic }
            return [
                (first - 1, outer(1 + rest)), (first, inner(rest)), (first + 1, inner(1 - rest)),
                (first + 2, outer(2 - rest)),
            ]
        }
    }
}

/// Local response normalization across channels (Krizhevsky et al. 2012):
/// x / (bias + alpha / size · Σ x²)^beta, the sum over `size` neighbouring channels.
public struct LocalResponseLayer: LayerKind {
    public let size: Int
    public let alpha: Double
    public let beta: Double
    public let bias: Double

    init(_ o: Options) throws {
        size = try o.int("size", default: 5)
        alpha = try o.number("alpha", default: 1e-4)
        beta = try o.number("beta", default: 0.75)
        bias = try o.number("bias", default: 1)
        guard (1...1024).contains(size) else {
            throw Failure(.argument, "lrn: size lies between 1 and 1024, not \(size)")
        }
    }

    public var kind: String { "lrn" }
    public var options: JSON {
        ["size": .integer(size), "alpha": .number(alpha), "beta": .number(beta), "bias": .number(bias)]
    }

    public func trace(_ inputs: [Traced], _: LayerContext) throws -> Traced {
        let x = inputs[0]
        let (last, channels) = (x.rank - 1, x.shape[x.rank - 1])
        let before = (size - 1) / 2
        let around = [(Int, Int)](repeating: (0, 0), count: last) + [(before, size - 1 - before)]
        let squares = try x.square().padded(around)
        var sum = try squares.sliced(axis: last, from: 0, to: channels)
        for i in 1..<max(size, 1) { sum = try sum + squares.sliced(axis: last, from: i, to: i + channels) }
        let base = try sum * (alpha / Double(size)) + bias
        return try x / base.power(x.graph.fill(beta, x.type.type))
    }
}

/// The positions from `from` to before `to` of one axis of a sample (from 0, or from the end).
public struct SliceLayer: LayerKind {
    public let axis: Int
    public let from: Int
    public let to: Int

    init(_ o: Options) throws {
        axis = try o.int("axis")
        from = try o.int("from")
        to = try o.int("to")
    }

    public var kind: String { "slice" }
    public var options: JSON { ["axis": .integer(axis), "from": .integer(from), "to": .integer(to)] }

    public func trace(_ inputs: [Traced], _: LayerContext) throws -> Traced {
        let x = inputs[0]
        let own = try Shape.axis(axis, rank: x.rank - 1, kind) + 1
        guard from >= 0, from < to, to <= x.shape[own] else {
            throw Failure(.shape, "slice: \(from) to \(to) does not lie in an axis of \(x.shape[own])")
        }
        return try x.sliced(axis: own, from: from, to: to)
    }
}
