import Support
import Tensor

/// What elements are and how many.
struct HDF5Type {
    enum Kind: Equatable {
        case float
        case integer(isSigned: Bool)
        /// Bytes of fixed length, ended or filled by zeros or blanks.
        case text
        /// Text of any length, in the global heap.
        case longText
    }
    var kind: Kind
    /// Bytes of one element.
    var size: Int
    var isBigEndian = false
}

extension HDF5File {
    // MARK: - Attributes

    /// The text of an attribute, one string for each element; nil where there is none of that name.
    public func strings(_ name: String, of object: Object) throws -> [String]? {
        guard let attribute = try attribute(name, of: object) else { return nil }
        let (type, count, data) = attribute
        // An empty list is written as one of numbers.
        if count == 0 { return [] }
        switch type.kind {
        case .text:
            return (0..<count).map { i in
                let piece = data[i * type.size..<(i + 1) * type.size].prefix { $0 != 0 }
                return String(decoding: piece, as: UTF8.self)
            }
        case .longText:
            let body = Cursor(data, path)
            return try (0..<count).map { _ in
                let length = try body.number(4)
                let (collection, index) = (try body.number(8), try body.number(4))
                return String(decoding: try heapObject(collection, index).prefix(length), as: UTF8.self)
            }
        default: throw broken("the attribute '\(name)' is no text")
        }
    }

    private func attribute(_ name: String, of object: Object) throws -> (HDF5Type, Int, [UInt8])? {
        var isDense = false
        for message in try messages(of: object) {
            if message.type == 0x15 {
                // Attribute info: an address of a heap where there are many.
                try message.body.skip(1)
                let flags = try message.body.number(1)
                try message.body.skip(flags & 1 != 0 ? 2 : 0)
                isDense = try message.body.number(8) != Cursor.undefined
            }
            guard message.type == 0x0c else { continue }
            let body = message.body
            let version = try body.number(1)
            let flags = try body.number(1)
            let (nameSize, typeSize, spaceSize) = (
                try body.number(2), try body.number(2), try body.number(2)
            )
            guard (1...3).contains(version) else { throw broken("an attribute's version is not known") }
            if version == 3 { try body.skip(1) }
            let padded = { (n: Int) in version == 1 ? (n + 7) / 8 * 8 : n }
            let found = try body.take(padded(nameSize)).prefix { $0 != 0 }
            guard String(decoding: found, as: UTF8.self) == name else { continue }
            guard version == 1 || flags & 3 == 0 else {
                throw broken("the attribute '\(name)' has a shared type")
            }
            let type = try self.type(Cursor(body.take(padded(typeSize)), path))
            let shape = try space(Cursor(body.take(padded(spaceSize)), path))
            let count = try Shape.count(shape)
            let (bytes, overflow) = count.multipliedReportingOverflow(by: type.size)
            guard !overflow else { throw broken("an attribute is too long") }
            return (type, count, try body.take(bytes))
        }
        if isDense {
            throw broken("attributes are stored densely (libver='latest'), which is not read")
        }
        return nil
    }

    /// An object of a global heap collection.
    private func heapObject(_ address: Int, _ index: Int) throws -> [UInt8] {
        let head = try cursor(at: address, 16)
        guard try head.take(4) == Array("GCOL".utf8) else { throw broken("a heap of texts is missing") }
        try head.skip(4)
        let size = try head.number(8)
        guard size >= 16, size <= 1 << 28 else {
            throw broken("a heap of texts cannot be \(size) bytes long")
        }
        let body = try cursor(at: address + 16, size - 16)
        while body.left >= 16 {
            let own = try body.number(2)
            try body.skip(6)
            let length = try body.number(8)
            if own == index { return try body.take(length) }
            if own == 0 { break }
            guard length >= 0, length <= body.left else { throw broken("a heap of texts is damaged") }
            try body.skip(min((length + 7) / 8 * 8, body.left))
        }
        throw broken("a text is missing from its heap")
    }

    // MARK: - Datasets

    /// True where an object is a dataset, not a group.
    public func isDataset(_ object: Object) throws -> Bool {
        try messages(of: object).contains { $0.type == 0x08 }
    }

    /// The numbers of a dataset as float32 (float64 stays, whole numbers become int32).
    public func tensor(_ object: Object) throws -> Tensor {
        var type: HDF5Type?
        var shape: [Int]?
        var layout: Cursor?
        var filters: [Int] = []
        for message in try messages(of: object) {
            switch message.type {
            case 0x01: shape = try space(message.body)
            case 0x03: type = try self.type(message.body)
            case 0x08: layout = message.body
            case 0x0b: filters = try self.filters(message.body)
            default: break
            }
        }
        guard let type, let shape, let layout else {
            throw broken("a dataset has no type, shape or data")
        }
        let count = try Shape.count(shape)
        let (size, overflow) = count.multipliedReportingOverflow(by: type.size)
        // Even deflated, a file fills about a thousand times its size.
        guard !overflow, size / (filters.contains(1) ? 1100 : 1) <= file.size else {
            throw broken("a dataset claims \(count) elements")
        }
        let data = try self.data(layout, shape, type.size, size, filters)
        return try convert(data, type, shape)
    }

    private func data(
        _ layout: Cursor, _ shape: [Int], _ element: Int, _ size: Int, _ filters: [Int]
    ) throws -> [UInt8] {
        let version = try layout.number(1)
        guard version == 3 || version == 4 else {
            throw broken("data laid out by version \(version) is not read")
        }
        switch try layout.number(1) {
        case 0:
            let own = try layout.take(try layout.number(2))
            guard own.count >= size else { throw broken("a dataset is cut off") }
            return Array(own[..<size])
        case 1:
            let address = try layout.number(8)
            // Never written: zeros.
            if address == Cursor.undefined {
                guard size <= max(file.size, 1 << 20) else { throw broken("a dataset was never written") }
                return [UInt8](repeating: 0, count: size)
            }
            return try bytes(at: address, size)
        case 2 where version == 3:
            let rank = try layout.number(1) - 1
            let tree = try layout.number(8)
            var chunk: [Int] = []
            for _ in 0..<max(rank, 0) { chunk.append(try layout.number(4)) }
            guard rank == shape.count, rank > 0, chunk.allSatisfy({ $0 > 0 }),
                let chunkBytes = try? Shape.count(chunk + [element]), chunkBytes / 1100 <= file.size
            else { throw broken("a dataset's chunks are not possible") }
            var out = [UInt8](repeating: 0, count: size)
            if tree != Cursor.undefined {
                let plan = Chunks(
                    shape: shape, chunk: chunk, element: element, bytes: chunkBytes, filters: filters)
                try visitChunks(tree, plan, depth: 0, &out)
            }
            return out
        default: throw broken("data in chunks of the newest kind (libver='latest') is not read")
        }
    }

    final class Chunks {
        let shape: [Int]
        let chunk: [Int]
        let element: Int
        let bytes: Int
        let filters: [Int]
        /// How many chunks may still come: a file that lists one again and again is stopped.
        var left: Int

        init(shape: [Int], chunk: [Int], element: Int, bytes: Int, filters: [Int]) {
            (self.shape, self.chunk, self.element, self.bytes, self.filters) = (
                shape, chunk, element, bytes, filters
            )
            left = zip(shape, chunk).reduce(1) { n, axis in
                n.multipliedReportingOverflow(by: axis.0 / axis.1 + (axis.0 % axis.1 > 0 ? 1 : 0))
                    .partialValue
            }
        }
    }

    private func visitChunks(_ address: Int, _ plan: Chunks, depth: Int, _ out: inout [UInt8]) throws {
        guard depth < 32 else { throw broken("a tree is too deep") }
        let head = try cursor(at: address, 24)
        guard try head.take(4) == Array("TREE".utf8), try head.number(1) == 1 else {
            throw broken("a tree is missing")
        }
        let level = try head.number(1)
        let used = try head.number(2)
        let rank = plan.shape.count
        let body = try cursor(at: address + 24, used * (16 + (rank + 1) * 8))
        for _ in 0..<used {
            let stored = try body.number(4)
            let mask = try body.number(4)
            var offset: [Int] = []
            for _ in 0..<rank { offset.append(try body.number(8)) }
            try body.skip(8)
            let child = try body.number(8)
            if level > 0 {
                try visitChunks(child, plan, depth: depth + 1, &out)
                continue
            }
            plan.left -= 1
            guard plan.left >= 0 else { throw broken("a dataset has too many chunks") }
            var data = try bytes(at: child, stored)
            for (i, filter) in plan.filters.enumerated().reversed() where mask & (1 << i) == 0 {
                data = try undo(filter, data, plan)
            }
            guard data.count >= plan.bytes else { throw broken("a chunk is cut off") }
            try place(data, at: offset, plan, &out)
        }
    }

    private func undo(_ filter: Int, _ data: [UInt8], _ plan: Chunks) throws -> [UInt8] {
        switch filter {
        case 1:
            let extra = plan.filters.contains(3) && plan.filters.first == 3 ? 4 : 0
            do { return try Inflate.bytes(data, count: plan.bytes + extra, .zlib) } catch {
                throw broken(error.message)
            }
        case 2:
            let n = data.count / plan.element
            var out = data
            for i in 0..<n { for b in 0..<plan.element { out[i * plan.element + b] = data[b * n + i] } }
            return out
        case 3: return Array(data.dropLast(4))
        default: throw broken("data compressed by filter \(filter) is not read")
        }
    }

    /// Copy a chunk's rows to where they belong; what sticks out over the edge is left.
    private func place(_ data: [UInt8], at offset: [Int], _ plan: Chunks, _ out: inout [UInt8]) throws {
        let rank = plan.shape.count
        let last = rank - 1
        for axis in 0..<rank {
            guard offset[axis] >= 0, offset[axis] < plan.shape[axis] else {
                throw broken("a chunk lies outside its dataset")
            }
        }
        let strides = Shape.strides(plan.shape)
        let rowBytes = min(plan.chunk[last], plan.shape[last] - offset[last]) * plan.element
        let rows = plan.chunk[..<last].reduce(1, *)
        var position = [Int](repeating: 0, count: rank)
        for row in 0..<rows {
            let inside = (0..<last).allSatisfy { offset[$0] + position[$0] < plan.shape[$0] }
            if inside {
                var to = offset[last]
                for axis in 0..<last { to += (offset[axis] + position[axis]) * strides[axis] }
                let from = row * plan.chunk[last] * plan.element
                out.replaceSubrange(
                    to * plan.element..<to * plan.element + rowBytes, with: data[from..<from + rowBytes])
            }
            var axis = last - 1
            while axis >= 0 {
                position[axis] += 1
                if position[axis] < plan.chunk[axis] { break }
                position[axis] = 0
                axis -= 1
            }
        }
    }

    // MARK: - Types

    private func space(_ body: Cursor) throws -> [Int] {
        let version = try body.number(1)
        let rank = try body.number(1)
        try body.skip(1)
        guard version == 1 || version == 2, rank <= Shape.maximumRank else {
            throw broken("a shape is not possible")
        }
        let kind = try body.number(1)
        if version == 1 { try body.skip(4) }
        // A null space holds nothing.
        if version == 2, kind == 2 { return [0] }
        var shape: [Int] = []
        for _ in 0..<rank { shape.append(try body.number(8)) }
        do { _ = try Shape.count(shape) } catch { throw broken("a shape is not possible") }
        return shape
    }

    private func type(_ body: Cursor) throws -> HDF5Type {
        let lead = try body.number(1)
        let bits = try body.number(3)
        let size = try body.number(4)
        guard (1...1 << 20).contains(size) else {
            throw broken("elements of \(size) bytes are not read")
        }
        switch lead & 15 {
        case 0:
            guard [1, 2, 4, 8].contains(size) else {
                throw broken("whole numbers of \(size) bytes are not read")
            }
            return HDF5Type(
                kind: .integer(isSigned: bits & 8 != 0), size: size, isBigEndian: bits & 1 != 0)
        case 1:
            try body.skip(4)
            let layout = [try body.number(1), try body.number(1), try body.number(1), try body.number(1)]
            guard [2: [10, 5, 0, 10], 4: [23, 8, 0, 23], 8: [52, 11, 0, 52]][size] == layout,
                bits & 0x40 == 0
            else {
                throw broken("numbers that are not IEEE floating point are not read")
            }
            return HDF5Type(kind: .float, size: size, isBigEndian: bits & 1 != 0)
        case 3: return HDF5Type(kind: .text, size: size)
        case 9 where bits & 15 == 1 && size == 16: return HDF5Type(kind: .longText, size: size)
        default: throw broken("elements of class \(lead & 15) are not read")
        }
    }

    private func filters(_ body: Cursor) throws -> [Int] {
        let version = try body.number(1)
        let count = try body.number(1)
        if version == 1 { try body.skip(6) }
        return try (0..<count).map { _ in
            let id = try body.number(2)
            let nameLength = version == 1 || id >= 256 ? try body.number(2) : 0
            try body.skip(2)
            let values = try body.number(2)
            try body.skip(version == 1 ? (nameLength + 7) / 8 * 8 : nameLength)
            try body.skip(values * 4 + (version == 1 && values % 2 == 1 ? 4 : 0))
            return id
        }
    }

    private func convert(_ data: [UInt8], _ type: HDF5Type, _ shape: [Int]) throws -> Tensor {
        func word(_ i: Int) -> UInt64 {
            var value: UInt64 = 0
            for b in 0..<type.size {
                let at = i * type.size + (type.isBigEndian ? b : type.size - 1 - b)
                value = value << 8 | UInt64(data[at])
            }
            return value
        }
        let count = try Shape.count(shape)
        switch type.kind {
        case .float where type.size == 4 && !type.isBigEndian:
            let tensor = try Tensor(uninitialized: shape, .float32)
            data.withUnsafeBytes {
                if let from = $0.baseAddress { tensor.base.copyMemory(from: from, byteCount: count * 4) }
            }
            return tensor
        case .float where type.size == 8:
            return try Tensor((0..<count).map { Double(bitPattern: word($0)) }, shape: shape)
        case .float where type.size == 4:
            return try Tensor((0..<count).map { Float(bitPattern: UInt32(word($0))) }, shape: shape)
        case .float:
            return try Tensor((0..<count).map { TensorFile.float(half: UInt16(word($0))) }, shape: shape)
        case .integer(let isSigned):
            let shift = UInt64(64 - type.size * 8)
            let values = try (0..<count).map { i -> Int32 in
                let raw = word(i)
                let value =
                    isSigned
                    ? Int(truncatingIfNeeded: Int64(bitPattern: raw << shift) >> Int64(shift))
                    : Int(clamping: raw)
                guard let small = Int32(exactly: value) else {
                    throw broken("\(value) is too great for int32")
                }
                return small
            }
            return try Tensor(values, shape: shape)
        default: throw broken("a dataset holds no numbers")
        }
    }
}
