import Support

/// What training measured, a row an epoch.
public struct History: Sendable, Equatable {
    /// "loss", the metrics, "val_loss", "val_…", "learning_rate", "seconds".
    public private(set) var columns: [String] = []
    private var values: [[Double]] = []

    public init() {}

    /// Number of epochs.
    public var count: Int { values.first?.count ?? 0 }

    /// A column's values by epoch; empty where there is none of that name.
    public subscript(column: String) -> [Double] {
        columns.firstIndex(of: column).map { values[$0] } ?? []
    }

    public var loss: [Double] { self["loss"] }
    public var validationLoss: [Double] { self["val_loss"] }
    public var accuracy: [Double] { self["accuracy"] }
    public var validationAccuracy: [Double] { self["val_accuracy"] }
    public var learningRate: [Double] { self["learning_rate"] }
    public var seconds: [Double] { self["seconds"] }

    /// A new row. A column that was not there before is filled up with NaN, and so is a missing one.
    public mutating func append(_ row: [(name: String, value: Double)]) {
        let epochs = count
        for (name, _) in row where !columns.contains(name) {
            columns.append(name)
            values.append([Double](repeating: .nan, count: epochs))
        }
        for (i, column) in columns.enumerated() {
            values[i].append(row.first { $0.name == column }?.value ?? .nan)
        }
    }

    /// Equal but for the time it took.
    public func isSame(as other: History) -> Bool {
        func plain(_ h: History) -> [[UInt64]] {
            zip(h.columns, h.values).filter { $0.0 != "seconds" }.map { $0.1.map(\.bitPattern) }
        }
        return columns == other.columns && plain(self) == plain(other)
    }

    /// Comma-separated values: a header, then a row an epoch.
    public var csv: String {
        var lines = [(["epoch"] + columns).joined(separator: ",")]
        for epoch in 0..<count {
            let row = values.map { $0[epoch].isNaN ? "" : "\($0[epoch])" }
            lines.append(([String(epoch + 1)] + row).joined(separator: ","))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    var json: JSON {
        .object(
            zip(columns, values).map {
                JSON.Member($0, .array($1.map { $0.isFinite ? .number($0) : .string("\($0)") }))
            })
    }

    init(json: JSON) throws {
        for member in json.members ?? [] {
            let list = (member.value.array ?? []).map { $0.double ?? $0.string.flatMap(Double.init) ?? .nan }
            columns.append(member.key)
            values.append(list)
        }
        guard Set(values.map(\.count)).count <= 1 else {
            throw Failure(.file, "the checkpoint's history is broken")
        }
    }
}
