import Support
import Tensor

/// Opens a tree of picture files as a data set: one folder for each class, or classes in the names.
public enum PictureFolder {
    public struct Options: Sendable {
        /// Pixels that every picture is brought to: the shorter side is resized, then the middle cut out.
        public var height = 224
        public var width = 224
        /// Classes wanted, in the order of their indices; nil takes every one, sorted by name.
        public var classes: [String]?
        /// How names tell who made a picture (and the class), as `NamePattern`; by default nobody made two.
        public var pattern = "*"
        /// Percentages of validation and test.
        public var validation = 10.0
        public var testing = 10.0
        /// 0 splits by the names alone; any other number divides anew.
        public var splitSeed = 0
        /// Where decoded pictures are kept; nil keeps them in memory.
        public var cacheFolder: String? = Folders.cache + "/clips"

        public init() {}

        func check() throws -> (pattern: NamePattern, division: ClassFolder.Division) {
            guard height > 0, width > 0, height <= 1 << 13, width <= 1 << 13 else {
                throw Failure(
                    .value, "pictures of \(height) x \(width) pixels are not possible",
                    hint: "224 x 224 is usual")
            }
            let division = ClassFolder.Division(
                validation: validation, testing: testing, seed: splitSeed)
            try division.check()
            return (try NamePattern(pattern), division)
        }
    }

    /// Open `folder`; files that cannot be read are left out and reported in `problems`.
    ///
    /// Pictures are decoded once, on all cores, into the cache; until a file's size or date changes
    /// the set opens from there. Throws as `AudioFolder.open` does.
    public static func open(
        _ folder: String, _ options: Options = Options(), cancel: CancelFlag = .shared,
        progress: ProgressHook? = nil
    ) throws -> DataSet {
        let root = try ClassFolder.absolute(folder)
        let (pattern, division) = try options.check()
        let wanted = options.classes.map { Set($0) }
        let byName = pattern.readsClass
        let listing = try FileListing(root, endings: PictureFile.endings) { path in
            !byName && !path.contains("/") && (wanted.map { !$0.contains(path) } ?? false)
        }
        let found = ClassFolder.sorted(listing, pattern, options.classes)
        try ClassFolder.checkClasses(found, options.classes, root, "picture", "pictures", isByName: byName)

        let (height, width) = (options.height, options.width)
        var digest = Digest()
        digest.add("pictures 1 \(root) \(height) \(width)")
        for (file, _, _) in found.files {
            digest.add(file.path)
            digest.add(file.size)
            digest.add(file.changed)
        }
        var notes: [String] = []
        let paths = found.files.map(\.file.path)
        let layout = ClipStore.Layout(
            digest: digest.text, count: paths.count, length: try Shape.count([height, width, 3]), rate: 0)
        let store = try ClipStore.open(
            layout, folder: options.cacheFolder, label: "decode \(paths.count) pictures", cancel: cancel,
            progress: progress, note: { notes.append($0) },
            decode: { slot in
                let picture = try PictureFile.read("\(root)/\(paths[slot])")
                let fitted = try picture.covering(height: height, width: width)
                return fitted.pixels.map { Int16((min(max($0, 0), 255) * PictureExamples.steps).rounded()) }
            })
        var pictures: [PictureExamples.Entry] = []
        for (slot, (file, label, group)) in found.files.enumerated() where store.broken[slot] == nil {
            pictures.append(.init(slot: slot, label: label, group: group, path: file.path))
        }
        let all = PictureExamples(
            store: store, shape: [height, width, 3], pictures: pictures, groups: found.speakers,
            classNames: found.classNames, folder: root)
        let parts = try ClassFolder.parts(
            of: pictures.map { ($0.path, $0.group) }, speakers: found.speakers, root, division, &notes)
        let broken = store.broken.sorted { $0.key < $1.key }.map { slot, reason in
            "\(paths[slot]): \(reason.replacing("'\(root)/\(paths[slot])' ", with: ""))"
        }
        return try DataSet(
            name: root.split(separator: "/").last.map { String($0) } ?? root, all: all, parts: parts,
            problems: listing.problems + found.problems + broken, notes: notes)
    }
}

extension Picture {
    /// Resized with its proportions kept until it covers the size, then the middle cut out.
    func covering(height newHeight: Int, width newWidth: Int) throws(Failure) -> Picture {
        let scale = max(Double(newHeight) / Double(height), Double(newWidth) / Double(width))
        let h = max(Int((Double(height) * scale).rounded()), newHeight)
        let w = max(Int((Double(width) * scale).rounded()), newWidth)
        return try resized(height: h, width: w).centerCropped(height: newHeight, width: newWidth)
    }
}

/// Pictures of named classes: inputs [height, width, 3] from 0 to 255 (red, green, blue), one-hot targets.
final class PictureExamples: ExampleSet {
    /// What is known of a picture.
    struct Entry: Sendable {
        var slot: Int
        var label: Int
        /// Position in `groups`.
        var group: Int
        /// Below `folder`.
        var path: String
    }

    /// The store's 16 bits hold so many steps for each of the 255 levels.
    static let steps: Float = 128

    let exampleShape: [Int]
    let classNames: [String]
    let fingerprint: String
    private let store: ClipStore
    private let pictures: [Entry]
    private let groups: [String]
    private let folder: String

    init(
        store: ClipStore, shape: [Int], pictures: [Entry], groups: [String], classNames: [String],
        folder: String
    ) {
        self.store = store
        self.pictures = pictures
        self.groups = groups
        self.classNames = classNames
        self.folder = folder
        exampleShape = shape
        var digest = Digest()
        digest.add("pictures \(shape)")
        for name in classNames { digest.add(name) }
        for picture in pictures {
            digest.add(picture.path)
            digest.add(picture.label)
        }
        fingerprint = digest.text
    }

    var count: Int { pictures.count }
    var targetShape: [Int] { [classNames.count] }

    func label(at index: Int) -> Int? { pictures.indices.contains(index) ? pictures[index].label : nil }
    func source(at index: Int) -> String? {
        pictures.indices.contains(index) ? "\(folder)/\(pictures[index].path)" : nil
    }
    func group(at index: Int) -> String? {
        pictures.indices.contains(index) ? groups[pictures[index].group] : nil
    }

    func fill(
        _ indices: UnsafeBufferPointer<Int>, inputs: UnsafeMutablePointer<Float>,
        targets: UnsafeMutablePointer<Float>, key: RandomKey?
    ) throws {
        let (classes, size) = (classNames.count, store.length)
        targets.update(repeating: 0, count: indices.count * classes)
        for (row, index) in indices.enumerated() {
            try checkIndex(index)
            let picture = pictures[index]
            let from = store.samples(picture.slot)
            let to = inputs + row * size
            for i in 0..<size { to[i] = Float(from[i]) * (1 / Self.steps) }
            targets[row * classes + picture.label] = 1
        }
    }
}
