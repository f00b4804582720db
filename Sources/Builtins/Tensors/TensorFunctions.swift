import Engine
import Graph
import Language
import Support
import Tensor

// Functions of tensors by name: those of the common table (sum, mean, tanh, max …) come here
// through `apply`, those that only tensors have through their own builtins.
extension TensorObject {
    public func apply(_ function: String, _ args: inout Arguments) throws -> Value? {
        if let unary = Self.elementwise[function] {
            return try Self.compute(function, [], [self]) { try unary($0[0]) }
        }
        switch function {
        case "sum", "mean", "prod", "var", "std", "all", "any", "logsumexp":
            return try reduced(function, args)
        case "max", "min": return try extreme(function, args)
        case "argmax", "argmin": return try place(function, axis: args.optionalInt("axis"))
        case "median": return try median(args)
        case "cumsum": return try cumulated(axis: args.optionalInt("axis"))
        case "log": return try logarithm(base: args.optionalNumber("base"))
        case "round": return try rounded(digits: args.optionalInt("digits") ?? 0)
        case "clip": return try clipped(args.value("low"), args.value("high"))
        case "reverse": return try flipped(args.optionalInts("axis"))
        case "copy": return .object(self)
        default: return nil
        }
    }

    /// Functions of one number, applied to each element.
    static let elementwise: [String: @Sendable (Traced) throws -> Traced] = [
        "abs": { try $0.abs() }, "sign": { try $0.unary(.sign) }, "sqrt": { try $0.sqrt() },
        "rsqrt": { try $0.unary(.reciprocalSqrt) }, "square": { try $0.square() },
        "reciprocal": { try $0.unary(.reciprocal) }, "exp": { try $0.exp() },
        "expm1": { try $0.exp() - 1 }, "log2": { try $0.log() * (1 / 0.6931471805599453) },
        "log10": { try $0.log() * (1 / 2.302585092994046) }, "log1p": { try ($0 + 1).log() },
        "sin": { try $0.unary(.sin) }, "cos": { try $0.unary(.cos) },
        "tan": { try $0.unary(.sin) / $0.unary(.cos) }, "tanh": { try $0.tanh() },
        "sinh": { try ($0.exp() - (-$0).exp()) * 0.5 }, "cosh": { try ($0.exp() + (-$0).exp()) * 0.5 },
        "floor": { try $0.unary(.floor) }, "ceil": { try $0.unary(.ceil) },
        "trunc": { try $0.unary(.sign) * $0.abs().unary(.floor) },
        "sigmoid": { try $0.sigmoid() }, "erf": { try $0.unary(.erf) }, "is_nan": { try $0.unary(.isNaN) },
        "relu": { try $0.relu() }, "selu": { try $0.selu() }, "gelu": { try $0.gelu() },
        "softplus": { try $0.unary(.softplus) }, "softsign": { try $0 / ($0.abs() + 1) },
        "swish": { try $0.swish() }, "hard_sigmoid": { try ($0 / 6 + 0.5).clipped(0, 1) },
        "relu6": { try $0.clipped(0, 6) },
    ]

    // MARK: Reductions

    /// The axes of an argument, checked; nil means all.
    func axes(_ args: Arguments) throws -> [Int]? {
        guard let given = try args.optionalInts("axis") else { return nil }
        let axes = try given.map { try Shape.axis($0, rank: shape.count, args.builtin.name) }
        guard Set(axes).count == axes.count else { throw args.failure("an axis is named twice in `axis`") }
        return axes
    }

    func reduced(_ function: String, _ args: Arguments) throws -> Value {
        let axes = try axes(args)
        let keep = try args.bool("keepdims", default: false)
        let options = [keep ? 1 : 0, axes == nil ? 0 : 1] + (axes ?? []).map(Double.init)
        return try Self.compute(function, options, [self]) { v in
            let x = v[0]
            switch function {
            case "sum": return try x.sum(axes, keepAxes: keep)
            case "mean": return try x.mean(axes, keepAxes: keep)
            case "var": return try x.variance(axes, keepAxes: keep)
            case "std": return try x.variance(axes, keepAxes: keep).sqrt()
            case "all": return try x.truths().reduce(.min, axes: axes, keepAxes: keep).cast(.bool)
            case "any": return try x.truths().reduce(.max, axes: axes, keepAxes: keep).cast(.bool)
            case "prod": return try x.product(axes ?? Array(x.shape.indices), keepAxes: keep)
            default:
                return try x.logSumExp(axes, keepAxes: keep)
            }
        }
    }

    /// max and min: over axes, or element by element of several values.
    private func extreme(_ function: String, _ args: Arguments) throws -> Value {
        guard args.value("by").isNil else {
            throw args.failure("`by` is for lists", hint: "of a tensor take `t[argmax(…)]`")
        }
        if args.rest.isEmpty {
            let axes = try axes(args)
            let keep = try args.bool("keepdims", default: false)
            let options = [keep ? 1 : 0, axes == nil ? 0 : 1] + (axes ?? []).map(Double.init)
            return try Self.compute(function, options, [self]) {
                try $0[0].reduce(function == "max" ? .max : .min, axes: axes, keepAxes: keep)
            }
        }
        var result = args[0]
        for other in args.rest {
            result = try Self.elementwise(function == "max" ? .maximum : .minimum, result, other, self)
        }
        return result
    }

    /// A function of two operands, numbers among them taking the type of `like`.
    static func elementwise(_ function: BinaryFunction, _ a: Value, _ b: Value, _ like: TensorObject) throws
        -> Value
    {
        func operand(_ v: Value) throws -> TensorObject {
            if case .number(let x) = v { return try like.number(x) }
            return try from(v, "each operand")
        }
        return try compute(function.name, [], [operand(a), operand(b)]) { try $0[0].binary(function, $0[1]) }
    }

    private func place(_ function: String, axis: Int?) throws -> Value {
        let axis = try axis.map { try Shape.axis($0, rank: shape.count, function) }
        try requireNumbers(function, axis: axis)
        return try Self.compute(function, [Double(axis ?? -1)], [self]) { v in
            let x = function == "argmin" ? try v[0].truths().unary(.negate) : v[0]
            return try axis.map { try x.argmax(axis: $0) } ?? x.reshaped([-1]).argmax(axis: 0)
        }
    }

    /// Throws where a row (or all) of a tensor at hand is nothing but NaN: it has no greatest element.
    private func requireNumbers(_ function: String, axis: Int?) throws {
        guard case .concrete(let t) = content, elementType.isFloat, t.count > 0 else { return }
        let numbers = try Eager.run(Eager.Key("is a number", [Double(axis ?? -1)]), [t]) { v in
            let found = try v[0].unary(.isNaN).unary(.not).cast(.float32)
            return try axis.map { try found.max([$0]) } ?? found.max()
        }
        guard try numbers.array(of: Float.self).contains(0) else { return }
        let shape = Shape.describe(shape)
        throw Failure(
            .value,
            axis.map { "`\(function)`: along axis \($0) of shape \(shape) there are only nan" }
                ?? "`\(function)`: all \(t.count) elements of shape \(shape) are nan",
            hint: "find out where they come from: is_nan(x), a division by 0, the log of 0")
    }

    private func median(_ args: Arguments) throws -> Value {
        guard try axes(args) == nil else {
            throw args.failure(
                "of a tensor it is taken over all elements", hint: "`[median(row) for row in t]`")
        }
        let numbers = try tensor(for: "median").array(of: Double.self)
        guard let result = try LongWork.median(numbers) else {
            throw args.failure("the tensor is empty", kind: .value)
        }
        return .number(elementType == .float32 ? Self.decimal(Float(result)) : result)
    }

    private func cumulated(axis: Int?) throws -> Value {
        let source = axis == nil ? try reshaped([-1]) : self
        let axis = try Shape.axis(axis ?? 0, rank: source.shape.count, "cumsum")
        return try Self.compute("cumsum", [Double(axis)], [source]) { try $0[0].cumulated(axis: axis) }
    }

    // MARK: Element by element, with options

    private func logarithm(base: Double?) throws -> Value {
        guard let base else { return try Self.compute("log", [], [self]) { try $0[0].log() } }
        let scale = TensorMath.log(base)
        return try Self.compute("log", [base], [self]) { try $0[0].log() / scale }
    }

    private func rounded(digits: Int) throws -> Value {
        if digits == 0 { return try Self.compute("round", [], [self]) { try $0[0].unary(.round) } }
        guard abs(digits) <= 30 else {
            throw Failure(.argument, "round: digits must be from -30 to 30, not \(digits)")
        }
        let scale = TensorMath.pow(10, Double(digits))
        return try Self.compute("round", [Double(digits)], [self]) {
            try ($0[0] * scale).unary(.round) / scale
        }
    }

    /// Either bound may be nil, a number or a tensor.
    func clipped(_ low: Value, _ high: Value) throws -> Value {
        var result = Value.object(self)
        if !low.isNil { result = try Self.elementwise(.maximum, result, low, self) }
        if !high.isNil { result = try Self.elementwise(.minimum, result, high, self) }
        return result
    }

    /// Turned round along `axes`; nil: all.
    func flipped(_ axes: [Int]?) throws -> Value {
        let axes = try (axes ?? Array(shape.indices)).map { try Shape.axis($0, rank: shape.count, "flip") }
        let parts = shape.indices.map { axes.contains($0) ? Value(Span(nil, nil, step: -1)) : .range(.all) }
        return shape.isEmpty ? .object(self) : try index(parts)
    }
}

extension Value {
    init(_ span: Span) { self = .range(span) }
}

extension Traced {
    /// Truth values as whole numbers; anything else as it is.
    func truths() throws -> Traced { type.type == .bool ? try cast(.int32) : self }

    /// The product over `axes`, by halves: its gradient needs no division.
    func product(_ axes: [Int], keepAxes: Bool) throws -> Traced {
        var x = try truths()
        for axis in axes {
            while x.shape[axis] > 1 {
                let n = x.shape[axis]
                let half = n / 2
                var y =
                    try x.sliced(axis: axis, from: 0, to: half)
                    * x.sliced(axis: axis, from: half, to: 2 * half)
                if n % 2 == 1 {
                    y = try Traced.concatenated([y, x.sliced(axis: axis, from: n - 1, to: n)], axis: axis)
                }
                x = y
            }
            if x.shape[axis] == 0 {
                var shape = x.shape
                shape[axis] = 1
                x = try graph.fill(1, shape: shape, x.type.type)
            }
        }
        return keepAxes
            ? x : try x.reshaped(x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] })
    }

    /// Running sums along one axis, in log2(n) passes (Hillis and Steele 1986).
    func cumulated(axis: Int) throws -> Traced {
        var x = try truths()
        let n = x.shape[axis]
        var step = 1
        while step < n {
            var padding = x.shape.map { _ in (0, 0) }
            padding[axis] = (step, 0)
            x = try x + x.sliced(axis: axis, from: 0, to: n - step).padded(padding)
            step *= 2
        }
        return x
    }
}
