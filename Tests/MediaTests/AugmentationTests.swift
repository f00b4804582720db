import Foundation
import Media
import Support
import Tensor
import Testing

/// Waveforms of ten classes in memory: tones of 100 + 50 i Hz.
func tones(_ n: Int, length: Int = 1600) throws -> TensorExamples {
    let samples = (0..<n).flatMap { i in
        sine(100 + 50 * Double(i), rate: 16000, seconds: Double(length) / 16000).samples
    }
    return try TensorExamples(
        inputs: Tensor(samples, shape: [n, length, 1]), labels: (0..<n).map { $0 % 10 },
        classNames: (0..<10).map { "c\($0)" })
}

@Suite struct AugmentationTests {
    private let all: [any Augmentation] = [
        SpeedChange(factors: 0.9...1.1), TimeShift(seconds: 0.01, rate: 16000), Gain(decibels: -6...6),
        BackgroundNoise(ratio: 5...20), TimeMask(stretches: 2, share: 0.1),
    ]

    @Test func followsFromKeyAndIndexAlone() throws {
        let set = try AugmentedExamples(tones(20), all, mixUp: MixUp(alpha: 0.4))
        let key = RandomKey(seed: 7, step: 3)
        let whole = try set.batch(Array(0..<20), key: key)
        let again = try set.batch([5, 3], key: key)
        let x = try whole.inputs.array(of: Float.self)
        #expect(
            try again.inputs.array(of: Float.self) == Array(x[5 * 1600..<6 * 1600] + x[3 * 1600..<4 * 1600]))
        let other = try set.batch([5, 3], key: RandomKey(seed: 7, step: 4))
        #expect(try again.inputs.array(of: Float.self) != other.inputs.array(of: Float.self))
        let plain = try set.batch([5])
        #expect(try plain.inputs.array(of: Float.self) == tones(20).batch([5]).inputs.array(of: Float.self))
        // Mixed targets stay a distribution.
        let y = try whole.targets.array(of: Float.self)
        for i in 0..<20 { #expect(abs(y[i * 10..<i * 10 + 10].reduce(0, +) - 1) < 1e-5) }
        #expect(set.fingerprint != (try tones(20).fingerprint))
    }

    @Test func repeatedExamplesDiffer() throws {
        let augmented = try AugmentedExamples(tones(4), [Gain(decibels: -6...6)])
        let set = try Subset(augmented, [2, 2, 1])
        let key = RandomKey(seed: 1)
        let x = try set.batch([0, 1], key: key).inputs.array(of: Float.self)
        #expect(Array(x[..<1600]) != Array(x[1600...]))
        #expect(try set.batch([1], key: key).inputs.array(of: Float.self) == Array(x[1600...]))
    }

    @Test func noiseHasTheAskedRatio() throws {
        for channels in [1, 2] {
            let length = 8000
            let clean = try Tensor(
                sine(440, rate: 8000, seconds: 1).samples.flatMap { Array(repeating: $0, count: channels) },
                shape: [1, length, channels])
            let set = try TensorExamples(inputs: clean, labels: [0], classNames: ["a"])
            let noisy = try AugmentedExamples(set, [BackgroundNoise(ratio: 10...10, probability: 1)])
            for seed in 0..<6 {
                let x = try noisy.batch([0], key: RandomKey(seed: UInt64(seed))).inputs.array(of: Float.self)
                let original = try clean.array(of: Float.self)
                let noise = zip(x, original).map { $0 - $1 }
                let ratio = 20 * log10(rms(original) / rms(noise))
                #expect(abs(ratio - 10) < 0.05, "\(ratio) dB")
            }
        }
        let short = Audio(samples: [0.1, -0.2, 0.1], rate: 16000)
        let set = try AugmentedExamples(
            tones(1), [BackgroundNoise(recordings: [short], ratio: 0...0, probability: 1)])
        let x = try set.batch([0], key: RandomKey(seed: 1)).inputs.array(of: Float.self)
        #expect(rms(x) > rms(try tones(1).input(at: 0).array(of: Float.self)))
    }

    @Test func shiftMovesAndPads() throws {
        let ramp = try Tensor((1...100).map { Float($0) }, shape: [1, 100, 1])
        let set = try TensorExamples(inputs: ramp, labels: [0], classNames: ["a"])
        let shifted = try AugmentedExamples(set, [TimeShift(seconds: 10, rate: 1)])
        var seen = Set<Int>()
        for seed in 0..<200 {
            let x = try shifted.batch([0], key: RandomKey(seed: UInt64(seed))).inputs.array(of: Float.self)
            let by = 50 - Int(x[49])
            seen.insert(by)
            let wanted = (0..<100).map { (0..<100).contains($0 - by) ? Float($0 - by + 1) : 0 }
            #expect(x == wanted)
        }
        #expect(seen == Set(-10...10))
    }

    @Test func speedMovesThePitch() throws {
        let tone = sine(1000, rate: 16000, seconds: 1)
        let set = try TensorExamples(
            inputs: Tensor(tone.samples, shape: [1, 16000, 1]), labels: [0], classNames: ["a"])
        let fast = try AugmentedExamples(set, [SpeedChange(factors: 1.25...1.25)])
        let x = try fast.batch([0], key: RandomKey(seed: 1)).inputs.array(of: Float.self)
        let middle = Array(x[4000..<12000])
        let crossings = zip(middle, middle.dropFirst()).filter { $0.0 < 0 && $0.1 >= 0 }.count
        #expect(abs(crossings - 625) <= 1)
        #expect(x.prefix(1000).allSatisfy { abs($0) < 1e-3 } && x.suffix(1000).allSatisfy { abs($0) < 1e-3 })
    }

    @Test func picturesFlipAndMove() throws {
        let picture = try Tensor((0..<24).map { Float($0) }, shape: [1, 3, 4, 2])
        let set = try TensorExamples(inputs: picture, labels: [0], classNames: ["a"])
        let flips = try AugmentedExamples(set, [Flip()])
        var results = Set<[Float]>()
        for seed in 0..<20 {
            results.insert(
                try flips.batch([0], key: RandomKey(seed: UInt64(seed))).inputs.array(of: Float.self))
        }
        #expect(results.count == 2)
        #expect(results.contains { $0.prefix(8) == [6, 7, 4, 5, 2, 3, 0, 1] })
        let crops = try AugmentedExamples(set, [RandomCrop(pixels: 1)])
        var moved = Set<[Float]>()
        for seed in 0..<100 {
            moved.insert(
                try crops.batch([0], key: RandomKey(seed: UInt64(seed))).inputs.array(of: Float.self))
        }
        #expect(moved.count == 9)
        #expect(moved.contains { $0.prefix(8) == [0, 1, 0, 1, 2, 3, 4, 5] })
    }

    @Test func impossibleSettingsAreExplained() throws {
        let set = try tones(2)
        let wrong: [any Augmentation] = [
            TimeShift(seconds: 5, rate: 16000), TimeShift(seconds: .nan, rate: 16000),
            Gain(decibels: 0...500),
            BackgroundNoise(ratio: -100...0), BackgroundNoise(ratio: 0...1, probability: 2),
            SpeedChange(factors: 0...1), TimeMask(share: 2), Flip(), RandomCrop(pixels: 1),
        ]
        for step in wrong {
            #expect(throws: Failure.self, "\(step.summary)") { try AugmentedExamples(set, [step]) }
        }
        #expect(throws: Failure.self) { try AugmentedExamples(set, [], mixUp: MixUp(alpha: 0)) }
        var options = AugmentationOptions()
        options.gain = (3, -3)
        #expect(throws: Failure.self) { try options.applied(to: set) }
        options.gain = (-3, 3)
        options.shift = 0.1
        #expect(throws: Failure.self) { try options.applied(to: set) }
    }

    @Test func mixUpSharesFollowTheBetaDistribution() throws {
        let set = try TensorExamples(
            inputs: Tensor([0, 1] as [Float], shape: [2, 1]), labels: [0, 1], classNames: ["a", "b"])
        let mixed = try AugmentedExamples(set, [], mixUp: MixUp(alpha: 1))
        // Where the partner is the other example, its share is uniform.
        var shares: [Float] = []
        for seed in 0..<4000 {
            let x = try mixed.batch([1], key: RandomKey(seed: UInt64(seed))).inputs.array(of: Float.self)[0]
            if x < 1 { shares.append(x) }
        }
        #expect(abs(shares.count - 2000) < 200)
        let mean = shares.reduce(0, +) / Float(shares.count)
        let variance = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(shares.count)
        #expect(abs(mean - 0.5) < 0.03 && abs(variance - 1 / 12.0) < 0.01)
    }
}

@Suite struct SetTests {
    @Test func takeIsEven() throws {
        let set = try tones(25)
        let few = try set.taken(10)
        #expect(few.classCounts == Array(repeating: 1, count: 10))
        #expect(try set.taken(1000).count == 25)
        #expect(throws: Failure.self) { try set.taken(-1) }
    }

    @Test func balanceRepeatsOrLeavesOut() throws {
        let set = try tones(23)
        #expect(try set.balanced().classCounts == Array(repeating: 3, count: 10))
        #expect(try set.balanced(repeating: false).classCounts == Array(repeating: 2, count: 10))
    }

    @Test func concatenationMatchesClassesByName() throws {
        let a = try tones(20).restricted(to: ["c3", "c1"])
        let b = try tones(20).restricted(to: ["c1", "c7"])
        let both = try ConcatenatedExamples([a, b])
        #expect(both.classNames == ["c3", "c1", "c7"] && both.classCounts == [2, 4, 2])
        let (x, y) = try both.batch([0, 5])
        #expect(try y.array(of: Float.self) == [0, 1, 0, 0, 0, 1])
        #expect(try Array(x.array(of: Float.self)[1600...]) == tones(20).input(at: 7).array(of: Float.self))
        #expect(throws: Failure.self) { try ConcatenatedExamples([a, try tones(2, length: 8)]) }
        #expect(throws: Failure.self) { try ConcatenatedExamples([]) }
        #expect(throws: Failure.self) { try a.restricted(to: ["c2"]) }
    }

    @Test func mapChangesEveryExample() throws {
        let set = try tones(5)
        let halves = try set.mapped { x in
            try Tensor(x.array(of: Float.self).prefix(800).map { $0 * 2 }, shape: [800, 1])
        }
        #expect(halves.exampleShape == [800, 1] && halves.classCounts == set.classCounts)
        #expect(
            try halves.input(at: 4).array(of: Float.self)[7] == set.input(at: 4).array(of: Float.self)[7] * 2)
        var n = 0
        #expect(throws: Failure.self) {
            try set.mapped { _ in
                n += 1
                return try Tensor(repeating: 0, shape: [n])
            }
        }
    }

    @Test func divisionKeepsGroupsTogether() throws {
        let (scratch, cache) = (try Scratch(), try Scratch())
        try makeClips(scratch, words: ["a"], speakers: 30, takes: 2)
        let data = try AudioFolder.open(scratch.path, smallOptions(cache))
        let parts = try data.all.divided([0.6, 0.3], seed: 5)
        func speakers(_ set: any ExampleSet) -> Set<String> { Set((0..<set.count).compactMap(set.group)) }
        #expect(speakers(parts[0]).isDisjoint(with: speakers(parts[1])))
        #expect(abs(parts[0].count - 36) <= 2 && abs(parts[1].count - 18) <= 2)
        #expect(throws: Failure.self) { try data.all.divided([0.9, 0.9], seed: 1) }
    }
}
