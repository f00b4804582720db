import Support

/// Reads the files of a zip archive by its central directory; stored and deflated ones, zip64 too.
///
/// Nothing is unpacked to disk, so names such as "../x" do no harm; what claims more than deflate
/// can reach is refused.
final class ZipArchive {
    struct Entry {
        let name: String
        let method: Int
        let packed: Int
        let size: Int
        let checksum: UInt32
        fileprivate let header: Int
    }

    let entries: [Entry]
    private let file: RandomAccessFile

    static func isOne(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x50, 0x4b, 3, 4]) }

    init(_ path: String) throws {
        let file = try RandomAccessFile(path)
        self.file = file
        let (start, length, count) = try Self.directory(file)
        let body = Bytes(try file.bytes(at: start, length), path)
        var entries: [Entry] = []
        for _ in 0..<count { entries.append(try Self.entry(body)) }
        self.entries = entries
    }

    static func broken(_ path: String, _ why: String) -> Failure {
        Failure(
            .file, "'\(path)' is no zip archive that can be read: \(why)", hint: "copy or download it again")
    }

    /// Little-endian numbers, one after another.
    private final class Bytes {
        let bytes: [UInt8]
        let path: String
        var position = 0

        init(_ bytes: [UInt8], _ path: String) {
            self.bytes = bytes
            self.path = path
        }

        func take(_ count: Int) throws(Failure) -> ArraySlice<UInt8> {
            guard count >= 0, count <= bytes.count - position else {
                throw ZipArchive.broken(path, "it is cut off")
            }
            position += count
            return bytes[position - count..<position]
        }

        func number(_ count: Int) throws(Failure) -> Int {
            let raw = try take(count).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            guard let value = Int(exactly: raw) else {
                throw ZipArchive.broken(path, "a size is not possible")
            }
            return value
        }
    }

    /// Where the central directory lies, its length, and how many entries it has.
    private static func directory(_ file: RandomAccessFile) throws -> (Int, Int, Int) {
        let tail = min(file.size, 65_557)
        let bytes = try file.bytes(at: file.size - tail, tail)
        var at = tail - 22
        while at >= 0, Array(bytes[at..<at + 4]) != [0x50, 0x4b, 5, 6] { at -= 1 }
        guard at >= 0 else { throw broken(file.path, "its directory is missing") }
        let end = Bytes(Array(bytes[(at + 10)...]), file.path)
        var (count, length, start) = (try end.number(2), try end.number(4), try end.number(4))
        if start == 0xffff_ffff || count == 0xffff {
            guard at >= 20 else { throw broken(file.path, "its directory is missing") }
            let locator = Bytes(Array(bytes[(at - 20)..<at]), file.path)
            guard Array(try locator.take(4)) == [0x50, 0x4b, 6, 7] else {
                throw broken(file.path, "its directory is missing")
            }
            _ = try locator.take(4)
            let record = Bytes(try file.bytes(at: locator.number(8), 56), file.path)
            _ = try record.take(32)
            (count, length, start) = (try record.number(8), try record.number(8), try record.number(8))
        }
        guard count <= length / 46 + 1 else { throw broken(file.path, "it claims \(count) files") }
        return (start, length, count)
    }

    private static func entry(_ body: Bytes) throws -> Entry {
        guard Array(try body.take(4)) == [0x50, 0x4b, 1, 2] else {
            throw broken(body.path, "its directory is damaged")
        }
        _ = try body.take(4)
        let flags = try body.number(2)
        let method = try body.number(2)
        _ = try body.take(4)
        let checksum = UInt32(truncatingIfNeeded: try body.number(4))
        var (packed, size) = (try body.number(4), try body.number(4))
        let (nameLength, extraLength, commentLength) = (
            try body.number(2), try body.number(2), try body.number(2)
        )
        _ = try body.take(8)
        var header = try body.number(4)
        let name = String(decoding: try body.take(nameLength), as: UTF8.self)
        let extra = Bytes(Array(try body.take(extraLength)), body.path)
        _ = try body.take(commentLength)
        while extra.bytes.count - extra.position >= 4 {
            let (id, length) = (try extra.number(2), try extra.number(2))
            let field = Bytes(Array(try extra.take(length)), body.path)
            guard id == 1 else { continue }
            if size == 0xffff_ffff { size = try field.number(8) }
            if packed == 0xffff_ffff { packed = try field.number(8) }
            if header == 0xffff_ffff { header = try field.number(8) }
        }
        guard flags & 1 == 0 else { throw broken(body.path, "'\(name)' is encrypted") }
        return Entry(
            name: name, method: method, packed: packed, size: size, checksum: checksum, header: header)
    }

    /// A file's bytes. Throws where they are damaged.
    func bytes(_ entry: Entry) throws -> [UInt8] {
        let local = Bytes(try file.bytes(at: entry.header, 30), file.path)
        guard Array(try local.take(4)) == [0x50, 0x4b, 3, 4] else {
            throw Self.broken(file.path, "'\(entry.name)' is not where its directory says")
        }
        _ = try local.take(22)
        let data = entry.header + 30 + (try local.number(2)) + (try local.number(2))
        let packed = try file.bytes(at: data, entry.packed)
        let bytes: [UInt8]
        switch entry.method {
        case 0:
            guard entry.size == packed.count else {
                throw Self.broken(file.path, "'\(entry.name)' is cut off")
            }
            bytes = packed
        case 8:
            do { bytes = try Inflate.bytes(packed, count: entry.size, .raw) } catch {
                throw Self.broken(file.path, "'\(entry.name)': \(error.message)")
            }
        default: throw Self.broken(file.path, "'\(entry.name)' is compressed in a way that is not read")
        }
        guard Checksum.crc32(bytes) == entry.checksum else {
            throw Self.broken(file.path, "'\(entry.name)' does not match its checksum")
        }
        return bytes
    }
}
