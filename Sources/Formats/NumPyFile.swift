import Support
import Tensor

/// NumPy's arrays: .npy (format 1.0 to 3.0) and archives of them, .npz.
///
/// Read are bool, whole numbers of 1 to 8 bytes (as int32) and floats of 2, 4 and 8 bytes, of both
/// byte orders and both memory orders. Object arrays, which hold pickles, are refused.
public enum NumPyFile {
    static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
    static let mostBytes = 1 << 40

    public static func isOne(_ bytes: [UInt8]) -> Bool { bytes.starts(with: magic) }

    /// Read a .npy file. Throws a file failure that names it and the fault.
    public static func read(_ path: String) throws -> Tensor {
        let file = try RandomAccessFile(path)
        return try tensor(file.bytes(at: 0, file.size), name: path)
    }

    /// Read every array of a .npz file, by name without ".npy".
    public static func readArchive(_ path: String) throws -> [(name: String, tensor: Tensor)] {
        try readArchive(ZipArchive(path))
    }

    static func readArchive(_ archive: ZipArchive) throws -> [(name: String, tensor: Tensor)] {
        try archive.entries.filter { $0.name.hasSuffix(".npy") }.map { entry in
            (
                String(entry.name.dropLast(4)),
                try tensor(archive.bytes(entry), name: "\(archive.path): \(entry.name)")
            )
        }
    }

    /// Write a tensor as .npy, whole or not at all.
    public static func write(_ tensor: Tensor, to path: String) throws {
        try AtomicFile.write(encoded(tensor), to: path)
    }

    /// Write named tensors as .npz (stored, as `numpy.savez` does).
    public static func write(_ tensors: [(String, Tensor)], toArchive path: String) throws {
        var directory: [UInt8] = []
        var offset = 0
        try AtomicFile.write(to: path) { sink in
            func emit(_ bytes: [UInt8]) throws {
                try bytes.withUnsafeBytes { try sink($0) }
                offset += bytes.count
            }
            for (name, tensor) in tensors {
                let data = try encoded(tensor)
                let fileName = Array((name + ".npy").utf8)
                guard data.count < 0xffff_ffff, offset < 0xffff_ffff, fileName.count < 0xffff else {
                    throw Failure(.file, "'\(path)' would be longer than a plain zip archive can be")
                }
                let sizes =
                    little(Int(Checksum.crc32(data)), 4) + little(data.count, 4) + little(data.count, 4)
                // Version 2.0, UTF-8 names, stored, the first of January 1980.
                let common =
                    little(20, 2) + little(0x800, 2) + little(0, 2) + little(0, 2) + little(33, 2) + sizes
                let start = offset
                try emit([0x50, 0x4b, 3, 4] + common + little(fileName.count, 2) + little(0, 2) + fileName)
                try emit(data)
                directory += [0x50, 0x4b, 1, 2] + little(20, 2) + common + little(fileName.count, 2)
                directory += little(0, 2) + little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4)
                directory += little(start, 4) + fileName
            }
            let start = offset
            try emit(directory)
            try emit(
                [0x50, 0x4b, 5, 6] + little(0, 4) + little(tensors.count, 2) + little(tensors.count, 2)
                    + little(directory.count, 4) + little(start, 4) + little(0, 2))
        }
    }

    private static func little(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private static func encoded(_ tensor: Tensor) throws -> [UInt8] {
        let code =
            switch tensor.type {
            case .bool: "|b1"
            case .int32: "<i4"
            case .float32: "<f4"
            case .float64: "<f8"
            }
        let shape = tensor.shape.map { "\($0)," }.joined(separator: " ")
        var header = "{'descr': '\(code)', 'fortran_order': False, 'shape': (\(shape)), }"
        header += String(repeating: " ", count: 63 - (header.utf8.count + 10) % 64) + "\n"
        return try tensor.withBytes {
            magic + [1, 0] + little(header.utf8.count, 2) + Array(header.utf8) + Array($0)
        }
    }

    // MARK: - Reading

    static func tensor(_ bytes: [UInt8], name: String) throws -> Tensor {
        func broken(_ why: String) -> Failure {
            Failure(.file, "'\(name)' is no NumPy array that can be read: \(why)")
        }
        guard bytes.starts(with: magic), bytes.count >= 12 else {
            throw broken("it does not begin as one")
        }
        let width = bytes[6] == 1 ? 2 : 4
        guard (1...3).contains(bytes[6]) else { throw broken("its version \(bytes[6]) is not known") }
        let length = (8..<8 + width).reversed().reduce(0) { $0 << 8 | Int(bytes[$1]) }
        let start = 8 + width
        guard length <= bytes.count - start else { throw broken("its header is cut off") }
        let header = try Header(String(decoding: bytes[start..<start + length], as: UTF8.self), broken)
        let data = start + length
        let count: Int
        do { count = try Shape.count(header.shape) } catch { throw broken("its shape is not possible") }
        let (size, overflow) = count.multipliedReportingOverflow(by: header.size)
        guard !overflow, size <= bytes.count - data else { throw broken("its data is cut off") }
        let plain = try elements(bytes, data, count, header, broken)
        guard header.isFortran, header.shape.count > 1 else { return try plain.reshaped(header.shape) }
        let turned = try plain.reshaped(header.shape.reversed())
        return try turned.transposed(Array((0..<header.shape.count).reversed())).dense()
    }

    private struct Header {
        var code: Character = "f"
        var size = 4
        var isBig = false
        var isFortran = false
        var shape: [Int] = []

        /// A Python dictionary of three known keys; nothing is evaluated.
        init(_ text: String, _ broken: (String) -> Failure) throws {
            func value(_ key: String) -> Substring? {
                for quote in ["'", "\""] {
                    let mark = quote + key + quote
                    guard let at = text.firstRange(of: mark)?.upperBound else { continue }
                    return text[at...].drop { $0 == " " || $0 == ":" }
                }
                return nil
            }
            guard let descr = value("descr"), let order = value("fortran_order"),
                let dims = value("shape")
            else {
                throw broken("its header lacks something")
            }
            guard let quote = descr.first, quote == "'" || quote == "\"" else {
                throw broken("its elements are records")
            }
            var type = descr.dropFirst().prefix { $0 != quote }
            if let sign = type.first, "<>|=".contains(sign) {
                isBig = sign == ">"
                type.removeFirst()
            }
            guard let code = type.first, let size = Int(type.dropFirst()), "biuf".contains(code) else {
                throw broken("elements of type '\(type)' are not read")
            }
            guard (code == "f" ? [2, 4, 8] : code == "b" ? [1] : [1, 2, 4, 8]).contains(size) else {
                throw broken("elements of type '\(type)' are not read")
            }
            (self.code, self.size) = (code, size)
            isFortran = order.hasPrefix("True")
            guard dims.first == "(", let end = dims.firstIndex(of: ")") else {
                throw broken("it has no shape")
            }
            for part in dims[dims.index(after: dims.startIndex)..<end].split(separator: ",") {
                let digits = part.filter { $0 != " " && $0 != "L" }
                if digits.isEmpty { continue }
                guard let n = Int(digits), n >= 0, shape.count < Shape.maximumRank else {
                    throw broken("its shape is not possible")
                }
                shape.append(n)
            }
        }
    }

    private static func elements(
        _ bytes: [UInt8], _ start: Int, _ count: Int, _ header: Header, _ broken: (String) -> Failure
    ) throws -> Tensor {
        let size = header.size
        func word(_ i: Int) -> UInt64 {
            var value: UInt64 = 0
            for b in 0..<size {
                value = value << 8 | UInt64(bytes[start + i * size + (header.isBig ? b : size - 1 - b)])
            }
            return value
        }
        switch (header.code, size) {
        case ("b", _): return try Tensor((0..<count).map { word($0) != 0 }, shape: [count])
        case ("f", 2):
            return try Tensor(
                (0..<count).map { TensorFile.float(half: UInt16(word($0))) }, shape: [count])
        case ("f", 4):
            if header.isBig {
                return try Tensor((0..<count).map { Float(bitPattern: UInt32(word($0))) }, shape: [count])
            }
            let tensor = try Tensor(uninitialized: [count])
            bytes.withUnsafeBytes {
                if let base = $0.baseAddress {
                    tensor.base.copyMemory(from: base + start, byteCount: count * 4)
                }
            }
            return tensor
        case ("f", _):
            return try Tensor((0..<count).map { Double(bitPattern: word($0)) }, shape: [count])
        default:
            let shift = Int64(64 - size * 8)
            return try Tensor(
                (0..<count).map { i -> Int32 in
                    let raw = word(i)
                    let value =
                        header.code == "i"
                        ? Int64(bitPattern: raw << UInt64(shift)) >> shift : Int64(clamping: raw)
                    guard let small = Int32(exactly: value) else {
                        throw broken("\(value) is too great for int32")
                    }
                    return small
                }, shape: [count])
        }
    }
}
