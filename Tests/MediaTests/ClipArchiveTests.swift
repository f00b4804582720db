import Foundation
import Media
import Support
import Tensor
import Testing

@Suite struct ClipArchiveTests {
    @Test func theShippedWordsAreAllThere() throws {
        let cache = try Scratch()
        let data = try ClipArchive.words16(cacheFolder: cache.path)
        #expect(data.name == "words16" && data.problems.isEmpty && data.notes.isEmpty)
        #expect(
            data.all.classNames
                == "zero one two three four five six seven eight nine bed bird tree cat house dog".split(
                    separator: " "
                )
                .map(String.init))
        #expect(Set(data.all.classCounts).count == 1)
        #expect(data.all.exampleShape == [16000, 1] && data.all.sampleRate == 16000)
        #expect(data.train.count > 2000 && data.validation.count > 150 && data.test.count > 150)
        // Every clip is a word: loud in the middle, quiet at both ends.
        for i in stride(from: 0, to: data.all.count, by: 97) {
            let x = try data.all.input(at: i).array(of: Float.self)
            #expect(rms(x[4000..<12000]) > 0.02, "\(data.all.source(at: i) ?? "")")
            #expect(rms(x[..<200]) < 0.02 && rms(x[15800...]) < 0.05)
        }
        let began = ContinuousClock.now
        let again = try ClipArchive.words16(cacheFolder: cache.path)
        #expect(again.all.fingerprint == data.all.fingerprint)
        #expect(ContinuousClock.now - began < .seconds(2))
    }

    private func archive(header: String, sound: [UInt8]) -> [UInt8] {
        let n = UInt32(header.utf8.count)
        let length = (0..<4).map { UInt8(truncatingIfNeeded: n >> (8 * UInt32($0))) }
        return Array("VZDATA1\n".utf8) + length + Array(header.utf8) + sound
    }

    @Test func clipsLieWhereTheHeaderSays() throws {
        let scratch = try Scratch()
        let samples = (0..<30).map { Float($0) / 32768 }
        let sound = try AudioFile.encode(Audio(samples: samples, rate: 8000), ending: "flac", guarded: false)
        let header = """
            {"rate":8000,"length":12,"gap":2,"classes":["a"],"speakers":["x","y"],"streams":[\(sound.count)],
            "clips":[[[0,10],[1,8],[1,12]]]}
            """
        try AtomicFile.write(archive(header: header, sound: sound), to: scratch.file("a.vzd"))
        let data = try ClipArchive.open(scratch.file("a.vzd"), cacheFolder: nil)
        #expect(data.all.count == 2 && data.problems.count == 1)
        let second = try data.all.input(at: 1).array(of: Float.self).map { $0 * 32768 }
        #expect(second == [0, 0, 12, 13, 14, 15, 16, 17, 18, 19, 0, 0])
        #expect(data.all.group(at: 1) == "y")
    }

    @Test func brokenArchivesAreFailures() throws {
        let scratch = try Scratch()
        let sound = try AudioFile.encode(sine(400, rate: 8000, seconds: 0.05), ending: "ogg")
        let header = """
            {"rate":8000,"length":100,"gap":0,"classes":["a"],"speakers":["x"],"streams":[\(sound.count)],
            "clips":[[[0,100],[0,100]]]}
            """
        let good = archive(header: header, sound: sound)
        let path = scratch.file("x.vzd")
        var generator = SystemRandomNumberGenerator()
        for trial in 0..<300 {
            var bytes = good
            if trial % 2 == 0 {
                bytes.removeLast(Int.random(in: 1...bytes.count, using: &generator))
            } else {
                for _ in 0..<3 {
                    bytes[Int.random(in: 0..<260, using: &generator)] = UInt8.random(
                        in: 0...255, using: &generator)
                }
            }
            _ = FileManager.default.createFile(atPath: path, contents: Data(bytes))
            do {
                let data = try ClipArchive.open(path, cacheFolder: nil)
                #expect(data.all.count <= 2)
            } catch {
                #expect(error is Failure, "\(error)")
            }
        }
        for huge in [
            header.replacing("\"length\":100", with: "\"length\":99999999999999999999"),
            header.replacing("\"streams\":[", with: "\"streams\":[9223372036854775807"),
            header.replacing("\"gap\":0", with: "\"gap\":9223372036854775807"),
            header.replacing("[0,100]", with: "[0,9223372036854775807]"),
        ] {
            try AtomicFile.write(archive(header: huge, sound: sound), to: path)
            #expect(throws: Failure.self) { try ClipArchive.open(path, cacheFolder: nil) }
        }
    }
}
