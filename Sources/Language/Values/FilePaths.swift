import Support

/// File names as a person writes them.
public enum FilePaths {
    /// A leading `~` or `~/` becomes the home directory.
    public static func expand(_ path: String) -> String {
        Folders.expand(path)
    }

    /// `path` as seen from the folder of `file`; absolute and home paths stay.
    public static func resolve(_ path: String, besides file: String) -> String {
        let path = expand(path)
        guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
        return String(file[...slash]) + path
    }
}
