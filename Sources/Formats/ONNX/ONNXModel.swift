import Support
import Tensor

/// An ONNX file as it is written (onnx.proto of the ONNX project, IR versions 3 to the current):
/// nodes, constants and the input, not yet a network.
struct ONNXModel {
    struct Node {
        var operation = ""
        var name = ""
        var domain = ""
        var inputs: [String] = []
        var outputs: [String] = []
        var ints: [String: [Int]] = [:]
        var floats: [String: Double] = [:]
        var texts: [String: String] = [:]
        var tensors: [String: Tensor] = [:]

        func int(_ name: String, _ fallback: Int) -> Int { ints[name]?.first ?? fallback }
        func float(_ name: String, _ fallback: Double) -> Double { floats[name] ?? fallback }
    }

    var name = ""
    var opset = 0
    /// "pytorch", "onnx-caffe2": what wrote the file.
    var producer = ""
    var metadata: [String: String] = [:]
    var nodes: [Node] = []
    var constants: [String: Tensor] = [:]
    /// Inputs without constants, with their shapes; a length that is not known is 0.
    var inputs: [(name: String, shape: [Int])] = []
    var outputs: [String] = []

    /// True where a file may be one: the first field is the IR version, a small number.
    static func isOne(_ bytes: [UInt8]) -> Bool {
        bytes.count > 8 && bytes[0] == 0x08 && (3...40).contains(bytes[1])
    }

    /// Throws a file failure that names the file and the fault.
    init(_ path: String) throws {
        let file = try RandomAccessFile(path)
        guard file.size < 1 << 31 else {
            throw Failure(.file, "'\(path)' is longer than an ONNX file can be")
        }
        do {
            try read(Protobuf(file.bytes(at: 0, file.size)), path)
        } catch let failure as Failure where failure.kind == .file && !failure.message.contains(path) {
            throw Failure(.file, "'\(path)' is no ONNX model that can be read: \(failure.message)")
        }
    }

    private mutating func read(_ model: Protobuf, _ path: String) throws {
        var model = model
        var isThere = false
        while let (field, value) = try model.next() {
            switch field {
            case 2: producer = try model.text(value)
            case 14:
                let (key, text) = try Self.pair(model.message(value))
                metadata[key] = text
            case 7:
                isThere = true
                try readGraph(model.message(value), path)
            case 8:
                var set = try model.message(value)
                var (domain, version) = ("", 0)
                while let (field, value) = try set.next() {
                    if field == 1 { domain = try set.text(value) }
                    if field == 2, case .number(let n) = value { version = Int(truncatingIfNeeded: n) }
                }
                if domain.isEmpty || domain == "ai.onnx" { opset = version }
            default: break
            }
        }
        guard isThere else { throw Failure(.file, "it holds no graph") }
    }

    private mutating func readGraph(_ graph: Protobuf, _ path: String) throws {
        var graph = graph
        var declared: [(String, [Int])] = []
        while let (field, value) = try graph.next() {
            switch field {
            case 1: nodes.append(try Self.node(graph.message(value), path))
            case 2: name = try graph.text(value)
            case 5:
                let (name, tensor) = try Self.tensor(graph.message(value), path)
                constants[name] = tensor
            case 11: declared.append(try Self.input(graph.message(value)))
            case 12: outputs.append(try Self.input(graph.message(value)).0)
            default: break
            }
            guard nodes.count < 200_000 else { throw Failure(.file, "it has too many nodes") }
        }
        // Before IR version 4 constants were declared as inputs too.
        inputs = declared.filter { constants[$0.0] == nil }.map { (name: $0.0, shape: $0.1) }
    }

    /// A StringStringEntryProto.
    private static func pair(_ message: Protobuf) throws -> (String, String) {
        var message = message
        var (key, text) = ("", "")
        while let (field, value) = try message.next() {
            if field == 1 { key = try message.text(value) }
            if field == 2 { text = try message.text(value) }
        }
        return (key, text)
    }

    /// Name and shape of a declared value.
    private static func input(_ info: Protobuf) throws -> (String, [Int]) {
        var info = info
        var (name, shape) = ("", [Int]())
        while let (field, value) = try info.next() {
            if field == 1 { name = try info.text(value) }
            // TypeProto.tensor_type, its shape, the dimensions in it.
            if field == 2, let tensor = try last(1, info.message(value)), let dims = try last(2, tensor) {
                shape = try lengths(dims)
            }
        }
        return (name, shape)
    }

    private static func lengths(_ dims: Protobuf) throws -> [Int] {
        var dims = dims
        var shape: [Int] = []
        while let (field, value) = try dims.next() {
            guard field == 1 else { continue }
            var dim = try dims.message(value)
            var length = 0
            while let (field, value) = try dim.next() {
                if field == 1, case .number(let n) = value { length = Int(clamping: Int64(bitPattern: n)) }
            }
            guard shape.count < Shape.maximumRank else { throw Protobuf.damaged }
            shape.append(max(length, 0))
        }
        return shape
    }

    /// A message's last field of that number, which is a message itself.
    private static func last(_ wanted: Int, _ message: Protobuf) throws -> Protobuf? {
        var message = message
        var found: Protobuf?
        while let (field, value) = try message.next() {
            if field == wanted { found = try message.message(value) }
        }
        return found
    }

    private static func node(_ message: Protobuf, _ path: String) throws -> Node {
        var message = message
        var node = Node()
        while let (field, value) = try message.next() {
            switch field {
            case 1: node.inputs.append(try message.text(value))
            case 2: node.outputs.append(try message.text(value))
            case 3: node.name = try message.text(value)
            case 4: node.operation = try message.text(value)
            case 5: try attribute(message.message(value), &node, path)
            case 7: node.domain = try message.text(value)
            default: break
            }
        }
        return node
    }

    private static func attribute(_ message: Protobuf, _ node: inout Node, _ path: String) throws {
        var message = message
        var name = ""
        var ints: [Int] = []
        var floats: [Float] = []
        while let (field, value) = try message.next() {
            switch field {
            case 1: name = try message.text(value)
            case 2: node.floats[name] = (try message.floats(value).first).map(Double.init)
            case 7: floats += try message.floats(value)
            case 3, 8: ints += try message.numbers(value)
            case 4: node.texts[name] = try message.text(value)
            case 5: node.tensors[name] = try tensor(message.message(value), path).1
            default: break
            }
        }
        if !ints.isEmpty { node.ints[name] = ints }
        if !floats.isEmpty { node.tensors[name] = try Tensor(floats, shape: [floats.count]) }
    }

    // MARK: - Tensors

    private static func tensor(_ message: Protobuf, _ path: String) throws -> (String, Tensor) {
        var message = message
        var (name, shape, type) = ("", [Int](), 0)
        var raw: Range<Int>?
        var (floats, ints, doubles): ([Float], [Int], [Double]) = ([], [], [])
        var external: [String: String] = [:]
        while let (field, value) = try message.next() {
            switch field {
            case 1: shape += try message.numbers(value)
            case 2: type = try message.numbers(value).first ?? 0
            case 4: floats += try message.floats(value)
            case 5, 7: ints += try message.numbers(value)
            case 8: name = try message.text(value)
            case 9: if case .bytes(let range) = value { raw = range }
            case 10: doubles += try message.doubles(value)
            case 13:
                let (key, text) = try pair(message.message(value))
                external[key] = text
            default: break
            }
        }
        let count: Int
        do { count = try Shape.count(shape) } catch {
            throw Failure(.file, "'\(name)' cannot have shape \(Shape.describe(shape))")
        }
        var data = raw.map { message.bytes[$0] } ?? []
        if !external.isEmpty { data = try outside(external, path)[...] }
        if data.isEmpty, count > 0 {
            return (name, try listed(name, type, shape, count, floats, ints, doubles))
        }
        return (name, try unpacked(name, type, shape, count, data))
    }

    /// Values given as lists of numbers.
    private static func listed(
        _ name: String, _ type: Int, _ shape: [Int], _ count: Int, _ floats: [Float], _ ints: [Int],
        _ doubles: [Double]
    ) throws -> Tensor {
        let given = type == 1 ? floats.count : type == 11 ? doubles.count : ints.count
        guard given == count else { throw Failure(.file, "'\(name)' has \(given) values of \(count)") }
        switch type {
        case 1: return try Tensor(floats, shape: shape)
        case 11: return try Tensor(doubles, shape: shape)
        case 10:
            return try Tensor(
                ints.map { TensorFile.float(half: UInt16(truncatingIfNeeded: $0)) }, shape: shape)
        case 16:
            return try Tensor(
                ints.map { Float(bitPattern: UInt32(truncatingIfNeeded: $0) << 16) }, shape: shape)
        case 9: return try Tensor(ints.map { $0 != 0 }, shape: shape)
        case 2...7: return try Tensor(ints.map { Int32(clamping: $0) }, shape: shape)
        default: throw Failure(.file, "'\(name)' has elements of type \(type), which are not read")
        }
    }

    /// Values given as bytes, little endian.
    private static func unpacked(
        _ name: String, _ type: Int, _ shape: [Int], _ count: Int, _ data: ArraySlice<UInt8>
    ) throws -> Tensor {
        guard let size = [1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 16: 2][type]
        else {
            throw Failure(.file, "'\(name)' has elements of type \(type), which are not read")
        }
        guard data.count == count &* size, count <= data.count else {
            throw Failure(.file, "'\(name)' has \(data.count) bytes for shape \(Shape.describe(shape))")
        }
        if type == 1 {
            let tensor = try Tensor(uninitialized: shape)
            data.withUnsafeBytes {
                if let from = $0.baseAddress { tensor.base.copyMemory(from: from, byteCount: $0.count) }
            }
            return tensor
        }
        func word(_ i: Int) -> UInt64 {
            let start = data.startIndex + i * size
            return (0..<size).reduce(UInt64(0)) { $0 | UInt64(data[start + $1]) << (8 * UInt64($1)) }
        }
        switch type {
        case 11: return try Tensor((0..<count).map { Double(bitPattern: word($0)) }, shape: shape)
        case 10:
            return try Tensor((0..<count).map { TensorFile.float(half: UInt16(word($0))) }, shape: shape)
        case 16:
            return try Tensor((0..<count).map { Float(bitPattern: UInt32(word($0)) << 16) }, shape: shape)
        case 9: return try Tensor((0..<count).map { word($0) != 0 }, shape: shape)
        default:
            let shift = UInt64(64 - size * 8)
            let isSigned = type == 3 || type == 5 || type == 6 || type == 7
            // "To the end" is written as the greatest number there is.
            return try Tensor(
                (0..<count).map { i -> Int32 in
                    isSigned
                        ? Int32(clamping: Int64(bitPattern: word(i) << shift) >> Int64(shift))
                        : Int32(clamping: word(i))
                }, shape: shape)
        }
    }

    /// Bytes of a file beside the model's.
    private static func outside(_ entry: [String: String], _ path: String) throws -> [UInt8] {
        guard let location = entry["location"], !location.isEmpty, !location.hasPrefix("/"),
            !location.split(separator: "/").contains("..")
        else { throw Failure(.file, "its data lies in a file outside its folder, which is not read") }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        let file = try RandomAccessFile(folder + location)
        guard let offset = Int(entry["offset"] ?? "0"), offset >= 0, offset <= file.size,
            let length = Int(entry["length"] ?? String(file.size - offset))
        else { throw Failure(.file, "its data in '\(location)' has no place") }
        return try file.bytes(at: offset, length)
    }
}
