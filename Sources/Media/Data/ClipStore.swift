import Glibc
import Support
import Synchronization
import Tensor

/// Decoded clips of one rate and length as 16-bit samples in one block, one slot each.
///
/// The block is a memory-mapped file in the cache folder, so opening it again costs nothing and
/// only the pages in use take memory.
final class ClipStore: Sendable {
    /// Samples of a clip, and per second.
    let length: Int
    let rate: Int
    /// Names the contents: what was listed, and how it was decoded.
    let digest: String
    let count: Int
    /// Slots that could not be decoded, with the reason.
    let broken: [Int: String]
    private let buffer: Buffer
    private let firstSample: Int

    private init(shape: Layout, broken: [Int: String], buffer: Buffer, firstSample: Int) {
        (length, rate, digest, count) = (shape.length, shape.rate, shape.digest, shape.count)
        self.broken = broken
        self.buffer = buffer
        self.firstSample = firstSample
    }

    /// The samples of a slot, in steps of 1/32768 of full scale.
    func samples(_ slot: Int) -> UnsafeBufferPointer<Int16> {
        let first = buffer.base + firstSample + slot * length * 2
        return UnsafeBufferPointer(start: first.assumingMemoryBound(to: Int16.self), count: length)
    }

    /// Write a slot as float32 in -1 ..< 1.
    func read(_ slot: Int, into out: UnsafeMutablePointer<Float>) {
        let from = samples(slot)
        for i in 0..<length { out[i] = Float(from[i]) * (1 / 32768) }
    }

    /// What a store holds and where it lies in the file: a header of one page, the samples, the reasons.
    struct Layout: Sendable {
        var digest: String
        var count: Int
        var length: Int
        var rate: Int

        static let header = 4096
        static let magic = Array("VZCLIPS1".utf8)

        /// Throws a memory failure where the clips are too many or too long.
        func sampleBytes() throws(Failure) -> Int {
            try Shape.count([count, length, 2])
        }

        func headerBytes(problems: Int) throws(Failure) -> [UInt8] {
            var bytes = Self.magic + Array(digest.utf8)
            for value in [count, length, rate, try sampleBytes(), problems] {
                withUnsafeBytes(of: UInt64(value).littleEndian) { bytes += Array($0) }
            }
            return bytes + [UInt8](repeating: 0, count: Self.header - bytes.count)
        }
    }

    /// Decoded once, mapped from the cache from then on.
    /// - Parameters:
    ///   - folder: of the cache; nil decodes into memory.
    ///   - decode: the samples of a slot, called on several threads; a failure leaves the slot out.
    ///   - note: told where the cache could not be used.
    static func open(
        _ layout: Layout, folder: String?, label: String, cancel: CancelFlag, progress: ProgressHook?,
        note: (String) -> Void, decode: @escaping @Sendable (Int) throws -> [Int16]
    ) throws -> ClipStore {
        if let folder {
            let path = "\(folder)/\(layout.digest).vzclips"
            if let store = try mapped(layout, path) { return store }
            do {
                try build(layout, path, folder, label, cancel, progress, decode)
                if let store = try mapped(layout, path) { return store }
                note("the cache '\(path)' cannot be read back; the clips are kept in memory")
            } catch let failure as Failure where failure.kind == .io {
                note("\(failure.message); the clips are kept in memory")
            }
        }
        let bytes = try layout.sampleBytes()
        let buffer = try Buffer(byteCount: bytes)
        let broken = try decodeAll(layout, label, cancel, progress, decode) { slot, samples in
            samples.withUnsafeBytes {
                if let base = $0.baseAddress {
                    (buffer.base + slot * layout.length * 2).copyMemory(from: base, byteCount: $0.count)
                }
            }
        }
        return ClipStore(shape: layout, broken: broken, buffer: buffer, firstSample: 0)
    }

    /// Decode every slot on all cores, hand each to `store`; gives the slots left out.
    private static func decodeAll(
        _ layout: Layout, _ label: String, _ cancel: CancelFlag, _ progress: ProgressHook?,
        _ decode: @escaping @Sendable (Int) throws -> [Int16],
        store: @escaping @Sendable (Int, [Int16]) throws -> Void
    ) throws -> [Int: String] {
        let broken = Broken()
        try Parallel.forEach(layout.count, label: label, cancel: cancel, progress: progress) { slot in
            let samples: [Int16]
            do {
                samples = try decode(slot)
                guard samples.count == layout.length else {
                    throw Failure(.file, "\(samples.count) samples instead of \(layout.length)")
                }
            } catch {
                let reason = (error as? Failure)?.message ?? String(describing: error)
                return broken.slots.withLock { $0[slot] = reason }
            }
            try store(slot, samples)
        }
        return broken.slots.withLock { $0 }
    }

    private final class Broken: Sendable {
        let slots = Mutex<[Int: String]>([:])
    }

    // MARK: - The file

    private static func build(
        _ layout: Layout, _ path: String, _ folder: String, _ label: String, _ cancel: CancelFlag,
        _ progress: ProgressHook?, _ decode: @escaping @Sendable (Int) throws -> [Int16]
    ) throws {
        try Folders.make(folder)
        removeLeftovers(in: folder)
        let temporary = "\(path).tmp\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let file = Glibc.open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard file >= 0 else { throw cannotWrite(path, errno) }
        var isDone = false
        defer {
            close(file)
            if !isDone { unlink(temporary) }
        }
        let sampleBytes = try layout.sampleBytes()
        // Room is taken first: better no work than work lost on a full disk.
        let code = posix_fallocate(file, 0, Layout.header + sampleBytes)
        guard code == 0 || code == EOPNOTSUPP || code == EINVAL else { throw cannotWrite(path, code) }
        let broken = try decodeAll(layout, label, cancel, progress, decode) { slot, samples in
            try samples.withUnsafeBytes {
                try write($0, to: file, at: Layout.header + slot * layout.length * 2, path)
            }
        }
        let problems = broken.sorted { $0.key < $1.key }
            .map { "\($0.key)\t\($0.value.replacing("\n", with: " "))\n" }.joined()
        try Array(problems.utf8).withUnsafeBytes {
            try write($0, to: file, at: Layout.header + sampleBytes, path)
        }
        try layout.headerBytes(problems: problems.utf8.count).withUnsafeBytes {
            try write($0, to: file, at: 0, path)
        }
        guard fsync(file) == 0, rename(temporary, path) == 0 else { throw cannotWrite(path, errno) }
        isDone = true
    }

    private static func write(_ bytes: UnsafeRawBufferPointer, to file: Int32, at offset: Int, _ path: String)
        throws
    {
        var written = 0
        while written < bytes.count {
            guard let base = bytes.baseAddress else { return }
            let n = pwrite(file, base + written, bytes.count - written, off_t(offset + written))
            if n < 0, errno == EINTR { continue }
            guard n > 0 else { throw cannotWrite(path, errno) }
            written += n
        }
    }

    private static func cannotWrite(_ path: String, _ code: Int32) -> Failure {
        Failure(.io, "cannot write the cache '\(path)': \(String(cString: strerror(code)))")
    }

    /// Remove what builds that were killed have left: their process is gone.
    private static func removeLeftovers(in folder: String) {
        guard let handle = opendir(folder) else { return }
        defer { closedir(handle) }
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let mark = Substring(name).range(ofText: ".vzclips.tmp") else { continue }
            guard let pid = pid_t(name[mark.upperBound...].prefix { $0 != "-" }), pid > 0 else { continue }
            if kill(pid, 0) != 0, errno == ESRCH { unlink("\(folder)/\(name)") }
        }
    }

    /// The store in a cache file; nil where there is none, or it is not what it should be.
    private static func mapped(_ layout: Layout, _ path: String) throws -> ClipStore? {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        let sampleBytes = try layout.sampleBytes()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        let size = Int(status.st_size)
        let problemBytes = size - Layout.header - sampleBytes
        guard problemBytes >= 0, problemBytes <= 1 << 30 else { return nil }
        let header = try layout.headerBytes(problems: problemBytes)
        guard let base = mmap(nil, size, PROT_READ, MAP_SHARED, file, 0), base != MAP_FAILED else {
            return nil
        }
        let mapping = Mapping(base: base, byteCount: size)
        guard memcmp(base, header, header.count) == 0 else { return nil }
        let text = UnsafeRawBufferPointer(start: base + Layout.header + sampleBytes, count: problemBytes)
        var broken: [Int: String] = [:]
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: "\t", maxSplits: 1)
            guard fields.count == 2, let slot = Int(fields[0]) else { return nil }
            broken[slot] = String(fields[1])
        }
        let buffer = Buffer(base: base, byteCount: size, owner: mapping)
        return ClipStore(shape: layout, broken: broken, buffer: buffer, firstSample: Layout.header)
    }
}

/// A mapped file, unmapped with its last user.
final class Mapping: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    let byteCount: Int

    init(base: UnsafeMutableRawPointer, byteCount: Int) {
        self.base = base
        self.byteCount = byteCount
    }

    deinit { munmap(base, byteCount) }
}
