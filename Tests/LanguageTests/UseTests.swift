import Glibc
import Language
import Support
import Testing

/// `use`, with files in a folder of their own.
@Suite struct UseTests {
    private final class Folder {
        let path: String

        init() throws {
            var template = Array("/tmp/vz-use-XXXXXX".utf8CString)
            guard let made = mkdtemp(&template) else { throw Failure(.io, "no folder") }
            path = String(cString: made)
        }

        func write(_ name: String, _ text: String) throws {
            try AtomicFile.write(text, to: "\(path)/\(name)")
        }

        deinit {
            for name in ["a.vz", "b.vz", "c.vz"] { unlink("\(path)/\(name)") }
            rmdir(path)
        }
    }

    private func run(_ text: String, in folder: Folder) throws -> String {
        let interpreter = Interpreter(builtins: [])
        var output = ""
        interpreter.output = { output += $0 }
        try interpreter.run(text, file: "\(folder.path)/main.vz")
        return output
    }

    @Test func namesBecomeKnown() throws {
        let folder = try Folder()
        try folder.write("a.vz", "k = 2\nfn double(x) = x * k\n99")
        #expect(try run("use \"a.vz\"\n[double(4), k]", in: folder) == "[8, 2]\n")
        #expect(try run("use \"a.vz\" as m\nk = 5\nm.double(m.k) + k", in: folder) == "9\n")
    }

    @Test func aFileHasGlobalsOfItsOwn() throws {
        let folder = try Folder()
        try folder.write("a.vz", "k = 2\nfn get() = k")
        #expect(try run("use \"a.vz\"\nk = 7\nget()", in: folder) == "2\n")
    }

    @Test func filesUseFiles() throws {
        let folder = try Folder()
        try folder.write("a.vz", "use \"b.vz\"\nfn f(x) = g(x) + 1")
        try folder.write("b.vz", "fn g(x) = x * 10")
        #expect(try run("use \"a.vz\"\nf(2)", in: folder) == "21\n")
    }

    @Test func aFileThatChangedIsReadAgain() throws {
        let folder = try Folder()
        try folder.write("a.vz", "v = 1")
        let interpreter = Interpreter(builtins: [])
        try interpreter.run("use \"a.vz\"", file: "\(folder.path)/main.vz")
        #expect(interpreter["v"]?.asNumber == 1)
        try folder.write("a.vz", "v = 22")
        try interpreter.run("use \"a.vz\"", file: "\(folder.path)/main.vz")
        #expect(interpreter["v"]?.asNumber == 22)
    }

    @Test func errorsNameTheFile() throws {
        let folder = try Folder()
        try folder.write("a.vz", "fn f(x) = x + nil")
        do {
            _ = try run("use \"a.vz\"\nf(1)", in: folder)
            Issue.record("no error")
        } catch let error as Diagnostics {
            #expect(error.all.first?.span?.file == "\(folder.path)/a.vz")
            #expect(error.all.first?.trace.first?.span.file == "\(folder.path)/main.vz")
        }
        try folder.write("b.vz", "x = (1")
        #expect(throws: Diagnostics.self) { try run("use \"b.vz\"", in: folder) }
    }

    @Test func aCircleIsAnError() throws {
        let folder = try Folder()
        try folder.write("a.vz", "use \"b.vz\"")
        try folder.write("b.vz", "use \"a.vz\"")
        do {
            _ = try run("use \"a.vz\"", in: folder)
            Issue.record("no error")
        } catch let error as Diagnostics {
            #expect(error.all.first?.message.contains("uses itself") == true)
        }
        let found = Interpreter(builtins: []).check(
            "use \"a.vz\"\nuse \"none.vz\"", file: "\(folder.path)/main.vz")
        #expect(found.count == 2)
        #expect(found.last?.message.contains("uses itself") == true)
    }

    private func check(_ text: String, in folder: Folder) -> [Diagnostic] {
        Interpreter(builtins: []).check(text, file: "\(folder.path)/main.vz")
    }

    /// A missing file is missing under another name too.
    @Test func checkLooksForFilesWithAnotherName() throws {
        let folder = try Folder()
        let found = check("use \"a.vz\" as m\nm.f(1)", in: folder)
        #expect(found.count == 1)
        #expect(found.first?.hint?.contains("the folder of the file that uses it") == true)
        try folder.write("a.vz", "x = (1")
        #expect(check("use \"a.vz\" as m", in: folder).count == 1)
    }

    /// What is wrong with a used file is said with its own place, and what it may define is not missed.
    @Test func checkShowsAUsedFileAsItIs() throws {
        let folder = try Folder()
        try folder.write("a.vz", "fn g() = 1\n\nx = = 2")
        let found = check("use \"a.vz\"\nprint(x)", in: folder)
        #expect(found.count == 1)
        #expect(found.first?.span?.file == "\(folder.path)/a.vz")
        #expect(found.first?.span?.line == 3)
    }

    @Test func checkGoesOnBehindALoneBreak() throws {
        let folder = try Folder()
        let found = check("break\nx = 1\nyy + x", in: folder)
        #expect(found.map(\.message) == ["`break` outside a loop", "unknown name `yy`"])
    }
}
