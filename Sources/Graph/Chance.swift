import Support
import Tensor

/// Random numbers of `shape` that follow from a key alone: the same at any number of threads and in
/// any order of execution. Input: key, int32[4] = seed (low, high), step (low, high).
public struct RandomDraw: Operation {
    public let distribution: Distribution
    public let shape: [Int]
    /// Tells apart the random values of one computation.
    public let stream: UInt32

    public init(_ distribution: Distribution, shape: [Int], stream: UInt32) {
        self.distribution = distribution
        self.shape = shape
        self.stream = stream
    }
    public var name: String { "random_\(distribution)" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        try requireKey(inputs[0], name)
        return ValueType(shape)
    }
    public func gradient(_: GradientContext) throws -> [Traced?] { [nil] }
    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let key = RandomKey(words: inputs[0].values.map { Int32(clampingDouble: $0) })
        return try ReferenceArray(Tensor(random: distribution, shape: shape, key: key, stream: stream))
    }
}

/// Random whole numbers from `low` to `high` − 1, int32; the key as for `RandomDraw`.
public struct RandomIntegers: Operation {
    public let low: Int
    public let high: Int
    public let shape: [Int]
    public let stream: UInt32

    public init(low: Int, high: Int, shape: [Int], stream: UInt32) {
        self.low = low
        self.high = high
        self.shape = shape
        self.stream = stream
    }
    public var name: String { "randint" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        try requireKey(inputs[0], name)
        guard low < high, low >= Int(Int32.min), high <= Int(Int32.max) + 1 else {
            throw Failure(
                .argument, "randint: the least must be below the end, both within 32 bits: \(low), \(high)")
        }
        return ValueType(shape, .int32)
    }
    public func gradient(_: GradientContext) throws -> [Traced?] { [nil] }
    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let key = RandomKey(words: inputs[0].values.map { Int32(clampingDouble: $0) })
        return try ReferenceArray(Tensor(integers: low..<high, shape: shape, key: key, stream: stream))
    }
}

/// The numbers 0 to length − 1 in random order, int32[length]; the key as for `RandomDraw`.
public struct RandomPermutation: Operation {
    public let length: Int
    public let stream: UInt32

    public init(length: Int, stream: UInt32) {
        self.length = length
        self.stream = stream
    }
    public var name: String { "permutation" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        try requireKey(inputs[0], name)
        guard length >= 0, length <= Int(Int32.max) else {
            throw Failure(.argument, "permutation of \(length): the length lies between 0 and 2^31 - 1")
        }
        return ValueType([length], .int32)
    }
    public func gradient(_: GradientContext) throws -> [Traced?] { [nil] }
    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let key = RandomKey(words: inputs[0].values.map { Int32(clampingDouble: $0) })
        return try ReferenceArray(Tensor(permutation: length, key: key, stream: stream))
    }
}

/// (x, key) → x · mask / (1 − rate), where each element of the mask is 0 with probability `rate`.
/// The mask is not kept: the gradient makes it again from the key.
public struct Dropout: Operation {
    public let rate: Double
    public let stream: UInt32

    public init(rate: Double, stream: UInt32) {
        self.rate = rate
        self.stream = stream
    }
    public var name: String { "dropout" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        try requireFloat([inputs[0]], name)
        try requireKey(inputs[1], name)
        guard rate >= 0, rate < 1 else {
            throw Failure(.argument, "dropout: the rate is \(rate), it must be at least 0 and below 1")
        }
        return inputs[0]
    }
    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        [try c.graphAdd(self, [c.cotangent, c.inputs[1]]), nil]
    }
    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let key = RandomKey(words: inputs[1].values.map { Int32(clampingDouble: $0) })
        let mask = try Tensor(random: .uniform, shape: inputs[0].shape, key: key, stream: stream)
            .array(of: Float.self)
        // Compared in float32, as the fast kernel does.
        let (rate32, scale) = (Float(rate), 1 / (1 - rate))
        return ReferenceArray(
            inputs[0].shape, zip(inputs[0].values, mask).map { $1 >= rate32 ? $0 * scale : 0 })
    }
}

private func requireKey(_ type: ValueType, _ name: String) throws {
    guard type == ValueType([4], .int32) else {
        throw Failure(.type, "\(name): the random key is int32[4], not \(type)")
    }
}

extension Traced {
    /// Self is the key.
    public func random(_ distribution: Distribution, shape: [Int], stream: UInt32) throws -> Traced {
        try graph.add(RandomDraw(distribution, shape: shape, stream: stream), [self])
    }

    /// Self is the key: whole numbers from `range`, int32.
    public func randomIntegers(_ range: Range<Int>, shape: [Int], stream: UInt32) throws -> Traced {
        try graph.add(
            RandomIntegers(low: range.lowerBound, high: range.upperBound, shape: shape, stream: stream),
            [self])
    }

    /// Self is the key: 0 to length − 1 in random order, int32[length].
    public func randomPermutation(_ length: Int, stream: UInt32) throws -> Traced {
        try graph.add(RandomPermutation(length: length, stream: stream), [self])
    }

    /// Self is the key: ones with probability `p`, else zeros.
    public func bernoulli(_ p: Double, shape: [Int], stream: UInt32) throws -> Traced {
        guard p >= 0, p <= 1 else {
            throw Failure(.argument, "bernoulli: a probability lies between 0 and 1, not \(p)")
        }
        return try (random(.uniform, shape: shape, stream: stream) < p).cast(.float32)
    }

    /// Dropout with the rate's share of elements set to 0 and the rest scaled by 1 / (1 − rate). Along
    /// `sharedAxes` one decision holds for all (spatial dropout: the spatial axes).
    public func droppedOut(
        rate: Double, key: Traced, stream: UInt32, sharedAxes: [Int] = []
    ) throws -> Traced {
        if rate == 0 { return self }
        if sharedAxes.isEmpty { return try graph.add(Dropout(rate: rate, stream: stream), [self, key]) }
        let mask = shape.indices.map { sharedAxes.contains($0) ? 1 : shape[$0] }
        let kept = try key.random(.uniform, shape: mask, stream: stream).binary(.greaterEqual, scalar(rate))
        return try kept.select(self * (1 / (1 - rate)), 0)
    }
}
