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
        "yield": "a function gives back one value; a list is made with `[f(x) for x in xs]`",
        "with":
            "nothing has to be closed: `load(\"file\")`, `save(x, \"file\")` and their kin open and close",
        "async": "a call gives its result when it is done",
        "await": "a call gives its result when it is done",
        "new": "a function makes things, called by its name: `f(x)`",
        "fun": function, "sub": function, "void": function, "defun": function,
        "float": variable, "double": variable, "auto": variable, "mut": variable, "static": variable,
        "nonlocal": "a function sets the variables of the functions around it as they are: `x = 1`",
        "interface": kinds, "enum": kinds,
        "export": file, "module": file, "package": file,
    ]

    /// Words between two values: `x is nil`.
    static let operators: [String: String] = [
        "is": "write `==`", "mod": "write `%`", "div": "write `//`", "xor": "write `!=`", "eq": "write `==`",
        "then": "a block goes between { and }", "do": "a block goes between { and }",
    ]

    /// Names that hold numbers: no call, but a product is meant behind them.
    static let constants: Set<String> = ["pi", "inf", "nan"]

    static func transpose(_ name: String) -> String { "the transpose is written `\(name).T`" }

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
        "sample_rate": ["rate"], "key": ["by"], "reversed": ["reverse"], "descending": ["reverse"],
        "class": ["filter", "classes"], "target": ["filter"],
    ]
}
