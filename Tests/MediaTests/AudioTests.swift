import Foundation
import Media
import Support
import Testing

/// A folder that is gone when the test ends.
final class Scratch {
    let path = NSTemporaryDirectory() + "vzsh-media-\(UUID().uuidString)"
    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
    func file(_ name: String) -> String { path + "/" + name }
}

func sine(_ hertz: Double, rate: Int, seconds: Double, amplitude: Double = 0.5) -> Audio {
    let n = Int(seconds * Double(rate))
    return Audio(
        samples: (0..<n).map { Float(amplitude * sin(2 * .pi * hertz * Double($0) / Double(rate))) },
        rate: rate)
}

func rms(_ x: some Collection<Float>) -> Float {
    (x.reduce(0) { $0 + $1 * $1 } / Float(max(x.count, 1))).squareRoot()
}

@Suite struct AudioFileTests {
    @Test(arguments: ["wav", "flac", "aiff"])
    func losslessFormatsKeepEveryBit(ending: String) throws {
        let scratch = try Scratch()
        let samples = (0..<5000).map { Float(Int16(truncatingIfNeeded: $0 &* 7919)) / 32768 }
        let path = scratch.file("a b'$(x).\(ending)")
        try AudioFile.write(Audio(samples: samples, rate: 16000), to: path, guarded: false)
        #expect(try AudioFile.read(path) == Audio(samples: samples, rate: 16000))
    }

    @Test(arguments: ["ogg", "opus", "mp3"])
    func lossyFormatsStayNear(ending: String) throws {
        let scratch = try Scratch()
        let path = scratch.file("tone.\(ending)")
        let tone = sine(440, rate: 16000, seconds: 1)
        try AudioFile.write(tone, to: path)
        let back = try AudioFile.read(path, rate: 16000, length: 16000)
        #expect(abs(rms(back.samples[4000..<12000]) - rms(tone.samples[4000..<12000])) < 0.03)
    }

    @Test func resamplingKeepsTheTone() throws {
        let scratch = try Scratch()
        let path = scratch.file("tone.wav")
        try AudioFile.write(sine(1000, rate: 44100, seconds: 1), to: path, guarded: false)
        let wanted = sine(1000, rate: 16000, seconds: 1)
        let back = try AudioFile.read(path, rate: 16000)
        #expect(back.samples.count == 16000)
        for i in 200..<15800 { #expect(abs(back.samples[i] - wanted.samples[i]) < 2e-4) }
        // Only what is needed is decoded, and it is the same.
        let start = try AudioFile.read(path, rate: 16000, length: 4000)
        #expect(start.samples == Array(back.samples[..<4000]))
    }

    @Test func cropsAndPads() {
        let audio = Audio(samples: [1, 2, 3], rate: 8000)
        #expect(audio.fitted(to: 5).samples == [1, 2, 3, 0, 0])
        #expect(audio.fitted(to: 5, .center).samples == [0, 1, 2, 3, 0])
        #expect(audio.fitted(to: 2).samples == [1, 2])
        #expect(audio.fitted(to: 1, .center).samples == [2])
    }

    @Test func channelsAreAveraged() throws {
        let scratch = try Scratch()
        let path = scratch.file("stereo.wav")
        // A wav by hand: 2 channels, 8 kHz, 16 bits, two frames.
        var bytes = Array("RIFF".utf8) + [44, 0, 0, 0] + Array("WAVEfmt ".utf8)
        bytes += [16, 0, 0, 0, 1, 0, 2, 0, 0x40, 0x1f, 0, 0, 0, 0x7d, 0, 0, 4, 0, 16, 0]
        bytes += Array("data".utf8) + [8, 0, 0, 0, 0, 0x40, 0, 0x20, 0, 0xc0, 0, 0xe0]
        try AtomicFile.write(bytes, to: path)
        let audio = try AudioFile.read(path)
        #expect(audio == Audio(samples: [0.375, -0.375], rate: 8000))
    }

    @Test func writingNeverClipsNorClicks() throws {
        let scratch = try Scratch()
        let path = scratch.file("loud.wav")
        try AudioFile.write(Audio(samples: Array(repeating: 40, count: 8000), rate: 8000), to: path)
        let back = try AudioFile.read(path).samples
        #expect(back.allSatisfy { abs($0) < 0.99 })
        #expect(abs(back[4000] - 0.98) < 0.001)
        #expect(abs(back[0]) < 0.01 && abs(back[7999]) < 0.01)
        #expect(throws: Failure.self) {
            try AudioFile.write(Audio(samples: [0, .nan], rate: 8000), to: scratch.file("nan.wav"))
        }
    }

    @Test func failuresNameTheFile() throws {
        let scratch = try Scratch()
        func message(_ name: String, _ body: (String) throws -> Void) -> String {
            do {
                try body(scratch.file(name))
                return "no failure"
            } catch {
                return (error as? Failure)?.message.replacing(scratch.path + "/", with: "") ?? "\(error)"
            }
        }
        #expect(
            message("gone.wav") { _ = try AudioFile.read($0) }
                == "cannot read 'gone.wav': No such file or directory")
        #expect(message("") { _ = try AudioFile.read($0) }.contains("is not a file of sound"))
        try AtomicFile.write("", to: scratch.file("empty.wav"))
        #expect(message("empty.wav") { _ = try AudioFile.read($0) } == "'empty.wav' is empty")
        try AtomicFile.write("no sound at all", to: scratch.file("text.wav"))
        #expect(
            message("text.wav") { _ = try AudioFile.read($0) }.hasPrefix("'text.wav' is not a sound file"))
        #expect(mkfifo(scratch.file("pipe.wav"), 0o600) == 0)
        #expect(message("pipe.wav") { _ = try AudioFile.read($0) } == "'pipe.wav' is not a file of sound")
        let tone = sine(440, rate: 16000, seconds: 0.1)
        #expect(
            message("x.exe") { try AudioFile.write(tone, to: $0) }
                == "'.exe' is no sound format that can be written")
        #expect(
            message("none/x.wav") { try AudioFile.write(tone, to: $0) }.hasPrefix("cannot write 'none/x.wav'")
        )
        let odd = Audio(samples: tone.samples, rate: 11025)
        #expect(message("x.opus") { try AudioFile.write(odd, to: $0) }.hasPrefix("this format does not take"))
    }

    @Test(arguments: ["wav", "flac", "ogg", "mp3"])
    func brokenBytesAreFailures(ending: String) throws {
        let good = try AudioFile.encode(sine(440, rate: 16000, seconds: 0.3), ending: ending)
        var generator = SystemRandomNumberGenerator()
        for trial in 0..<150 {
            var bytes = good
            switch trial % 3 {
            case 0: bytes.removeLast(Int.random(in: 1...bytes.count, using: &generator))
            case 1:
                for _ in 0..<8 {
                    bytes[Int.random(in: 0..<min(bytes.count, 200), using: &generator)] = .random(in: 0...255)
                }
            default:
                for _ in 0..<20 {
                    bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255)
                }
            }
            do {
                let audio = try bytes.withUnsafeBytes { try AudioFile.decode($0, name: "mutated") }
                let finite = audio.samples.allSatisfy { $0.isFinite }
                #expect(finite)
            } catch {
                #expect(error is Failure)
            }
        }
    }
}

@Suite struct PlayerTests {
    private func program(_ scratch: Scratch, _ name: String, _ text: String) throws {
        try AtomicFile.write("#!/bin/sh\n" + text, to: scratch.file(name))
        #expect(chmod(scratch.file(name), 0o755) == 0)
    }

    @Test func triesPlayersInOrder() throws {
        let scratch = try Scratch()
        try program(scratch, "pw-play", "exit 1\n")
        try program(scratch, "aplay", "cp \"$2\" \"$(dirname \"$0\")/heard\"\n")
        let tone = sine(440, rate: 16000, seconds: 0.05)
        #expect(try Player.play(tone, searchPath: scratch.path) == .played(by: "aplay"))
        #expect(try AudioFile.read(scratch.file("heard")).samples.count == 800)
    }

    @Test func saysWhereTheSoundIsWhenNobodyPlays() throws {
        let scratch = try Scratch()
        let tone = sine(440, rate: 16000, seconds: 0.05)
        let path = scratch.file("kept.wav")
        let outcome = try Player.play(tone, keepAt: path, searchPath: scratch.path)
        #expect(
            outcome.message
                == "no player is installed (one of pw-play, paplay, aplay, play); the sound is in \(path)")
        #expect(try AudioFile.read(path).samples.count == 800)
        try program(scratch, "paplay", "exit 3\n")
        let refused = try Player.play(tone, keepAt: path, searchPath: scratch.path)
        #expect(
            refused.message?.hasPrefix("no player could reach a loudspeaker (paplay: exit code 3)") == true)
    }

    @Test func stopsOnRequest() throws {
        let scratch = try Scratch()
        try program(scratch, "aplay", "sleep 20\n")
        let flag = CancelFlag()
        DispatchQueue.global().asyncAfter(deadline: .now() + 0.2) { flag.request() }
        let began = Date()
        #expect(throws: Failure.interrupted) {
            try Player.play(sine(440, rate: 8000, seconds: 1), searchPath: scratch.path, cancel: flag)
        }
        #expect(Date().timeIntervalSince(began) < 5)
    }
}
