import Support

/// Arithmetic on shapes: lists of axis lengths, outermost first.
public enum Shape {
    /// The most axes a tensor may have.
    public static let maximumRank = 16

    /// Number of elements. Throws where a length is negative or the product overflows.
    public static func count(_ shape: [Int]) throws(Failure) -> Int {
        guard shape.count <= maximumRank else {
            throw Failure(.shape, "a tensor has at most \(maximumRank) axes, not \(shape.count)")
        }
        var n = 1
        for length in shape {
            guard length >= 0 else {
                throw Failure(.shape, "a shape has no negative lengths: \(describe(shape))")
            }
            let (product, overflow) = n.multipliedReportingOverflow(by: length)
            guard !overflow, product <= 1 << 50 else {
                throw Failure(
                    .memory, "shape \(describe(shape)) has too many elements",
                    hint: "use a smaller shape, a smaller batch or fewer items at once")
            }
            n = product
        }
        return n
    }

    /// Strides in elements of a dense row-major array.
    public static func strides(_ shape: [Int]) -> [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        var step = 1
        for axis in shape.indices.reversed() {
            strides[axis] = step
            step = step &* max(shape[axis], 1)
        }
        return strides
    }

    /// The common shape of two operands as NumPy broadcasts them: aligned at the last axis, where a
    /// length of 1 stretches. Nil where they do not fit.
    public static func broadcast(_ a: [Int], _ b: [Int]) -> [Int]? {
        if a == b { return a }
        let rank = max(a.count, b.count)
        var shape = [Int](repeating: 1, count: rank)
        for i in 0..<rank {
            let x = i < rank - a.count ? 1 : a[i - (rank - a.count)]
            let y = i < rank - b.count ? 1 : b[i - (rank - b.count)]
            if x == y || y == 1 {
                shape[i] = x
            } else if x == 1 {
                shape[i] = y
            } else {
                return nil
            }
        }
        return shape
    }

    /// An axis that may count from the end, as one from 0. Throws an index failure that names `operation`.
    public static func axis(_ axis: Int, rank: Int, _ operation: String) throws(Failure) -> Int {
        let fromFront = axis < 0 ? axis &+ rank : axis
        guard fromFront >= 0, fromFront < rank else {
            throw Failure(
                .index, "\(operation): axis \(axis) does not exist in a tensor of \(rank) axes",
                hint: rank == 0
                    ? "a scalar has no axes" : "axes run from 0 to \(rank - 1), or from -\(rank) to -1")
        }
        return fromFront
    }

    public static func describe(_ shape: [Int]) -> String {
        "[" + shape.map(String.init).joined(separator: ", ") + "]"
    }
}
