import Language
import Support

/// One number from many: of lists and ranges here, of tensors as the tensor does.
enum CoreReductions {
    static func table() -> [Builtin] {
        [
            reduction("sum", "The sum of all elements.", "sum([1, 2, 3])  # expect: 6", ["mean", "prod"]) {
                total($0)
            },
            reduction("prod", "The product of all elements.", "prod(1..5)  # expect: 120", ["sum"]) {
                $0.reduce(1, *)
            },
            reduction("mean", "The arithmetic mean.", "mean([1, 2, 6])  # expect: 3", ["median", "std"]) {
                $0.isEmpty ? nil : total($0) / Double($0.count)
            },
            reduction(
                "median", "The middle of the sorted elements.", "median([5, 1, 3])  # expect: 3", ["mean"]
            ) { try LongWork.median($0) },
            reduction(
                "var", "The variance: mean squared distance from the mean (divided by n).",
                "var([1, 3])  # expect: 1", ["std"]
            ) { variance($0) },
            reduction(
                "std", "The standard deviation: square root of `var`.", "std([1, 3])  # expect: 1",
                ["var", "mean"]
            ) {
                variance($0)?.squareRoot()
            },
            extreme(
                "max", "largest",
                "max(2, 7, 5)  # expect: 7\nmax([3, 1])  # expect: 3\nmax([\"b\", \"aaa\"], by = len)  # expect: \"aaa\"",
                1),
            extreme("min", "smallest", "min(2, 7, 5)  # expect: 2\nmin(3..9)  # expect: 3", -1),
            place("argmax", "largest", "argmax([3, 9, 2])  # expect: 1", 1),
            place("argmin", "smallest", "argmin([3, 9, 2])  # expect: 2", -1),
            cumulative(),
        ]
    }

    private static func reduction(
        _ name: String, _ summary: String, _ example: String, _ seeAlso: [String],
        _ f: @escaping ([Double]) throws -> Double?
    ) -> Builtin {
        Builtin(
            name, topic: "numbers",
            [
                .required("x", "a list or range of numbers, or a tensor"),
                .optional("axis", "nil", "of a tensor: the axis, or axes, to reduce; without it all"),
                .optional("keepdims", "false", "of a tensor: keep reduced axes with length 1"),
            ],
            summary: summary, example: example, seeAlso: seeAlso
        ) { args in
            if case .object(let o) = args[0], let result = try o.apply(name, &args) { return result }
            if !args[1].isNil { throw args.failure("`axis` is for tensors", hint: "make one: `tensor(xs)`") }
            let numbers: [Double]
            if case .list(let l) = args[0] {
                if let result = try folded(name, l.items, args) { return result }
                numbers = try l.items.enumerated().map { i, item in
                    guard case .number(let x) = item else { throw notANumber(item, at: i, args) }
                    return x
                }
            } else {
                numbers = try args.numbers("x")
            }
            guard let result = try f(numbers) else { throw args.failure("the list is empty", kind: .value) }
            return .number(result)
        }
    }

    /// The sum or mean of a list with tensors in it, as `+` adds them; nil where all are plain.
    private static func folded(_ name: String, _ items: [Value], _ args: Arguments) throws -> Value? {
        guard let i = items.firstIndex(where: { $0.asObject != nil }) else { return nil }
        guard name == "sum" || name == "mean" else {
            throw args.failure(
                "element \(i) of the list is \(items[i].typePhrase)",
                hint: "make one tensor of them: `\(name)(stack(xs))`, or `\(name)(stack(xs), axis = 0)`")
        }
        var total = items[0]
        for item in items.dropFirst() { total = try Operators.binary(.add, total, item) }
        return name == "sum" ? total : try Operators.binary(.divide, total, Value(items.count))
    }

    private static func notANumber(_ item: Value, at i: Int, _ args: Arguments) -> Failure {
        var failure = args.mismatch("x", "a list of numbers", args[0])
        failure.message =
            "`\(args.builtin.name)`: element \(i) of the list is \(item.typePhrase) (\(item.summary(limit: 40))), not a number"
        return failure
    }

    /// Neumaier's compensated sum: the rounding errors are carried along.
    static func total(_ xs: [Double]) -> Double {
        var sum = 0.0
        var lost = 0.0
        for x in xs {
            let next = sum + x
            lost += abs(sum) >= abs(x) ? (sum - next) + x : (x - next) + sum
            sum = next
        }
        return lost.isFinite ? sum + lost : sum
    }

    private static func variance(_ xs: [Double]) -> Double? {
        if xs.isEmpty { return nil }
        let mean = total(xs) / Double(xs.count)
        return total(xs.map { ($0 - mean) * ($0 - mean) }) / Double(xs.count)
    }

    private static func extreme(_ name: String, _ word: String, _ example: String, _ direction: Int)
        -> Builtin
    {
        Builtin(
            name, topic: "numbers",
            [
                .required("x", "a list, a range, a tensor, or the first of several values"),
                .variadic("others", "further values"),
                .optional("axis", "nil", "of a tensor: the axis to reduce"),
                .optional("keepdims", "false", "of a tensor: keep reduced axes with length 1"),
                .optional("by", "nil", "compare what this function gives for each"),
            ],
            summary: "The \(word) of several values, or of a list.",
            doc: "Of tensors and numbers it is taken element by element.", example: example,
            seeAlso: ["arg\(name)", "sort"]
        ) { args in
            for candidate in [args[0]] + args.rest {
                if case .object(let o) = candidate, let result = try o.apply(name, &args) { return result }
            }
            let items =
                args.rest.isEmpty
                ? try Sequences.items(args[0], "`\(name)`: one value must be") : [args[0]] + args.rest
            let by = try args.optionalFunction("by")
            guard var best = items.first else { throw args.failure("the list is empty", kind: .value) }
            var bestKey = try by.map { try args.interpreter.call($0, [best]) } ?? best
            for item in items.dropFirst() {
                let key = try by.map { try args.interpreter.call($0, [item]) } ?? item
                if try Operators.order(key, bestKey) * direction > 0 {
                    best = item
                    bestKey = key
                }
            }
            return best
        }
    }

    private static func place(_ name: String, _ word: String, _ example: String, _ direction: Int) -> Builtin
    {
        Builtin(
            name, topic: "numbers",
            [
                .required("x", "a list, or a tensor"),
                .optional("axis", "nil", "of a tensor: the axis to search"),
            ],
            summary: "The index of the \(word) element; of the first, where several are equal.",
            example: example
        ) { args in
            if case .object(let o) = args[0], let result = try o.apply(name, &args) { return result }
            let items = try Sequences.items(args[0], "`\(name)` searches")
            guard let first = items.first else { throw args.failure("the list is empty", kind: .value) }
            var best = (index: 0, value: first)
            for (i, item) in items.enumerated() where i > 0 {
                if try Operators.order(item, best.value) * direction > 0 { best = (i, item) }
            }
            return Value(best.index)
        }
    }

    private static func cumulative() -> Builtin {
        Builtin(
            "cumsum", topic: "numbers",
            [
                .required("x", "a list or range of numbers, or a tensor"),
                .optional("axis", "nil", "of a tensor: the axis to go along"),
            ],
            summary: "The running sums.", example: "cumsum([1, 2, 3])  # expect: [1, 3, 6]", seeAlso: ["sum"]
        ) { args in
            if case .object(let o) = args[0], let result = try o.apply("cumsum", &args) { return result }
            var sum = 0.0
            return Value(
                try args.numbers("x").map {
                    sum += $0
                    return sum
                })
        }
    }
}
