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
            try division.check()
            return (Int(length), try pattern.map { try NamePattern($0) })
        }

        var division: ClassFolder.Division {
            ClassFolder.Division(validation: validation, testing: testing, seed: splitSeed)
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
        let root = try ClassFolder.absolute(folder)
        let (length, pattern) = try options.check()
        let wanted = options.classes.map { Set($0) }
        let byName = pattern?.readsClass == true
        var listing = try FileListing(root, endings: AudioFile.endings) { path in
            if byName || path.contains("/") { return false }
            // "_background_noise_" is no class; nor are folders that nobody asked for read.
            return path.hasPrefix("_") || wanted.map { !$0.contains(path) } ?? false
        }
        let found = ClassFolder.sorted(listing, pattern, options.classes)
        listing.problems += found.problems
        try ClassFolder.checkClasses(found, options.classes, root, "sound", "clips", isByName: byName)
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
        let root = try ClassFolder.absolute(folder) + "/_background_noise_"
        guard access(root, R_OK) == 0 else { return [] }
        return try FileListing(root, endings: AudioFile.endings) { _ in true }.files.compactMap {
            try? AudioFile.read("\(root)/\($0.path)", rate: rate)
        }
    }

    // MARK: - Steps

    private static func dataSet(
        _ found: ClassFolder.Found, _ problems: [String], _ root: String, _ length: Int, _ options: Options,
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
        let parts = try ClassFolder.parts(
            of: clips.map { ($0.path, $0.speaker) }, speakers: found.speakers, root, options.division, &notes)
        return try DataSet(
            name: root.split(separator: "/").last.map { String($0) } ?? root, all: all, parts: parts,
            problems: problems + broken, notes: notes)
    }
}
