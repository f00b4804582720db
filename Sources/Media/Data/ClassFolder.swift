import Glibc
import Support
import Tensor

/// What folders of examples have in common, whatever the examples are: a folder for each class, or
/// classes in the names, and a division by speaker.
enum ClassFolder {
    /// What the names tell.
    struct Found {
        var classNames: [String] = []
        var speakers: [String] = []
        var files: [(file: ListedFile, label: Int, speaker: Int)] = []
        var problems: [String] = []
    }

    static func sorted(_ listing: FileListing, _ pattern: NamePattern?, _ classes: [String]?) -> Found {
        var found = Found()
        var names: [(label: Substring, speaker: Substring)] = []
        var kept: [ListedFile] = []
        for file in listing.files {
            let stem = DataSplit.withoutEnding(Substring(file.path))
            guard let read = read(stem, pattern) else {
                found.problems.append(
                    "\(file.path): "
                        + (pattern == nil
                            ? "it lies in no class folder" : "the name does not fit '\(pattern?.text ?? "")'")
                )
                continue
            }
            names.append(read)
            kept.append(file)
        }
        found.classNames = classes ?? Set(names.map { String($0.label) }).sorted()
        let labels = Dictionary(found.classNames.enumerated().map { (Substring($1), $0) }) { first, _ in first
        }
        var speakers: [Substring: Int] = [:]
        for (file, name) in zip(kept, names) {
            guard let label = labels[name.label] else { continue }
            let speaker = speakers[name.speaker] ?? found.speakers.count
            if speaker == found.speakers.count {
                speakers[name.speaker] = speaker
                found.speakers.append(String(name.speaker))
            }
            found.files.append((file, label, speaker))
        }
        return found
    }

    /// Class and speaker of a path without its ending.
    private static func read(_ stem: Substring, _ pattern: NamePattern?) -> (
        label: Substring, speaker: Substring
    )? {
        if let pattern, pattern.readsClass {
            guard let match = pattern.match(String(stem)), let label = match.label else { return nil }
            return (Substring(label), match.speaker.map { Substring($0) } ?? stem)
        }
        guard let slash = stem.firstIndex(of: "/") else { return nil }
        let (label, below) = (stem[..<slash], stem[stem.index(after: slash)...])
        if let pattern {
            guard let match = pattern.match(String(below)) else { return nil }
            return (label, match.speaker.map { Substring($0) } ?? stem)
        }
        let name = below.lastIndex(of: "/").map { below[below.index(after: $0)...] } ?? below
        return (label, NamePattern.usualSpeaker(name, label: String(label)))
    }

    /// Throws where a class that was asked for has no files, or nothing was found. `thing` and `things`
    /// are what the files are called: "sound" and "clips".
    static func checkClasses(
        _ found: Found, _ classes: [String]?, _ root: String, _ thing: String, _ things: String,
        isByName: Bool
    ) throws(Failure) {
        if let classes {
            guard Set(classes).count == classes.count else {
                throw Failure(.value, "a class is named twice among \(classes.joined(separator: ", "))")
            }
            var counts = [Int](repeating: 0, count: classes.count)
            for file in found.files { counts[file.label] += 1 }
            if let missing = zip(classes, counts).first(where: { $0.1 == 0 })?.0 {
                let known = isByName ? [] : folders(in: root)
                var failure = unknownClass(missing, known)
                failure.message = "'\(root)' has no \(things) of class '\(missing)'"
                if known.isEmpty { failure.hint = nil }
                throw failure
            }
        }
        guard !found.files.isEmpty else {
            let first = found.problems.first.map { " (\($0))" } ?? ""
            throw Failure(
                .file, "'\(root)' holds no \(thing) in class folders\(first)",
                hint:
                    "put the files of each class into a folder of its name, or give a pattern: '{class}_{speaker}_*'"
            )
        }
        guard found.classNames.count >= 1, found.classNames.count <= 100_000 else {
            throw Failure(.file, "'\(root)' has \(found.classNames.count) classes, which is too many")
        }
    }

    private static func folders(in root: String) -> [String] {
        guard let handle = opendir(root) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix("."), !name.hasPrefix("_") { names.append(name) }
        }
        return names.sorted()
    }

    /// How a folder's files are divided.
    struct Division {
        var validation: Double
        var testing: Double
        var seed: Int

        func check() throws(Failure) {
            guard validation >= 0, testing >= 0, validation + testing < 100 else {
                throw Failure(
                    .value, "\(validation) % validation and \(testing) % test leave nothing to train on",
                    hint: "10 and 10 are usual")
            }
        }
    }

    /// The part of each file: by `validation_list.txt` and `testing_list.txt` where the folder has
    /// them, else by speaker.
    static func parts(
        of files: [(path: String, speaker: Int)], speakers: [String], _ root: String, _ division: Division,
        _ notes: inout [String]
    ) throws -> [DataPart] {
        if let validation = try DataSplit.list(root + "/validation_list.txt"),
            let testing = try DataSplit.list(root + "/testing_list.txt")
        {
            let parts = files.map { file -> DataPart in
                let stem = DataSplit.withoutEnding(Substring(file.path))
                return testing.contains(stem) ? .test : validation.contains(stem) ? .validation : .train
            }
            var part = [DataPart?](repeating: nil, count: speakers.count)
            var shared = Set<Int>()
            for (file, own) in zip(files, parts) {
                if let other = part[file.speaker], other != own { shared.insert(file.speaker) }
                part[file.speaker] = own
            }
            if !shared.isEmpty {
                notes.append("the folder's own lists put \(shared.count) speakers into more than one part")
            }
            return parts
        }
        var counts = [Int](repeating: 0, count: speakers.count)
        for file in files { counts[file.speaker] += 1 }
        let salt = division.seed == 0 ? "" : "#\(division.seed)"
        let parts = DataSplit.parts(
            speakers: speakers.map { $0 + salt }, clipCounts: counts, validation: division.validation,
            testing: division.testing)
        return files.map { parts[$0.speaker] }
    }

    /// The folder without links and `~`. Throws where it is not there.
    static func absolute(_ folder: String) throws(Failure) -> String {
        guard let path = realpath(Folders.expand(folder), nil) else {
            throw Failure(
                .file, "cannot open the folder '\(folder)': \(String(cString: strerror(errno)))",
                hint: errno == ENOENT ? "check the spelling; ~ stands for your home folder" : nil)
        }
        defer { free(path) }
        return String(cString: path)
    }
}
