import Glibc
import Language
import Shell
import Support
import Testing

/// Saved sessions bring back what was there, or say what they do not.
struct SessionFileTests {
    private let home: TemporaryFolder

    init() throws { home = try TemporaryFolder() }

    private func run(_ code: String...) -> Binary.Result {
        Binary.run(["-q"] + code.flatMap { ["-e", $0] }, home: home.path)
    }

    /// What `print(shown)` says in a session that was saved and loaded.
    private func kept(_ code: String, _ shown: String) -> String {
        let saved = run(code + "\nsave_session(\"s.vz\")")
        #expect(saved.status == 0, "\(saved.error)")
        let loaded = run("load_session(\"s.vz\"); print(\(shown))")
        #expect(loaded.status == 0, "\(loaded.error)\n\(home.read("s.vz"))")
        return loaded.out
    }

    private func dataFolders() -> [String] {
        FileNames.entries(of: home.path).map(\.name).filter { $0.contains(".data") }
    }

    @Test func functionsDoWhatTheyDid() {
        #expect(kept("fn f() = 1\ng = f\nfn f() = 2", "f(), g()") == "2 1\n")
        #expect(
            kept(
                "fn outer() { fn inner(x) = x + 100; inner }\nfn inner(x) = x\nh = outer()", "h(1), inner(1)")
                == "101 1\n")
        #expect(kept("fn f(n) = if n > 0 { n + f(n - 1) } else { 0 }\ng = f", "f(3), g(3)") == "6 6\n")
        #expect(kept("fs = [x -> x + 1, x -> x * 2]", "fs[0](3), fs[1](3)") == "4 6\n")
        home.write("lib.vz", "k = 10; fn helper(x) = x * k; fn f(x) = helper(x) + 1\n")
        #expect(kept("use \"lib.vz\"\nk = 3", "f(1), k, helper(1)") == "11 3 10\n")
        #expect(kept("use \"lib.vz\" as m\nk = 3", "m.f(1), m.k") == "11 10\n")
    }

    @Test func sourcesMayLookLikeMarks() {
        let code = "fn f(x) {\n#: a note\n  x + 1\n}\nfn q() = \"\"\"\n#: z\n#:: y\nhello\n\"\"\""
        #expect(kept(code, "f(1), q()") == "2 #: z\n#:: y\nhello\n\n")
    }

    /// A data set is opened once, and its parts are had from it.
    @Test func partsComeFromTheirDataSet() {
        let shown =
            "len(tr), tr[0].label == ex.label, len(few), len(slice), len(xs), xs[2].label == tr[2].label"
        let named = "d = words16(); tr = d.train; ex = d.train[0]; few = tr.take(5); slice = tr[2..4]\n"
        let lists = "xs = [words16().train[i] for i in 0..2]"
        let whole = kept(named + lists, shown)
        #expect(whole.hasSuffix(" true 5 3 3 true\n"), "\(whole)")
        let calls = home.read("s.vz").split(separator: "\n").count { $0.contains("words16()") }
        #expect(calls == 1)
        #expect(kept("slice = words16().train[2..4]; ex = words16().test[1]", "len(slice)") == "3\n")
        #expect(home.read("s.vz").split(separator: "\n").count { $0.contains("words16()") } == 1)
    }

    @Test func whatIsLostLeavesNoFiles() {
        let saved = run("fn mk(k) = x -> x + k\na = [randn(30), mk(2)]\nb = randn(3)\nsave_session(\"s.vz\")")
        #expect(saved.error.contains("not saved: a"))
        let folder = home.path + "/" + (dataFolders().first ?? "?")
        #expect(FileNames.entries(of: folder).map(\.name) == ["b.npy"])
    }

    @Test func namesOfBuiltinsMayBeTaken() {
        #expect(
            kept(
                "t = tensor([1, 2]); w = sound(zeros(4), rate = 8000); x = inf; load = t; sound = 3; inf = [1]; nan = 5",
                "t.values, w.rate, load.values, sound, inf, nan, x > 1e308")
                == "[1, 2] 8000 [1, 2] 3 [1] 5 true\n")
        // And whoever loads may have taken them too.
        let again = run("load = 3; load_session(\"s.vz\"); print(load.values)")
        #expect(again.out == "[1, 2]\n")
        #expect(run("extend = 3; load_session(\"s.vz\"); print(extend)").out == "3\n")
    }

    @Test func sharedThingsStayShared() {
        #expect(kept("a = [[1], 2]; b = [a[0]]\nb[0][0] = 7", "a, b") == "[[7], 2] [[7]]\n")
        let code = "inner = [1]; r = {x: inner, y: [inner]}; x = [0]; push(x, x); q = {}; q.self = q; q.n = 4"
        #expect(
            kept(code, "r.x, x[1][1][0], q.self.self.n") == "[1] 0 4\n")
        let changed = run("load_session(\"s.vz\")\npush(inner, 2); print(r); x[0] = 9; print(x[1][0])")
        #expect(changed.out == "{x: [1, 2], y: [[1, 2]]}\n9\n")
        #expect(run("load_session(\"s.vz\"); whos()").out.contains("kept__") == false)
    }

    @Test func partsOfNetworksAreMadeAgain() {
        #expect(
            kept(
                "o = adam(0.01, clip_norm = 2); c = conv1d(4, 3); d = c; e = examples(ones(3, 4), [\"a\", \"b\", \"a\"])",
                "o.rate, c.kind, c == d, e.classes, e.counts.a, e[0].x.shape")
                == "0.01 conv1d true [\"a\", \"b\"] 2 [4]\n")
        let result = run("b = residual(dense(2)); save_session(\"s.vz\")")
        #expect(result.status == 0)
        // Even with --quiet.
        #expect(result.error.contains("not saved: b"))
    }

    @Test func aFailedSavingLeavesTheOldOne() {
        #expect(kept("t = tensor([1, 2])", "t.values") == "[1, 2]\n")
        let text = home.read("s.vz")
        home.write(
            "full.sh",
            "ulimit -f 20; '\(Binary.path)' -e 't = zeros(100000); u = 1; save_session(\"s.vz\")' 2>err")
        let status = system("cd '\(home.path)' && HOME='\(home.path)' sh full.sh")
        #expect(status >> 8 == 1)
        #expect(home.read("err").contains("error"))
        #expect(home.read("s.vz") == text)
        #expect(run("load_session(\"s.vz\"); print(t.values)").out == "[1, 2]\n")
        #expect(dataFolders().count == 1)
    }

    @Test func eachSavingReplacesTheOneBefore() {
        for i in 1...3 { #expect(kept("t = tensor([\(i)])", "t.values") == "[\(i)]\n") }
        #expect(dataFolders().count == 1)
        // What a killed vzsh left, and what is not ours.
        home.write("s.vz.data-mine", "")
        mkdir(home.path + "/s.vz.data-999999999-7", 0o777)
        home.write("s.vz.data-999999999-7/t.npy", "half")
        #expect(kept("t = 1", "t") == "1\n")
        #expect(dataFolders() == ["s.vz.data-mine"])
    }

    @Test func whatIsMissingIsNamedAndTheRestLoaded() {
        #expect(kept("a = 1; t = tensor([1]); u = [t]; z = 2", "z") == "2\n")
        #expect(system("rm -r '\(home.path)'/s.vz.data*") == 0)
        let result = run("try load_session(\"s.vz\") else e -> print(e.message)\nprint(a, z)")
        #expect(result.out.contains("not loaded: t ("))
        #expect(result.out.contains("; nor u\n"))
        #expect(result.out.hasSuffix("1 2\n"))
    }

    @Test func needsAFolderAndAPlaceForAFile() {
        mkdir(home.path + "/folder", 0o777)
        for path in ["nodir/a.s", "folder"] {
            for code in ["x = 1", "x = zeros(3)"] {
                #expect(run("\(code); save_session(\"\(path)\")").status == 1, "\(path)")
            }
        }
        #expect(access(home.path + "/nodir", F_OK) != 0)
        #expect(dataFolders() == [])
    }

    @Test func goesThroughALink() {
        mkdir(home.path + "/real", 0o777)
        home.write("real/s.vz", "")
        symlink("real/s.vz", home.path + "/link.vz")
        #expect(run("t = tensor([4]); save_session(\"link.vz\")").status == 0)
        #expect(home.read("real/s.vz").contains("load("))
        #expect(run("load_session(\"link.vz\"); print(t.values)").out == "[4]\n")
        #expect(run("load_session(\"real/s.vz\"); print(t.values)").out == "[4]\n")
    }

    @Test func readsSessionsOfBefore() {
        mkdir(home.path + "/old.vz.data", 0o777)
        #expect(run("save(tensor([5]), \"old.vz.data/t.npy\")").status == 0)
        home.write(
            "old.vz",
            "# A session of vzsh; load_session(\"old.vz\") brings it back.\nt = load(\"old.vz.data/t.npy\");\n"
        )
        #expect(run("load_session(\"old.vz\"); print(t.values); save_session(\"old.vz\")").out == "[5]\n")
        #expect(run("load_session(\"old.vz\"); print(t.values)").out == "[5]\n")
        #expect(dataFolders().count == 1)
        #expect(dataFolders() != ["old.vz.data"])
    }
}
