import Support
import Tensor

extension RandomKey {
    /// Another key that follows from this one and `n`.
    func derived(_ n: UInt64) -> RandomKey {
        var z = seed &+ (n &+ 1) &* 0x9e37_79b9_7f4a_7c15
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return RandomKey(seed: z ^ (z >> 31), step: step)
    }
}

/// Some examples of another set, in a chosen order; one may come several times.
public final class Subset: ExampleSet {
    public let base: any ExampleSet
    public let indices: [Int]
    public let fingerprint: String
    /// The how-manieth use of its example each index is; empty where none comes twice.
    private let uses: [UInt32]

    /// Throws an index failure where an index is outside `base`.
    public init(_ base: any ExampleSet, _ indices: [Int]) throws {
        var uses = [UInt32](repeating: 0, count: indices.count)
        var seen = [UInt32](repeating: 0, count: base.count)
        var repeats = false
        var digest = Digest()
        digest.add("subset \(base.fingerprint)")
        for (i, index) in indices.enumerated() {
            try base.checkIndex(index)
            uses[i] = seen[index]
            repeats = repeats || seen[index] > 0
            seen[index] &+= 1
            digest.add(index)
        }
        self.base = base
        self.indices = indices
        self.uses = repeats ? uses : []
        fingerprint = digest.text
    }

    public var count: Int { indices.count }
    public var exampleShape: [Int] { base.exampleShape }
    public var targetShape: [Int] { base.targetShape }
    public var classNames: [String] { base.classNames }
    public var sampleRate: Int? { base.sampleRate }
    public func label(at index: Int) -> Int? { at(index).flatMap(base.label) }
    public func source(at index: Int) -> String? { at(index).flatMap(base.source) }
    public func group(at index: Int) -> String? { at(index).flatMap(base.group) }
    private func at(_ index: Int) -> Int? { indices.indices.contains(index) ? indices[index] : nil }

    public func fill(
        _ rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutablePointer<Float>,
        targets: UnsafeMutablePointer<Float>, key: RandomKey?
    ) throws {
        var below = [Int](repeating: 0, count: rows.count)
        for (i, row) in rows.enumerated() {
            try checkIndex(row)
            below[i] = indices[row]
        }
        try below.withUnsafeBufferPointer { below in
            guard !uses.isEmpty, let key else {
                return try base.fill(below, inputs: inputs, targets: targets, key: key)
            }
            // The second use of an example is augmented otherwise than the first.
            let (size, width) = (exampleSize, targetSize)
            for (i, row) in rows.enumerated() {
                let own = uses[row] == 0 ? key : key.derived(UInt64(uses[row]))
                try base.fill(
                    UnsafeBufferPointer(rebasing: below[i...i]), inputs: inputs + i * size,
                    targets: targets + i * width, key: own)
            }
        }
    }
}

/// Several sets one after another. Classes are matched by name; new ones follow the first set's.
public final class ConcatenatedExamples: ExampleSet {
    public let sets: [any ExampleSet]
    private let first: any ExampleSet
    public let classNames: [String]
    public let targetShape: [Int]
    public let fingerprint: String
    /// Where each set begins, and the whole count at the end.
    private let starts: [Int]
    /// For each set, the place of its classes in `classNames`.
    private let places: [[Int]]

    /// Throws where there is no set, or their shapes or rates differ.
    public init(_ sets: [any ExampleSet]) throws {
        guard let first = sets.first else {
            throw Failure(.value, "there are no data sets to join", hint: "give at least one")
        }
        var names: [String] = []
        var starts = [0]
        var places: [[Int]] = []
        var digest = Digest()
        for set in sets {
            guard set.exampleShape == first.exampleShape, set.sampleRate == first.sampleRate else {
                throw Failure(
                    .shape, "cannot join examples of shape \(Self.describe(first)) and \(Self.describe(set))",
                    hint: "open both with the same rate and seconds")
            }
            guard set.classNames.isEmpty == first.classNames.isEmpty,
                !set.classNames.isEmpty || set.targetShape == first.targetShape
            else { throw Failure(.shape, "cannot join data sets whose targets differ in kind or shape") }
            places.append(
                set.classNames.map { name in
                    if let known = names.firstIndex(of: name) { return known }
                    names.append(name)
                    return names.count - 1
                })
            starts.append((starts.last ?? 0) + set.count)
            digest.add(set.fingerprint)
        }
        self.sets = sets
        self.first = first
        self.starts = starts
        self.places = places
        classNames = names
        targetShape = names.isEmpty ? first.targetShape : [names.count]
        fingerprint = digest.text
    }

    private static func describe(_ set: any ExampleSet) -> String {
        Shape.describe(set.exampleShape) + (set.sampleRate.map { " at \($0) Hz" } ?? "")
    }

    public var count: Int { starts.last ?? 0 }
    public var exampleShape: [Int] { first.exampleShape }
    public var sampleRate: Int? { first.sampleRate }

    /// The set that an index lies in, by bisection, and the index there.
    private func find(_ index: Int) -> (set: Int, index: Int)? {
        guard index >= 0, index < count else { return nil }
        var (low, high) = (0, sets.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= index { low = middle } else { high = middle }
        }
        return (low, index - starts[low])
    }

    public func label(at index: Int) -> Int? {
        guard let at = find(index), let label = sets[at.set].label(at: at.index) else { return nil }
        return places[at.set].indices.contains(label) ? places[at.set][label] : nil
    }

    public func source(at index: Int) -> String? { find(index).flatMap { sets[$0.set].source(at: $0.index) } }
    public func group(at index: Int) -> String? { find(index).flatMap { sets[$0.set].group(at: $0.index) } }

    public func fill(
        _ rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutablePointer<Float>,
        targets: UnsafeMutablePointer<Float>, key: RandomKey?
    ) throws {
        let (size, width) = (exampleSize, targetSize)
        var own = [Float](repeating: 0, count: sets.map(\.targetSize).max() ?? 0)
        for (i, row) in rows.enumerated() {
            try checkIndex(row)
            guard let at = find(row) else { continue }
            var below = at.index
            try withUnsafePointer(to: &below) { one in
                try own.withUnsafeMutableBufferPointer { own in
                    guard let ownTarget = own.baseAddress else { return }
                    try sets[at.set].fill(
                        UnsafeBufferPointer(start: one, count: 1), inputs: inputs + i * size,
                        targets: ownTarget,
                        key: key?.derived(UInt64(at.set)))
                    let target = targets + i * width
                    if classNames.isEmpty { return target.update(from: ownTarget, count: width) }
                    target.update(repeating: 0, count: width)
                    for (j, place) in places[at.set].enumerated() { target[place] = ownTarget[j] }
                }
            }
        }
    }
}
