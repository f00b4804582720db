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

    @Test func namesThePathAndTheReason() {
        #expect {
            try AtomicFile.write("x", to: "/no-such-folder/file")
        } throws: { error in
            (error as? Failure)?.message == "cannot write '/no-such-folder/file': No such file or directory"
        }
    }
}
