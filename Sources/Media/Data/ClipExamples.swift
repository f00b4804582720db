import Support
import Tensor

/// One-second-like clips of named classes: inputs [length, 1] in -1 ... 1, one-hot targets.
public final class ClipExamples: ExampleSet {
    /// What is known of a clip.
    struct Clip: Sendable {
        var slot: Int
        var label: Int
        /// Position in `speakers`.
        var speaker: Int
        /// Below `folder`.
        var path: String
    }

    public let classNames: [String]
    public let fingerprint: String
    let store: ClipStore
    let clips: [Clip]
    let speakers: [String]
    private let folder: String

    init(store: ClipStore, clips: [Clip], speakers: [String], classNames: [String], folder: String) {
        self.store = store
        self.clips = clips
        self.speakers = speakers
        self.classNames = classNames
        self.folder = folder
        var digest = Digest()
        digest.add("clips \(store.length) \(store.rate)")
        for name in classNames { digest.add(name) }
        for clip in clips {
            digest.add(clip.path)
            digest.add(clip.label)
        }
        fingerprint = digest.text
    }

    public var count: Int { clips.count }
    public var exampleShape: [Int] { [store.length, 1] }
    public var targetShape: [Int] { [classNames.count] }
    public var sampleRate: Int? { store.rate }

    public func label(at index: Int) -> Int? { clips.indices.contains(index) ? clips[index].label : nil }

    public func source(at index: Int) -> String? {
        clips.indices.contains(index) ? "\(folder)/\(clips[index].path)" : nil
    }

    public func group(at index: Int) -> String? {
        clips.indices.contains(index) ? speakers[clips[index].speaker] : nil
    }

    public func fill(
        _ indices: UnsafeBufferPointer<Int>, inputs: UnsafeMutablePointer<Float>,
        targets: UnsafeMutablePointer<Float>, key: RandomKey?
    ) throws {
        let classes = classNames.count
        targets.update(repeating: 0, count: indices.count * classes)
        for (row, index) in indices.enumerated() {
            try checkIndex(index)
            let clip = clips[index]
            store.read(clip.slot, into: inputs + row * store.length)
            targets[row * classes + clip.label] = 1
        }
    }
}
