import Support

/// Reads bytes one after another and throws a file failure where they end.
struct ByteReader {
    let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    static let cutOff = Failure(.file, "it is cut off")

    mutating func byte() throws(Failure) -> UInt8 {
        guard position < bytes.count else { throw Self.cutOff }
        position += 1
        return bytes[position - 1]
    }

    /// Little endian.
    mutating func number(_ count: Int) throws(Failure) -> Int {
        var value = 0
        for i in 0..<count { value |= Int(try byte()) << (8 * i) }
        return value
    }

    mutating func signed32() throws(Failure) -> Int { Int(Int32(truncatingIfNeeded: try number(4))) }

    mutating func skip(_ count: Int) throws(Failure) {
        guard count >= 0, count <= bytes.count - position else { throw Self.cutOff }
        position += count
    }

    mutating func seek(_ target: Int) throws(Failure) {
        guard target >= 0, target <= bytes.count else { throw Self.cutOff }
        position = target
    }

    mutating func take(_ count: Int) throws(Failure) -> [UInt8] {
        let start = position
        try skip(count)
        return Array(bytes[start..<position])
    }
}
