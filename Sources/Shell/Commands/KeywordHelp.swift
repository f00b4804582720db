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

    package static func entry(_ word: String) -> (word: String, form: String, text: String)? {
        entries.first { $0.word == word }
    }

    /// Words that something follows on their line.
    package static func needsSpace(_ word: String) -> Bool {
        !["break", "continue", "true", "false", "nil"].contains(word)
    }
}
