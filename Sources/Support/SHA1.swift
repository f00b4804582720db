/// SHA-1 (FIPS 180-4): the published split of Speech Commands is made with it.
public enum SHA1 {
    /// The 20 bytes of the digest.
    public static func digest(_ message: some Sequence<UInt8>) -> [UInt8] {
        Array(message).withUnsafeBytes { digest(of: $0) }
    }

    /// The 20 bytes of the digest of what lies in memory.
    public static func digest(of message: UnsafeRawBufferPointer) -> [UInt8] {
        var state: [UInt32] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0]
        var w = [UInt32](repeating: 0, count: 80)
        let whole = message.count / 64 * 64
        add(UnsafeRawBufferPointer(rebasing: message[..<whole]), to: &state, &w)
        // The rest, a one, zeros, and the length in bits.
        var rest = Array(message[whole...])
        rest.append(0x80)
        while rest.count % 64 != 56 { rest.append(0) }
        let bits = UInt64(message.count) &* 8
        for shift in stride(from: 56, through: 0, by: -8) {
            rest.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift)))
        }
        rest.withUnsafeBytes { add($0, to: &state, &w) }
        return state.flatMap { word in
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) }
        }
    }

    /// The digest as `sha1sum` writes it: 40 hexadecimal digits.
    public static func hex(of message: UnsafeRawBufferPointer) -> String {
        digest(of: message).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    private static func add(_ blocks: UnsafeRawBufferPointer, to state: inout [UInt32], _ w: inout [UInt32]) {
        for block in stride(from: 0, to: blocks.count, by: 64) {
            for t in 0..<16 {
                w[t] = UInt32(
                    bigEndian: blocks.loadUnaligned(fromByteOffset: block + t * 4, as: UInt32.self))
            }
            for t in 16..<80 { w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1) }
            compress(&state, w)
        }
    }

    private static func compress(_ state: inout [UInt32], _ w: [UInt32]) {
        var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
        for t in 0..<80 {
            let f: UInt32
            let k: UInt32
            switch t {
            case ..<20: (f, k) = (b & c | ~b & d, 0x5a82_7999)
            case ..<40: (f, k) = (b ^ c ^ d, 0x6ed9_eba1)
            case ..<60: (f, k) = (b & c | b & d | c & d, 0x8f1b_bcdc)
            default: (f, k) = (b ^ c ^ d, 0xca62_c1d6)
            }
            let next = rotate(a, 5) &+ f &+ e &+ k &+ w[t]
            (e, d, c, b, a) = (d, c, rotate(b, 30), a, next)
        }
        state[0] &+= a
        state[1] &+= b
        state[2] &+= c
        state[3] &+= d
        state[4] &+= e
    }

    private static func rotate(_ x: UInt32, _ n: UInt32) -> UInt32 { x << n | x >> (32 - n) }
}
