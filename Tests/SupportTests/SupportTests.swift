import Foundation
import Testing

import Support

@Suite struct SpellingTests {
    @Test func findsTheNearestName() {
        let names = ["maxpool1d", "maxpool2d", "avgpool1d", "conv1d", "dense"]
        #expect(Spelling.nearest("maxpol1d", among: names) == "maxpool1d")
        #expect(Spelling.nearest("cnov1d", among: names) == "conv1d")
        #expect(Spelling.nearest("Dense", among: names) == "dense")
        #expect(Spelling.nearest("transformer", among: names) == nil)
        #expect(Spelling.nearest("b", among: ["f", "bb"]) == "bb")
        #expect(Spelling.nearest("b", among: ["f"]) == nil)
        #expect(Spelling.nearest("", among: names) == nil)
    }
}

@Suite struct AtomicFileTests {
    @Test func replacesWholeFilesOnly() throws {
        let path = NSTemporaryDirectory() + "vzsh-atomic-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try AtomicFile.write("first", to: path)
        #expect(throws: Failure.self) {
            try AtomicFile.write(to: path) { sink in
                try Array("half".utf8).withUnsafeBytes { try sink($0) }
                throw Failure(.io, "stopped")
            }
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "first")
        let folder = (path as NSString).deletingLastPathComponent
        let name = (path as NSString).lastPathComponent
        let left = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix(name) }
        #expect(left == [name])
    }

    @Test func linksStay() throws {
        let folder = NSTemporaryDirectory() + "vzsh-links-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Folders.make(folder + "/far")
        for (name, target) in [
            ("near", "far/file"), ("chain", "near"), ("ring", "ring"), ("out", "no/where"),
        ] {
            #expect(symlink(target, "\(folder)/\(name)") == 0)
        }
        // The first makes the file, the second goes through two links.
        for (name, text) in [("near", "one"), ("chain", "two")] {
            try AtomicFile.write(text, to: "\(folder)/\(name)")
            #expect(try String(contentsOfFile: folder + "/far/file", encoding: .utf8) == text)
            var status = stat()
            #expect(lstat("\(folder)/\(name)", &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
        }
        #expect(throws: Failure.self) { try AtomicFile.write("x", to: folder + "/out") }
        try AtomicFile.write("x", to: folder + "/ring")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 5)
    }

    @Test func leftoversOfKilledWritersAreRemoved() throws {
        let path = NSTemporaryDirectory() + "vzsh-leftover-\(UUID().uuidString)"
        let (dead, alive) = (path + ".tmp999999999-7", path + ".tmp\(getpid())-7")
        defer { for file in [path, dead, alive] { try? FileManager.default.removeItem(atPath: file) } }
        for file in [path, dead, alive] { try AtomicFile.write("x", to: file) }
        AtomicFile.removeLeftovers(of: path)
        #expect([path, dead, alive].map(FileManager.default.fileExists) == [true, false, true])
    }

    @Test func namesThePathAndTheReason() {
        #expect {
            try AtomicFile.write("x", to: "/no-such-folder/file")
        } throws: { error in
            (error as? Failure)?.message == "cannot write '/no-such-folder/file': No such file or directory"
        }
    }
}

@Suite struct SHA1Tests {
    @Test func publishedVectors() {
        func hex(_ text: String) -> String {
            SHA1.digest(text.utf8).map { String(format: "%02x", $0) }.joined()
        }
        #expect(hex("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
        #expect(hex("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(
            hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
                == "84983e441c3bd26ebaae4aa1f95129e5e54670f1")
    }
}

@Suite struct FoldersTests {
    @Test func missingResourcesAreNamed() {
        #expect {
            try Folders.resource("no-such-thing")
        } throws: { error in
            (error as? Failure)?.message.hasPrefix("'no-such-thing' comes with vzsh but is not there") == true
        }
    }

    @Test func makesFoldersAboveToo() throws {
        let base = NSTemporaryDirectory() + "vzsh-folders-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: base) }
        try Folders.make(base + "/a/b")
        try Folders.make(base + "/a/b")
        try AtomicFile.write("x", to: base + "/a/file")
        #expect(throws: Failure.self) { try Folders.make(base + "/a/file") }
        #expect(throws: Failure.self) { try Folders.make(base + "/a/file/b") }
    }

    @Test func expandsTheHomeFolder() {
        #expect(Folders.expand("~/x") == Folders.home + "/x")
        #expect(Folders.expand("a~/x") == "a~/x")
    }
}
