/// What people bring along from other languages, and how vz says it.
enum Foreign {
    private static let function = "a function is written `fn name(a, b = 1) = …` or `fn name(a) { … }`"
    private static let variable = "a variable needs no word before it: `x = 1`"
    private static let file =
        "write `use \"file.vz\"` or `use \"file.vz\" as m`; what comes with vz needs none"
    private static let failure = "write `try … else e -> …`"
    private static let branches = "write `if … { … } else if … { … } else { … }`"
    private static let kinds =
        "a record holds values together, `{name: \"a\", size: 3}`; a function makes one"
    private static let loop = "a loop is written `for x in xs { … }` or `while condition { … }`"
    private static let output = "write print(…)"
    private static let prefix = "vz's functions need no prefix: `zeros(2, 3)`, `sin(x)`, `plot(y)`"
    private static let raised = "write `raise \"what is wrong\"`"
    private static let noObject = "a closure keeps state"

    /// Words that begin something, with what belongs to them behind them: `def f(x)`, `elif x`.
    static let words: [String: String] = [
        "def": function, "function": function, "func": function, "proc": function,
        "let": variable, "var": variable, "const": variable, "local": variable, "val": variable,
        "import": file, "from": file, "include": file, "require": file, "using": file,
        "elif": "write `else if`", "elsif": "write `else if`", "elseif": "write `else if`",
        "lambda": "write `x -> …` or `(x, y) -> …`", "throw": raised,
        "catch": failure, "except": failure, "finally": failure,
        "assert": "write `assert(condition, \"message\")`",
        "print": output, "println": output, "echo": output, "disp": output, "printf": output,
        "global": "a function gives its result back; to keep state, set a field of a record",
        "del": "`clear x` at the prompt forgets a name", "class": kinds, "struct": kinds,
        "switch": branches, "match": branches, "case": branches, "when": branches,
        "foreach": loop, "loop": loop, "do": loop, "until": loop,
        "unless": "write `if not … { … }`",
    ]

    /// Words between two values: `x is nil`.
    static let operators: [String: String] = [
        "is": "write `==`", "mod": "write `%`", "div": "write `//`", "xor": "write `!=`", "eq": "write `==`",
        "then": "a block goes between { and }", "do": "a block goes between { and }",
    ]

    /// Names that vz does not have.
    static let names: [String: String] = [
        "True": "write `true`", "TRUE": "write `true`", "False": "write `false`", "FALSE": "write `false`",
        "None": "write `nil`", "null": "write `nil`", "NULL": "write `nil`", "nothing": "write `nil`",
        "undefined": "write `nil`", "NaN": "write `nan`", "Infinity": "write `inf`", "Inf": "write `inf`",
        "elif": "write `else if`", "def": function, "import": file, "lambda": "write `x -> …`",
        "echo": output, "println": output, "disp": output, "display": output,
        "printf": "write print(\"{x:.3f}\")", "length": "write len(x)",
        "size": "write len(x), or t.shape", "shape": "write t.shape",
        "end": "the last element is `xs[-1]`, and from the third on `xs[2..]`; a block ends with `}`",
        "pass": "an empty block is `{ }`",
        "this": "vz has no `this`; \(noObject)", "self": "vz has no `self`; \(noObject)",
        "np": prefix, "numpy": prefix, "torch": prefix, "tf": prefix, "keras": prefix, "nn": prefix,
        "plt": prefix, "math": prefix, "Math": prefix, "jnp": prefix, "jax": prefix, "scipy": prefix,
        "array": "write tensor([1, 2, 3])", "ndarray": "write tensor([1, 2, 3])",
        "dict": "a record is written `{rate: 16000, mono: true}`",
        "Exception": raised, "Error": raised, "ValueError": raised, "TypeError": raised,
        "RuntimeError": raised, "error": raised,
        "time": "at the prompt, `time EXPR` shows how long it took; elsewhere write bench(() -> …)",
    ]

    /// What other libraries call a parameter: the first that a function has is meant.
    static let parameters: [String: [String]] = [
        "lr": ["learning_rate", "eta", "optimizer"], "alpha": ["learning_rate", "eta", "optimizer"],
        "learning_rate": ["eta", "optimizer"], "step_size": ["eta", "learning_rate"],
        "iterations": ["steps", "epochs"], "num_epochs": ["epochs"], "out_channels": ["filters", "units"],
        "out_features": ["units"], "strides": ["stride"], "dim": ["axis"], "keepdim": ["keepdims"],
        "axes": ["axis"], "kernel_initializer": ["initializer"], "wd": ["weight_decay"], "color": ["colours"],
        "colour": ["colours"], "colors": ["colours"], "figsize": ["size"], "sr": ["rate"],
        "sample_rate": ["rate"], "class": ["filter", "classes"], "target": ["filter"],
    ]
}

/// Errors that say what may have been meant.
extension Parser {
    /// Two things on a line that do not belong together.
    func afterStatement(_ node: Node) -> SyntaxError {
        if kind == .assign { return badTarget(node) }
        if kind == .rightParen || kind == .rightBracket || kind == .rightBrace {
            return SyntaxError(
                message: "`\(text(current))` closes nothing", hint: "remove it, or open it before",
                start: current.start,
                end: current.end)
        }
        return unexpected("the end of the line or `;`", hint: afterStatementHint())
    }

    private func afterStatementHint() -> String? {
        if kind == .starStar { return "a power is written `x ^ 2`" }
        guard at > 0 else { return nil }
        let before = tokens[at - 1]
        if isComment() { return "a comment begins with `#`; `//` divides and rounds down" }
        if kind == .colon, ahead(1) == .assign { return "write `=`" }
        if kind == .name, let hint = Foreign.operators[text(current)] ?? Foreign.words[text(current)] {
            return hint
        }
        guard before.kind == .name else {
            if kind == .colon { return "a block goes between { and }" }
            let isString = before.kind == .string || before.kind == .rawString
            return isString && (kind == .string || kind == .rawString) ? "strings are joined by `+`" : nil
        }
        let word = text(before)
        if kind == .string || kind == .rawString, before.end == current.start,
            ["f", "r", "b", "u"].contains(word.lowercased())
        {
            return
                "a string needs no letter before it: \"a {x}\" takes in values, 'a\\b' takes all as it stands"
        }
        if let hint = Foreign.words[word] { return hint }
        if kind == .colon { return "a block goes between { and }" }
        let isMember = at > 1 && tokens[at - 2].kind == .dot
        guard !isMember, [.name, .number, .string, .rawString].contains(kind) else { return nil }
        let isAlone = [.newline, .semicolon, .end].contains(ahead(1))
        return "a call has brackets: `\(word)(\(isAlone ? text(current) : "…"))`"
    }

    /// A `//` stands before on this line: in many languages what follows it is a comment.
    private func isComment() -> Bool {
        var i = at - 1
        while i >= 0, tokens[i].kind != .newline {
            if tokens[i].kind == .slashSlash { return true }
            i -= 1
        }
        return false
    }

    /// Something stands where a value should.
    func noValue() -> SyntaxError {
        let isFirst = at == 0 || tokens[at - 1].kind == .newline
        let hint: String?
        switch kind {
        case .for, .while: hint = "a loop has no value; a list is made with `[f(x) for x in xs]`"
        case .return, .break, .continue, .raise:
            hint = "`\(text(current))` stands on a line of its own, in a block"
        case .assign: hint = "to compare, write `==`"
        case .starStar: hint = "a power is written `x ^ 2`"
        case .else:
            hint = "`else` stands on the line of the `}` before it, as in `} else {`, or after `try …`"
        case .slashSlash, .slash, .percent:
            hint = isFirst ? "a comment begins with `#`" : nil
        case .pipe: hint = "a pipe begins with a value: `xs |> sum`"
        case .colon where at > 0 && tokens[at - 1].kind == .try: hint = "write `try … else e -> …`"
        default: hint = nil
        }
        return unexpected("a value", hint: hint)
    }

    /// A bracket that something else than its end follows: where it was opened, or what is missing.
    func unclosed(_ open: Token, _ wanted: String) -> SyntaxError {
        let line = source.line(of: open.start)
        var hint: String?
        if kind == .assign {
            hint = "to compare, write `==`"
        } else if source.line(of: current.start) != line {
            let comma = current.beginsExpression ? ", or put a comma before this" : ""
            hint = "close the `\(text(open))` of line \(line)\(comma)"
        } else if open.kind == .leftBracket, kind == .semicolon {
            hint = "the rows of a matrix are lists: `tensor([[1, 2], [3, 4]])`"
        } else if current.beginsExpression, wanted.contains("`,`") {
            hint = "put a comma before it"
        }
        return unexpected(wanted, hint: hint)
    }
}
