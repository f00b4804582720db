import Glibc
import Support

/// A file of a data set as found in its folder.
struct ListedFile: Sendable {
    /// Below the data set's folder: "dog/0a7c2a8d_nohash_0.wav".
    var path: String
    var size: Int
    /// Last change, in nanoseconds.
    var changed: Int
}

/// Lists a tree of files, sorted, reporting what cannot be used by name.
struct FileListing {
    var files: [ListedFile] = []
    var problems: [String] = []

    /// - Parameters:
    ///   - endings: endings of the files that count; others are passed over in silence.
    ///   - skipping: tells folders below that are not entered, by path.
    /// Throws a file failure where `root` is no folder that can be read.
    init(_ root: String, endings: Set<String>, skipping: (String) -> Bool) throws {
        let handle = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard handle >= 0 else {
            throw Failure(
                .file, "cannot open the folder '\(root)': \(String(cString: strerror(errno)))",
                hint: errno == ENOTDIR ? "a data set is a folder with one folder for each class" : nil)
        }
        try visit(handle, "", depth: 0, endings, skipping)
        files.sort { $0.path < $1.path }
    }

    private static let deepest = 12
    private static let most = 20_000_000

    /// Takes over `handle`.
    private mutating func visit(
        _ handle: Int32, _ prefix: String, depth: Int, _ endings: Set<String>, _ skipping: (String) -> Bool
    ) throws {
        guard let folder = fdopendir(handle) else {
            close(handle)
            return problems.append("\(prefix): \(String(cString: strerror(errno)))")
        }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let (name, isText) = Self.name(of: entry)
            // Hidden files are nobody's examples: ".DS_Store", "._clip.wav".
            if name.hasPrefix(".") { continue }
            let path = prefix + name
            guard isText else {
                problems.append("\(path): the name is not UTF-8")
                continue
            }
            var status = stat()
            guard fstatat(dirfd(folder), name, &status, 0) == 0 else {
                problems.append("\(path): \(String(cString: strerror(errno)))")
                continue
            }
            switch status.st_mode & S_IFMT {
            case S_IFDIR where !skipping(path):
                guard depth < Self.deepest else {
                    problems.append("\(path): folders are nested too deeply")
                    continue
                }
                let below = openat(dirfd(folder), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                if below < 0 {
                    problems.append("\(path): \(String(cString: strerror(errno)))")
                } else {
                    try visit(below, path + "/", depth: depth + 1, endings, skipping)
                }
            case S_IFREG where endings.contains(AudioFile.ending(of: name)):
                if status.st_size == 0 {
                    problems.append("\(path): the file is empty")
                    continue
                }
                let changed = status.st_mtim.tv_sec &* 1_000_000_000 &+ status.st_mtim.tv_nsec
                files.append(ListedFile(path: path, size: Int(status.st_size), changed: changed))
                if files.count > Self.most {
                    throw Failure(.file, "too many files in '\(path)' and beside it")
                }
            default: break
            }
        }
    }

    private static func name(of entry: UnsafeMutablePointer<dirent>) -> (String, isText: Bool) {
        withUnsafePointer(to: &entry.pointee.d_name) { tuple in
            tuple.withMemoryRebound(to: CChar.self, capacity: 256) { p in
                if let text = String(validatingCString: p) { return (text, true) }
                return (String(cString: p), false)
            }
        }
    }
}
