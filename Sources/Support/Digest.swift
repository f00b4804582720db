/// A 128-bit digest to tell contents apart (no protection against somebody who wants a collision):
/// two FNV-1a-like lanes over 64-bit words, finished by a strong mixer.
public struct Digest: Sendable {
    private var a: UInt64 = 0xcbf2_9ce4_8422_2325
    private var b: UInt64 = 0x9ae1_6a3b_2f90_404f
    private var length: UInt64 = 0

    public init() {}

    public mutating func add(_ bytes: UnsafeRawBufferPointer) {
        var i = 0
        while i + 8 <= bytes.count {
            add(word: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self)))
            i += 8
        }
        var rest: UInt64 = 0
        for j in i..<bytes.count { rest = rest << 8 | UInt64(bytes[j]) }
        add(word: rest)
        length &+= UInt64(bytes.count)
        add(word: length)
    }

    public mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
    }

    public mutating func add(_ number: Int) { add(word: UInt64(bitPattern: Int64(number))) }

    private mutating func add(word: UInt64) {
        a = (a ^ word) &* 0x0000_0100_0000_01b3
        a ^= a >> 29
        b = (b &+ word) &* 0x9e37_79b9_7f4a_7c15
        b = b << 31 | b >> 33
    }

    /// 32 hexadecimal digits.
    public var text: String { Self.hex(Self.mix(a ^ length)) + Self.hex(Self.mix(b &+ a)) }

    /// The finisher of SplitMix64 (Steele et al. 2014).
    private static func mix(_ x: UInt64) -> UInt64 {
        var z = x
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    private static func hex(_ x: UInt64) -> String {
        let digits = String(x, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
