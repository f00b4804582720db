import Foundation
import Media
import Support
import Tensor
import Testing

/// The folder of real data beside the checkout, nil where this machine has none.
func realData(_ name: String, file: String = #filePath) -> String? {
    let checkout = file.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
    let candidates = [checkout + "/../shared/data/" + name, checkout + "/../../shared/data/" + name]
    return candidates.first { FileManager.default.fileExists(atPath: $0) }
}

/// Seconds of this thread's own work: the same however busy the machine is.
func threadSeconds(_ body: () throws -> Void) rethrows -> Double {
    func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
    let start = now()
    try body()
    return now() - start
}

let isOptimised: Bool = {
    var optimised = true
    assert({ optimised = false }() == ())
    return optimised
}()

@Suite struct NamePatternTests {
    @Test func readsSpeakerAndClass() throws {
        let pattern = try NamePattern("{class}_{speaker}_*")
        #expect(pattern.readsClass)
        let match = pattern.match("7_jackson_12")
        #expect(match?.label == "7" && match?.speaker == "jackson")
        #expect(pattern.match("7-jackson") == nil)
        #expect(try NamePattern("{speaker}/*").match("19/198/a_b")?.speaker == "19")
        #expect(try NamePattern("*-{speaker}").match("a-b-c")?.speaker == "b-c")
        #expect(try NamePattern("*").match("anything")?.speaker == nil)
        #expect(try NamePattern("{speaker}_*").match("a/b_c") == nil)
    }

    @Test func manyStarsEndSoon() throws {
        let pattern = try NamePattern(String(repeating: "*a", count: 40) + "b")
        #expect(pattern.match(String(repeating: "a", count: 200)) == nil)
    }

    @Test func wrongPatternsAreExplained() {
        for text in ["", "{word}_*", "{speaker}{speaker}", "{"] {
            #expect(throws: Failure.self) { try NamePattern(text) }
        }
    }

    @Test func usualNames() {
        func speaker(_ name: String, _ label: String) -> String {
            String(NamePattern.usualSpeaker(Substring(name), label: label))
        }
        #expect(speaker("0a7c2a8d_nohash_1", "dog") == "0a7c2a8d")
        #expect(speaker("anna_3", "dog") == "anna")
        #expect(speaker("dog_anna_3", "dog") == "anna")
        #expect(speaker("17", "dog") == "17")
        #expect(speaker("_x", "dog") == "_x")
    }
}

@Suite struct DataSplitTests {
    /// Percentages by Python's hashlib and the published formula.
    @Test func publishedHash() {
        let known: [(String, DataPart)] = [
            ("004ae714", .train), ("1d1fe0a0", .train), ("39ec87ac", .train), ("569455ff", .train),
            ("6e916de8", .test), ("881583a6", .test), ("a3255f5c", .train), ("ba676390", .train),
            ("d1453a87", .train), ("e71b4ce6", .test), ("ffa76c4a", .test), ("jackson", .train),
        ]
        for (speaker, part) in known { #expect(DataSplit.whichSet(speaker) == part, "\(speaker)") }
    }

    @Test func fewSpeakersStillFillEveryPart() {
        for n in 3..<45 {
            let speakers = (0..<n).map { "speaker \($0)" }
            let parts = DataSplit.parts(
                speakers: speakers, clipCounts: Array(repeating: 10, count: n), validation: 10, testing: 10)
            if n < 40 { #expect(Set(parts).count == 3, "\(n) speakers") }
        }
        let two = DataSplit.parts(speakers: ["a", "b"], clipCounts: [5, 5], validation: 10, testing: 10)
        #expect(two == [.train, .train])
    }
}

/// A small tree of clips: every speaker says every word `takes` times.
func makeClips(_ scratch: Scratch, words: [String], speakers: Int, takes: Int = 1, rate: Int = 8000) throws {
    for (w, word) in words.enumerated() {
        try Folders.make(scratch.file(word))
        for s in 0..<speakers {
            for take in 0..<takes {
                let tone = sine(200 + Double(w) * 100 + Double(s), rate: rate, seconds: 0.05)
                let name = "\(word)/\(String(s * 7919 + 65536, radix: 16))_nohash_\(take).wav"
                try AudioFile.write(tone, to: scratch.file(name), guarded: false)
            }
        }
    }
}

func smallOptions(_ scratch: Scratch) -> AudioFolder.Options {
    var options = AudioFolder.Options()
    options.rate = 8000
    options.seconds = 0.06
    options.cacheFolder = scratch.path + "/cache"
    return options
}

@Suite struct AudioFolderTests {
    @Test func opensATreeWithoutLeakingSpeakers() throws {
        let (scratch, cache) = (try Scratch(), try Scratch())
        try makeClips(scratch, words: ["yes", "no", "_background_noise_"], speakers: 60, takes: 2)
        let data = try AudioFolder.open(scratch.path, smallOptions(cache))
        #expect(data.all.classNames == ["no", "yes"])
        #expect(data.all.count == 240 && data.all.classCounts == [120, 120])
        #expect(data.train.count + data.validation.count + data.test.count == 240)
        #expect(data.all.exampleShape == [480, 1] && data.all.sampleRate == 8000)
        func speakers(_ set: any ExampleSet) -> Set<String> { Set((0..<set.count).compactMap(set.group)) }
        #expect(speakers(data.train).isDisjoint(with: speakers(data.validation)))
        #expect(speakers(data.train).isDisjoint(with: speakers(data.test)))
        #expect(speakers(data.validation).isDisjoint(with: speakers(data.test)))
        for i in 0..<data.test.count {
            let speaker = try #require(data.test.group(at: i))
            #expect(DataSplit.whichSet(speaker) == .test)
        }
        // What comes out is what the file holds, padded.
        let path = try #require(data.train.source(at: 0))
        let wanted = try AudioFile.read(path, rate: 8000, length: 480)
        #expect(try data.train.input(at: 0).array(of: Float.self) == wanted.samples)
        let (_, targets) = try data.train.batch([0])
        #expect(try targets.array(of: Float.self) == (data.train.label(at: 0) == 0 ? [1, 0] : [0, 1]))
    }

    @Test func brokenFilesAreReportedAndLeftOut() throws {
        let (scratch, cache) = (try Scratch(), try Scratch())
        try makeClips(scratch, words: ["a", "b"], speakers: 6)
        try AtomicFile.write("not sound", to: scratch.file("a/broken.wav"))
        try AtomicFile.write("", to: scratch.file("b/empty.wav"))
        try AtomicFile.write("readme", to: scratch.file("a/readme.txt"))
        try AudioFile.write(sine(300, rate: 8000, seconds: 0.05), to: scratch.file("stray.wav"))
        try AudioFile.write(
            sine(300, rate: 8000, seconds: 0.05), to: scratch.file("a/odd \u{1F415} '$(x)\n.wav"))
        let bad = scratch.path.utf8CString.dropLast() + "/a/\u{1}x.wav".utf8CString
        var name = Array(bad)
        name[name.count - 7] = -1
        let file = fopen(name, "w")
        if let file { fclose(file) }
        for _ in 0..<2 {
            let data = try AudioFolder.open(scratch.path, smallOptions(cache))
            #expect(data.all.count == 13)
            let problems = data.problems.joined(separator: "\n")
            #expect(problems.contains("a/broken.wav: is not a sound file"))
            #expect(problems.contains("b/empty.wav: the file is empty"))
            #expect(problems.contains("stray.wav: it lies in no class folder"))
            #expect(problems.contains("the name is not UTF-8"))
            #expect(data.problems.count == 4, "\(problems)")
        }
    }

    @Test func theSecondOpeningReadsTheCache() throws {
        let (scratch, cache) = (try Scratch(), try Scratch())
        try makeClips(scratch, words: ["a", "b"], speakers: 10)
        func open() throws -> DataSet { try AudioFolder.open(scratch.path, smallOptions(cache)) }
        let first = try open()
        let files = try FileManager.default.contentsOfDirectory(atPath: cache.file("cache"))
        #expect(files.count == 1 && files[0].hasSuffix(".vzclips"))
        let path = cache.file("cache/\(files[0])")
        let before = try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int
        let second = try open()
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int == before)
        #expect(first.all.fingerprint == second.all.fingerprint)
        #expect(
            try first.all.input(at: 3).array(of: Float.self) == second.all.input(at: 3).array(of: Float.self))
        // A damaged cache is made again; a changed file is decoded again.
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.truncate(atOffset: 5000)
        try handle.close()
        #expect(try open().all.count == 20)
        let changed = scratch.file("a/10000_nohash_0.wav")
        try AudioFile.write(sine(999, rate: 8000, seconds: 0.04), to: changed)
        let third = try open()
        let i = try #require(
            (0..<20).first { third.all.source(at: $0)?.hasSuffix("a/10000_nohash_0.wav") == true })
        #expect(
            try third.all.input(at: i).array(of: Float.self) != first.all.input(at: i).array(of: Float.self))
    }

    @Test func worksWhereTheCacheCannotBeWritten() throws {
        let scratch = try Scratch()
        try makeClips(scratch, words: ["a", "b"], speakers: 4)
        var options = smallOptions(scratch)
        options.cacheFolder = "/proc/none/vzsh"
        let data = try AudioFolder.open(scratch.path, options)
        #expect(data.all.count == 8)
        #expect(data.notes.contains { $0.contains("the clips are kept in memory") })
        options.cacheFolder = nil
        #expect(try AudioFolder.open(scratch.path, options).all.input(at: 0).count == 480)
    }

    @Test func aStopLeavesNothingBehind() throws {
        let (scratch, cache) = (try Scratch(), try Scratch())
        try makeClips(scratch, words: ["a"], speakers: 4)
        let flag = CancelFlag()
        flag.request()
        #expect(throws: Failure.interrupted) {
            try AudioFolder.open(scratch.path, smallOptions(cache), cancel: flag)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache.file("cache")) == [])
    }

    @Test func theFoldersOwnListsDecide() throws {
        let (scratch, cache) = (try Scratch(), try Scratch())
        try makeClips(scratch, words: ["a", "b"], speakers: 5)
        try AtomicFile.write(
            "a/10000_nohash_0.flac\nb/10000_nohash_0.wav\n", to: scratch.file("validation_list.txt"))
        try AtomicFile.write("a/11eef_nohash_0.wav\n\n", to: scratch.file("testing_list.txt"))
        let data = try AudioFolder.open(scratch.path, smallOptions(cache))
        #expect(data.validation.count == 2 && data.test.count == 1 && data.train.count == 7)
        #expect(data.notes.contains { $0.contains("put 1 speakers into more than one part") })
    }

    @Test func classesByNameAndPattern() throws {
        let (scratch, cache) = (try Scratch(), try Scratch())
        for digit in 0..<3 {
            for speaker in ["ann", "bob", "eve", "joe"] {
                let path = scratch.file("\(digit)_\(speaker)_0.wav")
                try AudioFile.write(sine(300, rate: 8000, seconds: 0.05), to: path)
            }
        }
        var options = smallOptions(cache)
        options.pattern = "{class}_{speaker}_*"
        let data = try AudioFolder.open(scratch.path, options)
        #expect(data.all.classNames == ["0", "1", "2"] && data.all.count == 12)
        #expect(data.test.count == 3 && data.validation.count == 3)
        options.classes = ["2", "0"]
        #expect(try AudioFolder.open(scratch.path, options).all.classNames == ["2", "0"])
    }

    @Test func mistakesAreExplained() throws {
        let (scratch, cache) = (try Scratch(), try Scratch())
        try makeClips(scratch, words: ["house", "dog"], speakers: 2)
        var options = smallOptions(cache)
        options.classes = ["hous"]
        #expect {
            try AudioFolder.open(scratch.path, options)
        } throws: {
            ($0 as? Failure)?.message.hasSuffix("has no clips of class 'hous'") == true
                && ($0 as? Failure)?.hint == "did you mean 'house'?"
        }
        options.classes = ["dog", "dog"]
        #expect(throws: Failure.self) { try AudioFolder.open(scratch.path, options) }
        #expect(throws: Failure.self) { try AudioFolder.open(scratch.path + "/none", smallOptions(cache)) }
        #expect(throws: Failure.self) { try AudioFolder.open(cache.path, smallOptions(cache)) }
        options.classes = nil
        options.rate = 7
        #expect(throws: Failure.self) { try AudioFolder.open(scratch.path, options) }
        options.rate = 8000
        options.seconds = .nan
        #expect(throws: Failure.self) { try AudioFolder.open(scratch.path, options) }
    }

    /// As many files as Speech Commands has: opening the second time is a matter of a second.
    @Test(.enabled(if: isOptimised, "the time is promised of the optimised build"))
    func opensTheFullSetsListingQuickly() throws {
        let (scratch, cache) = (try Scratch(), try Scratch())
        let total = 105_829
        for word in 0..<35 {
            let folder = scratch.file("word\(word)")
            try Folders.make(folder)
            let source = folder + "/source"
            try AudioFile.write(
                Audio(samples: Array(repeating: 0.5, count: 8), rate: 8000), to: source + ".wav")
            for i in 0..<total / 35 + (word < total % 35 ? 1 : 0) {
                let name =
                    "\(folder)/\(String(i &* 2_654_435_761 & 0xffff_ffff, radix: 16))_nohash_\(i % 4).wav"
                #expect(link(source + ".wav", name) == 0)
            }
            unlink(source + ".wav")
        }
        var options = smallOptions(cache)
        options.seconds = 0.001
        #expect(try AudioFolder.open(scratch.path, options).all.count == total)
        var data = try AudioFolder.open(scratch.path, options)
        // This thread's own time: what else runs on the machine must not count.
        let effort = try threadSeconds { data = try AudioFolder.open(scratch.path, options) }
        #expect(effort < 2)
        let share = Double(data.validation.count) / Double(total)
        #expect(abs(share - 0.1) < 0.01)
    }

    @Test(.enabled(if: realData("speech_commands") != nil, "needs the real clips beside the checkout"))
    func realClips() throws {
        let folder = try #require(realData("speech_commands"))
        let cache = try Scratch()
        let words = ["zero", "dog", "bird"]
        let data = try AudioFolder.speechCommands(folder, words: words, cacheFolder: cache.path)
        #expect(data.all.classNames == words && data.problems.isEmpty)
        for (word, n) in zip(words, data.all.classCounts) {
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/" + word).count == n)
        }
        #expect(data.all.exampleShape == [16000, 1])
        let loud = try rms(data.all.input(at: 0).array(of: Float.self))
        #expect(loud > 0.001 && loud < 1)
    }
}
