import Support
import Tensor

/// PyTorch's files of weights (`torch.save`): the zip archive of version 1.6 and later, and the file of
/// pickles before it. Read are tensors by name out of nested dictionaries and lists; nothing in the
/// file is run, see `Pickle`.
///
/// TorchScript, which holds a program, is refused with advice.
public struct TorchFile {
    /// In the file's order, names joined by points: "features.0.weight".
    public let tensors: [(name: String, tensor: Tensor)]
    public let path: String

    /// True where a file begins like one of the old kind: the pickle of a magic number.
    static func isLegacy(_ bytes: [UInt8]) -> Bool {
        let magic: [UInt8] = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]
        return bytes.count > 14 && bytes[0] == 0x80 && Array(bytes[2..<14]) == magic
    }

    /// True where an archive holds what `torch.save` or TorchScript writes.
    static func isOne(_ archive: ZipArchive) -> Bool {
        archive.entries.contains { $0.name == "data.pkl" || $0.name.hasSuffix("/data.pkl") }
            || archive.entries.contains { $0.name.hasSuffix("/constants.pkl") }
    }

    /// Read a file of either kind. Throws a file failure that names it and the fault.
    public init(_ path: String) throws {
        let file = try RandomAccessFile(path)
        let head = try file.bytes(at: 0, min(64, file.size))
        try self.init(file, head)
    }

    init(_ file: RandomAccessFile, _ head: [UInt8]) throws {
        do {
            if ZipArchive.isOne(head) {
                try self.init(archive: ZipArchive(file))
            } else if Self.isLegacy(head) {
                try self.init(legacy: file)
            } else {
                throw Failure(.file, "it does not begin as one")
            }
        } catch let failure as Failure
            where failure.kind == .file && !failure.message.contains(file.path)
        {
            throw Failure(
                .file, "'\(file.path)' is no PyTorch file that can be read: \(failure.message)",
                hint: failure.hint)
        }
    }

    init(archive: ZipArchive) throws {
        path = archive.path
        let pickles = archive.entries.filter { $0.name == "data.pkl" || $0.name.hasSuffix("/data.pkl") }
        let folder = pickles.first.map { String($0.name.dropLast("data.pkl".count)) } ?? ""
        let hasCode = archive.entries.contains {
            $0.name.hasPrefix(folder + "code/") || $0.name.hasSuffix("/constants.pkl")
                || $0.name == "constants.pkl"
        }
        guard !hasCode else {
            throw Failure(
                .file,
                "'\(path)' is TorchScript: a program with its weights, and vzsh runs no programs out of files",
                hint:
                    "in Python: torch.save(torch.jit.load(path).state_dict(), \"weights.pt\"), or torch.onnx.export(…) for the network with its structure"
            )
        }
        guard let entry = pickles.first, pickles.count == 1 else {
            throw Failure(.file, "it holds \(pickles.count) pickles, and one is wanted")
        }
        let order = archive.entries.first { $0.name == folder + "byteorder" }
        if let order, try archive.bytes(order).starts(with: Array("big".utf8)) {
            throw Failure(.file, "it was written on a big-endian machine")
        }
        let data = Dictionary(
            archive.entries.filter { $0.name.hasPrefix(folder + "data/") }.map {
                (String($0.name.dropFirst(folder.count + 5)), $0)
            }, uniquingKeysWith: { first, _ in first })
        tensors = try Self.tensors(archive.bytes(entry)) { storages in
            var read: [String: [UInt8]] = [:]
            for storage in storages where read[storage.key] == nil {
                guard let entry = data[storage.key] else {
                    throw Failure(.file, "the storage '\(storage.key)' is missing")
                }
                read[storage.key] = try archive.bytes(entry)
            }
            return read
        }
    }

    /// Pickles of a magic number, the version, the machine's habits, the object and the list of
    /// storages, whose data follows: each 8 bytes of length, then its elements.
    init(legacy file: RandomAccessFile) throws {
        path = file.path
        let bytes = try file.bytes(at: 0, file.size)
        var position = 0
        for _ in 0..<3 {
            var pickle = Pickle(bytes, at: position)
            _ = try pickle.load()
            position = pickle.position
        }
        let start = position
        tensors = try Self.tensors(bytes, at: start) { storages, end in
            var sizes: [String: Int] = [:]
            for storage in storages {
                sizes[storage.key] = Pickle.elementSizes[storage.type]
            }
            var list = Pickle(bytes, at: end)
            guard case .container(let at) = try list.load() else {
                throw Failure(.file, "its list of storages is missing")
            }
            var place = list.position
            var read: [String: [UInt8]] = [:]
            for key in list.containers[at].items {
                let name: String
                switch key {
                case .text(let text): name = text
                case .int(let n): name = String(n)
                default: throw Failure(.file, "its list of storages is damaged")
                }
                guard let size = sizes[name], read[name] == nil else {
                    throw Failure(.file, "the storage '\(name)' belongs to no tensor")
                }
                guard place <= bytes.count - 8 else { throw Failure(.file, "its data is cut off") }
                let raw = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[place + $1]) << (8 * UInt64($1)) }
                place += 8
                guard raw <= UInt64(bytes.count), Int(raw) <= (bytes.count - place) / size else {
                    throw Failure(.file, "the storage '\(name)' claims \(raw) elements and is cut off")
                }
                read[name] = Array(bytes[place..<place + Int(raw) * size])
                place += Int(raw) * size
            }
            return read
        }
    }

    // MARK: - From pickles to tensors

    private static func tensors(
        _ bytes: [UInt8], _ data: ([Pickle.Storage]) throws -> [String: [UInt8]]
    ) throws -> [(name: String, tensor: Tensor)] {
        try tensors(bytes, at: 0) { storages, _ in try data(storages) }
    }

    private static func tensors(
        _ bytes: [UInt8], at start: Int, _ data: ([Pickle.Storage], Int) throws -> [String: [UInt8]]
    ) throws -> [(name: String, tensor: Tensor)] {
        var pickle = Pickle(bytes, at: start)
        let object = try pickle.load()
        let named = try flattened(stateDictionary(object, pickle), pickle)
        let storages = try data(pickle.storages, pickle.position)
        var made: [(name: String, tensor: Tensor)] = []
        var taken = 0
        var converted: [String: Tensor] = [:]
        for (name, index) in named {
            let view = pickle.tensors[index]
            let storage = pickle.storages[view.storage]
            guard let raw = storages[storage.key] else {
                throw Failure(.file, "the data of '\(name)' is missing")
            }
            let key = "\(storage.type) \(storage.key)"
            let all = try converted[key] ?? elements(storage, raw)
            converted[key] = all
            let tensor = try tensor(view, storage, all, name)
            // Two names may share a storage, ten thousand do not.
            taken += tensor.byteCount
            guard taken <= 16 * (bytes.count + storages.values.reduce(0) { $0 + $1.count }) else {
                throw Failure(.file, "its tensors claim more than it holds")
            }
            made.append((name, tensor))
        }
        guard !made.isEmpty else {
            throw Failure(
                .file, "it holds no tensors by name",
                hint: "write them: torch.save(model.state_dict(), path)"
            )
        }
        return made
    }

    /// The weights among what a training program saved: {"state_dict": …, "epoch": 3, …}.
    private static func stateDictionary(_ object: Pickle.Value, _ pickle: Pickle) -> Pickle.Value {
        guard case .container(let at) = object, pickle.containers[at].kind == .dictionary else {
            return object
        }
        let items = pickle.containers[at].items
        for wanted in [
            "state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights",
        ] {
            for i in stride(from: 0, to: items.count - 1, by: 2) {
                if case .text(wanted) = items[i], case .container = items[i + 1] { return items[i + 1] }
            }
        }
        return object
    }

    /// Names and tensors out of nested containers; what is no tensor is left out.
    private static func flattened(_ root: Pickle.Value, _ pickle: Pickle) throws -> [(String, Int)] {
        if case .tensor(let index) = root { return [("tensor", index)] }
        var found: [(String, Int)] = []
        var names: Set<String> = []
        var steps = 0
        func visit(_ value: Pickle.Value, _ name: String, _ depth: Int) throws {
            steps += 1
            guard depth < 32, steps < 2_000_000, name.utf8.count < 4096 else {
                throw Failure(.file, "its containers nest too deep, or lead in circles")
            }
            switch value {
            case .tensor(let index):
                if names.insert(name).inserted { found.append((name, index)) }
            case .container(let at):
                let container = pickle.containers[at]
                let prefix = name.isEmpty ? "" : name + "."
                if container.kind == .dictionary {
                    for i in stride(from: 0, to: container.items.count - 1, by: 2) {
                        let key: String
                        switch container.items[i] {
                        case .text(let text): key = text
                        case .int(let n): key = String(n)
                        default: continue
                        }
                        try visit(container.items[i + 1], prefix + key, depth + 1)
                    }
                } else {
                    for (i, item) in container.items.enumerated() {
                        try visit(item, prefix + String(i), depth + 1)
                    }
                }
            default: break
            }
        }
        try visit(root, "", 0)
        // What DataParallel puts in front of every name.
        if !found.isEmpty, found.allSatisfy({ $0.0.hasPrefix("module.") }) {
            found = found.map { (String($0.0.dropFirst(7)), $0.1) }
        }
        return found
    }

    private static func tensor(
        _ view: Pickle.View, _ storage: Pickle.Storage, _ all: Tensor, _ name: String
    ) throws -> Tensor {
        let held = all.count
        func impossible() -> Failure {
            Failure(
                .file,
                "'\(name)' cannot have shape \(Shape.describe(view.shape)) in a storage of \(held) elements"
            )
        }
        guard view.shape.count == view.strides.count else { throw impossible() }
        let count: Int
        do { count = try Shape.count(view.shape) } catch { throw impossible() }
        let (start, overflow) = view.offset.addingReportingOverflow(storage.viewOffset)
        guard !overflow, start >= 0, count <= held else { throw impossible() }
        var last = start
        for (length, step) in zip(view.shape, view.strides) where count > 0 {
            guard step >= 0 else { throw impossible() }
            let (reach, tooFar) = (length - 1).multipliedReportingOverflow(by: step)
            let (sum, farther) = last.addingReportingOverflow(reach)
            guard !tooFar, !farther else { throw impossible() }
            last = sum
        }
        guard count == 0 || last < held else { throw impossible() }
        return try Tensor(
            type: all.type, shape: view.shape, strides: view.strides, offset: count == 0 ? 0 : start,
            buffer: all.buffer
        ).dense()
    }

    /// A storage as a tensor of one axis; types that the engine has not are converted.
    private static func elements(_ storage: Pickle.Storage, _ raw: [UInt8]) throws -> Tensor {
        let type = storage.type
        let count = raw.count / (Pickle.elementSizes[type] ?? 1)
        func load<T: FixedWidthInteger>(_ i: Int, _: T.Type) -> T {
            raw.withUnsafeBytes {
                T(littleEndian: $0.loadUnaligned(fromByteOffset: i * MemoryLayout<T>.size, as: T.self))
            }
        }
        switch type {
        case "FloatStorage", "DoubleStorage":
            let tensor = try Tensor(uninitialized: [count], type == "FloatStorage" ? .float32 : .float64)
            raw.withUnsafeBytes {
                if let from = $0.baseAddress {
                    tensor.base.copyMemory(from: from, byteCount: tensor.byteCount)
                }
            }
            return tensor
        case "HalfStorage":
            return try Tensor(
                (0..<count).map { TensorFile.float(half: load($0, UInt16.self)) }, shape: [count])
        case "BFloat16Storage":
            return try Tensor(
                (0..<count).map { Float(bitPattern: UInt32(load($0, UInt16.self)) << 16) }, shape: [count])
        case "LongStorage":
            return try Tensor((0..<count).map { Int32(clamping: load($0, Int64.self)) }, shape: [count])
        case "IntStorage": return try Tensor((0..<count).map { load($0, Int32.self) }, shape: [count])
        case "ShortStorage":
            return try Tensor((0..<count).map { Int32(load($0, Int16.self)) }, shape: [count])
        case "CharStorage":
            return try Tensor((0..<count).map { Int32(load($0, Int8.self)) }, shape: [count])
        case "ByteStorage": return try Tensor((0..<count).map { Int32(raw[$0]) }, shape: [count])
        default: return try Tensor((0..<count).map { raw[$0] != 0 }, shape: [count])
        }
    }
}
