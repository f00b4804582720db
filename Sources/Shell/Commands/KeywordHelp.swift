/// What the words of the language mean, for `?while` and for completion.
package enum KeywordHelp {
    package static let entries: [(word: String, form: String, text: String)] = [
        (
            "fn", "fn name(a, b = 1) = expression",
            "Defines a function; `fn name(a) { … }` has a block, whose last expression is the value."
        ),
        (
            "if", "if condition { … } else if condition { … } else { … }",
            "Chooses; it is an expression: `y = if x > 0 { 1 } else { -1 }`."
        ),
        (
            "else", "if condition { … } else { … }",
            "What happens otherwise; after `try`, what stands in for a failure."
        ),
        (
            "for", "for x in xs { … }",
            "Runs the block for each element; `[x^2 for x in xs if x > 0]` makes a list."
        ),
        ("in", "x in xs", "True where `xs` holds `x`; in `for x in xs` it names what to walk through."),
        ("while", "while condition { … }", "Runs the block as long as the condition holds."),
        ("break", "break", "Leaves the innermost loop."),
        ("continue", "continue", "Goes on with the next turn of the innermost loop."),
        ("return", "return value", "Leaves the function with a value."),
        (
            "try", "try expression else e -> other",
            "The value of `other` where `expression` fails; `e.message` and `e.kind` say why."
        ),
        ("raise", "raise \"message\"", "Fails with a message."),
        (
            "use", "use \"file.vz\" as m",
            "Runs a file once; its names are here, or in `m` where `as m` is given."
        ),
        ("as", "use \"file.vz\" as m", "Names what a used file defines."),
        ("and", "a and b", "True where both are; `b` is looked at only where `a` is true."),
        ("or", "a or b", "True where one is; `b` is looked at only where `a` is false."),
        ("not", "not a", "True where `a` is false."),
        ("true", "true", "The truth value."),
        ("false", "false", "The other truth value."),
        ("nil", "nil", "Nothing: what a missing value is."),
    ]

    /// Operators and other signs, for `?|>`.
    private static let signs: [(word: String, form: String, text: String)] = [
        ("|>", "x |> f(a)", "The call f(x, a): what stands before it becomes the first argument."),
        ("..", "a..b", "The whole numbers from a to b; in an index either end may be left out: `xs[1..]`."),
        ("..<", "a..<b", "The whole numbers from a up to, but without, b: `for i in 0..<len(xs) { … }`."),
        ("->", "x -> expression", "A function without a name; `(x, y) -> …` takes two."),
        ("^", "x ^ y", "x to the power of y."),
        ("@", "a @ b", "The matrix product."),
        ("//", "a // b", "The quotient, rounded down; `#` begins a comment."),
        ("%", "a % b", "What is left by a // b."),
        ("==", "a == b", "True where both are equal; of tensors, element by element. `=` sets a variable."),
        (
            "=", "x = value",
            "Sets a variable, an element `x[i] = …` or a member `r.name = …`; `a, b = xs` sets two."
        ),
        ("??", "a ?? b", "a, or b where a is nil."),
        ("*", "a * b", "The product; `*xs` among arguments or in [ ] spreads a list."),
        ("**", "f(**options)", "Spreads a record into named arguments; a power is written `x ^ 2`."),
        (":", "t[0, :]", "In an index a whole axis; in a record what stands between a name and its value."),
        (";", "value;", "At the end of a line: its value is not shown."),
        ("#", "# words", "A comment; `##` above a function is its doc, which `?name` shows."),
        ("{", "{rate: 16000, mono: true}", "A record; after `if`, `for`, `while` and `fn` a block."),
        ("[", "[1, 2, 3]", "A list; behind a value an index: `xs[0]`, `xs[-1]`, `t[0, 1..3]`."),
        ("$", "$ command", "Runs a command by the system's shell, such as `$ ls -la`."),
    ]

    package static func entry(_ word: String) -> (word: String, form: String, text: String)? {
        (entries + signs).first { $0.word == word }
    }

    /// Words that something follows on their line.
    package static func needsSpace(_ word: String) -> Bool {
        !["break", "continue", "true", "false", "nil"].contains(word)
    }
}
