import Glibc
import Support

/// A file of named tensors in the safetensors layout (huggingface.co/docs/safetensors): eight bytes
/// little-endian header length, a JSON header, then the data.
///
/// Reading trusts nothing: lengths, offsets and types are checked against the file before a byte of
/// data is touched, and every mistake throws a `.file` failure that names the file.
public final class TensorFile {
    /// How elements lie in a file. What the engine has no type for is converted when it is read:
    /// half and bfloat16 to float32, other integers to int32.
    public enum StoredType: String, Sendable, CaseIterable {
        case f64 = "F64", f32 = "F32", f16 = "F16", bf16 = "BF16"
        case i64 = "I64", i32 = "I32", i16 = "I16", u16 = "U16", i8 = "I8", u8 = "U8", bool = "BOOL"

        public var size: Int {
            switch self {
            case .f64, .i64: 8
            case .f32, .i32: 4
            case .f16, .bf16, .i16, .u16: 2
            case .i8, .u8, .bool: 1
            }
        }

        /// What it becomes in memory.
        public var type: ElementType {
            switch self {
            case .f64: .float64
            case .f32, .f16, .bf16: .float32
            case .bool: .bool
            case .i64, .i32, .i16, .u16, .i8, .u8: .int32
            }
        }

        init(_ type: ElementType) {
            switch type {
            case .bool: self = .bool
            case .int32: self = .i32
            case .float32: self = .f32
            case .float64: self = .f64
            }
        }
    }

    public struct Entry: Sendable {
        public let name: String
        public let stored: StoredType
        public let shape: [Int]
        /// From the file's first byte.
        let offset: Int
        let byteCount: Int
    }

    public let path: String
    /// In order of their data.
    public let entries: [Entry]
    public let metadata: [String: String]
    private let byName: [String: Int]
    private let file: Int32

    /// Headers are refused beyond this length, as the reference implementation does.
    static let maximumHeader = 100_000_000

    /// Open and check a file. The data is read by `tensor`.
    public init(path: String) throws {
        self.path = path
        file = try Self.openForReading(path)
        do {
            var info = stat()
            guard fstat(file, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
                throw Failure(.file, "'\(path)' is no ordinary file")
            }
            let size = Int(info.st_size)
            let lead = try Self.bytes(of: file, at: 0, count: min(8, size), path)
            guard lead.count == 8 else { throw Self.broken(path, "it is shorter than its header") }
            let length = lead.enumerated().reduce(UInt64(0)) {
                $0 | UInt64($1.element) << (8 * UInt64($1.offset))
            }
            guard length >= 2, length <= UInt64(Self.maximumHeader), length <= UInt64(size - 8) else {
                throw Self.broken(path, "its header cannot be \(length) bytes long in a file of \(size)")
            }
            let header: JSON
            do {
                header = try JSON(parsing: Self.bytes(of: file, at: 8, count: Int(length), path))
            } catch let failure as Failure where failure.kind == .file {
                throw Self.broken(path, failure.message)
            }
            (entries, metadata) = try Self.read(header, dataStart: 8 + Int(length), fileSize: size, path)
        } catch {
            close(file)
            throw error
        }
        var index: [String: Int] = [:]
        for (i, entry) in entries.enumerated() { index[entry.name] = i }
        byName = index
    }

    deinit { close(file) }

    /// True where a file begins like one of these: a plausible header length, then a brace.
    public static func isOne(_ bytes: [UInt8]) -> Bool {
        guard bytes.count > 8, bytes[8] == UInt8(ascii: "{") else { return false }
        return bytes[4..<8].allSatisfy { $0 == 0 }
    }

    public func entry(_ name: String) -> Entry? { byName[name].map { entries[$0] } }

    /// Read a tensor, converted as `StoredType` says. Nil where the file has none of that name.
    public func tensor(_ name: String) throws -> Tensor? {
        guard let entry = entry(name) else { return nil }
        let result = try Tensor(uninitialized: entry.shape, entry.stored.type)
        if entry.stored.size == entry.stored.type.size && entry.stored != .bool {
            try read(entry, into: result.buffer.base)
            return result
        }
        let raw = try Buffer(byteCount: entry.byteCount)
        try read(entry, into: raw.base)
        try convert(entry, from: raw.base, into: result)
        return result
    }

    // MARK: - Checks

    private static func broken(_ path: String, _ what: String) -> Failure {
        Failure(.file, "'\(path)' is no whole safetensors file: \(what)", hint: "copy or download it again")
    }

    private static func read(
        _ header: JSON, dataStart: Int, fileSize: Int, _ path: String
    ) throws -> ([Entry], [String: String]) {
        guard let members = header.members else { throw broken(path, "its header is no object") }
        var entries: [Entry] = []
        var metadata: [String: String] = [:]
        for member in members {
            if member.key == "__metadata__" {
                guard let pairs = member.value.members else {
                    throw broken(path, "its metadata is no object")
                }
                for pair in pairs {
                    guard let text = pair.value.string else {
                        throw broken(path, "its metadata '\(pair.key)' is no text")
                    }
                    metadata[pair.key] = text
                }
            } else {
                entries.append(try entry(member, dataStart: dataStart, fileSize: fileSize, path))
            }
        }
        entries.sort { ($0.offset, $0.byteCount) < ($1.offset, $1.byteCount) }
        var end = dataStart
        for entry in entries {
            guard entry.offset == end else {
                throw broken(path, "the data of '\(entry.name)' does not follow the data before it")
            }
            end += entry.byteCount
        }
        guard end == fileSize else {
            throw broken(path, "\(fileSize - end) bytes at its end belong to nothing")
        }
        return (entries, metadata)
    }

    private static func entry(
        _ member: JSON.Member, dataStart: Int, fileSize: Int, _ path: String
    ) throws -> Entry {
        let (name, value) = (member.key, member.value)
        guard let code = value["dtype"]?.string, let shape = value["shape"]?.ints,
            let offsets = value["data_offsets"]?.ints, offsets.count == 2
        else { throw broken(path, "'\(name)' has no dtype, shape or data_offsets") }
        guard let stored = StoredType(rawValue: code) else {
            throw Failure(
                .file, "'\(path)': '\(name)' has elements of type \(code), which vzsh does not read",
                hint: "known are \(StoredType.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        let count: Int
        do { count = try Shape.count(shape) } catch {
            throw broken(path, "'\(name)' cannot have shape \(Shape.describe(shape))")
        }
        let (from, to) = (offsets[0], offsets[1])
        guard from >= 0, to >= from, to <= fileSize - dataStart else {
            throw broken(path, "the data of '\(name)' lies outside the file")
        }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: stored.size)
        guard !overflow, bytes == to - from else {
            throw broken(path, "'\(name)' of shape \(Shape.describe(shape)) does not fill \(to - from) bytes")
        }
        return Entry(name: name, stored: stored, shape: shape, offset: dataStart + from, byteCount: bytes)
    }

    // MARK: - Reading

    private static func openForReading(_ path: String) throws -> Int32 {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            let code = errno
            throw Failure(
                code == ENOENT ? .file : .io, "cannot read '\(path)': \(String(cString: strerror(code)))",
                hint: code == ENOENT ? "look at the spelling and at the folder you are in" : nil)
        }
        return file
    }

    private static func bytes(of file: Int32, at offset: Int, count: Int, _ path: String) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try bytes.withUnsafeMutableBytes {
            guard let base = $0.baseAddress else { return }
            try fill(base, from: file, at: offset, count: count, path)
        }
        return bytes
    }

    private static func fill(
        _ base: UnsafeMutableRawPointer, from file: Int32, at offset: Int, count: Int, _ path: String
    ) throws {
        var done = 0
        while done < count {
            let n = pread(file, base + done, min(count - done, 1 << 30), offset + done)
            if n < 0 && errno == EINTR { continue }
            guard n >= 0 else {
                throw Failure(.io, "cannot read '\(path)': \(String(cString: strerror(errno)))")
            }
            guard n > 0 else { throw broken(path, "it became shorter while it was read") }
            done += n
        }
    }

    private func read(_ entry: Entry, into base: UnsafeMutableRawPointer) throws {
        try Self.fill(base, from: file, at: entry.offset, count: entry.byteCount, path)
    }

    private func convert(_ entry: Entry, from raw: UnsafeMutableRawPointer, into result: Tensor) throws {
        let n = result.count
        let to = result.buffer.base
        let floats = to.assumingMemoryBound(to: Float.self)
        let whole = to.assumingMemoryBound(to: Int32.self)
        switch entry.stored {
        case .bf16:
            let from = raw.assumingMemoryBound(to: UInt16.self)
            for i in 0..<n { floats[i] = Float(bitPattern: UInt32(from[i]) << 16) }
        case .f16:
            let from = raw.assumingMemoryBound(to: UInt16.self)
            for i in 0..<n { floats[i] = Self.float(half: from[i]) }
        case .i64:
            let from = raw.assumingMemoryBound(to: Int64.self)
            for i in 0..<n {
                guard let small = Int32(exactly: from[i]) else {
                    throw Failure(.file, "'\(path)': '\(entry.name)' holds \(from[i]), too great for int32")
                }
                whole[i] = small
            }
        case .i16: for i in 0..<n { whole[i] = Int32(raw.assumingMemoryBound(to: Int16.self)[i]) }
        case .u16: for i in 0..<n { whole[i] = Int32(raw.assumingMemoryBound(to: UInt16.self)[i]) }
        case .i8: for i in 0..<n { whole[i] = Int32(raw.assumingMemoryBound(to: Int8.self)[i]) }
        case .u8: for i in 0..<n { whole[i] = Int32(raw.assumingMemoryBound(to: UInt8.self)[i]) }
        case .bool:
            let from = raw.assumingMemoryBound(to: UInt8.self)
            for i in 0..<n { to.storeBytes(of: from[i] != 0 ? 1 : 0, toByteOffset: i, as: UInt8.self) }
        case .f64, .f32, .i32: break
        }
    }

    /// IEEE half precision, subnormal numbers, infinities and NaN included.
    public static func float(half bits: UInt16) -> Float {
        let sign: Float = bits & 0x8000 != 0 ? -1 : 1
        let exponent = Int(bits >> 10 & 0x1F)
        let fraction = Float(bits & 0x3FF)
        switch exponent {
        case 0: return sign * fraction * 0x1p-24
        case 31: return fraction == 0 ? sign * .infinity : .nan
        default: return sign * Float(sign: .plus, exponent: exponent - 25, significand: 1024 + fraction)
        }
    }

    // MARK: - Writing

    /// Write tensors and metadata atomically. Wide elements come first, so that all data is aligned.
    public static func write(
        _ tensors: [(name: String, tensor: Tensor)], metadata: [(String, String)] = [], to path: String
    ) throws {
        var names: Set<String> = ["__metadata__"]
        for (name, _) in tensors where !names.insert(name).inserted {
            throw Failure(.value, "cannot write '\(path)': two tensors are called '\(name)'")
        }
        let ordered = ElementType.allCases.reversed().flatMap { type in
            tensors.filter { $0.tensor.type == type }
        }
        var members: [JSON.Member] = []
        if !metadata.isEmpty {
            members.append(.init("__metadata__", .object(metadata.map { .init($0.0, .string($0.1)) })))
        }
        var end = 0
        for (name, tensor) in ordered {
            members.append(
                .init(
                    name,
                    [
                        "dtype": .string(StoredType(tensor.type).rawValue), "shape": .ints(tensor.shape),
                        "data_offsets": .ints([end, end + tensor.byteCount]),
                    ]))
            end += tensor.byteCount
        }
        var header = Array(JSON.object(members).description.utf8)
        header += [UInt8](repeating: 0x20, count: (8 - header.count % 8) % 8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
        try AtomicFile.write(to: path) { sink in
            try (length + header).withUnsafeBytes { try sink($0) }
            for (_, tensor) in ordered { try tensor.withBytes { try sink($0) } }
        }
    }
}
