import Support
import Tensor

/// A data set as opened: its parts, and what the person should know about it.
public struct DataSet: Sendable {
    public var name: String
    /// Every example, before the split.
    public var all: any ExampleSet
    public var split: ExampleSplit
    /// Files left out, each by name with the reason.
    public var problems: [String]
    /// What was decided or looks odd: an empty part, a cache that cannot be written.
    public var notes: [String]

    public init(
        name: String, all: any ExampleSet, split: ExampleSplit, problems: [String] = [], notes: [String] = []
    ) {
        self.name = name
        self.all = all
        self.split = split
        self.problems = problems
        self.notes = notes
    }

    public var train: any ExampleSet { split.train }
    public var validation: any ExampleSet { split.validation }
    public var test: any ExampleSet { split.test }

    /// A set divided by the part of each example.
    init(name: String, all: any ExampleSet, parts: [DataPart], problems: [String], notes: [String]) throws {
        func part(_ wanted: DataPart) throws -> any ExampleSet {
            try Subset(all, parts.indices.filter { parts[$0] == wanted })
        }
        let split = try ExampleSplit(train: part(.train), validation: part(.validation), test: part(.test))
        var notes = notes
        for (word, set) in [
            ("validation", split.validation), ("test", split.test), ("training", split.train),
        ] {
            let missing = zip(set.classNames, set.classCounts).filter { $0.1 == 0 }.map(\.0)
            if set.count == 0 {
                notes.append("the \(word) part is empty: there are too few speakers")
            } else if !missing.isEmpty {
                let shown = missing.prefix(8).joined(separator: ", ") + (missing.count > 8 ? " …" : "")
                notes.append("the \(word) part has no example of \(shown)")
            }
        }
        self.init(name: name, all: all, split: split, problems: problems, notes: notes)
    }

    /// The same change made to every part.
    public func map(_ change: (any ExampleSet) throws -> any ExampleSet) rethrows -> DataSet {
        var copy = self
        copy.all = try change(all)
        copy.split = try ExampleSplit(
            train: change(train), validation: change(validation), test: change(test))
        return copy
    }

    /// Several sets as one, part by part.
    public static func concatenated(_ sets: [DataSet]) throws -> DataSet {
        func joined(_ part: (DataSet) -> any ExampleSet) throws -> any ExampleSet {
            try ConcatenatedExamples(sets.map(part))
        }
        return try DataSet(
            name: sets.map(\.name).joined(separator: " + "), all: joined(\.all),
            split: ExampleSplit(
                train: joined(\.train), validation: joined(\.validation), test: joined(\.test)),
            problems: sets.flatMap(\.problems), notes: sets.flatMap(\.notes))
    }
}
