import CKernels

/// Random numbers drawn one after another from a key and a stream, the same on every machine and
/// thread: the words of Philox4x32-10 in order.
public struct RandomNumbers: Sendable {
    private var key: vz_key
    private var block: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
    private var used = 4
    private var position: UInt64 = 0

    public init(key: RandomKey, stream: UInt32) { self.key = key.kernelKey(stream: stream) }

    public mutating func word() -> UInt32 {
        if used == 4 {
            withUnsafeMutableBytes(of: &block) { bytes in
                if let words = bytes.baseAddress?.assumingMemoryBound(to: UInt32.self) {
                    vz_random_words(words, 4, position, &key)
                }
            }
            position &+= 4
            used = 0
        }
        used += 1
        switch used {
        case 1: return block.0
        case 2: return block.1
        case 3: return block.2
        default: return block.3
        }
    }

    /// In [0, 1), 32 bits.
    public mutating func uniform() -> Double { Double(word()) * 0x1p-32 }

    /// Uniform between the bounds.
    public mutating func uniform(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + uniform() * (range.upperBound - range.lowerBound)
    }

    /// In 0 ..< n (0 where n is not positive), without the bias of a remainder.
    public mutating func index(_ n: Int) -> Int {
        guard n > 1 else { return 0 }
        let wide = UInt64(word()) << 32 | UInt64(word())
        return Int(truncatingIfNeeded: wide.multipliedFullWidth(by: UInt64(n)).high)
    }
}
