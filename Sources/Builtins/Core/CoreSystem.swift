@preconcurrency import Glibc
import Language
import Support

/// Printing, checking, files, time.
enum CoreSystem {
    static func table() -> [Builtin] { output() + checks() + files() + time() }

    private static func output() -> [Builtin] {
        [
            Builtin(
                "print", topic: "output",
                [
                    .variadic("values"), .optional("sep", "\" \"", "what stands between them"),
                    .optional("end", "\"\\n\"", "what stands behind them"),
                ],
                summary: "Writes values on a line.",
                example: "print(\"x =\", 3)  # expect: x = 3\nprint(1, 2, sep = \"-\")  # expect: 1-2",
                seeAlso: ["str", "format", "show"]
            ) { args in
                let separator = try args.string("sep", default: " ")
                let end = try args.string("end", default: "\n")
                if args.rest.count == 1 {
                    args.interpreter.output(args.rest[0].text + end)
                } else {
                    args.interpreter.output(args.rest.map(\.text).joined(separator: separator) + end)
                }
                return .nil
            },
            Builtin(
                "show", topic: "output", [.required("x")],
                summary:
                    "Shows a value as a line of the shell does: tensors with their shape, networks as their summary.",
                example: "show([1, 2])  # expect: [1, 2]", seeAlso: ["print"]
            ) { args in
                if let show = args.interpreter.show {
                    try show(args[0])
                } else {
                    args.interpreter.output(args[0].display() + "\n")
                }
                return .nil
            },
            Builtin(
                "warn", topic: "output", [.variadic("values")],
                summary: "Writes values on a line of standard error.", example: "warn(\"no such class\")",
                seeAlso: ["print"]
            ) { args in
                fputs(args.rest.map(\.text).joined(separator: " ") + "\n", stderr)
                return .nil
            },
            Builtin(
                "input", topic: "output", [.optional("prompt", "\"\"")],
                summary: "A line from standard input, without its end; nil at the end of input.",
                example: "# name = input(\"name? \")"
            ) { args in
                let prompt = try args.string("prompt", default: "")
                if let ask = args.interpreter.ask { return try ask(prompt).map { Value($0) } ?? .nil }
                args.interpreter.output(prompt)
                fflush(stdout)
                return try line().map { Value($0) } ?? .nil
            },
        ]
    }

    /// A line of standard input. At a terminal Ctrl-C ends the waiting.
    private static func line() throws -> String? {
        guard isatty(STDIN_FILENO) == 1 else { return readLine(strippingNewline: true) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while bytes.last != 10 {
            var wait = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            let ready = poll(&wait, 1, 50)
            try CancelFlag.shared.check()
            if ready <= 0 { continue }
            let n = read(STDIN_FILENO, &buffer, buffer.count)
            if n <= 0 { break }
            bytes += buffer[..<n]
        }
        if bytes.isEmpty { return nil }
        if bytes.last == 10 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func checks() -> [Builtin] {
        [
            Builtin(
                "assert", topic: "errors",
                [.required("condition"), .optional("message", "\"assertion failed\"")],
                summary: "Raises an error unless the condition is true.",
                example: "assert(1 + 1 == 2, \"arithmetic\")", seeAlso: ["assert_equal", "fail"]
            ) { args in
                if try args[0].truth() { return .nil }
                throw Failure(.raised, args[1].isNil ? "assertion failed" : args[1].text)
            },
            Builtin(
                "assert_equal", topic: "errors",
                [.required("found"), .required("wanted"), .optional("message", "nil")],
                summary: "Raises an error that shows both values unless they are equal.",
                example: "assert_equal(2 * 2, 4)", seeAlso: ["assert"]
            ) { args in
                if try Operators.equal(args[0], args[1]) { return .nil }
                let prefix = args[2].isNil ? "" : args[2].text + ": "
                throw Failure(
                    .raised,
                    "\(prefix)found \(args[0].summary(limit: 200)), wanted \(args[1].summary(limit: 200))")
            },
            Builtin(
                "fail", topic: "errors", [.required("message"), .optional("hint", "nil")],
                summary: "Raises an error; for places where the statement `raise` cannot stand.",
                example: "try fail(\"no\") else e -> e.message  # expect: \"no\"", seeAlso: ["assert"]
            ) { args in
                throw Failure(.raised, try args.string("message"), hint: try args.optionalString("hint"))
            },
        ]
    }

    private static func files() -> [Builtin] {
        [
            Builtin(
                "read_text", topic: "files", [.required("path")], summary: "The text of a file in UTF-8.",
                example:
                    "write_text(\"/tmp/vz_example.txt\", \"one\\ntwo\\n\")\nread_text(\"/tmp/vz_example.txt\") |> lines  # expect: [\"one\", \"two\"]\ndelete_file(\"/tmp/vz_example.txt\")",
                seeAlso: ["write_text", "lines"]
            ) { args in Value(try TextFile.read(try args.path("path"))) },
            Builtin(
                "write_text", topic: "files", [.required("path"), .required("text")],
                summary: "Writes a text to a file, whole or not at all; what was there is replaced.",
                example:
                    "write_text(\"/tmp/vz_example.txt\", \"hello\")\nfile_exists(\"/tmp/vz_example.txt\")  # expect: true\ndelete_file(\"/tmp/vz_example.txt\")",
                seeAlso: ["read_text"]
            ) { args in
                try AtomicFile.write(try args.string("text"), to: try args.path("path"))
                return .nil
            },
            Builtin(
                "file_exists", topic: "files", [.required("path")],
                summary: "True where there is a file or folder of that name.",
                example: "file_exists(\"/\")  # expect: true"
            ) {
                args in Value(access(try args.path("path"), F_OK) == 0)
            },
            Builtin(
                "delete_file", topic: "files", [.required("path")], summary: "Deletes a file.",
                example:
                    "write_text(\"/tmp/vz_example.txt\", \"\")\ndelete_file(\"/tmp/vz_example.txt\")\nfile_exists(\"/tmp/vz_example.txt\")  # expect: false"
            ) { args in
                let path = try args.path("path")
                guard unlink(path) == 0 else {
                    throw Failure(.io, "cannot delete '\(path)': \(String(cString: strerror(errno)))")
                }
                return .nil
            },
            Builtin(
                "env", topic: "files", [.required("name"), .optional("default", "nil")],
                summary: "A variable of the environment.",
                example: "is_string(env(\"PATH\", \"\"))  # expect: true"
            ) {
                args in
                guard let value = getenv(try args.string("name")) else { return args[1] }
                return Value(String(cString: value))
            },
        ]
    }

    private static func seconds(_ clock: clockid_t) -> Value {
        var t = timespec()
        clock_gettime(clock, &t)
        return .number(Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9)
    }

    private static func time() -> [Builtin] {
        [
            Builtin(
                "clock", topic: "time", [],
                summary: "Seconds from some fixed moment; for measuring how long something takes.",
                example: "t = clock()\nclock() >= t  # expect: true", seeAlso: ["now"]
            ) {
                _ in seconds(CLOCK_MONOTONIC)
            },
            Builtin(
                "now", topic: "time", [], summary: "Seconds since 1970-01-01 00:00 UTC.",
                example: "now() > 1.7e9  # expect: true", seeAlso: ["clock", "date"]
            ) {
                _ in seconds(CLOCK_REALTIME)
            },
            Builtin(
                "date", topic: "time",
                [
                    .optional("time", "now()", "seconds since 1970"),
                    .optional("form", "\"%Y-%m-%d %H:%M:%S\"", "as strftime takes it"),
                ],
                summary: "A moment as text, in local time.", example: "len(date(0, \"%Y\"))  # expect: 4",
                seeAlso: ["now"]
            ) { args in
                let moment = try args.number("time", default: Double(Glibc.time(nil)))
                guard abs(moment) < 1e12 else { throw args.failure("this moment is too far away") }
                var t = time_t(moment)
                var parts = tm()
                localtime_r(&t, &parts)
                var buffer = [CChar](repeating: 0, count: 512)
                let n = strftime(
                    &buffer, buffer.count, try args.string("form", default: "%Y-%m-%d %H:%M:%S"), &parts)
                return Value(String(decoding: buffer[..<n].map { UInt8(bitPattern: $0) }, as: UTF8.self))
            },
            Builtin(
                "sleep", topic: "time", [.required("seconds")], summary: "Waits; Ctrl-C ends the wait.",
                example: "sleep(0.001)"
            ) {
                args in
                var left = try args.number("seconds")
                if !(left >= 0) { throw args.failure("`seconds` must not be negative") }
                while left > 0 {
                    try CancelFlag.shared.check()
                    let piece = min(left, 0.05)
                    usleep(UInt32(piece * 1e6))
                    left -= piece
                }
                return .nil
            },
        ]
    }
}
