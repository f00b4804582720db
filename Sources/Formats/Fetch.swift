import CCrypto
import CFetch
import Glibc
import Support

/// Downloads published files into the cache: resumed where a download broke off, compared with their
/// checksum, and there only when they are whole.
public enum Fetch {
    /// What `fetch` brought.
    public struct Result: Sendable {
        public let path: String
        /// True where it was there already.
        public let wasThere: Bool
    }

    /// Mirrors, tried before the published addresses: `$VZSH_MIRROR`, addresses of folders divided by
    /// blanks; the file's name is put behind each.
    static var mirrors: [String] {
        (Folders.environment("VZSH_MIRROR") ?? "").split(whereSeparator: \.isWhitespace).map(
            String.init)
    }

    /// Bring what is called `name`: a network's weights, the classes of ImageNet, Speech Commands.
    /// Throws a name failure for unknown names, otherwise an io failure that says which file is
    /// wanted and where to put it.
    public static func fetch(
        _ name: String, cancel: CancelFlag = .shared, progress: ProgressHook = { _ in }
    ) throws -> Result {
        let file = try Published.wanted(name)
        if name == "speech_commands" { return try speechCommands(file, cancel, progress) }
        let result = try bring(file, into: ModelFile.cacheFolder, cancel, progress)
        // Classifiers of ImageNet are of little use without its classes; they are no reason to fail.
        if Definition.named(name)?.isImageNet == true {
            _ = try? bring(Published.classNames, into: ModelFile.cacheFolder, cancel, progress)
        }
        return result
    }

    /// The archive is unpacked beside itself and then taken away.
    private static func speechCommands(
        _ file: PublishedFile, _ cancel: CancelFlag, _ progress: ProgressHook
    ) throws -> Result {
        let folder = Folders.cache + "/data"
        let target = folder + "/speech_commands_v0.02"
        if access(target + "/testing_list.txt", R_OK) == 0 {
            return Result(path: target, wasThere: true)
        }
        let archive = try bring(file, into: folder, cancel, progress).path
        try unpack(archive, into: target, cancel, progress)
        unlink(archive)
        return Result(path: target, wasThere: false)
    }

    /// One file, whole and compared with its checksum.
    package static func bring(
        _ file: PublishedFile, into folder: String, _ cancel: CancelFlag = .shared,
        _ progress: ProgressHook = { _ in }
    ) throws -> Result {
        let path = "\(folder)/\(file.name)"
        if access(path, R_OK) == 0 { return Result(path: path, wasThere: true) }
        try Folders.make(folder)
        let part = path + ".part"
        var reasons: [String] = []
        for address in mirrors.map({ $0 + ($0.hasSuffix("/") ? "" : "/") + file.name }) + file.addresses {
            do {
                try download(address, to: part, file, cancel, progress)
                try check(part, file, address, cancel, progress)
                guard rename(part, path) == 0 else {
                    throw Failure(.io, "cannot write '\(path)': \(String(cString: strerror(errno)))")
                }
                return Result(path: path, wasThere: false)
            } catch let failure as Failure where failure.kind == .io && failure.hint != Self.noRoom {
                reasons.append("\(address): \(failure.message)")
            }
        }
        throw Failure(
            .io, "\(file.about) could not be fetched: \(reasons.joined(separator: "; "))",
            hint:
                "fetch again to go on where it broke off; or get \(file.name) elsewhere and put it into \(folder); VZSH_MIRROR names the address of a folder that has it"
        )
    }

    // MARK: - One download

    static let noRoom =
        "make room on that disk, or let XDG_CACHE_HOME name another folder; fetch goes on where it stopped"

    fileprivate static func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func download(
        _ address: String, to part: String, _ file: PublishedFile, _ cancel: CancelFlag,
        _ progress: ProgressHook
    ) throws {
        try withoutActuallyEscaping(progress) { progress in
            let transfer = Transfer(file, part, cancel, progress)
            var status = stat()
            transfer.start = stat(part, &status) == 0 ? Int64(status.st_size) : 0
            transfer.began = seconds()
            defer { if transfer.handle >= 0 { close(transfer.handle) } }
            var result = vz_fetch_result()
            var message = [CChar](repeating: 0, count: Int(VZ_FETCH_MESSAGE))
            let context = Unmanaged.passUnretained(transfer).toOpaque()
            let code = message.withUnsafeMutableBufferPointer { buffer in
                vz_fetch(
                    address, transfer.start, context,
                    { running(of: $0)?.open(isResumed: $1 != 0) ?? 1 },
                    { context, bytes, n in bytes.flatMap { running(of: context)?.write($0, n) } ?? 1 },
                    { running(of: $0)?.report($1, $2) ?? 1 }, &result, buffer.baseAddress)
            }
            if let failure = transfer.failure { throw failure }
            guard code == 0 else {
                let why = String(
                    decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                throw Failure(
                    .io, result.is_unreachable != 0 ? "there is no connection (\(why))" : why)
            }
            progress(
                Progress(label: "fetch \(file.name)", done: 1, total: 1, isFinal: true))
        }
    }

    // MARK: - Checksums

    /// Throws an io failure, and takes the file away, where it is not what was published.
    private static func check(
        _ part: String, _ file: PublishedFile, _ address: String, _ cancel: CancelFlag,
        _ progress: ProgressHook
    ) throws {
        let (wanted, isMD5) =
            switch file.checksum {
            case .md5(let digits): (digits, true)
            case .sha256(let digits): (digits, false)
            }
        let found = try digest(part, isMD5: isMD5, cancel, progress)
        guard found.hasPrefix(wanted) else {
            unlink(part)
            throw Failure(
                .io,
                "what came is not \(file.name): its \(isMD5 ? "MD5" : "SHA-256") is \(found.prefix(wanted.utf8.count)), expected \(wanted)"
            )
        }
    }

    /// A file's digest in hexadecimal digits.
    package static func digest(
        _ path: String, isMD5: Bool, _ cancel: CancelFlag = .shared, _ progress: ProgressHook = { _ in }
    ) throws -> String {
        let file = try RandomAccessFile(path)
        guard let context = EVP_MD_CTX_new() else {
            throw Failure(.memory, "there is no memory for a checksum")
        }
        defer { EVP_MD_CTX_free(context) }
        func fail() -> Failure { Failure(.io, "the checksum of '\(path)' could not be computed") }
        guard EVP_DigestInit_ex(context, isMD5 ? EVP_md5() : EVP_sha256(), nil) == 1 else {
            throw fail()
        }
        var at = 0
        while at < file.size {
            try cancel.check()
            let count = min(1 << 22, file.size - at)
            let bytes = try file.bytes(at: at, count)
            guard EVP_DigestUpdate(context, bytes, bytes.count) == 1 else { throw fail() }
            at += count
            progress(
                Progress(
                    label: "check \(path.split(separator: "/").last ?? "")", done: at, total: file.size))
        }
        var bytes = [UInt8](repeating: 0, count: 64)
        var count: UInt32 = 0
        guard EVP_DigestFinal_ex(context, &bytes, &count) == 1 else { throw fail() }
        return bytes.prefix(Int(count)).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    // MARK: - Archives

    /// Unpack a tar archive into a new folder, which is there only when it is whole.
    package static func unpack(
        _ archive: String, into folder: String, _ cancel: CancelFlag = .shared,
        _ progress: ProgressHook = { _ in }
    ) throws {
        let part = folder + ".part"
        try removeFolder(part)
        try Folders.make(part)
        var status = stat()
        let total = stat(archive, &status) == 0 ? Int(status.st_size) : 0
        try withoutActuallyEscaping(progress) { progress in
            let own = Watch()
            own.report = { done in
                if cancel.isSet { return 1 }
                progress(Progress(label: "unpack", done: min(Int(done), total), total: total))
                return 0
            }
            defer { own.report = { _ in 0 } }
            var message = [CChar](repeating: 0, count: Int(VZ_FETCH_MESSAGE))
            let code = message.withUnsafeMutableBufferPointer { buffer in
                vz_unpack(
                    archive, part, Unmanaged.passUnretained(own).toOpaque(),
                    { context, done, _ in watch(of: context)?.report(done) ?? 1 }, buffer.baseAddress)
            }
            guard code == 0 else {
                try? removeFolder(part)
                if code == 2 { throw Failure.interrupted }
                let why = String(
                    decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                throw Failure(.io, "'\(archive)' could not be unpacked: \(why)")
            }
            progress(Progress(label: "unpack", done: total, total: total, isFinal: true))
        }
        guard rename(part, folder) == 0 else {
            throw Failure(.io, "cannot write '\(folder)': \(String(cString: strerror(errno)))")
        }
    }

    /// A folder of ours with all that is in it; links are taken away, not followed.
    private static func removeFolder(_ path: String, depth: Int = 0) throws {
        func failure() -> Failure {
            Failure(.io, "cannot take '\(path)' away: \(String(cString: strerror(errno)))")
        }
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            guard unlink(path) == 0 else { throw failure() }
            return
        }
        guard depth < 64, let handle = opendir(path) else { throw failure() }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        closedir(handle)
        for name in names { try removeFolder("\(path)/\(name)", depth: depth + 1) }
        guard rmdir(path) == 0 else { throw failure() }
    }
}

/// What the callbacks of a running download see.
private final class Transfer {
    let file: PublishedFile
    let part: String
    let cancel: CancelFlag
    let progress: ProgressHook
    var handle: Int32 = -1
    var start: Int64 = 0
    var failure: Failure?
    var began = 0.0

    init(
        _ file: PublishedFile, _ part: String, _ cancel: CancelFlag, _ progress: @escaping ProgressHook
    ) {
        (self.file, self.part, self.cancel, self.progress) = (file, part, cancel, progress)
    }

    func open(isResumed: Bool) -> Int32 {
        if !isResumed { start = 0 }
        handle = Glibc.open(
            part, O_WRONLY | O_CREAT | O_CLOEXEC | (isResumed ? O_APPEND : O_TRUNC), 0o666)
        return handle < 0 ? stop(errno) : 0
    }

    func write(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
        var done = 0
        while done < count {
            let n = Glibc.write(handle, bytes + done, count - done)
            if n < 0, errno == EINTR { continue }
            if n <= 0 { return stop(errno) }
            done += n
        }
        return 0
    }

    private func stop(_ code: Int32) -> Int32 {
        let isFull = code == ENOSPC || code == EDQUOT || code == EFBIG
        failure = Failure(
            .io, "cannot write '\(part)': \(String(cString: strerror(code)))",
            hint: isFull ? Fetch.noRoom : nil)
        return 1
    }

    func report(_ done: Int64, _ total: Int64) -> Int32 {
        if cancel.isSet {
            failure = .interrupted
            return 1
        }
        let all = total > 0 ? Int(clamping: start &+ total) : file.size
        let now = Fetch.seconds()
        let rate = now > began ? Double(done) / (now - began) / 1e6 : 0
        progress(
            Progress(
                label: "fetch \(file.name)", done: Int(clamping: start &+ done), total: max(all, 0),
                figures: [("MB/s", "\((rate * 10).rounded() / 10)")]))
        return 0
    }
}

private func running(of context: UnsafeMutableRawPointer?) -> Transfer? {
    context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
}

/// What the callback of a running unpacking calls.
private final class Watch {
    var report: (Int64) -> Int32 = { _ in 0 }
}

private func watch(of context: UnsafeMutableRawPointer?) -> Watch? {
    context.map { Unmanaged<Watch>.fromOpaque($0).takeUnretainedValue() }
}
