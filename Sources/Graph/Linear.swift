import Support
import Tensor

/// Matrix product over the last two axes, after transposing either where asked:
/// [..., m, k] x [..., k, n] → [..., m, n]; leading axes broadcast.
public struct MatMul: Operation {
    public let transposeA: Bool
    public let transposeB: Bool

    public init(transposeA: Bool = false, transposeB: Bool = false) {
        self.transposeA = transposeA
        self.transposeB = transposeB
    }
    public var name: String { "matmul" }

    /// (rows, inner) of the first operand and (inner, columns) of the second, transposes applied.
    public func dimensions(_ a: [Int], _ b: [Int]) -> (m: Int, k: Int, kOther: Int, n: Int) {
        let (ar, ac) = (a[a.count - 2], a[a.count - 1])
        let (br, bc) = (b[b.count - 2], b[b.count - 1])
        return (
            transposeA ? ac : ar, transposeA ? ar : ac, transposeB ? bc : br, transposeB ? br : bc
        )
    }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        let (a, b) = (inputs[0].shape, inputs[1].shape)
        guard a.count >= 2, b.count >= 2 else {
            throw Failure(
                .shape,
                "matmul: shapes \(Shape.describe(a)) and \(Shape.describe(b)): both need at least two axes",
                hint: "reshape a vector to [1, n] or [n, 1]")
        }
        let d = dimensions(a, b)
        guard d.k == d.kOther, let lead = Shape.broadcast(Array(a.dropLast(2)), Array(b.dropLast(2))) else {
            throw Failure(
                .shape, "matmul: shapes \(Shape.describe(a)) and \(Shape.describe(b)) do not fit together",
                hint:
                    "the first one's columns (\(d.k)) must be as many as the second one's rows (\(d.kOther))")
        }
        var type = ElementType.promoted(inputs[0].type, inputs[1].type)
        if type == .bool { type = .int32 }
        return ValueType(lead + [d.m, d.n], type)
    }

    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        let (a, b, dy) = (c.inputs[0], c.inputs[1], c.cotangent)
        var da: Traced?
        var db: Traced?
        if c.needed[0] {
            let g =
                transposeA
                ? try b.matmul(dy, transposeA: transposeB, transposeB: true)
                : try dy.matmul(b, transposeB: !transposeB)
            da = try g.summed(to: a.shape)
        }
        if c.needed[1] {
            let g =
                transposeB
                ? try dy.matmul(a, transposeA: true, transposeB: transposeA)
                : try a.matmul(dy, transposeA: !transposeA)
            db = try g.summed(to: b.shape)
        }
        return [da, db]
    }

    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let d = dimensions(inputs[0].shape, inputs[1].shape)
        let lead =
            Shape.broadcast(Array(inputs[0].shape.dropLast(2)), Array(inputs[1].shape.dropLast(2))) ?? []
        let a = inputs[0].stretched(to: lead + inputs[0].shape.suffix(2))
        let b = inputs[1].stretched(to: lead + inputs[1].shape.suffix(2))
        var result = ReferenceArray(lead + [d.m, d.n])
        for batch in 0..<lead.reduce(1, *) {
            let (a0, b0, c0) = (batch * d.m * d.k, batch * d.k * d.n, batch * d.m * d.n)
            for i in 0..<d.m {
                for j in 0..<d.n {
                    var total = 0.0
                    for l in 0..<d.k {
                        let x = a.values[a0 + (transposeA ? l * d.m + i : i * d.k + l)]
                        let y = b.values[b0 + (transposeB ? j * d.k + l : l * d.n + j)]
                        total += x * y
                    }
                    result.values[c0 + i * d.n + j] = total
                }
            }
        }
        return result
    }
}

extension Traced {
    public func matmul(_ other: Traced, transposeA: Bool = false, transposeB: Bool = false) throws -> Traced {
        try graph.add(MatMul(transposeA: transposeA, transposeB: transposeB), [self, other])
    }
}
