import Formats

/// Makes broken files out of a good one; the same number makes the same file again.
struct Mutation {
    private let good: [UInt8]
    /// A part whose CRC-32 can be mended after a change, or every change would stop at it.
    private struct Part {
        /// What may be changed.
        let data: Range<Int>
        /// What the checksum is of.
        let covered: Range<Int>
        /// Where it stands.
        let checksums: [Int]
        let isBigEndian: Bool
    }
    private var parts: [Part] = []
    private var state: UInt64 = 0

    init(_ good: [UInt8]) {
        self.good = good
        findStored()
        findChunks()
    }

    /// xorshift64* (Vigna 2016).
    private mutating func random(_ below: Int) -> Int {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return Int((state &* 0x2545_f491_4f6c_dd1d) >> 33) % max(below, 1)
    }

    mutating func file(_ number: UInt64) -> [UInt8] {
        state = number &* 0x9e37_79b9_7f4a_7c15 | 1
        for _ in 0..<4 { _ = random(2) }
        var bytes = good
        // Of archives and pictures mostly what is inside.
        if !parts.isEmpty, random(4) > 0 {
            let part = parts[random(parts.count)]
            if part.data.count > 0 {
                change(&bytes, in: part.data)
                let sum = Checksum.crc32(Array(bytes[part.covered]))
                for place in part.checksums {
                    for i in 0..<4 {
                        let shift = 8 * UInt32(part.isBigEndian ? 3 - i : i)
                        bytes[place + i] = UInt8(truncatingIfNeeded: sum >> shift)
                    }
                }
                return bytes
            }
        }
        switch random(8) {
        case 0: bytes.removeLast(1 + random(bytes.count))
        case 1:
            // A piece twice, or gone.
            let from = random(bytes.count)
            let to = min(from + 1 + random(64), bytes.count)
            if random(2) == 0 {
                bytes.insert(contentsOf: bytes[from..<to], at: from)
            } else {
                bytes.removeSubrange(from..<to)
            }
        default: change(&bytes, in: 0..<bytes.count)
        }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8], in range: Range<Int>) {
        // Headers lie in front, directories at the end.
        let span = range.count
        func place(_ self: inout Mutation) -> Int {
            switch self.random(3) {
            case 0: range.lowerBound + self.random(min(span, 512))
            case 1: range.upperBound - 1 - self.random(min(span, 512))
            default: range.lowerBound + self.random(span)
            }
        }
        switch random(4) {
        case 0: for _ in 0..<1 + random(4) { bytes[place(&self)] = UInt8(random(256)) }
        case 1: for _ in 0..<1 + random(16) { bytes[place(&self)] ^= 1 << UInt8(random(8)) }
        case 2:
            // A size or an address that is huge, negative or a little off.
            let at = place(&self)
            let width = [1, 2, 4, 8][random(4)]
            let value: UInt64 = [.max, 1 << 63, 1 << 60, 1 << 31, 0x7fff_ffff, 0, 1, 0xffff][random(8)]
            for i in 0..<width where at + i < range.upperBound {
                bytes[at + i] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(i)))
            }
        default:
            // A piece copied over another.
            let count = min(1 + random(32), span)
            let from = range.lowerBound + random(span - count + 1)
            let to = range.lowerBound + random(span - count + 1)
            let piece = Array(bytes[from..<from + count])
            bytes.replaceSubrange(to..<to + count, with: piece)
        }
    }

    private func littleEndian(_ at: Int, _ count: Int) -> Int {
        (0..<count).reduce(0) { $0 | Int(good[at + $1]) << (8 * $1) }
    }

    /// Files of a zip archive that are stored as they are.
    private mutating func findStored() {
        guard good.starts(with: [0x50, 0x4b, 3, 4]) else { return }
        for at in 0..<max(good.count - 46, 0) where good[at..<at + 4].elementsEqual([0x50, 0x4b, 1, 2]) {
            let (method, size) = (littleEndian(at + 10, 2), littleEndian(at + 20, 4))
            let header = littleEndian(at + 42, 4)
            guard method == 0, header + 30 <= good.count else { continue }
            let data = header + 30 + littleEndian(header + 26, 2) + littleEndian(header + 28, 2)
            guard data + size <= good.count else { continue }
            let range = data..<data + size
            parts.append(
                Part(data: range, covered: range, checksums: [at + 16, header + 14], isBigEndian: false))
        }
    }

    /// Chunks of a png: length, type, data, checksum of type and data.
    private mutating func findChunks() {
        guard good.starts(with: [0x89, 0x50, 0x4e, 0x47]) else { return }
        var at = 8
        while at + 12 <= good.count {
            let size = (0..<4).reduce(0) { $0 << 8 | Int(good[at + $1]) }
            guard at + 12 + size <= good.count else { return }
            parts.append(
                Part(
                    data: at + 8..<at + 8 + size, covered: at + 4..<at + 8 + size, checksums: [at + 8 + size],
                    isBigEndian: true))
            at += 12 + size
        }
    }
}
