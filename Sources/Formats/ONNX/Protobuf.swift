import Support

/// Reads protocol buffers field by field; nothing is allocated by what a message claims.
///
/// The hundred lines that ONNX needs stand here instead of libprotobuf and code generated from
/// onnx.proto: those copy every weight into objects before one is looked at, and would be a compiler
/// and a library more to build with.
struct Protobuf {
    enum Value {
        case number(UInt64)
        /// A nested message, a text, bytes or packed numbers: a range of the file's bytes.
        case bytes(Range<Int>)
    }

    let bytes: [UInt8]
    private var position: Int
    private let end: Int

    static let damaged = Failure(.file, "its protocol buffer is cut off or damaged")

    init(_ bytes: [UInt8], _ range: Range<Int>? = nil) {
        self.bytes = bytes
        position = range?.lowerBound ?? 0
        end = range?.upperBound ?? bytes.count
    }

    /// The next field and its number; nil at the end.
    mutating func next() throws(Failure) -> (field: Int, value: Value)? {
        if position >= end { return nil }
        let key = try varint()
        let field = Int(truncatingIfNeeded: key >> 3 & 0x1fff_ffff)
        switch key & 7 {
        case 0: return (field, .number(try varint()))
        case 1: return (field, .number(try fixed(8)))
        case 5: return (field, .number(try fixed(4)))
        case 2:
            let length = try varint()
            guard length <= UInt64(end - position) else { throw Self.damaged }
            let start = position
            position += Int(length)
            return (field, .bytes(start..<position))
        default: throw Self.damaged
        }
    }

    mutating func varint() throws(Failure) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard position < end else { throw Self.damaged }
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return value }
        }
        throw Self.damaged
    }

    mutating func fixed(_ count: Int) throws(Failure) -> UInt64 {
        guard end - position >= count else { throw Self.damaged }
        defer { position += count }
        return (0..<count).reduce(UInt64(0)) { $0 | UInt64(bytes[position + $1]) << (8 * UInt64($1)) }
    }

    var isAtEnd: Bool { position >= end }

    func text(_ value: Value) throws(Failure) -> String {
        guard case .bytes(let range) = value else { throw Self.damaged }
        return String(decoding: bytes[range], as: UTF8.self)
    }

    func message(_ value: Value) throws(Failure) -> Protobuf {
        guard case .bytes(let range) = value else { throw Self.damaged }
        return Protobuf(bytes, range)
    }

    /// Whole numbers of a repeated field, packed or one by one.
    func numbers(_ value: Value) throws(Failure) -> [Int] {
        switch value {
        case .number(let n): return [Int(truncatingIfNeeded: n)]
        case .bytes(let range):
            var packed = Protobuf(bytes, range)
            var all: [Int] = []
            while !packed.isAtEnd { all.append(Int(truncatingIfNeeded: try packed.varint())) }
            return all
        }
    }

    /// Floats of a repeated field, packed or one by one.
    func floats(_ value: Value) throws(Failure) -> [Float] {
        switch value {
        case .number(let n): return [Float(bitPattern: UInt32(truncatingIfNeeded: n))]
        case .bytes(let range):
            var packed = Protobuf(bytes, range)
            var all: [Float] = []
            while !packed.isAtEnd {
                all.append(Float(bitPattern: UInt32(truncatingIfNeeded: try packed.fixed(4))))
            }
            return all
        }
    }

    func doubles(_ value: Value) throws(Failure) -> [Double] {
        switch value {
        case .number(let n): return [Double(bitPattern: n)]
        case .bytes(let range):
            var packed = Protobuf(bytes, range)
            var all: [Double] = []
            while !packed.isAtEnd { all.append(Double(bitPattern: try packed.fixed(8))) }
            return all
        }
    }
}
