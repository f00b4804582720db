import CKernels
import Support

/// From what random numbers are drawn.
public enum Distribution: UInt8, Sendable, Hashable {
    /// In [0, 1).
    case uniform
    /// Mean 0, standard deviation 1.
    case normal
    /// Normal, values beyond two standard deviations drawn again.
    case truncatedNormal
}

/// Names a family of random numbers: everything drawn follows from seed, step and stream.
public struct RandomKey: Sendable, Hashable {
    public var seed: UInt64
    public var step: UInt64

    public init(seed: UInt64, step: UInt64 = 0) {
        self.seed = seed
        self.step = step
    }

    /// From the four words a plan is given: seed (low, high), step (low, high).
    public init(words: [Int32]) {
        func word(_ i: Int) -> UInt64 { i < words.count ? UInt64(UInt32(bitPattern: words[i])) : 0 }
        self.init(seed: word(0) | word(1) << 32, step: word(2) | word(3) << 32)
    }

    /// As the four words a plan is given.
    public var words: [Int32] {
        [seed, seed >> 32, step, step >> 32].map { Int32(bitPattern: UInt32(truncatingIfNeeded: $0)) }
    }

    /// As the C kernels take it.
    public func kernelKey(stream: UInt32) -> vz_key {
        let w = words.map { UInt32(bitPattern: $0) }
        return vz_key(seed: (w[0], w[1]), step: (w[2], w[3]), stream: stream)
    }
}

extension Tensor {
    /// Random float32 numbers by Philox4x32-10: element i depends on key, stream and i alone.
    /// Throws `Failure.interrupted` soon after `cancel` is set.
    public init(
        random distribution: Distribution, shape: [Int], key: RandomKey, stream: UInt32 = 0,
        cancel: CancelFlag = .shared
    ) throws {
        try self.init(uninitialized: shape)
        let (out, count) = (buffer.base.assumingMemoryBound(to: Float.self), count)
        var key = key.kernelKey(stream: stream)
        try cancel.stopping {
            switch distribution {
            case .uniform: vz_random_uniform(out, count, 0, &key)
            case .normal: vz_random_normal(out, count, 0, &key)
            case .truncatedNormal: vz_random_truncated_normal(out, count, 0, &key)
            }
        }
    }

    /// Random int32 numbers of `range`, drawn one after another.
    public init(integers range: Range<Int>, shape: [Int], key: RandomKey, stream: UInt32 = 0) throws {
        guard !range.isEmpty, range.lowerBound >= Int(Int32.min), range.upperBound <= Int(Int32.max) + 1
        else {
            throw Failure(
                .value, "random whole numbers from \(range.lowerBound) to below \(range.upperBound)",
                hint: "the range must not be empty and lie within 32 bits")
        }
        try self.init(uninitialized: shape, .int32)
        var numbers = RandomNumbers(key: key, stream: stream)
        let out = buffer.base.assumingMemoryBound(to: Int32.self)
        for i in 0..<count { out[i] = Int32(clamping: range.lowerBound + numbers.index(range.count)) }
    }

    /// The numbers 0 ..< n in random order, int32: sorted by random words (ties by position).
    /// Throws `Failure.interrupted` soon after `cancel` is set.
    public init(permutation n: Int, key: RandomKey, stream: UInt32 = 0, cancel: CancelFlag = .shared) throws {
        guard n >= 0, n <= Int(Int32.max) else {
            throw Failure(.value, "permutation of \(n): the length must lie between 0 and 2^31 - 1")
        }
        var words = [UInt32](repeating: 0, count: n)
        var key = key.kernelKey(stream: stream)
        vz_random_words(&words, n, 0, &key)
        var order = words.indices.map { Placed(word: words[$0], place: Int32(truncatingIfNeeded: $0)) }
        words = []
        var other = order
        // Digit by digit from the lowest; each pass keeps the order of equal digits.
        for shift in stride(from: UInt32(0), to: 32, by: 11) {
            try cancel.check()
            Self.sortByDigit(order, into: &other, shift: shift)
            swap(&order, &other)
        }
        try self.init(order.map(\.place), shape: [n])
    }

    private struct Placed {
        var word: UInt32
        var place: Int32
    }

    /// One pass of a radix sort, by the eleven bits of the word from `shift` on.
    private static func sortByDigit(_ from: [Placed], into to: inout [Placed], shift: UInt32) {
        var starts = [Int](repeating: 0, count: 2049)
        for item in from { starts[Int(item.word >> shift & 2047) + 1] += 1 }
        for digit in 1..<2049 { starts[digit] += starts[digit - 1] }
        for item in from {
            let digit = Int(item.word >> shift & 2047)
            to[starts[digit]] = item
            starts[digit] += 1
        }
    }
}
