import Support
import Tensor

/// Reads Python's pickles (protocols 0 to 5, `pickletools` of CPython) and executes nothing: there
/// are containers, numbers, texts, and the few names by which PyTorch writes tensors. Any other name
/// is refused before it would be called.
///
/// Containers lie in one list and refer to each other by position, so nothing nests in memory, and
/// every opcode takes a bounded amount of it: a pickle takes a small multiple of its length.
struct Pickle {
    enum Value {
        case none
        case bool(Bool)
        case int(Int)
        /// Beyond 64 bits: its bytes, little endian, as `LONG1` has them.
        case long(Range<Int>)
        case number(Double)
        case text(String)
        case bytes(Range<Int>)
        /// A position in `containers`.
        case container(Int)
        /// "torch._utils._rebuild_tensor_v2".
        case global(String)
        /// A position in `storages`.
        case storage(Int)
        /// A position in `tensors`.
        case tensor(Int)
        /// What `MARK` leaves on the stack.
        case mark
    }
    enum Kind { case list, tuple, dictionary, set }
    struct Container {
        var kind: Kind
        /// Of a dictionary keys and values in turn.
        var items: [Value]
    }
    /// What a persistent id tells of a storage.
    struct Storage {
        var type: String
        var key: String
        /// Elements.
        var count: Int
        /// Where a storage of old files is a view of another: its first element.
        var viewOffset = 0
    }
    /// A tensor as a view of a storage.
    struct View {
        var storage: Int
        var offset: Int
        var shape: [Int]
        var strides: [Int]
    }

    private(set) var containers: [Container] = []
    private(set) var storages: [Storage] = []
    private(set) var tensors: [View] = []
    private(set) var position: Int
    private let bytes: [UInt8]
    private var stack: [Value] = []
    private var memo: [Int: Value] = [:]
    private var held = 0

    /// The names that build containers and tensors; what they would do is done here.
    private static let builders: Set<String> = [
        "collections.OrderedDict", "collections.defaultdict", "builtins.dict", "builtins.list",
        "builtins.set", "builtins.tuple", "__builtin__.set", "__builtin__.dict", "__builtin__.list",
        "torch.Size", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor",
        "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state",
        "torch._tensor._rebuild_from_type_v2", "torch.Tensor", "torch.nn.parameter.Parameter",
        "torch.device", "_codecs.encode",
    ]
    static let elementSizes = [
        "FloatStorage": 4, "DoubleStorage": 8, "HalfStorage": 2, "BFloat16Storage": 2, "LongStorage": 8,
        "IntStorage": 4, "ShortStorage": 2, "CharStorage": 1, "ByteStorage": 1, "BoolStorage": 1,
    ]

    static func broken(_ why: String) -> Failure { Failure(.file, "its pickle \(why)") }

    init(_ bytes: [UInt8], at position: Int = 0) {
        (self.bytes, self.position) = (bytes, position)
    }

    // MARK: - Bytes

    private mutating func byte() throws(Failure) -> UInt8 {
        guard position < bytes.count else { throw Self.broken("is cut off") }
        position += 1
        return bytes[position - 1]
    }

    private mutating func take(_ count: Int) throws(Failure) -> Range<Int> {
        guard count >= 0, count <= bytes.count - position else { throw Self.broken("is cut off") }
        position += count
        return position - count..<position
    }

    private mutating func number(_ count: Int) throws(Failure) -> Int {
        let raw = try take(count).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64(bytes[$1]) }
        guard let value = Int(exactly: raw) else { throw Self.broken("has an impossible length") }
        return value
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    private mutating func line() throws(Failure) -> String {
        guard let end = bytes[position...].firstIndex(of: 10) else { throw Self.broken("is cut off") }
        defer { position = end + 1 }
        return text(position..<end)
    }

    // MARK: - Stack

    private mutating func pop() throws(Failure) -> Value {
        guard let value = stack.popLast() else { throw Self.broken("is damaged: its stack is empty") }
        return value
    }

    /// Everything above the last mark, and the mark gone.
    private mutating func popMark() throws(Failure) -> [Value] {
        guard let at = stack.lastIndex(where: { if case .mark = $0 { true } else { false } }) else {
            throw Self.broken("is damaged: a mark is missing")
        }
        defer { stack.removeLast(stack.count - at) }
        return Array(stack[(at + 1)...])
    }

    /// Throws where containers made of others hold more in all than the pickle could tell.
    private mutating func make(_ kind: Kind, _ items: [Value]) throws(Failure) -> Value {
        held += items.count
        guard held <= 4 * bytes.count else { throw Self.broken("holds more than it can tell") }
        containers.append(Container(kind: kind, items: items))
        return .container(containers.count - 1)
    }

    private func topContainer() throws(Failure) -> Int {
        guard case .container(let at)? = stack.last else {
            throw Self.broken("is damaged: a container is missing")
        }
        return at
    }

    private func items(_ value: Value, _ what: String) throws(Failure) -> [Value] {
        guard case .container(let at) = value else { throw Self.broken("is damaged: \(what)") }
        return containers[at].items
    }

    // MARK: - Running

    /// The object that the pickle describes.
    mutating func load() throws -> Value {
        while true {
            let code = try byte()
            if code == UInt8(ascii: ".") { return try pop() }
            if try simple(code) { continue }
            if try building(code) { continue }
            try calling(code)
        }
    }

    /// Numbers, texts, the stack and the memo.
    private mutating func simple(_ code: UInt8) throws -> Bool {
        switch Character(Unicode.Scalar(code)) {
        case "\u{80}": _ = try byte()
        case "\u{95}": _ = try take(8)
        case "(": stack.append(.mark)
        case "0": _ = try pop()
        case "1": _ = try popMark()
        case "2":
            guard let top = stack.last else { throw Self.broken("is damaged: its stack is empty") }
            stack.append(top)
        case "N": stack.append(.none)
        case "\u{88}": stack.append(.bool(true))
        case "\u{89}": stack.append(.bool(false))
        case "K": stack.append(.int(Int(try byte())))
        case "M": stack.append(.int(try number(2)))
        case "J": stack.append(.int(Int(Int32(truncatingIfNeeded: try number(4)))))
        case "\u{8a}": stack.append(long(try take(try number(1))))
        case "\u{8b}": stack.append(long(try take(try number(4))))
        case "I", "L":
            let digits = try line()
            if digits == "00" || digits == "01" {
                stack.append(.bool(digits == "01"))
            } else {
                guard let value = Int(digits.hasSuffix("L") ? String(digits.dropLast()) : digits) else {
                    throw Self.broken("holds the number '\(digits.prefix(20))'")
                }
                stack.append(.int(value))
            }
        case "F":
            guard let value = Double(try line()) else { throw Self.broken("holds no number") }
            stack.append(.number(value))
        case "G":
            // The only number that is big endian.
            let raw = try take(8).reduce(UInt64(0)) { $0 << 8 | UInt64(bytes[$1]) }
            stack.append(.number(Double(bitPattern: raw)))
        case "X", "T": stack.append(.text(text(try take(try number(4)))))
        case "U", "\u{8c}": stack.append(.text(text(try take(try number(1)))))
        case "\u{8d}": stack.append(.text(text(try take(try number(8)))))
        case "S", "V":
            let quoted = try line()
            stack.append(
                .text(
                    quoted.count >= 2 && quoted.first == "'" ? String(quoted.dropFirst().dropLast()) : quoted)
            )
        case "C": stack.append(.bytes(try take(try number(1))))
        case "B": stack.append(.bytes(try take(try number(4))))
        case "\u{8e}", "\u{96}": stack.append(.bytes(try take(try number(8))))
        case "q": try put(Int(try byte()))
        case "r": try put(try number(4))
        case "p":
            guard let place = Int(try line()) else { throw Self.broken("is damaged") }
            try put(place)
        case "\u{94}": try put(memo.count)
        case "h": try get(Int(try byte()))
        case "j": try get(try number(4))
        case "g":
            guard let place = Int(try line()) else { throw Self.broken("is damaged") }
            try get(place)
        default: return false
        }
        return true
    }

    private func long(_ range: Range<Int>) -> Value {
        guard range.count <= 8 else { return .long(range) }
        let raw = range.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64(bytes[$1]) }
        let shift = UInt64(64 - range.count * 8)
        return .int(range.isEmpty ? 0 : Int(Int64(bitPattern: raw << shift) >> Int64(shift)))
    }

    private mutating func put(_ place: Int) throws(Failure) {
        guard let top = stack.last else { throw Self.broken("is damaged: its stack is empty") }
        memo[place] = top
    }

    private mutating func get(_ place: Int) throws(Failure) {
        guard let value = memo[place] else { throw Self.broken("is damaged: it refers to nothing") }
        stack.append(value)
    }

    /// Containers.
    private mutating func building(_ code: UInt8) throws -> Bool {
        switch Character(Unicode.Scalar(code)) {
        case "]": stack.append(try make(.list, []))
        case "}": stack.append(try make(.dictionary, []))
        case ")": stack.append(try make(.tuple, []))
        case "\u{8f}": stack.append(try make(.set, []))
        case "l": stack.append(try make(.list, try popMark()))
        case "d": stack.append(try make(.dictionary, try popMark()))
        case "t", "\u{91}": stack.append(try make(.tuple, try popMark()))
        case "\u{85}", "\u{86}", "\u{87}":
            let count = Int(code) - 0x84
            guard stack.count >= count else { throw Self.broken("is damaged: its stack is empty") }
            let items = Array(stack[(stack.count - count)...])
            stack.removeLast(count)
            stack.append(try make(.tuple, items))
        case "a", "\u{90}", "e", "u", "s":
            let items =
                switch Character(Unicode.Scalar(code)) {
                case "a": [try pop()]
                case "s": try [pop(), pop()].reversed() as [Value]
                default: try popMark()
                }
            containers[try topContainer()].items += items
        default: return false
        }
        return true
    }

    /// Names and calls: only those that are known, and nothing is run.
    private mutating func calling(_ code: UInt8) throws {
        switch Character(Unicode.Scalar(code)) {
        case "c": stack.append(try global(try line(), try line()))
        case "\u{93}":
            guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
                throw Self.broken("is damaged: a name is missing")
            }
            stack.append(try global(module, name))
        case "R", "\u{81}":
            let arguments = try items(pop(), "arguments are missing")
            guard case .global(let name) = try pop() else {
                throw Self.broken("calls something that has no name")
            }
            stack.append(try result(of: name, arguments))
        case "b":
            // State of a container (`_metadata` of a state dictionary) or of a tensor: hooks.
            _ = try pop()
            guard let top = stack.last else { throw Self.broken("is damaged: its stack is empty") }
            switch top {
            case .container, .tensor: break
            default: throw Self.broken("sets the state of something that is no container")
            }
        case "Q": stack.append(try storage(try pop()))
        case "P": throw Self.broken("refers to storages in a way that PyTorch does not")
        default:
            throw Self.broken(
                "has an instruction (0x\(String(code, radix: 16))) that state dictionaries have no use for")
        }
    }

    private func global(_ module: String, _ name: String) throws(Failure) -> Value {
        let full = "\(module).\(name)"
        let isStorage = (module == "torch" || module == "torch.cuda") && Self.elementSizes[name] != nil
        // Names of element types are values, no calls.
        let isType = module == "torch" && Self.types[name] != nil
        guard isStorage || isType || Self.builders.contains(full) else {
            throw Failure(
                .file, "its pickle would run \(full) when Python opens it",
                hint:
                    "vzsh runs nothing out of a file. If the file is yours, save the weights alone: torch.save(model.state_dict(), path)"
            )
        }
        return .global(full)
    }

    private static let types = [
        "float32": "FloatStorage", "float64": "DoubleStorage", "float16": "HalfStorage",
        "bfloat16": "BFloat16Storage", "int64": "LongStorage", "int32": "IntStorage",
        "int16": "ShortStorage", "int8": "CharStorage", "uint8": "ByteStorage", "bool": "BoolStorage",
    ]

    private mutating func result(of name: String, _ arguments: [Value]) throws -> Value {
        switch name {
        case "collections.OrderedDict", "collections.defaultdict", "builtins.dict", "__builtin__.dict":
            guard case .container(let at)? = arguments.first else { return try make(.dictionary, []) }
            // A list of pairs.
            let pairs = containers[at].items
            var flat: [Value] = []
            for pair in pairs {
                let two = try items(pair, "a pair is missing")
                guard two.count == 2 else { throw Self.broken("is damaged: a pair is missing") }
                flat += two
            }
            return try make(.dictionary, flat)
        case "builtins.list", "__builtin__.list", "builtins.set", "__builtin__.set", "builtins.tuple",
            "torch.Size":
            if let first = arguments.first {
                return try make(.list, try items(first, "a list is missing"))
            }
            return try make(.list, [])
        case "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor":
            return try tensor(arguments)
        case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state":
            guard let first = arguments.first, case .tensor = first else {
                throw Self.broken("is damaged: a parameter has no tensor")
            }
            return first
        case "torch._tensor._rebuild_from_type_v2":
            // (function, type, its arguments, state): the state is left.
            guard arguments.count >= 3, case .global(let inner) = arguments[0],
                inner != "torch._tensor._rebuild_from_type_v2"
            else { throw Self.broken("is damaged: a tensor is missing") }
            return try result(of: inner, items(arguments[2], "a tensor is missing"))
        case "torch.device", "_codecs.encode": return .none
        default: throw Self.broken("calls \(name), which makes neither a tensor nor a container")
        }
    }

    // MARK: - Tensors

    private func int(_ value: Value) throws(Failure) -> Int {
        guard case .int(let n) = value else {
            throw Self.broken("is damaged: a whole number is missing")
        }
        return n
    }

    private func ints(_ value: Value) throws -> [Int] {
        let all = try items(value, "a shape is missing")
        guard all.count <= Shape.maximumRank else {
            throw Self.broken("has a shape of \(all.count) axes")
        }
        return try all.map { try int($0) }
    }

    /// ("storage", type, key, place, elements), and in old files a view: (key, offset, elements).
    private mutating func storage(_ id: Value) throws -> Value {
        let parts = try items(id, "a storage is missing")
        guard parts.count >= 5, case .text("storage") = parts[0], case .global(let type) = parts[1]
        else {
            throw Self.broken("refers to something that is no storage")
        }
        let key: String
        switch parts[2] {
        case .text(let name): key = name
        case .int(let n): key = String(n)
        default: throw Self.broken("refers to a storage without a name")
        }
        var made = Storage(
            type: String(type.split(separator: ".").last ?? ""), key: key, count: try int(parts[4]))
        if let known = Self.types[made.type] { made.type = known }
        if parts.count > 5, case .container(let at) = parts[5], containers[at].items.count >= 2 {
            made.viewOffset = try int(containers[at].items[1])
        }
        guard Self.elementSizes[made.type] != nil, made.count >= 0, made.viewOffset >= 0 else {
            throw Self.broken("has a storage of type \(type)")
        }
        storages.append(made)
        return .storage(storages.count - 1)
    }

    /// (storage, offset, shape, strides, …). Nothing but views inside their storage.
    private mutating func tensor(_ arguments: [Value]) throws -> Value {
        guard arguments.count >= 4, case .storage(let storage) = arguments[0] else {
            throw Self.broken("is damaged: a tensor has no storage")
        }
        let view = View(
            storage: storage, offset: try int(arguments[1]), shape: try ints(arguments[2]),
            strides: try ints(arguments[3]))
        tensors.append(view)
        return .tensor(tensors.count - 1)
    }
}
