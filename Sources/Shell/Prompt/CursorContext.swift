/// What stands at the cursor of a text that may not be finished: in code, a string or a comment;
/// after which dot; in which call. A scan of brackets and quotes, so that it works on any input.
package struct CursorContext {
    package enum Place: Equatable {
        /// In code: a name, or the place for one.
        case name
        /// After a dot; the text of what stands before it, such as `data.test[0]`.
        case member(of: String)
        /// In a string; a raw one (in single quotes) has no escapes.
        case string(isRaw: Bool)
        /// Where nothing is completed.
        case comment
    }

    package var place: Place
    /// Byte offset of the first letter of the word (or of the string's contents).
    package var start: Int
    /// What of the word is there.
    package var prefix: String
    /// A call that is open: the names given in it so far, how many arguments without one are complete,
    /// and the name of the argument at the cursor.
    package struct Call {
        package var function: String
        package var given: [String] = []
        package var positional = 0
        package var name: String?
    }

    /// The innermost call that is open.
    package var call: Call?
    /// In a string that is an argument of its own: the call.
    package var stringArgument: Call?
    /// In a string that is the index of something: the text of what stands before the bracket.
    package var stringIndex: String?
    /// In a string that is the first thing in a call: the function's name.
    package var stringCall: String?
    /// In a string that is a later argument without a name: the text of the first one.
    package var firstArgument: String?
    /// True where only white space stands before the cursor on its line.
    package var isIndentation: Bool

    private struct Open {
        var bracket: UInt8
        var position: Int
        /// A string between three quotes.
        var isLong = false
        /// For a string: where its contents begin.
        var isString: Bool { bracket == UInt8(ascii: "\"") || isRaw }
        var isRaw: Bool { bracket == UInt8(ascii: "'") }
    }

    package init(_ text: String, at cursor: Int) {
        let bytes = Array(Array(text.utf8).prefix(max(0, cursor)))
        var open: [Open] = []
        let isComment = Self.scan(bytes[...], &open)
        isIndentation = bytes.reversed().prefix { $0 != UInt8(ascii: "\n") }.allSatisfy {
            $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t")
        }
        call = Self.call(bytes, open)

        if isComment {
            (place, start, prefix) = (.comment, bytes.count, "")
        } else if let last = open.last, last.isString {
            start = last.position + (last.isLong ? 3 : 1)
            prefix = String(decoding: bytes[start...], as: UTF8.self)
            place = .string(isRaw: last.isRaw)
            if let call = open.dropLast().last, call.bracket == UInt8(ascii: "("),
                call.position + 1 == last.position
            {
                stringCall = Self.path(endingAt: call.position, in: bytes)
            }
            firstArgument = Self.firstArgument(bytes, open)
            if let around = open.dropLast().last {
                let before = bytes[..<last.position].last { $0 != UInt8(ascii: " ") }
                if around.bracket == UInt8(ascii: "["), around.position + 1 == last.position {
                    stringIndex = Self.path(endingAt: around.position, in: bytes)
                } else if let before,
                    [UInt8(ascii: "("), UInt8(ascii: ","), UInt8(ascii: "=")].contains(before)
                {
                    stringArgument = Self.call(Array(bytes[..<last.position]), open.dropLast())
                }
            }
        } else {
            start = bytes.count
            while start > 0, Self.isWord(bytes[start - 1]) { start -= 1 }
            prefix = String(decoding: bytes[start...], as: UTF8.self)
            let afterDot =
                start > 0 && bytes[start - 1] == UInt8(ascii: ".")
                && !(start > 1 && bytes[start - 2] == UInt8(ascii: "."))
            let receiver = afterDot ? Self.path(endingAt: start - 1, in: bytes) : ""
            if afterDot, !receiver.isEmpty {
                place = .member(of: receiver)
            } else if prefix.utf8.first.map({ $0 >= 48 && $0 <= 57 }) ?? afterDot {
                place = .comment
            } else {
                place = .name
            }
        }
    }

    package static func isWord(_ c: UInt8) -> Bool {
        c == UInt8(ascii: "_") || c >= 0x80 || (c >= 48 && c <= 57) || (c >= 65 && c <= 90)
            || (c >= 97 && c <= 122)
    }

    /// Walks through the text with a stack of what is open; true where it ends in a comment.
    /// A string's `{` opens code again. `visit` is told of the bytes outside of strings and comments,
    /// and of the quotes that open strings there.
    private static func scan(
        _ bytes: ArraySlice<UInt8>, _ open: inout [Open], visit: (Int) -> Void = { _ in }
    )
        -> Bool
    {
        let quote = UInt8(ascii: "\"")
        func isLong(_ i: Int) -> Bool { bytes[i...].prefix(3).elementsEqual([quote, quote, quote]) }
        var strings = 0
        var i = bytes.startIndex
        while i < bytes.endIndex {
            let c = bytes[i]
            if let last = open.last, last.isString {
                switch c {
                case UInt8(ascii: "\\") where !last.isRaw: i += 1
                case UInt8(ascii: "{") where !last.isRaw: open.append(Open(bracket: c, position: i))
                case last.bracket where !last.isLong || isLong(i):
                    open.removeLast()
                    strings -= 1
                    if last.isLong { i += 2 }
                case UInt8(ascii: "\n") where last.isRaw:
                    open.removeLast()
                    strings -= 1
                default: break
                }
                i += 1
                continue
            }
            if c == UInt8(ascii: "#") {
                while i < bytes.endIndex, bytes[i] != UInt8(ascii: "\n") { i += 1 }
                if i == bytes.endIndex { return true }
                continue
            }
            if strings == 0 { visit(i) }
            switch c {
            case quote, UInt8(ascii: "'"):
                open.append(Open(bracket: c, position: i, isLong: c == quote && isLong(i)))
                strings += 1
                if open.last?.isLong == true { i += 2 }
            case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"):
                open.append(Open(bracket: c, position: i))
            case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"):
                if !open.isEmpty { open.removeLast() }
            default: break
            }
            i += 1
        }
        return false
    }

    /// The bytes from `start` to `end` that stand outside of strings and comments, with their places.
    package static func code(_ bytes: [UInt8], from start: Int, to end: Int) -> [(place: Int, byte: UInt8)] {
        guard start < end, end <= bytes.count else { return [] }
        var found: [(place: Int, byte: UInt8)] = []
        var open: [Open] = []
        _ = scan(bytes[start..<end], &open) { found.append(($0, bytes[$0])) }
        return found
    }

    /// The expression that ends just before `end`, as far as it is names, dots and indices.
    private static func path(endingAt end: Int, in bytes: [UInt8]) -> String {
        var i = end
        while i > 0 {
            let c = bytes[i - 1]
            if c == UInt8(ascii: "]") {
                guard let opening = bytes[..<i].lastIndex(of: UInt8(ascii: "[")) else { return "" }
                i = opening
            } else if isWord(c) || c == UInt8(ascii: ".") {
                i -= 1
            } else {
                break
            }
        }
        let text = String(decoding: bytes[i..<end], as: UTF8.self)
        guard let first = text.utf8.first, isWord(first), !(first >= 48 && first <= 57) else { return "" }
        return text
    }

    /// The first argument of the call that has a string under the cursor as another one, without a name.
    private static func firstArgument(_ bytes: [UInt8], _ open: [Open]) -> String? {
        guard let string = open.last, let call = open.dropLast().last, call.bracket == UInt8(ascii: "(")
        else {
            return nil
        }
        var first: Int?
        var last = call.position
        var depth = 0
        for (i, c) in code(bytes, from: call.position + 1, to: string.position) {
            switch c {
            case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            case UInt8(ascii: ",") where depth == 0:
                first = first ?? i
                last = i
            default: break
            }
        }
        guard let first, bytes[(last + 1)..<string.position].allSatisfy({ $0 == UInt8(ascii: " ") }) else {
            return nil
        }
        return String(decoding: bytes[(call.position + 1)..<first], as: UTF8.self)
    }

    /// The function of the innermost open round bracket (strings and braces inside it end the
    /// search), with what is given to it so far.
    private static func call(_ bytes: [UInt8], _ open: some BidirectionalCollection<Open>) -> Call? {
        guard let last = open.last, last.bracket == UInt8(ascii: "(") else { return nil }
        let function = path(endingAt: last.position, in: bytes)
        if function.isEmpty { return nil }
        var call = Call(function: function)
        var depth = 0
        var word: [UInt8] = []
        for (i, c) in code(bytes, from: last.position + 1, to: bytes.count) {
            switch c {
            case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            case UInt8(ascii: "="):
                let next = i + 1 < bytes.count ? bytes[i + 1] : 0
                if depth == 0, next != c, !word.isEmpty {
                    let name = String(decoding: word, as: UTF8.self)
                    call.given.append(name)
                    call.name = name
                }
                word = []
            case UInt8(ascii: ",") where depth == 0:
                if call.name == nil { call.positional += 1 }
                call.name = nil
                word = []
            case _ where isWord(c): word.append(c)
            case UInt8(ascii: " "): break
            default: word = []
            }
        }
        return call
    }
}
