import Support
import Tensor

extension ExampleSet {
    /// The first `n` examples, evenly from every class: the first of each, the second of each, …
    public func taken(_ n: Int) throws -> any ExampleSet {
        guard n >= 0 else {
            throw Failure(.value, "cannot take \(n) examples", hint: "take a positive number")
        }
        var rank = [Int](repeating: 0, count: classNames.count + 1)
        var order: [(rank: Int, index: Int)] = []
        order.reserveCapacity(count)
        for i in 0..<count {
            let label = label(at: i) ?? classNames.count
            order.append((rank[label], i))
            rank[label] += 1
        }
        order.sort { $0 < $1 }
        return try Subset(self, order.prefix(n).map(\.index).sorted())
    }

    /// Examples of some classes only, which keep their order as given in `names`.
    /// Throws a name failure for a class that does not exist.
    public func restricted(to names: [String]) throws -> any ExampleSet {
        var places: [Int: Int] = [:]
        for (place, name) in names.enumerated() {
            guard let label = classNames.firstIndex(of: name) else {
                throw unknownClass(name, classNames)
            }
            guard places.updateValue(place, forKey: label) == nil else {
                throw Failure(.value, "class '\(name)' is named twice")
            }
        }
        let kept = (0..<count).filter { i in label(at: i).map { places[$0] != nil } ?? false }
        return try RelabelledExamples(Subset(self, kept), names: names)
    }

    /// Every class as often as the most frequent one, by repeating examples of the others in turn;
    /// with `repeating: false` as often as the rarest, by leaving examples out. Augmentation treats
    /// each repetition differently.
    public func balanced(repeating: Bool = true) throws -> any ExampleSet {
        var members = [[Int]](repeating: [], count: classNames.count)
        for i in 0..<count { if let label = label(at: i) { members[label].append(i) } }
        let counts = members.map(\.count).filter { $0 > 0 }
        guard let wanted = repeating ? counts.max() : counts.min() else { return self }
        let chosen = members.flatMap { own in own.isEmpty ? [] : (0..<wanted).map { own[$0 % own.count] } }
        return try Subset(self, chosen)
    }

    /// Divided into parts of about the given shares (they need not sum to 1), no group (speaker) in
    /// two parts; which group goes where follows from the seed.
    public func divided(_ shares: [Double], seed: UInt64) throws -> [any ExampleSet] {
        guard !shares.isEmpty, shares.allSatisfy({ $0 > 0 && $0.isFinite }), shares.reduce(0, +) <= 1.000001
        else {
            throw Failure(
                .value, "shares of a split must be positive and sum to 1 at most", hint: "such as [0.8, 0.2]")
        }
        var groups: [[Int]] = []
        var known: [String: Int] = [:]
        for i in 0..<count {
            if let name = group(at: i) {
                if let g = known[name] {
                    groups[g].append(i)
                    continue
                }
                known[name] = groups.count
            }
            groups.append([i])
        }
        let order = try Tensor(permutation: groups.count, key: RandomKey(seed: seed)).array(of: Int32.self)
        var parts = [[Int]](repeating: [], count: shares.count)
        for g in order {
            let members = groups[Int(g)]
            // To the part that lacks most of its share.
            let lack = shares.indices.map { shares[$0] * Double(count) - Double(parts[$0].count) }
            guard let (part, most) = lack.enumerated().max(by: { $0.1 < $1.1 }) else { continue }
            if most >= Double(members.count) / 2 { parts[part] += members }
        }
        return try parts.map { try Subset(self, $0.sorted()) }
    }

    /// Every input changed by `change` once and kept in memory.
    public func mapped(
        cancel: CancelFlag = .shared, progress: ProgressHook? = nil, _ change: (Tensor) throws -> Tensor
    ) throws -> any ExampleSet {
        guard count > 0 else { return self }
        var result: Tensor?
        var shape: [Int] = []
        for i in 0..<count {
            try cancel.check()
            let value = try change(input(at: i)).converted(to: .float32)
            if i == 0 {
                shape = value.shape
                result = try Tensor(uninitialized: [count] + shape)
            }
            guard value.shape == shape, let result else {
                throw Failure(
                    .shape,
                    "example 0 became \(Shape.describe(shape)), example \(i) \(Shape.describe(value.shape))",
                    hint: "the function must give every example the same shape")
            }
            try value.withBytes { bytes in
                if let from = bytes.baseAddress {
                    (result.base + i * bytes.count).copyMemory(from: from, byteCount: bytes.count)
                }
            }
            if i % 64 == 63 { progress?(Progress(label: "map", done: i + 1, total: count)) }
        }
        progress?(Progress(label: "map", done: count, total: count, isFinal: true))
        guard let result else { return self }
        if classNames.isEmpty {
            return try TensorExamples(inputs: result, targets: batch(Array(0..<count)).targets)
        }
        let labels = try (0..<count).map { i in
            guard let label = label(at: i) else { throw Failure(.value, "example \(i) has no class") }
            return label
        }
        let rate = shape == exampleShape ? sampleRate : nil
        let plain = try TensorExamples(inputs: result, labels: labels, classNames: classNames)
        return DescribedExamples(plain, by: self, sampleRate: rate)
    }
}

func unknownClass(_ name: String, _ known: [String]) -> Failure {
    let near = Spelling.nearest(name, among: known)
    return Failure(
        .name, "there is no class '\(name)'",
        hint: near.map { "did you mean '\($0)'?" } ?? "the classes are "
            + known.prefix(40).joined(separator: ", "))
}

extension ExampleSet {
    /// The same examples under other class names; classes of one name become one.
    /// Throws a name failure for an old name that is no class.
    public func relabelled(_ names: [String: String]) throws -> any ExampleSet {
        for old in names.keys.sorted() where !classNames.contains(old) { throw unknownClass(old, classNames) }
        let new = classNames.map { names[$0] ?? $0 }
        var classes: [String] = []
        for name in new where !classes.contains(name) { classes.append(name) }
        return try RelabelledExamples(self, names: classes, places: new.map { classes.firstIndex(of: $0) })
    }
}

/// A set with some of its classes, in another order or by other names. Every example must have one of them.
final class RelabelledExamples: ExampleSet {
    private let base: any ExampleSet
    let classNames: [String]
    let fingerprint: String
    /// For each class of the base, its place here.
    private let places: [Int?]

    convenience init(_ base: any ExampleSet, names: [String]) throws {
        try self.init(base, names: names, places: base.classNames.map { names.firstIndex(of: $0) })
    }

    init(_ base: any ExampleSet, names: [String], places: [Int?]) throws {
        self.base = base
        classNames = names
        self.places = places
        var digest = Digest()
        digest.add("classes \(base.fingerprint)")
        for name in names { digest.add(name) }
        for place in places { digest.add(place ?? -1) }
        fingerprint = digest.text
    }

    var count: Int { base.count }
    var exampleShape: [Int] { base.exampleShape }
    var targetShape: [Int] { [classNames.count] }
    var sampleRate: Int? { base.sampleRate }
    func label(at index: Int) -> Int? { base.label(at: index).flatMap { places[$0] } }
    func source(at index: Int) -> String? { base.source(at: index) }
    func group(at index: Int) -> String? { base.group(at: index) }

    func fill(
        _ rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutablePointer<Float>,
        targets: UnsafeMutablePointer<Float>, key: RandomKey?
    ) throws {
        let (from, to) = (base.targetSize, targetSize)
        var own = [Float](repeating: 0, count: rows.count * from)
        targets.update(repeating: 0, count: rows.count * to)
        try own.withUnsafeMutableBufferPointer { own in
            guard let pointer = own.baseAddress else { return }
            try base.fill(rows, inputs: inputs, targets: pointer, key: key)
            for row in 0..<rows.count {
                for (old, place) in places.enumerated() {
                    // Classes that became one share their targets.
                    if let place { targets[row * to + place] += pointer[row * from + old] }
                }
            }
        }
    }
}

/// Examples that another set knows the origin of.
final class DescribedExamples: ExampleSet {
    private let base: any ExampleSet
    private let origin: any ExampleSet
    let sampleRate: Int?

    init(_ base: any ExampleSet, by origin: any ExampleSet, sampleRate: Int?) {
        self.base = base
        self.origin = origin
        self.sampleRate = sampleRate
    }

    var count: Int { base.count }
    var exampleShape: [Int] { base.exampleShape }
    var targetShape: [Int] { base.targetShape }
    var classNames: [String] { base.classNames }
    var fingerprint: String { base.fingerprint }
    func label(at index: Int) -> Int? { base.label(at: index) }
    func source(at index: Int) -> String? { origin.source(at: index) }
    func group(at index: Int) -> String? { origin.group(at: index) }

    func fill(
        _ rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutablePointer<Float>,
        targets: UnsafeMutablePointer<Float>, key: RandomKey?
    ) throws { try base.fill(rows, inputs: inputs, targets: targets, key: key) }
}
