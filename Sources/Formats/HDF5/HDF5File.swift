import Support
import Tensor

/// Reads HDF5 files (The HDF Group, "HDF5 File Format Specification", versions 0 to 3 of the
/// superblock): groups, attributes, and datasets of numbers and strings, contiguous, compact or in
/// chunks, plain or deflated. That is what h5py and Keras write.
///
/// It is our own reader because nothing in a file may crash the process, and libhdf5 does crash: 1.10.8
/// of Debian 12, on 30,000 broken copies each of three files of Keras and h5py, died 802, 295 and 33
/// times and hung 34, 44 and 3 times. Here every address and size is checked before it is followed,
/// and no more memory is taken than the file can fill. libhdf5 writes, see `KerasExport`.
public final class HDF5File {
    /// A group or a dataset.
    public struct Object: Sendable, Hashable {
        let address: Int
    }

    let file: RandomAccessFile
    public let root: Object
    /// Where addresses count from: files may have something in front.
    private let base: Int
    /// What has been followed in all; a file that leads in circles comes to an end.
    private var steps = 0

    public var path: String { file.path }

    static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]

    /// True where a file begins like one.
    public static func isOne(_ bytes: [UInt8]) -> Bool { bytes.starts(with: signature) }

    public convenience init(_ path: String) throws { try self.init(RandomAccessFile(path)) }

    init(_ file: RandomAccessFile) throws {
        let path = file.path
        self.file = file
        var start = 0
        while start + 8 <= file.size, try file.bytes(at: start, 8) != Self.signature {
            start = max(512, start * 2)
        }
        guard start + 8 <= file.size else { throw Self.broken(path, "it does not begin as one") }
        let head = Cursor(try file.bytes(at: start, min(96, file.size - start)), path)
        try head.skip(8)
        let version = try head.number(1)
        switch version {
        case 0, 1:
            try head.skip(4)
            let (offsets, lengths) = (try head.number(1), try head.number(1))
            guard offsets == 8, lengths == 8 else {
                throw Self.broken(path, "addresses of \(offsets) bytes are not read")
            }
            try head.skip(version == 0 ? 9 : 13)
            base = try head.number(8)
            try head.skip(32)
            root = Object(address: try head.number(8))
        case 2, 3:
            let (offsets, lengths) = (try head.number(1), try head.number(1))
            guard offsets == 8, lengths == 8 else {
                throw Self.broken(path, "addresses of \(offsets) bytes are not read")
            }
            try head.skip(1)
            base = try head.number(8)
            try head.skip(16)
            root = Object(address: try head.number(8))
        default: throw Self.broken(path, "its version \(version) is not known")
        }
    }

    static func broken(_ path: String, _ why: String) -> Failure {
        Failure(
            .file, "'\(path)' is no HDF5 file that can be read: \(why)", hint: "copy or download it again"
        )
    }

    func broken(_ why: String) -> Failure { Self.broken(path, why) }

    /// Bytes at an address of the file.
    func bytes(at address: Int, _ count: Int) throws -> [UInt8] {
        steps += 1
        guard steps < 2_000_000 else { throw broken("it leads in circles") }
        let (place, overflow) = base.addingReportingOverflow(address)
        guard !overflow, address >= 0 else { throw broken("an address lies outside it") }
        return try file.bytes(at: place, count)
    }

    func cursor(at address: Int, _ count: Int) throws -> Cursor {
        Cursor(try bytes(at: address, count), path)
    }

    // MARK: - Groups

    /// What a group holds, by name, in the file's order.
    public func children(of group: Object) throws -> [(name: String, object: Object)] {
        var found: [(String, Object)] = []
        for message in try messages(of: group) {
            switch message.type {
            case 0x11:
                let tree = try message.body.number(8)
                let heap = try names(at: message.body.number(8))
                try visitGroup(tree, heap, depth: 0, &found)
            case 0x06: if let link = try link(message.body) { found.append(link) }
            case 0x02:
                try message.body.skip(1)
                let flags = try message.body.number(1)
                try message.body.skip(flags & 1 != 0 ? 8 : 0)
                // All ones: there is no heap, the links are in the header itself.
                if try message.body.number(8) != Cursor.undefined {
                    throw broken(
                        "a group is stored densely (libver='latest' with many members), which is not read")
                }
            default: break
            }
        }
        return found
    }

    /// The object at a path of names; nil where there is none.
    public func find(_ path: String, in group: Object) throws -> Object? {
        var object = group
        for part in path.split(separator: "/") {
            guard let next = try children(of: object).first(where: { $0.name == part }) else {
                return nil
            }
            object = next.object
        }
        return object
    }

    /// The local heap's data, in which names end with a zero.
    private func names(at address: Int) throws -> [UInt8] {
        let head = try cursor(at: address, 32)
        guard try head.take(4) == Array("HEAP".utf8) else { throw broken("a heap is missing") }
        try head.skip(4)
        let size = try head.number(8)
        try head.skip(8)
        guard size <= 1 << 28 else { throw broken("a heap cannot be \(size) bytes long") }
        return try bytes(at: head.number(8), size)
    }

    private func visitGroup(
        _ address: Int, _ heap: [UInt8], depth: Int, _ found: inout [(String, Object)]
    )
        throws
    {
        guard depth < 32 else { throw broken("a tree is too deep") }
        let head = try cursor(at: address, 24)
        guard try head.take(4) == Array("TREE".utf8), try head.number(1) == 0 else {
            throw broken("a tree is missing")
        }
        let level = try head.number(1)
        let used = try head.number(2)
        let body = try cursor(at: address + 24, used * 16 + 8)
        for _ in 0..<used {
            try body.skip(8)
            let child = try body.number(8)
            if level > 0 {
                try visitGroup(child, heap, depth: depth + 1, &found)
                continue
            }
            let node = try cursor(at: child, 8)
            guard try node.take(4) == Array("SNOD".utf8) else {
                throw broken("a list of names is missing")
            }
            try node.skip(2)
            let count = try node.number(2)
            let entries = try cursor(at: child + 8, count * 40)
            for _ in 0..<count {
                let name = try entries.number(8)
                let object = Object(address: try entries.number(8))
                try entries.skip(24)
                guard heap.indices.contains(name) else { throw broken("a name lies outside its heap") }
                found.append((String(decoding: heap[name...].prefix { $0 != 0 }, as: UTF8.self), object))
            }
        }
    }

    /// A link message; nil for soft and external links.
    private func link(_ body: Cursor) throws -> (String, Object)? {
        guard try body.number(1) == 1 else { throw broken("a link's version is not known") }
        let flags = try body.number(1)
        let kind = flags & 8 != 0 ? try body.number(1) : 0
        try body.skip(flags & 4 != 0 ? 8 : 0)
        try body.skip(flags & 16 != 0 ? 1 : 0)
        let length = try body.number(1 << (flags & 3))
        let name = String(decoding: try body.take(length), as: UTF8.self)
        return kind == 0 ? (name, Object(address: try body.number(8))) : nil
    }

    // MARK: - Object headers

    struct Message {
        let type: Int
        let body: Cursor
    }

    /// The messages of an object's header and its continuations.
    func messages(of object: Object) throws -> [Message] {
        let start = try bytes(at: object.address, 4)
        if start == Array("OHDR".utf8) { return try newMessages(object.address) }
        let head = try cursor(at: object.address, 16)
        guard try head.number(1) == 1 else { throw broken("an object has no header") }
        try head.skip(7)
        var blocks = [(address: object.address + 16, size: try head.number(4))]
        var messages: [Message] = []
        while let block = blocks.popLast() {
            let body = try cursor(at: block.address, block.size)
            while body.left >= 8 {
                let type = try body.number(2)
                let size = try body.number(2)
                try body.skip(4)
                try add(type, try body.take(size), &messages, &blocks)
            }
        }
        return messages
    }

    private func newMessages(_ address: Int) throws -> [Message] {
        let head = try cursor(at: address, 6)
        try head.skip(5)
        let flags = try head.number(1)
        let sizeAt = address + 6 + (flags & 0x20 != 0 ? 16 : 0) + (flags & 0x10 != 0 ? 4 : 0)
        let width = 1 << (flags & 3)
        let size = try cursor(at: sizeAt, width).number(width)
        var blocks = [(address: sizeAt + width, size: size)]
        var messages: [Message] = []
        var isFirst = true
        while let block = blocks.popLast() {
            // Continuations begin with "OCHK" and end with a checksum.
            let body =
                isFirst
                ? try cursor(at: block.address, block.size)
                : try cursor(at: block.address &+ 4, max(block.size &- 8, 0))
            isFirst = false
            let header = flags & 4 != 0 ? 6 : 4
            while body.left >= header {
                let type = try body.number(1)
                let size = try body.number(2)
                try body.skip(header - 3)
                try add(type, try body.take(size), &messages, &blocks)
            }
        }
        return messages
    }

    private func add(
        _ type: Int, _ bytes: [UInt8], _ messages: inout [Message],
        _ blocks: inout [(address: Int, size: Int)]
    ) throws {
        let body = Cursor(bytes, path)
        if type == 0x10 {
            blocks.append((try body.number(8), try body.number(8)))
        } else {
            messages.append(Message(type: type, body: body))
        }
        guard messages.count < 100_000, blocks.count < 10_000 else {
            throw broken("a header does not end")
        }
    }
}

/// Reads little-endian numbers out of bytes, one after another.
final class Cursor {
    private let bytes: [UInt8]
    private let path: String
    private(set) var position = 0

    /// An address that leads nowhere.
    static let undefined = -1

    init(_ bytes: [UInt8], _ path: String) {
        self.bytes = bytes
        self.path = path
    }

    var left: Int { bytes.count - position }

    /// Addresses beyond 2^63 become negative and are refused where they are used.
    func number(_ count: Int) throws(Failure) -> Int {
        let piece = try take(count)
        guard count <= 8 else { throw HDF5File.broken(path, "a number of \(count) bytes") }
        return Int(
            bitPattern: UInt(
                piece.enumerated().reduce(UInt64(0)) { $0 | UInt64($1.element) << (8 * UInt64($1.offset)) })
        )
    }

    func take(_ count: Int) throws(Failure) -> [UInt8] {
        guard count >= 0, count <= left else { throw HDF5File.broken(path, "it is cut off or damaged") }
        position += count
        return Array(bytes[position - count..<position])
    }

    func skip(_ count: Int) throws(Failure) {
        guard count >= 0, count <= left else { throw HDF5File.broken(path, "it is cut off or damaged") }
        position += count
    }
}
