import Glibc

/// Where things lie: the home folder, the cache, the files that come with vzsh.
public enum Folders {
    /// An environment variable's value, nil where it is unset or empty.
    public static func environment(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    /// The person's home folder, "/" where there is none.
    public static var home: String {
        if let home = environment("HOME") { return home }
        if let entry = getpwuid(getuid()), let folder = entry.pointee.pw_dir {
            return String(cString: folder)
        }
        return "/"
    }

    /// `~` and `~/…` as the home folder; everything else as it is.
    public static func expand(_ path: String) -> String {
        if path == "~" { return home }
        if path.hasPrefix("~/") { return home + path.dropFirst(1) }
        return path
    }

    /// `$XDG_CACHE_HOME/vzsh`, by default `~/.cache/vzsh`. It may not exist yet.
    public static var cache: String {
        // The XDG specification has relative values ignored.
        if let base = environment("XDG_CACHE_HOME"), base.hasPrefix("/") { return base + "/vzsh" }
        return home + "/.cache/vzsh"
    }

    /// Make a folder and the ones above it; nothing happens where it exists.
    public static func make(_ path: String) throws(Failure) {
        var status = stat()
        if stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw Failure(.io, "'\(path)' is a file, and a folder is wanted there")
            }
            return
        }
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex { try make(String(path[..<slash])) }
        guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
            throw AtomicFile.failure("cannot make the folder", path, errno)
        }
    }

    /// Where a file or folder that comes with vzsh lies ("words16.vzd").
    ///
    /// Looked for in `$VZSH_DATA`, then `../share/vzsh` beside the program's own folder, then the
    /// source checkout that the program was built in or from.
    /// Throws a file failure that names the places.
    public static func resource(_ name: String) throws(Failure) -> String {
        let places = resourceFolders()
        for place in places {
            let path = place + "/" + name
            if access(path, R_OK) == 0 { return path }
        }
        throw Failure(
            .file, "'\(name)' comes with vzsh but is not there: looked in \(places.joined(separator: ", "))",
            hint: "set VZSH_DATA to the folder that holds it")
    }

    static func resourceFolders(source: String = #filePath) -> [String] {
        var places: [String] = []
        if let chosen = environment("VZSH_DATA") { places.append(expand(chosen)) }
        if let program = programFolder() {
            places.append(parent(program) + "/share/vzsh")
            var folder = program
            while !folder.isEmpty {
                let checkout = folder + "/Sources/vzsh/Resources"
                if access(checkout, F_OK) == 0 {
                    places.append(checkout)
                    break
                }
                folder = parent(folder)
            }
        }
        // Tests run inside the toolchain's own program, so the checkout is found by this file's place.
        let checkout = parent(parent(source)) + "/vzsh/Resources"
        if !places.contains(checkout), access(checkout, F_OK) == 0 { places.append(checkout) }
        return places
    }

    private static func programFolder() -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let n = readlink("/proc/self/exe", &buffer, buffer.count)
        guard n > 0, n < buffer.count else { return nil }
        return parent(String(decoding: buffer[..<n].map(UInt8.init(bitPattern:)), as: UTF8.self))
    }

    private static func parent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }
}
