import Support

/// Labelled examples that a training loop draws batches from: decoded clips, pictures, arrays.
///
/// Every example has one input shape and one target shape. A set is read by several threads at
/// once (the next batch is filled while the last one computes), so its methods change nothing.
public protocol ExampleSet: AnyObject, Sendable {
    /// Number of examples.
    var count: Int { get }
    /// Shape of one input: [length, channels] or [height, width, channels].
    var exampleShape: [Int] { get }
    /// Shape of one target: [classes] where there are classes, else that of the values to predict.
    var targetShape: [Int] { get }
    /// Names of the classes in the order of their indices; empty where there are no classes.
    var classNames: [String] { get }
    /// A digest of what the examples are and in which order: equal sets have equal fingerprints.
    /// A resumed training compares it. Augmentation that is part of the set counts.
    var fingerprint: String { get }

    /// Class of an example, nil where there are no classes.
    func label(at index: Int) -> Int?

    /// Where an example comes from: a file's path, nil where it has none.
    func source(at index: Int) -> String?
    /// Who made an example (a speaker): a split never has one in two parts. Nil: nobody else's.
    func group(at index: Int) -> String?
    /// Samples per second where the inputs are waveforms.
    var sampleRate: Int? { get }

    /// Write the examples at `indices`, one after another: `inputs` takes
    /// indices.count x exampleShape floats, `targets` indices.count x targetShape floats (one-hot
    /// rows where there are classes; mix-up makes rows that sum to 1).
    ///
    /// `key` drives augmentation: what an example becomes follows from the key and the example's
    /// own index alone, so it is the same in any batch and on any thread. Hand over a new key each
    /// epoch; nil gives the examples as they are.
    /// Throws an index failure for an index outside 0 ..< count, and where a file cannot be read.
    func fill(
        _ indices: UnsafeBufferPointer<Int>, inputs: UnsafeMutablePointer<Float>,
        targets: UnsafeMutablePointer<Float>, key: RandomKey?) throws
}

extension ExampleSet {
    public func source(at index: Int) -> String? { nil }
    public func group(at index: Int) -> String? { nil }
    public var sampleRate: Int? { nil }

    /// Floats of one input.
    public var exampleSize: Int { exampleShape.reduce(1, *) }
    /// Floats of one target.
    public var targetSize: Int { targetShape.reduce(1, *) }

    /// Number of examples of each class, in the order of `classNames`.
    public var classCounts: [Int] {
        var counts = [Int](repeating: 0, count: classNames.count)
        for i in 0..<count {
            if let label = label(at: i), counts.indices.contains(label) { counts[label] += 1 }
        }
        return counts
    }

    /// Some examples as tensors: inputs [n, exampleShape…], targets [n, targetShape…].
    public func batch(_ indices: [Int], key: RandomKey? = nil) throws -> (inputs: Tensor, targets: Tensor) {
        let inputs = try Tensor(uninitialized: [indices.count] + exampleShape)
        let targets = try Tensor(uninitialized: [indices.count] + targetShape)
        try indices.withUnsafeBufferPointer {
            try fill(
                $0, inputs: inputs.base.assumingMemoryBound(to: Float.self),
                targets: targets.base.assumingMemoryBound(to: Float.self), key: key)
        }
        return (inputs, targets)
    }

    /// One example's input, of `exampleShape`, without augmentation. Negative indices count from the end.
    public func input(at index: Int) throws -> Tensor {
        let i = index < 0 ? index &+ count : index
        return try batch([i]).inputs.reshaped(exampleShape)
    }

    /// Throws an index failure that says how many examples there are.
    public func checkIndex(_ index: Int) throws(Failure) {
        guard index >= 0, index < count else {
            throw Failure(
                .index, "example \(index) does not exist: the set has \(count)",
                hint: count == 0 ? "the set is empty" : "examples run from 0 to \(count - 1)")
        }
    }
}

/// The three parts of a data set: what a network learns from, what decides when to stop, and what
/// it is judged by.
public struct ExampleSplit: Sendable {
    public var train: any ExampleSet
    public var validation: any ExampleSet
    public var test: any ExampleSet

    public init(train: any ExampleSet, validation: any ExampleSet, test: any ExampleSet) {
        self.train = train
        self.validation = validation
        self.test = test
    }
}

/// Examples that lie in memory as tensors.
public final class TensorExamples: ExampleSet {
    public let count: Int
    public let exampleShape: [Int]
    public let targetShape: [Int]
    public let classNames: [String]
    public let fingerprint: String
    private let inputs: Tensor
    private let targets: Tensor
    private let labels: [Int32]

    /// Classified inputs.
    /// - Parameters:
    ///   - inputs: [n, exampleShape…], any element type; kept as float32.
    ///   - labels: class of each, from 0.
    ///   - classNames: names in the order of the labels.
    /// Throws where the counts differ or a label has no name.
    public convenience init(inputs: Tensor, labels: [Int], classNames: [String]) throws {
        let n = try Self.count(of: inputs)
        guard labels.count == n else {
            throw Failure(
                .shape, "\(n) inputs have \(labels.count) labels", hint: "give one label for each input")
        }
        if let wrong = labels.first(where: { !classNames.indices.contains($0) }) {
            throw Failure(
                .value, "label \(wrong) has no class name: there are \(classNames.count) classes",
                hint: "labels count from 0")
        }
        let oneHot = try Tensor(repeating: 0, shape: [n, classNames.count])
        let rows = oneHot.base.assumingMemoryBound(to: Float.self)
        for (i, label) in labels.enumerated() { rows[i * classNames.count + label] = 1 }
        try self.init(inputs, oneHot, labels.map(Int32.init), classNames)
    }

    /// Inputs with values to predict: `targets` is [n, targetShape…].
    public convenience init(inputs: Tensor, targets: Tensor) throws {
        let n = try Self.count(of: inputs)
        guard try Self.count(of: targets) == n else {
            throw Failure(
                .shape, "\(n) inputs have \(targets.shape.first ?? 0) targets",
                hint: "the first axes of both must be equally long")
        }
        try self.init(inputs, targets, [], [])
    }

    private init(_ inputs: Tensor, _ targets: Tensor, _ labels: [Int32], _ classNames: [String]) throws {
        self.inputs = try inputs.converted(to: .float32).dense()
        self.targets = try targets.converted(to: .float32).dense()
        self.labels = labels
        self.classNames = classNames
        count = inputs.shape.first ?? 0
        exampleShape = Array(inputs.shape.dropFirst())
        targetShape = Array(targets.shape.dropFirst())
        var digest = Digest()
        digest.add("tensors \(inputs.shape) \(targets.shape)")
        for name in classNames { digest.add(name) }
        try self.inputs.withBytes { digest.add($0) }
        try self.targets.withBytes { digest.add($0) }
        fingerprint = digest.text
    }

    private static func count(of tensor: Tensor) throws(Failure) -> Int {
        guard let n = tensor.shape.first else {
            throw Failure(
                .shape, "a scalar is no set of examples", hint: "the first axis counts the examples")
        }
        return n
    }

    public func label(at index: Int) -> Int? { labels.indices.contains(index) ? Int(labels[index]) : nil }

    public func fill(
        _ indices: UnsafeBufferPointer<Int>, inputs: UnsafeMutablePointer<Float>,
        targets: UnsafeMutablePointer<Float>, key: RandomKey?
    ) throws {
        let (size, width) = (exampleSize, targetSize)
        let from = self.inputs.base.assumingMemoryBound(to: Float.self)
        let fromTargets = self.targets.base.assumingMemoryBound(to: Float.self)
        for (row, i) in indices.enumerated() {
            try checkIndex(i)
            (inputs + row * size).update(from: from + i * size, count: size)
            (targets + row * width).update(from: fromTargets + i * width, count: width)
        }
    }
}
