import CZip
import Support

/// Reads the files of a zip archive through libzip.
///
/// An archive is refused where it claims what its length cannot hold: more than deflate reaches, or
/// the same bytes for many files (a bomb). So it is where a name leads out of a folder, though
/// nothing is unpacked to disk here.
final class ZipArchive {
    struct Entry {
        let name: String
        let size: Int
        fileprivate let index: UInt64
    }

    let entries: [Entry]
    let path: String
    private let archive: OpaquePointer

    static func isOne(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x50, 0x4b, 3, 4]) }

    convenience init(_ path: String) throws { try self.init(RandomAccessFile(path)) }

    init(_ file: RandomAccessFile) throws {
        path = file.path
        var code: Int32 = 0
        guard let archive = zip_open(file.path, ZIP_RDONLY, &code) else {
            var error = zip_error_t()
            zip_error_init_with_code(&error, code)
            defer { zip_error_fini(&error) }
            throw Self.broken(file.path, Self.text(zip_error_strerror(&error)))
        }
        self.archive = archive
        do { entries = try Self.entries(archive, file) } catch {
            zip_discard(archive)
            throw error
        }
    }

    deinit { zip_discard(archive) }

    static func broken(_ path: String, _ why: String) -> Failure {
        Failure(
            .file, "'\(path)' is no zip archive that can be read: \(why)",
            hint: "copy or download it again")
    }

    private static func text(_ message: UnsafePointer<CChar>?) -> String {
        message.map { String(cString: $0) } ?? "it is damaged"
    }

    private static func entries(_ archive: OpaquePointer, _ file: RandomAccessFile) throws -> [Entry] {
        let count = zip_get_num_entries(archive, 0)
        var entries: [Entry] = []
        var packed = 0
        for index in 0..<UInt64(max(count, 0)) {
            var status = zip_stat_t()
            zip_stat_init(&status)
            let wanted = UInt64(ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD)
            guard zip_stat_index(archive, index, 0, &status) == 0, status.valid & wanted == wanted,
                let text = status.name
            else { throw broken(file.path, "its directory is damaged") }
            let name = String(cString: text)
            guard let size = Int(exactly: status.size), let own = Int(exactly: status.comp_size),
                own <= file.size - packed
            else { throw broken(file.path, "'\(name)' claims more than the archive holds") }
            packed += own
            // Deflate reaches 1032 to one.
            guard size / 1100 <= own else {
                throw broken(file.path, "'\(name)' claims to be \(size) bytes out of \(own)")
            }
            guard !name.hasPrefix("/"), !name.split(separator: "/").contains("..") else {
                throw broken(file.path, "the name '\(name)' leads out of its folder")
            }
            guard status.encryption_method == 0 else { throw broken(file.path, "'\(name)' is encrypted") }
            guard status.comp_method == 0 || status.comp_method == 8 else {
                throw broken(file.path, "'\(name)' is compressed in a way that is not read")
            }
            entries.append(Entry(name: name, size: size, index: index))
        }
        return entries
    }

    /// A file's bytes. Throws where they are damaged: libzip compares the checksum at the end.
    func bytes(_ entry: Entry) throws -> [UInt8] {
        func damaged() -> Failure {
            Self.broken(path, "'\(entry.name)': \(Self.text(zip_strerror(archive)))")
        }
        guard let file = zip_fopen_index(archive, entry.index, 0) else { throw damaged() }
        defer { zip_fclose(file) }
        var bytes = [UInt8](repeating: 0, count: entry.size)
        var done = 0
        let isRead = bytes.withUnsafeMutableBytes { target in
            while done < target.count, let base = target.baseAddress {
                let n = zip_fread(file, base + done, UInt64(min(target.count - done, 1 << 30)))
                if n <= 0 { return false }
                done += Int(n)
            }
            return true
        }
        // One more read meets the end, where the checksum is looked at.
        var rest: UInt8 = 0
        guard isRead, zip_fread(file, &rest, 1) == 0 else {
            throw Self.broken(path, "'\(entry.name)' is cut off or does not match its checksum")
        }
        return bytes
    }
}
