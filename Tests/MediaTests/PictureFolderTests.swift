import Foundation
import Media
import Support
import Tensor
import Testing

/// Folders of pictures as data sets, recording, and other names for classes.
@Suite struct PictureFolderTests {
    private func plain(_ r: Float, _ g: Float, _ b: Float, height: Int = 20, width: Int = 30) throws
        -> Picture
    {
        try Picture(
            height: height, width: width, pixels: (0..<height * width).flatMap { _ in [r, g, b] })
    }

    @Test func opensClassFolders() throws {
        let scratch = try Scratch()
        for name in ["red", "green"] {
            try FileManager.default.createDirectory(
                atPath: scratch.file(name), withIntermediateDirectories: true)
        }
        for i in 0..<10 {
            try PictureFile.write(plain(200, 10, 0), to: scratch.file("red/a_\(i).png"))
            try PictureFile.write(plain(0, 255, 20), to: scratch.file("green/b_\(i).png"))
        }
        try AtomicFile.write("no picture", to: scratch.file("green/broken.png"))
        var options = PictureFolder.Options()
        (options.height, options.width) = (8, 16)
        options.cacheFolder = scratch.file("cache")
        for _ in 0..<2 {
            // The second time from the cache.
            let data = try PictureFolder.open(scratch.path, options)
            #expect(data.all.classNames == ["green", "red"])
            #expect(data.all.count == 20 && data.all.exampleShape == [8, 16, 3])
            #expect(data.problems.count == 1 && data.problems[0].hasPrefix("green/broken.png:"))
            #expect(data.train.count + data.validation.count + data.test.count == 20)
            #expect(data.validation.count > 0 && data.test.count > 0)
            let green = try data.all.batch([0])
            #expect(try green.inputs.array(of: Float.self).prefix(3) == [0, 255, 20])
            #expect(try green.targets.array(of: Float.self) == [1, 0])
            let paths = try FileManager.default.contentsOfDirectory(atPath: scratch.file("cache"))
            #expect(paths.count == 1)
        }
        options.classes = ["red", "blue"]
        #expect(throws: Failure.self) { try PictureFolder.open(scratch.path, options) }
    }

    @Test func groupsStayTogether() throws {
        let scratch = try Scratch()
        try FileManager.default.createDirectory(atPath: scratch.file("x"), withIntermediateDirectories: true)
        for who in 0..<12 {
            for i in 0..<2 { try PictureFile.write(plain(1, 2, 3), to: scratch.file("x/p\(who)_\(i).png")) }
        }
        var options = PictureFolder.Options()
        (options.height, options.width) = (4, 4)
        options.cacheFolder = nil
        options.pattern = "{speaker}_*"
        let data = try PictureFolder.open(scratch.path, options)
        var parts: [String: Set<Int>] = [:]
        for (number, part) in [data.train, data.validation, data.test].enumerated() {
            for i in 0..<part.count { parts[part.group(at: i) ?? "", default: []].insert(number) }
        }
        #expect(parts.count == 12 && parts.values.allSatisfy { $0.count == 1 })
    }

    @Test func recordsThroughAProgram() throws {
        let scratch = try Scratch()
        #expect(throws: Failure.self) { try Recorder.record(seconds: 0.1, searchPath: scratch.path) }
        let tone = sine(300, rate: 16000, seconds: 0.25)
        try AudioFile.write(tone, to: scratch.file("microphone.wav"))
        // The last argument is where the recording goes.
        let script = "#!/bin/sh\nfor last; do :; done\ncp \"$(dirname \"$0\")/microphone.wav\" \"$last\"\n"
        try AtomicFile.write(script, to: scratch.file("arecord"))
        #expect(chmod(scratch.file("arecord"), 0o755) == 0)
        let heard = try Recorder.record(seconds: 0.25, searchPath: scratch.path)
        #expect(heard.samples.count == 4000 && heard.rate == 16000)
        #expect(throws: Failure.self) { try Recorder.record(seconds: 0, searchPath: scratch.path) }
    }

    @Test func relabelsAndJoinsClasses() throws {
        let set = try TensorExamples(
            inputs: Tensor((0..<6).map { Float($0) }, shape: [3, 2]), labels: [0, 1, 2],
            classNames: ["a", "b", "c"])
        let joined = try set.relabelled(["b": "z", "c": "z"])
        #expect(joined.classNames == ["a", "z"])
        #expect((0..<3).map { joined.label(at: $0) } == [0, 1, 1])
        #expect(try joined.batch([0, 1, 2]).targets.array(of: Float.self) == [1, 0, 0, 1, 0, 1])
        #expect(joined.fingerprint != set.fingerprint)
        #expect(throws: Failure.self) { try set.relabelled(["q": "z"]) }
    }
}
