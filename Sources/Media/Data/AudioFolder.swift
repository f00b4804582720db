import Glibc
import Support
import Tensor

/// Opens a tree of sound files as a data set: one folder for each class, or classes in the names.
public enum AudioFolder {
    public struct Options: Sendable {
        /// Samples per second that every clip is brought to.
        public var rate = 16000
        /// Length that every clip is cropped or padded to; by the sample: rate x seconds, rounded.
        public var seconds = 1.0
        /// Classes wanted, in the order of their indices; nil takes every one, sorted by name.
        public var classes: [String]?
        /// How names tell the speaker (and the class), as `NamePattern`; nil reads them as Speech
        /// Commands and most small sets have them: before `_nohash_`, else before the first `_`,
        /// else the whole name. "*" makes every clip its own speaker.
        public var pattern: String?
        /// Percentages of validation and test.
        public var validation = 10.0
        public var testing = 10.0
        /// 0 splits as published; any other number divides the speakers anew, for a folder that holds
        /// mostly one part of the published split.
        public var splitSeed = 0
        /// Where decoded clips are kept; nil keeps them in memory.
        public var cacheFolder: String? = Folders.cache + "/clips"

        public init() {}

        func check() throws -> (length: Int, pattern: NamePattern?) {
            try Resampler.check(rate)
            let length = (Double(rate) * seconds).rounded()
            guard length >= 1, length <= Double(1 << 26) else {
                throw Failure(.value, "clips of \(seconds) seconds at \(rate) Hz are not possible")
            }
            guard validation >= 0, testing >= 0, validation + testing < 100 else {
                throw Failure(
                    .value, "\(validation) % validation and \(testing) % test leave nothing to train on",
                    hint: "10 and 10 are usual")
            }
            return (Int(length), try pattern.map { try NamePattern($0) })
        }
    }

    /// Open `folder`; files that cannot be read are left out and reported in `problems`.
    ///
    /// Clips are decoded once, on all cores, into the cache; until a file's size or date changes
    /// the set opens from there. The split never has a speaker in two parts: by
    /// `validation_list.txt` and `testing_list.txt` where the folder has them, else
    /// `DataSplit.whichSet` of the speaker's name (see `DataSplit.parts` for few speakers).
    /// Throws a file failure where the folder cannot be read or holds no clips, a name failure for
    /// an unknown class, `.interrupted` on a stop.
    public static func open(
        _ folder: String, _ options: Options = Options(), cancel: CancelFlag = .shared,
        progress: ProgressHook? = nil
    ) throws -> DataSet {
        let root = try absolute(folder)
        let (length, pattern) = try options.check()
        let wanted = options.classes.map { Set($0) }
        let byName = pattern?.readsClass == true
        var listing = try FileListing(root, endings: AudioFile.endings) { path in
            if byName || path.contains("/") { return false }
            // "_background_noise_" is no class; nor are folders that nobody asked for read.
            return path.hasPrefix("_") || wanted.map { !$0.contains(path) } ?? false
        }
        let found = sorted(listing, pattern, options.classes)
        listing.problems += found.problems
        try checkClasses(found, options.classes, root, isByName: byName)
        return try dataSet(found, listing.problems, root, length, options, cancel, progress)
    }

    /// Speech Commands (v0.01 or v0.02) in its folder; `words` in the order of their indices, all by default.
    public static func speechCommands(
        _ folder: String, words: [String]? = nil, rate: Int = 16000,
        cacheFolder: String? = Folders.cache + "/clips",
        cancel: CancelFlag = .shared, progress: ProgressHook? = nil
    ) throws -> DataSet {
        var options = Options()
        options.classes = words
        options.rate = rate
        options.cacheFolder = cacheFolder
        return try open(folder, options, cancel: cancel, progress: progress)
    }

    /// Long recordings of noise that a data set may bring along in `_background_noise_`.
    public static func backgroundNoise(_ folder: String, rate: Int = 16000) throws -> [Audio] {
        let root = try absolute(folder) + "/_background_noise_"
        guard access(root, R_OK) == 0 else { return [] }
        return try FileListing(root, endings: AudioFile.endings) { _ in true }.files.compactMap {
            try? AudioFile.read("\(root)/\($0.path)", rate: rate)
        }
    }

    // MARK: - Steps

    /// What the names tell.
    struct Found {
        var classNames: [String] = []
        var speakers: [String] = []
        var files: [(file: ListedFile, label: Int, speaker: Int)] = []
        var problems: [String] = []
    }

    private static func sorted(_ listing: FileListing, _ pattern: NamePattern?, _ classes: [String]?) -> Found
    {
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

    private static func checkClasses(
        _ found: Found, _ classes: [String]?, _ root: String, isByName: Bool
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
                failure.message = "'\(root)' has no clips of class '\(missing)'"
                if known.isEmpty { failure.hint = nil }
                throw failure
            }
        }
        guard !found.files.isEmpty else {
            let first = found.problems.first.map { " (\($0))" } ?? ""
            throw Failure(
                .file, "'\(root)' holds no sound in class folders\(first)",
                hint:
                    "put the clips of each class into a folder of its name, or give pattern = \"{class}_{speaker}_*\""
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

    private static func dataSet(
        _ found: Found, _ problems: [String], _ root: String, _ length: Int, _ options: Options,
        _ cancel: CancelFlag, _ progress: ProgressHook?
    ) throws -> DataSet {
        var digest = Digest()
        digest.add("clips 1 \(root)")
        digest.add(length)
        digest.add(options.rate)
        for (file, _, _) in found.files {
            digest.add(file.path)
            digest.add(file.size)
            digest.add(file.changed)
        }
        var notes: [String] = []
        let layout = ClipStore.Layout(
            digest: digest.text, count: found.files.count, length: length, rate: options.rate)
        let paths = found.files.map(\.file.path)
        let rate = options.rate
        let store = try ClipStore.open(
            layout, folder: options.cacheFolder, label: "decode \(paths.count) clips", cancel: cancel,
            progress: progress, note: { notes.append($0) },
            decode: { slot in
                let audio = try AudioFile.read("\(root)/\(paths[slot])", rate: rate, length: length)
                return Audio.steps(audio.samples)
            })
        var clips: [ClipExamples.Clip] = []
        clips.reserveCapacity(paths.count)
        for (slot, (file, label, speaker)) in found.files.enumerated() where store.broken[slot] == nil {
            clips.append(ClipExamples.Clip(slot: slot, label: label, speaker: speaker, path: file.path))
        }
        let broken = store.broken.sorted { $0.key < $1.key }.map { slot, reason in
            "\(paths[slot]): \(reason.replacing("'\(root)/\(paths[slot])' ", with: ""))"
        }
        let all = ClipExamples(
            store: store, clips: clips, speakers: found.speakers, classNames: found.classNames, folder: root)
        let parts = try parts(of: all, root, options, &notes)
        return try DataSet(
            name: root.split(separator: "/").last.map { String($0) } ?? root, all: all, parts: parts,
            problems: problems + broken, notes: notes)
    }

    /// The part of each clip.
    private static func parts(
        of all: ClipExamples, _ root: String, _ options: Options, _ notes: inout [String]
    ) throws -> [DataPart] {
        if let validation = try DataSplit.list(root + "/validation_list.txt"),
            let testing = try DataSplit.list(root + "/testing_list.txt")
        {
            let parts = all.clips.map { clip -> DataPart in
                let stem = DataSplit.withoutEnding(Substring(clip.path))
                return testing.contains(stem) ? .test : validation.contains(stem) ? .validation : .train
            }
            var part = [DataPart?](repeating: nil, count: all.speakers.count)
            var shared = Set<Int>()
            for (clip, own) in zip(all.clips, parts) {
                if let other = part[clip.speaker], other != own { shared.insert(clip.speaker) }
                part[clip.speaker] = own
            }
            if !shared.isEmpty {
                notes.append("the folder's own lists put \(shared.count) speakers into more than one part")
            }
            return parts
        }
        var counts = [Int](repeating: 0, count: all.speakers.count)
        for clip in all.clips { counts[clip.speaker] += 1 }
        let salt = options.splitSeed == 0 ? "" : "#\(options.splitSeed)"
        let parts = DataSplit.parts(
            speakers: all.speakers.map { $0 + salt }, clipCounts: counts, validation: options.validation,
            testing: options.testing)
        return all.clips.map { parts[$0.speaker] }
    }

    private static func absolute(_ folder: String) throws(Failure) -> String {
        guard let path = realpath(Folders.expand(folder), nil) else {
            throw Failure(
                .file, "cannot open the folder '\(folder)': \(String(cString: strerror(errno)))",
                hint: errno == ENOENT ? "check the spelling; ~ stands for your home folder" : nil)
        }
        defer { free(path) }
        return String(cString: path)
    }
}
