extension JSON {
    /// Parse a whole text. Throws a `.file` failure that names the position; nothing but white space
    /// may follow, and values nest at most 128 deep, so hostile text cannot exhaust the stack.
    public init(parsing text: String) throws(Failure) {
        try self.init(parsing: Array(text.utf8))
    }

    public init(parsing bytes: [UInt8]) throws(Failure) {
        var parser = Parser(bytes: bytes)
        self = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.at == bytes.count else { throw parser.failure("something follows the value") }
    }

    private struct Parser {
        let bytes: [UInt8]
        var at = 0

        func failure(_ what: String) -> Failure { Failure(.file, "JSON: \(what) at byte \(at)") }

        var next: UInt8? { at < bytes.count ? bytes[at] : nil }

        mutating func skipSpace() {
            while let c = next, c == 0x20 || c == 0x0A || c == 0x0D || c == 0x09 { at += 1 }
        }

        mutating func take(_ byte: UInt8) -> Bool {
            skipSpace()
            guard next == byte else { return false }
            at += 1
            return true
        }

        mutating func word(_ word: StaticString, _ value: JSON) throws(Failure) -> JSON {
            let end = at + word.utf8CodeUnitCount
            let text = String(describing: word)
            guard end <= bytes.count, bytes[at..<end].elementsEqual(text.utf8) else {
                throw failure("unknown word")
            }
            at = end
            return value
        }

        mutating func value(depth: Int) throws(Failure) -> JSON {
            guard depth <= 128 else { throw failure("values nest too deep") }
            skipSpace()
            switch next {
            case nil: throw failure("the text ends early")
            case UInt8(ascii: "n"): return try word("null", .null)
            case UInt8(ascii: "t"): return try word("true", .bool(true))
            case UInt8(ascii: "f"): return try word("false", .bool(false))
            case UInt8(ascii: "\""): return .string(try string())
            case UInt8(ascii: "["): return try list(depth)
            case UInt8(ascii: "{"): return try object(depth)
            default: return try number()
            }
        }

        mutating func list(_ depth: Int) throws(Failure) -> JSON {
            at += 1
            var items: [JSON] = []
            if take(UInt8(ascii: "]")) { return .array(items) }
            while true {
                items.append(try value(depth: depth + 1))
                if take(UInt8(ascii: "]")) { return .array(items) }
                guard take(UInt8(ascii: ",")) else { throw failure("expected , or ]") }
            }
        }

        mutating func object(_ depth: Int) throws(Failure) -> JSON {
            at += 1
            var members: [Member] = []
            var keys: Set<String> = []
            if take(UInt8(ascii: "}")) { return .object(members) }
            while true {
                skipSpace()
                guard next == UInt8(ascii: "\"") else { throw failure("expected a key in quotes") }
                let key = try string()
                guard keys.insert(key).inserted else { throw failure("the key '\(key)' appears twice") }
                guard take(UInt8(ascii: ":")) else { throw failure("expected :") }
                members.append(Member(key, try value(depth: depth + 1)))
                if take(UInt8(ascii: "}")) { return .object(members) }
                guard take(UInt8(ascii: ",")) else { throw failure("expected , or }") }
            }
        }

        mutating func number() throws(Failure) -> JSON {
            let start = at
            while let c = next,
                c == 0x2B || c == 0x2D || c == 0x2E || c == 0x65 || c == 0x45 || 0x30...0x39 ~= c
            {
                at += 1
            }
            let text = String(decoding: bytes[start..<at], as: UTF8.self)
            if text.utf8.allSatisfy({ $0 == 0x2D || 0x30...0x39 ~= $0 }), let i = Int(text) {
                return .integer(i)
            }
            guard let first = text.utf8.first, first == 0x2D || 0x30...0x39 ~= first, let d = Double(text),
                d.isFinite
            else {
                at = start
                throw failure("expected a value")
            }
            return .number(d)
        }

        mutating func string() throws(Failure) -> String {
            at += 1
            var text: [UInt8] = []
            while let c = next {
                at += 1
                switch c {
                case UInt8(ascii: "\""):
                    guard let valid = String(validating: text, as: UTF8.self) else {
                        throw failure("a string is not UTF-8")
                    }
                    return valid
                case UInt8(ascii: "\\"): try escape(into: &text)
                case 0..<0x20: throw failure("a control character inside a string")
                default: text.append(c)
                }
            }
            throw failure("a string is not closed")
        }

        mutating func escape(into text: inout [UInt8]) throws(Failure) {
            guard let c = next else { throw failure("a string is not closed") }
            at += 1
            switch c {
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(c)
            case UInt8(ascii: "u"):
                var code = try hex()
                if 0xD800..<0xDC00 ~= code, next == UInt8(ascii: "\\"), at + 1 < bytes.count,
                    bytes[at + 1] == UInt8(ascii: "u")
                {
                    at += 2
                    let low = try hex()
                    guard 0xDC00..<0xE000 ~= low else { throw failure("half a surrogate pair") }
                    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
                }
                guard let scalar = Unicode.Scalar(code) else { throw failure("half a surrogate pair") }
                text += Array(String(Character(scalar)).utf8)
            default: throw failure("unknown escape")
            }
        }

        mutating func hex() throws(Failure) -> UInt32 {
            guard at + 4 <= bytes.count,
                let code = UInt32(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16),
                bytes[at] != 0x2B, bytes[at] != 0x2D
            else { throw failure("expected four hexadecimal digits") }
            at += 4
            return code
        }
    }
}
