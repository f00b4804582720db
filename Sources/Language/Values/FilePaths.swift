import Glibc

/// File names as a person writes them.
public enum FilePaths {
    /// A leading `~` or `~/` becomes the home directory.
    public static func expand(_ path: String) -> String {
        guard path == "~" || path.hasPrefix("~/") else { return path }
        guard let home = getenv("HOME") else { return path }
        return String(cString: home) + path.dropFirst()
    }

    /// `path` as seen from the folder of `file`; absolute and home paths stay.
    public static func resolve(_ path: String, besides file: String) -> String {
        let path = expand(path)
        guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
        return String(file[...slash]) + path
    }
}
