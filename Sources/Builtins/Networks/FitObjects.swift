import Language
import Network
import Support

/// What `fit` gives: the history by column.
final class FitObject: VZObject {
    let result: FitResult
    let network: Network
    init(_ result: FitResult, _ network: Network) {
        self.result = result
        self.network = network
    }

    var typeName: String { "run" }
    var memberNames: [String] { result.history.columns + ["epochs", "steps", "interrupted", "net"] }
    func member(_ name: String) throws -> Value? {
        switch name {
        case "epochs": return Value(result.epochs)
        case "steps": return Value(result.steps)
        case "interrupted": return Value(result.isInterrupted)
        case "net": return Value(NetworkObject(network))
        default:
            if result.history.columns.contains(name) {
                let counting = Counting(first: 1, name: "epoch", what: name)
                return .list(List(result.history[name].map { Value($0) }, counting: counting))
            }
            // An interrupted first epoch has no row yet, but the names are known.
            return ["loss", "val_loss", "accuracy", "val_accuracy"].contains(name) ? Value([Double]()) : nil
        }
    }

    var summary: String { "<run of \(network.name): \(result.epochs) epochs, \(result.steps) steps>" }
    func display(width: Int) -> String {
        let h = result.history
        let columns = h.columns
        guard h.count > 0 else { return summary }
        let shown = h.count <= 12 ? Array(0..<h.count) : Array(0..<5) + [-1] + Array(h.count - 6..<h.count)
        var rows = [["epoch"] + columns]
        for row in shown {
            rows.append(row < 0 ? ["…"] : [String(row + 1)] + columns.map { format4(h[$0][row]) })
        }
        let widths = rows[0].indices.map { i in rows.map { i < $0.count ? $0[i].count : 0 }.max() ?? 0 }
        let lines = rows.map { row in
            row.indices.map { row[$0].leftPadded(widths[$0] + ($0 > 0 ? 2 : 0)) }.joined()
        }
        return lines.joined(separator: "\n")
    }
}

/// What `evaluate` gives.
final class EvaluationObject: VZObject {
    let result: Evaluation
    init(_ result: Evaluation) { self.result = result }

    var typeName: String { "score" }
    var memberNames: [String] {
        ["loss", "accuracy", "confusion", "count", "classes", "precision", "recall", "f1", "most_confused"]
    }
    func member(_ name: String) throws -> Value? {
        let scores = result.classScores
        switch name {
        case "loss": return Value(result.loss)
        case "accuracy": return Value(result.accuracy)
        case "count": return Value(result.count)
        case "classes": return Value(result.classes)
        case "confusion": return Value(ConfusionObject(result))
        case "precision": return Value(scores.map { ($0.name, Value($0.precision)) })
        case "recall": return Value(scores.map { ($0.name, Value($0.recall)) })
        case "f1": return Value(scores.map { ($0.name, Value($0.f1)) })
        case "most_confused":
            return Value(
                result.mostConfused().map {
                    Value([
                        ("actual", Value($0.actual)), ("predicted", Value($0.predicted)),
                        ("count", Value($0.count)),
                    ])
                })
        default: return result.metrics.first { $0.name == name }.map { Value($0.value) }
        }
    }

    var summary: String {
        "<score: accuracy \(format4(result.accuracy)), loss \(format4(result.loss)) on \(result.count) examples>"
    }
    func display(width: Int) -> String {
        var lines = [
            "accuracy \(format4(result.accuracy)), loss \(format4(result.loss)) on \(result.count) examples"
        ]
        if !result.classes.isEmpty {
            lines.append(
                "class".padded(16)
                    + ["count", "precision", "recall", "f1"].map { $0.leftPadded(11) }.joined())
            for s in result.classScores {
                lines.append(
                    s.name.padded(16) + String(s.count).leftPadded(11)
                        + [s.precision, s.recall, s.f1].map { format4($0).leftPadded(11) }.joined())
            }
            let pairs = result.mostConfused(5).map { "\($0.actual) → \($0.predicted) \($0.count)" }
            if !pairs.isEmpty { lines.append("most confused: \(pairs.joined(separator: ", "))") }
        }
        return lines.joined(separator: "\n")
    }
}

/// A confusion matrix: rows are the true classes, columns the predicted ones.
final class ConfusionObject: VZObject {
    let result: Evaluation
    init(_ result: Evaluation) { self.result = result }
    var typeName: String { "confusion" }
    var count: Int? { result.confusion.count }
    func index(_ indices: [Value]) throws -> Value {
        let n = result.confusion.count
        let places = try indices.map { value -> Int in
            guard let i = value.asInt, (-n..<n).contains(i) else {
                throw Failure(
                    .index, "a confusion matrix of \(n) classes has no place \(value.summary(limit: 20))")
            }
            return i < 0 ? i + n : i
        }
        if places.count == 1 { return Value(result.confusion[places[0]].map(Double.init)) }
        guard places.count == 2 else { throw Failure(.index, "a confusion matrix takes [actual, predicted]") }
        return Value(result.confusion[places[0]][places[1]])
    }
    var summary: String { "<confusion matrix of \(result.confusion.count) classes>" }
}

extension FitObject: Tabular {
    /// A row an epoch.
    var table: (header: [String], rows: [[String]])? {
        let h = result.history
        guard h.count > 0 else { return nil }
        let shown = h.count <= 60 ? Array(0..<h.count) : Array(0..<20) + Array(h.count - 40..<h.count)
        return (
            ["epoch"] + h.columns, shown.map { row in ["\(row + 1)"] + h.columns.map { format4(h[$0][row]) } }
        )
    }
}

extension EvaluationObject: Tabular {
    /// A row a class, and all of them together.
    var table: (header: [String], rows: [[String]])? {
        guard !result.classes.isEmpty else { return nil }
        let all = ["all: accuracy \(format4(result.accuracy))", "\(result.count)", "", "", ""]
        let rows = result.classScores.map {
            [$0.name, "\($0.count)", format4($0.precision), format4($0.recall), format4($0.f1)]
        }
        return (["class", "count", "precision", "recall", "f1"], rows + [all])
    }
}
