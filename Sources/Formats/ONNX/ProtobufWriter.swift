/// Writes protocol buffers field by field.
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    static func varint(_ value: UInt64) -> [UInt8] {
        var (rest, out) = (value, [UInt8]())
        while rest > 0x7f {
            out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        out.append(UInt8(rest))
        return out
    }

    /// What stands before a field of `count` bytes.
    static func head(_ field: Int, bytes count: Int) -> [UInt8] {
        varint(UInt64(field) << 3 | 2) + varint(UInt64(count))
    }

    mutating func number(_ field: Int, _ value: Int) {
        bytes += Self.varint(UInt64(field) << 3) + Self.varint(UInt64(bitPattern: Int64(value)))
    }

    mutating func float(_ field: Int, _ value: Float) {
        let bits = value.bitPattern
        bytes +=
            Self.varint(UInt64(field) << 3 | 5)
            + (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
    }

    mutating func data(_ field: Int, _ data: [UInt8]) {
        bytes += Self.head(field, bytes: data.count) + data
    }
    mutating func text(_ field: Int, _ text: String) { data(field, Array(text.utf8)) }

    mutating func message(_ field: Int, _ body: (inout ProtobufWriter) -> Void) {
        var inner = ProtobufWriter()
        body(&inner)
        data(field, inner.bytes)
    }
}
