import Support
import Tensor

/// Which part of a data set an example belongs to.
public enum DataPart: Int, Sendable, CaseIterable {
    case train, validation, test
}

/// Divides speakers, never clips, into training, validation and test.
public enum DataSplit {
    /// From how many speakers on the published hash keeps its proportions well enough.
    static let enoughSpeakers = 40

    /// The part of a speaker as Speech Commands publishes it (`which_set` of its reader): the low 27
    /// bits of the SHA-1 of the name, as a percentage; below `validation` it validates, below
    /// `validation + testing` it tests. A speaker keeps its part when others come or go.
    public static func whichSet(_ speaker: String, validation: Double = 10, testing: Double = 10) -> DataPart
    {
        let last = SHA1.digest(speaker.utf8).suffix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let percentage = Double(last & 0x7ff_ffff) * (100 / Double((1 << 27) - 1))
        if percentage < validation { return .validation }
        return percentage < validation + testing ? .test : .train
    }

    /// The part of each speaker: by `whichSet`, or, where there are too few speakers for a hash to
    /// come near the proportions, by filling test and validation with speakers in the order of their
    /// hashes until each holds its share of clips. Fewer than three speakers all train.
    package static func parts(
        speakers: [String], clipCounts: [Int], validation: Double, testing: Double
    ) -> [DataPart] {
        if speakers.count >= enoughSpeakers {
            return speakers.map { whichSet($0, validation: validation, testing: testing) }
        }
        var parts = [DataPart](repeating: .train, count: speakers.count)
        if speakers.count < 3 { return parts }
        let total = Double(clipCounts.reduce(0, +))
        let hashes = speakers.map { SHA1.digest($0.utf8) }
        var order = speakers.indices.sorted { hashes[$0].lexicographicallyPrecedes(hashes[$1]) }[...]
        for (part, share) in [(DataPart.test, testing), (.validation, validation)] where share > 0 {
            var filled = 0
            // One speaker at least is left for each part to come, and for training.
            while Double(filled) < total * share / 100, order.count > (part == .test ? 2 : 1),
                let speaker = order.popFirst()
            {
                parts[speaker] = part
                filled += clipCounts[speaker]
                // The next one may go far beyond the share.
                if let next = order.first, Double(filled + clipCounts[next] / 2) > total * share / 100 {
                    break
                }
            }
        }
        return parts
    }

    /// Reads `validation_list.txt` or `testing_list.txt`: one path below the folder a line, of which
    /// the ending does not count. Nil where the file is not there.
    package static func list(_ path: String) throws -> Set<Substring>? {
        guard let text = try TextFile.read(path, atMost: 256 << 20) else { return nil }
        var names = Set<Substring>()
        for line in text.split(whereSeparator: \.isNewline) { names.insert(withoutEnding(line)) }
        return names
    }

    static func withoutEnding(_ path: Substring) -> Substring {
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        guard let dot = path[slash...].lastIndex(of: "."), dot > slash else { return path }
        return path[..<dot]
    }
}
