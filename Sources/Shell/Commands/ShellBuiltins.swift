import Glibc
import Language
import Support

/// What vz can call of the shell; the same table mechanism as everything else.
package enum ShellBuiltins {
    package static func table(_ link: SessionLink) -> [Builtin] {
        looking(link) + files(link) + measuring(link) + keeping(link)
    }

    // MARK: Help and names

    private static func looking(_ link: SessionLink) -> [Builtin] {
        [
            Builtin(
                "help", topic: "session", [.optional("of", "nil", "a name as a string, or the thing itself")],
                summary: "Prints what a function, a variable, a topic or a word of the language is.",
                doc: "At the prompt `?name` does the same, and `??name` shows the source of a function.",
                example: "help(\"sum\")", seeAlso: ["apropos", "whos"]
            ) { a in
                let session = try link.require()
                let value = a.value("of")
                let text: String
                if case .string(let name) = value {
                    text = try session.help.text(name.string)
                } else if value.isNil {
                    text = try session.help.text("")
                } else if case .function(let f) = value, !f.name.isEmpty {
                    text = session.help.text(of: value, name: f.name)
                } else {
                    text = session.help.text(of: value, name: value.typeName)
                }
                session.console.writeLine(text)
                return .nil
            },
            Builtin(
                "apropos", topic: "session", [.required("words", "what to look for")],
                summary: "Searches the names and descriptions of all functions.",
                example: "apropos(\"sum\")", seeAlso: ["help"]
            ) { a in
                let session = try link.require()
                session.console.writeLine(try session.help.apropos(try a.string("words")))
                return .nil
            },
            Builtin(
                "whos", topic: "session",
                summary: "Prints the names of the session with their types and values.",
                example: "whos()", seeAlso: ["clear", "help"]
            ) { _ in
                try link.require().run(PromptCommand.whos)
                return .nil
            },
            Builtin(
                "clear", topic: "session", [.variadic("names", "names to forget, as strings")],
                summary: "Wipes the screen; with names it forgets them, with \"all\" it forgets all.",
                example: "x = 1\nclear(\"x\")", seeAlso: ["whos"]
            ) { a in
                let names = try a.rest.map { value -> String in
                    guard let name = value.asString else {
                        throw Failure(.argument, "`clear`: names are strings", hint: "write clear(\"x\")")
                    }
                    return name
                }
                try link.require().clear(names)
                return .nil
            },
            Builtin(
                "exit", topic: "session", [.optional("code", "0", "the exit status, 0 to 255")],
                summary: "Leaves vzsh.", seeAlso: ["save_session"]
            ) { a in
                let code = try a.int("code", in: 0...255, default: 0)
                try link.require().leave(Int32(truncatingIfNeeded: code))
            },
        ]
    }

    // MARK: Files

    private static func files(_ link: SessionLink) -> [Builtin] {
        [
            Builtin(
                "cd", topic: "files",
                [.optional("path", "\"~\"", "the folder to go to; \"-\" is the one before")],
                summary: "Changes the working directory.",
                doc: "At the prompt also `cd path`, without quotes.",
                example: "cd(\".\")", seeAlso: ["pwd", "ls"]
            ) { a in
                try link.require().changeFolder(try a.string("path", default: "~"))
                return .nil
            },
            Builtin(
                "pwd", topic: "files", summary: "The working directory.", example: "len(pwd()) > 0",
                seeAlso: ["cd", "ls"]
            ) { _ in Value(try Folder.current()) },
            Builtin(
                "ls", topic: "files", [.optional("path", "\".\"", "the folder to list")],
                summary: "The names in a folder as a list; folders end in a slash.",
                doc: "At the prompt `ls path` prints them in columns.", example: "ls(\".\");",
                seeAlso: ["cd", "pwd"]
            ) { a in Value(try Folder.names(try a.string("path", default: "."))) },
            Builtin(
                "edit", topic: "session",
                [.optional("what", "nil", "a function of the session by name, or a file")],
                summary: "Opens the editor (VISUAL or EDITOR) on a function, a file, or the last input.",
                doc: "A function and the last input run when the editor is left."
            ) { a in
                try link.require().edit(try a.string("what", default: ""))
                return .nil
            },
        ]
    }

    // MARK: Time

    private static func measuring(_ link: SessionLink) -> [Builtin] {
        [
            Builtin(
                "bench", topic: "session",
                [
                    .required("f", "a function without arguments"),
                    .optional("seconds", "1", "how long to go on"),
                ],
                summary: "How long a call takes: runs it many times and gives median, min, mean and runs.",
                doc: "At the prompt an expression will do: `bench sum(xs)`. Times are in seconds.",
                example: "bench(() -> sum([1, 2, 3]), seconds = 0.01).runs > 0  # expect: true",
                seeAlso: ["time"]
            ) { a in
                let seconds = try a.number("seconds", default: 1)
                guard seconds > 0, seconds <= 86_400 else {
                    throw a.failure("`seconds` must be above 0 and at most a day, not \(Value(seconds).text)")
                }
                guard a[0].isCallable else {
                    throw Failure(
                        .argument, "`bench`: `f` must be a function, not \(a[0].typePhrase)",
                        hint: "write bench(() -> …), so that it can run more than once")
                }
                let interpreter = a.interpreter
                var function = a[0]
                // `bench f` at the prompt wraps the name of a function once more.
                if let inner = try? interpreter.call(function, []), inner.isCallable { function = inner }
                return Value(try Timing.measure(seconds: seconds) { _ = try interpreter.call(function, []) })
            }
        ]
    }

    // MARK: Keeping

    private static func keeping(_ link: SessionLink) -> [Builtin] {
        [
            Builtin(
                "diary", topic: "session",
                [.optional("path", "nil", "the text file to write to; nil ends it")],
                summary: "Keeps a transcript of what is typed and shown.",
                doc: "What the file holds already stays; the transcript goes on behind it.",
                example: "diary(\"/tmp/vzsh-diary.txt\")\ndiary(nil)", seeAlso: ["save_session"]
            ) { a in
                let session = try link.require()
                session.console.diary = try a.optionalPath("path").map { try Diary(path: $0) }
                return .nil
            },
            Builtin(
                "save_session", topic: "session",
                [.required("path", "the file to write, such as \"work.vz\"")],
                summary: "Saves the names of the session as a file of vz that load_session reads.",
                doc: """
                    Numbers, strings, lists, records, ranges and functions are written into the file; tensors, \
                    networks and sounds go into a folder beside it; data sets are opened again from where they \
                    came, and functions of a used file are had from there; layers and optimizers begin anew; \
                    runs, scores and maximizations come back as records of what they hold. Not kept are \
                    functions that remember variables of another one, blocks (residual, branches), layers with \
                    weights outside a network, objectives and figures: such names are told. Where the disk \
                    is full the session that was saved before stays.
                    """, example: "x = 1\nsave_session(\"/tmp/work.vz\")", seeAlso: ["load_session", "diary"]
            ) { a in
                let session = try link.require()
                let path = try a.path("path")
                let (lost, asRecords) = try SessionFile.save(session.interpreter, to: path)
                session.isUnsaved = !lost.isEmpty
                if !asRecords.isEmpty {
                    session.console.note("kept as records: \(asRecords.joined(separator: ", "))")
                }
                for (name, reason) in lost { session.console.error("not saved: \(name) (\(reason))") }
                return .nil
            },
            Builtin(
                "load_session", topic: "session", [.required("path", "a file written by save_session")],
                summary: "Brings back what save_session saved.",
                doc: "Names that cannot be had again are named in an error when all others are there.",
                seeAlso: ["save_session"]
            ) { a in
                try SessionFile.load(try a.path("path"), a.interpreter)
                return .nil
            },
            Builtin(
                "confirm_exit", topic: "session", [.optional("on", "true", "whether to ask")],
                summary: "Lets Ctrl-D ask before names are lost that no save_session kept.",
                doc: "Written into ~/.config/vzsh/rc.vz it holds for every session."
            ) { a in
                try link.require().confirmsExit = try a.bool("on", default: true)
                return .nil
            },
        ]
    }
}
