import Glibc
import Support
import Synchronization
import Tensor

/// A whole data set of clips in one compressed file (.vzd), such as comes with vzsh.
///
/// The line "VZDATA1", the length of a JSON header as 4 bytes (little endian), the header, then one
/// sound file (Ogg Opus, or anything libsndfile reads) for each class, which holds the class's clips
/// one after another with `gap` silent samples behind each. The header says: `rate`; `length`,
/// samples of a clip as opened (shorter ones lie in the middle); `gap`; `classes`; `speakers`;
/// `streams`, the bytes of each class's sound file; `clips`, for each class its clips as
/// [speaker, samples]. `scripts/make_words16` writes such a file.
public enum ClipArchive {
    static let magic = Array("VZDATA1\n".utf8)
    static let maximumBytes = 1 << 31

    /// The sixteen words zero … nine, bed, bird, tree, cat, house, dog spoken by synthetic voices.
    public static func words16(
        cacheFolder: String? = Folders.cache + "/clips", cancel: CancelFlag = .shared,
        progress: ProgressHook? = nil
    ) throws -> DataSet {
        try open(
            Folders.resource("words16.vzd"), cacheFolder: cacheFolder, cancel: cancel, progress: progress)
    }

    /// Open an archive: decoded once into the cache, split by speaker as `AudioFolder` does.
    /// Throws a file failure that names the file and the fault.
    public static func open(
        _ path: String, cacheFolder: String? = Folders.cache + "/clips", cancel: CancelFlag = .shared,
        progress: ProgressHook? = nil
    ) throws -> DataSet {
        guard let bytes = try TextFile.bytes(path, atMost: maximumBytes) else {
            throw Failure(.file, "cannot read '\(path)': No such file or directory")
        }
        let header = try Header(bytes, path)
        var digest = Digest()
        digest.add("archive 1")
        bytes.withUnsafeBytes { digest.add($0) }
        let decoder = Decoder(bytes, header, path)
        var notes: [String] = []
        let layout = ClipStore.Layout(
            digest: digest.text, count: header.clips.count, length: header.length, rate: header.rate)
        let store = try ClipStore.open(
            layout, folder: cacheFolder, label: "decode \(header.clips.count) clips", cancel: cancel,
            progress: progress, note: { notes.append($0) }, decode: decoder.samples)
        return try dataSet(header, store, path, notes)
    }

    private static func dataSet(
        _ header: Header, _ store: ClipStore, _ path: String, _ notes: [String]
    ) throws -> DataSet {
        var clips: [ClipExamples.Clip] = []
        var counts = [Int](repeating: 0, count: header.speakers.count)
        var seen: [Int: Int] = [:]
        for (slot, clip) in header.clips.enumerated() {
            let take = seen[clip.speaker * header.classes.count + clip.label, default: 0]
            seen[clip.speaker * header.classes.count + clip.label] = take + 1
            if store.broken[slot] != nil { continue }
            counts[clip.speaker] += 1
            let name = "\(header.classes[clip.label])/\(header.speakers[clip.speaker])_\(take)"
            clips.append(.init(slot: slot, label: clip.label, speaker: clip.speaker, path: name))
        }
        let all = ClipExamples(
            store: store, clips: clips, speakers: header.speakers, classNames: header.classes, folder: path)
        let parts = DataSplit.parts(
            speakers: header.speakers, clipCounts: counts, validation: 10, testing: 10)
        let problems = store.broken.sorted { $0.key < $1.key }.map { "clip \($0.key): \($0.value)" }
        return try DataSet(
            name: path.split(separator: "/").last.map { String($0.prefix { $0 != "." }) } ?? path, all: all,
            parts: clips.map { parts[$0.speaker] }, problems: problems, notes: notes)
    }

    /// The header, checked against itself and the file's size.
    struct Header: Sendable {
        var rate = 0
        var length = 0
        var classes: [String] = []
        var speakers: [String] = []
        /// Where each class's sound file lies.
        var streams: [Range<Int>] = []
        /// Class, speaker, place in the class's sound and samples of each clip.
        var clips: [(label: Int, speaker: Int, start: Int, count: Int)] = []

        init(_ bytes: [UInt8], _ path: String) throws {
            func broken(_ why: String) -> Failure {
                Failure(.file, "'\(path)' is no archive of clips: \(why)")
            }
            guard bytes.starts(with: ClipArchive.magic), bytes.count >= 12 else {
                throw broken("it does not begin as one")
            }
            let headerLength = (8..<12).reversed().reduce(0) { $0 << 8 | Int(bytes[$1]) }
            guard headerLength <= bytes.count - 12 else { throw broken("its header is cut off") }
            let text = String(decoding: bytes[12..<12 + headerLength], as: UTF8.self)
            let json: JSON
            do { json = try JSON(parsing: text) } catch { throw broken("its header is not JSON: \(error)") }
            guard let rate = json["rate"]?.int, Resampler.rates.contains(rate),
                let length = json["length"]?.int, (1...1 << 20).contains(length),
                let gap = json["gap"]?.int, (0...1 << 20).contains(gap),
                let classes = json["classes"]?.strings, !classes.isEmpty, Set(classes).count == classes.count,
                let speakers = json["speakers"]?.strings,
                let sizes = json["streams"]?.ints, sizes.count == classes.count,
                let lists = json["clips"]?.array, lists.count == classes.count
            else { throw broken("its header lacks something or contradicts itself") }
            (self.rate, self.length, self.classes, self.speakers) = (rate, length, classes, speakers)
            var offset = 12 + headerLength
            for size in sizes {
                guard size > 0, size <= bytes.count - offset else { throw broken("a sound is cut off") }
                streams.append(offset..<offset + size)
                offset += size
            }
            for (label, list) in lists.enumerated() {
                var start = 0
                for clip in list.array ?? [] {
                    guard let pair = clip.ints, pair.count == 2, speakers.indices.contains(pair[0]),
                        (1...length).contains(pair[1]), clips.count < 1 << 24
                    else { throw broken("clip \(clips.count) is not possible") }
                    clips.append((label, pair[0], start, pair[1]))
                    start += pair[1] + gap
                }
            }
            guard !clips.isEmpty else { throw broken("it holds no clips") }
        }
    }

    /// Decodes a class's sound when its first clip is asked for.
    final class Decoder: Sendable {
        private let bytes: [UInt8]
        private let header: Header
        private let path: String
        private let sounds: [Sound]

        private final class Sound: Sendable {
            let samples = Mutex<Result<[Int16], Failure>?>(nil)
        }

        init(_ bytes: [UInt8], _ header: Header, _ path: String) {
            (self.bytes, self.header, self.path) = (bytes, header, path)
            sounds = header.classes.map { _ in Sound() }
        }

        /// A clip in the middle of `header.length` samples.
        @Sendable func samples(_ slot: Int) throws -> [Int16] {
            let clip = header.clips[slot]
            let sound = try sounds[clip.label].samples.withLock { known in
                let result = known ?? decode(clip.label)
                known = result
                return try result.get()
            }
            guard clip.start + clip.count <= sound.count else {
                throw Failure(
                    .file, "the sound of '\(header.classes[clip.label])' in '\(path)' ends before it")
            }
            var out = [Int16](repeating: 0, count: header.length)
            let first = (header.length - clip.count) / 2
            out.replaceSubrange(first..<first + clip.count, with: sound[clip.start..<clip.start + clip.count])
            return out
        }

        private func decode(_ label: Int) -> Result<[Int16], Failure> {
            let name = "\(path): \(header.classes[label])"
            do {
                let audio = try bytes.withUnsafeBytes { all in
                    try AudioFile.decode(
                        UnsafeRawBufferPointer(rebasing: all[header.streams[label]]), name: name)
                }
                guard audio.rate == header.rate else {
                    throw Failure(.file, "'\(name)' is at \(audio.rate) Hz, not \(header.rate)")
                }
                return .success(Audio.steps(audio.samples))
            } catch {
                return .failure(error as? Failure ?? Failure(.file, "'\(name)': \(error)"))
            }
        }
    }
}
