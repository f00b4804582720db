import Language

/// A line that is a command of the prompt rather than vz: `?name`, `$ command`, `cd ~/data`.
/// Scripts know none of them; each has a function of the same name for scripts where that makes
/// sense (`help("name")`, `cd("~/data")`).
package enum PromptCommand: Equatable {
    /// `?name`, `help name`; without a name, an overview.
    case help(String)
    /// `??name`: the source of a function.
    case source(String)
    case apropos(String)
    /// `$ command`: by the system's shell.
    case system(String)
    case cd(String)
    case pwd
    case ls(String)
    case whos
    /// `clear` wipes the screen; with names it forgets them.
    case clear([String])
    case edit(String)
    /// `time EXPR`: the value, and how long it took.
    case time(String)
    /// `bench EXPR`: how long it takes, many times over.
    case bench(String)
    case exit

    /// The words that begin a command.
    package static let words = [
        "apropos", "bench", "cd", "clear", "edit", "exit", "help", "ls", "pwd", "quit", "time", "whos",
    ]

    /// The command that `text` is, or nil where it is vz: `ls = 3` and `time + 1` are.
    package init?(_ text: String) {
        let line = text.trimmed
        if line.hasPrefix("??") {
            self = .source(String(line.dropFirst(2)).trimmed)
            return
        }
        if line.hasPrefix("?") {
            self = .help(String(line.dropFirst()).trimmed)
            return
        }
        if line.hasPrefix("$") {
            self = .system(String(line.dropFirst()).trimmed)
            return
        }
        let word = String(line.prefix { $0.isLetter })
        guard Self.words.contains(word) else { return nil }
        let tail = String(line.dropFirst(word.count))
        if word == "bench" || word == "time", let inner = Self.wholeCall(tail) {
            self = word == "bench" ? .bench(inner) : .time(inner)
            return
        }
        let rest = tail.trimmed
        guard tail.isEmpty || tail.first == " ", !Self.continuesExpression(rest) else { return nil }
        self.init(word: word, rest: rest)
    }

    private init?(word: String, rest: String) {
        let isSingle = !rest.contains("\n")
        switch word {
        case "help" where isSingle: self = .help(rest)
        case "apropos" where !rest.isEmpty && isSingle: self = .apropos(rest)
        case "cd" where isSingle: self = .cd(rest)
        case "ls" where isSingle: self = .ls(rest)
        case "edit" where isSingle: self = .edit(rest)
        case "clear" where isSingle:
            self = .clear(rest.split { $0 == " " || $0 == "," }.map(String.init))
        case "time" where !rest.isEmpty: self = .time(rest)
        case "bench" where !rest.isEmpty: self = .bench(rest)
        case "pwd" where rest.isEmpty: self = .pwd
        case "whos" where rest.isEmpty: self = .whos
        case "exit" where rest.isEmpty, "quit" where rest.isEmpty: self = .exit
        default: return nil
        }
    }

    /// True where the text behind a word makes it the beginning of an expression or assignment.
    private static func continuesExpression(_ rest: String) -> Bool {
        if ["=", "|>", "+=", "-=", "*=", "/="].contains(where: rest.hasPrefix), rest != "==" { return true }
        let first = rest.prefix { $0 != " " }
        return rest.count > first.count
            && ["+", "-", "*", "/", "%", "^", "@", "<", ">", "<=", ">=", "!=", "and", "or", "in"].contains(
                first)
    }

    /// The inside of `(…)` where that is the whole of `text`.
    private static func wholeCall(_ text: String) -> String? {
        guard text.first == "(", text.last == ")" else { return nil }
        var depth = 0
        var isInString = false
        var isEscaped = false
        for (i, c) in text.enumerated() {
            if isInString {
                if !isEscaped, c == "\"" { isInString = false }
                isEscaped = !isEscaped && c == "\\"
                continue
            }
            switch c {
            case "\"": isInString = true
            case "(", "[", "{": depth += 1
            case ")", "]", "}": depth -= 1
            default: break
            }
            if depth == 0, i < text.count - 1 { return nil }
        }
        return String(text.dropFirst().dropLast())
    }

    /// The name in `name?`, which asks for help elsewhere.
    package static func askedBehind(_ text: String) -> String? {
        let line = text.trimmed
        let name = line.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }
        let rest = line.dropFirst(name.count).drop { $0 == " " || $0 == "(" || $0 == ")" }
        return !name.isEmpty && (rest == "?" || rest == "??") ? String(name) : nil
    }

    /// The name a session may have taken for itself: then the line is vz.
    package var word: String? {
        switch self {
        case .source, .system: nil
        case .help: "help"
        case .apropos: "apropos"
        case .cd: "cd"
        case .pwd: "pwd"
        case .ls: "ls"
        case .whos: "whos"
        case .clear: "clear"
        case .edit: "edit"
        case .time: "time"
        case .bench: "bench"
        case .exit: "exit"
        }
    }

    /// True where the vz behind the word goes on on the next line.
    package var goesOn: Bool {
        switch self {
        case .time(let text), .bench(let text): Self.goesOn(text)
        default: false
        }
    }

    /// True where vz that is typed goes on on the next line.
    package static func goesOn(_ text: String) -> Bool {
        if case .incomplete = Interpreter.parse(text, file: "<input>") { true } else { false }
    }
}

extension String {
    /// Without white space at both ends.
    package var trimmed: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }),
            let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }
}
