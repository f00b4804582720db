import CSndFile
import Glibc

/// A file in memory for libsndfile's virtual input and output.
final class MemoryFile {
    private(set) var bytes: [UInt8] = []
    private let source: UnsafeRawBufferPointer
    private let isReading: Bool
    private var position = 0

    /// Reads `source`, which must outlive this object.
    init(reading source: UnsafeRawBufferPointer) {
        self.source = source
        isReading = true
    }

    init(writing expected: Int) {
        source = UnsafeRawBufferPointer(start: nil, count: 0)
        isReading = false
        bytes.reserveCapacity(max(expected, 0) + 4096)
    }

    private var length: Int { isReading ? source.count : bytes.count }

    func open(mode: Int32, _ info: inout SF_INFO) -> OpaquePointer? {
        var calls = SF_VIRTUAL_IO(
            get_filelen: { user in MemoryFile.of(user).map { Int64($0.length) } ?? -1 },
            seek: { offset, whence, user in MemoryFile.of(user)?.seek(offset, whence) ?? -1 },
            read: { target, count, user in MemoryFile.of(user)?.read(target, count) ?? 0 },
            write: { data, count, user in MemoryFile.of(user)?.write(data, count) ?? 0 },
            tell: { user in MemoryFile.of(user).map { Int64($0.position) } ?? -1 })
        return sf_open_virtual(&calls, mode, &info, Unmanaged.passUnretained(self).toOpaque())
    }

    private static func of(_ user: UnsafeMutableRawPointer?) -> MemoryFile? {
        user.map { Unmanaged<MemoryFile>.fromOpaque($0).takeUnretainedValue() }
    }

    private func seek(_ offset: Int64, _ whence: Int32) -> Int64 {
        let start: Int64
        switch whence {
        case SEEK_SET: start = 0
        case SEEK_CUR: start = Int64(position)
        default: start = Int64(length)
        }
        let (target, overflow) = start.addingReportingOverflow(offset)
        guard !overflow, target >= 0, target <= 1 << 40 else { return -1 }
        position = Int(target)
        return target
    }

    private func read(_ target: UnsafeMutableRawPointer?, _ count: Int64) -> Int64 {
        guard let target, let base = source.baseAddress, position < source.count, count > 0 else { return 0 }
        let n = min(Int(count), source.count - position)
        target.copyMemory(from: base + position, byteCount: n)
        position += n
        return Int64(n)
    }

    private func write(_ data: UnsafeRawPointer?, _ count: Int64) -> Int64 {
        guard let data, count > 0, position <= bytes.count else { return 0 }
        let piece = UnsafeRawBufferPointer(start: data, count: Int(count))
        let overlap = min(piece.count, bytes.count - position)
        bytes.replaceSubrange(position..<position + overlap, with: piece[..<overlap])
        bytes.append(contentsOf: piece[overlap...])
        position += piece.count
        return count
    }
}
