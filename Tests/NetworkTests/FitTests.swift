import Glibc
import Network
import Support
import Synchronization
import Tensor
import Testing

/// Waves of three pitches in noise: small enough for the slowest kernels.
func tones(_ n: Int, seed: UInt64 = 1) throws -> TensorExamples {
    let noise = try Tensor(random: .normal, shape: [n * 16], key: RandomKey(seed: seed)).array(of: Float.self)
    var values: [Float] = []
    for i in 0..<n {
        for t in 0..<16 {
            values.append(sin(Float(t) * Float(i % 3 + 1) * 0.7 + noise[i]) + 0.1 * noise[i * 16 + t])
        }
    }
    return try TensorExamples(
        inputs: Tensor(values, shape: [n, 16, 1]), labels: (0..<n).map { $0 % 3 },
        classNames: ["low", "mid", "high"])
}

func smallNetwork() throws -> Network {
    try .sequential(
        Architectures.blocks([
            .conv1d(4, 3), .batchnorm(), .relu(), .maxpool1d(2), .flatten(), .dropout(0.25), .dense(3),
            .softmax(),
        ]), input: [16, 1], name: "small", key: RandomKey(seed: 5))
}

func bits(_ network: Network) throws -> [UInt32] {
    try network.parameters.flatMap { try $0.variable.value.array(of: Float.self).map(\.bitPattern) }
}

@Suite struct FitTests {
    private func options(_ rate: Double = 0.02) throws -> FitOptions {
        var options = FitOptions(optimizer: try .adam(rate))
        options.batch = 8
        options.seed = 11
        options.cancel = CancelFlag()
        return options
    }

    @Test func learnsAndJudges() throws {
        let (train, test) = try (tones(60), tones(30, seed: 2))
        let net = try smallNetwork()
        var options = try options()
        options.epochs = 8
        options.validation = test
        let reports = Mutex<[Progress]>([])
        options.progress = { report in reports.withLock { $0.append(report) } }
        let result = try net.fit(train, options)
        #expect(result.ending == .finished && result.epochs == 8 && result.steps == 64)
        #expect(result.history.loss.count == 8)
        #expect(result.history.loss[7] < result.history.loss[0] * 0.7)
        let finals = reports.withLock { $0.filter(\.isFinal) }
        #expect(finals.map(\.label).last == "epoch 8/8" && finals.count == 8)
        #expect(
            finals[0].figures.map(\.name) == [
                "loss", "accuracy", "val_loss", "val_accuracy", "seconds", "samples/s",
            ])

        let score = try net.evaluate(test, batch: 7, cancel: CancelFlag())
        #expect(abs(score.loss - (result.history.validationLoss.last ?? 0)) < 1e-5)
        #expect(score.accuracy > 0.8)
        #expect(score.confusion.map { $0.reduce(0, +) } == [10, 10, 10])
        let hits = (0..<3).reduce(0) { $0 + score.confusion[$1][$1] }
        #expect(abs(Double(hits) / 30 - score.accuracy) < 1e-6)
        for (i, c) in score.classScores.enumerated() {
            #expect(abs(c.recall - Double(score.confusion[i][i]) / 10) < 1e-12)
        }

        #expect(net.classes == ["low", "mid", "high"])
        let all = try net.predict(test.batch(Array(0..<30)).inputs, batch: 4, cancel: CancelFlag())
        #expect(all.shape == [30, 3])
        let guess = try net.classify(test.input(at: 4), cancel: CancelFlag())
        #expect(guess[0].index == score.predicted[4])
        #expect(abs(guess.reduce(0) { $0 + $1.probability } - 1) < 1e-5)
    }

    @Test func sameSeedSameBits() throws {
        let train = try tones(20)
        var all: [[UInt32]] = []
        for seed in [11, 11, 12] as [UInt64] {
            let net = try smallNetwork()
            var options = try options()
            options.seed = seed
            _ = try net.fit(train, options)
            all.append(try bits(net))
        }
        #expect(all[0] == all[1])
        #expect(all[0] != all[2])
    }

    /// Interrupted after any batch and resumed in a fresh network: the bits of the unbroken run.
    @Test(arguments: [1, 3, 4, 7, 10]) func resumesToTheSameBits(_ stopAfter: Int) throws {
        let (train, validation) = try (tones(20), tones(9, seed: 3))
        let path = "/tmp/vzsh-fit-\(getpid())-\(stopAfter).vzck"
        defer { unlink(path) }
        var options = try options(0.01)
        options.optimizer.schedule = .warmUp(epochs: 1, then: .cosine())
        options.epochs = 4
        options.validation = validation
        options.earlyStopping = try EarlyStopping(patience: 2)

        let unbroken = try smallNetwork()
        options.augment = { inputs, _, _, key in
            let noise = try Tensor(random: .normal, shape: [inputs.count], key: key).array(of: Float.self)
            for i in inputs.indices { inputs[i] += 0.01 * noise[i] }
        }
        let whole = try unbroken.fit(train, options)

        let flag = CancelFlag()
        let count = Mutex(0)
        let plain = options.augment
        options.cancel = flag
        options.checkpoint = path
        options.augment = { inputs, targets, n, key in
            try plain?(inputs, targets, n, key)
            let seen = count.withLock {
                $0 += 1
                return $0
            }
            if seen == stopAfter { flag.request() }
        }
        let first = try smallNetwork()
        let stopped = try first.fit(train, options)
        #expect(stopped.ending == .interrupted)
        #expect(stopped.advice?.contains("resume = \"\(path)\"") == true)

        flag.clear()
        options.resume = path
        let second = try smallNetwork()
        let resumed = try second.fit(train, options)
        #expect(resumed.history.isSame(as: whole.history))
        #expect(resumed.steps == whole.steps && resumed.ending == whole.ending)
        #expect(try bits(second) == bits(unbroken))
    }

    @Test func aSecondInterruptAbandonsTheBatch() throws {
        var options = try options()
        let flag = options.cancel
        options.augment = { _, _, _, _ in
            flag.request()
            flag.request()
        }
        let net = try smallNetwork()
        let before = try bits(net)
        #expect(try net.fit(tones(16), options).isInterrupted)
        #expect(try bits(net) == before)
        #expect(flag.repeated.isSet)
    }

    @Test func earlyStoppingRestoresTheBest() throws {
        let (train, validation) = try (tones(24), tones(12, seed: 4))
        var options = try options(0.3)
        options.epochs = 30
        options.validation = validation
        options.earlyStopping = try EarlyStopping(patience: 2)
        let net = try smallNetwork()
        let result = try net.fit(train, options)
        let losses = result.history.validationLoss
        #expect(result.ending == .stoppedEarly)
        let best = losses.min() ?? 0
        #expect(result.restoredEpoch == (losses.firstIndex(of: best) ?? -1) + 1)
        #expect(abs(try net.evaluate(validation, cancel: CancelFlag()).loss - best) < 1e-5)
    }

    @Test func divergenceIsToldAndUndone() throws {
        let net = try smallNetwork()
        let before = try bits(net)
        var options = try options()
        options.optimizer = try .sgd(1e30)
        let result = try net.fit(tones(24), options)
        guard case .diverged(let reason) = result.ending else {
            Issue.record("\(result.ending)")
            return
        }
        #expect(reason.contains("epoch 1"))
        #expect(try bits(net) == before)
        let broken = try TensorExamples(
            inputs: Tensor([Float](repeating: .nan, count: 16), shape: [1, 16, 1]), labels: [0],
            classNames: ["low", "mid", "high"])
        #expect(
            try net.fit(broken, self.options()).advice?.contains("an example of that batch holds NaN") == true
        )
    }

    @Test func frozenLayersClassWeightsAndRegularizers() throws {
        let train = try tones(12)
        let net = try smallNetwork()
        let frozen = try net.layer("conv1d").layer
        frozen.isTrainable = false
        try net.layer("batchnorm").layer.isTrainable = false
        let (before, moments) = try (
            frozen.parameters[0].variable.value.array(of: Float.self),
            net.layer("batchnorm").layer.parameters[2].variable.value.array(of: Float.self)
        )
        var options = try options()
        options.classWeights = [1, 0, 0]
        _ = try net.fit(train, options)
        #expect(try frozen.parameters[0].variable.value.array(of: Float.self) == before)
        #expect(
            try net.layer("batchnorm").layer.parameters[2].variable.value.array(of: Float.self) == moments)

        let heavy = try Network.sequential(
            Architectures.blocks([.flatten(), .dense(3, regularizer: Regularizer(l2: 0.5)), .softmax()]),
            input: [16, 1])
        let kernel = try heavy.parameters[0].variable.value.array(of: Float.self)
        let plain = try heavy.evaluate(train, cancel: CancelFlag()).loss
        options.classWeights = nil
        options.batch = 12
        let first = try heavy.fit(train, options).history.loss[0]
        #expect(abs(first - plain - 0.5 * Double(kernel.reduce(0) { $0 + $1 * $1 })) < 1e-4)
    }

    @Test func checkpointsOfOtherTrainingsAreRefused() throws {
        let path = "/tmp/vzsh-fit-\(getpid())-other.vzck"
        defer { unlink(path) }
        var options = try options()
        options.checkpoint = path
        _ = try smallNetwork().fit(tones(16), options)
        options.resume = path
        options.batch = 4
        #expect(
            message { _ = try smallNetwork().fit(tones(16), options) }
                == "resume: '\(path)' was written with batch 8, not 4")
        options.batch = 8
        #expect(
            message { _ = try smallNetwork().fit(tones(17), options) }
                == "resume: '\(path)' was written with other data")
        let other = try Network.sequential(
            Architectures.blocks([.flatten(), .dense(3), .softmax()]), input: [16, 1])
        #expect(
            message { _ = try other.fit(tones(16), options) }
                == "the checkpoint '\(path)' belongs to another network: dense.kernel does not fit")
        options.resume = "/tmp/none.vzck"
        #expect(
            message { _ = try smallNetwork().fit(tones(16), options) }
                == "cannot read '/tmp/none.vzck': No such file or directory")
        options.resume = path
        let done = try smallNetwork().fit(tones(16), options)
        #expect(done.epochs == 1 && done.steps == 2)
        #expect(
            done.advice?.hasSuffix(
                "has done 1 of epochs = 1 already: give a greater number to go on") == true)
        // The network itself comes out of the same file.
        let file = try TensorFile(path: path)
        let text = try #require(file.metadata["vzsh.network"])
        let again = try Network(architecture: JSON(parsing: text)) { try file.tensor("weights/\($0)") }
        #expect(again.classes == ["low", "mid", "high"])
    }

    @Test func copiesLearnOnTheirOwn() throws {
        let net = try smallNetwork()
        let before = try bits(net)
        let copy = net.copy()
        _ = try copy.fit(tones(16), options())
        #expect(try bits(net) == before)
        #expect(try bits(copy) != before)
        let weights = Dictionary(
            uniqueKeysWithValues: copy.namedParameters.map { ($0.name, $0.parameter.variable.value) })
        #expect(try net.setWeights { $0 == "dense.bias" ? nil : weights[$0] } == ["dense.bias"])
        #expect(try net.setWeights { weights[$0] } == [])
        #expect(try bits(net) == bits(copy))
        #expect(
            message { try net.setWeights { _ in try Tensor(scalar: 1 as Float) } }
                == "small.conv1d.kernel has shape [3, 1, 4], the given one []")
    }

    @Test func balancedWeightsMakeClassesEqual() throws {
        let data = try TensorExamples(
            inputs: Tensor(repeating: 0, shape: [4, 1]), labels: [0, 0, 0, 1], classNames: ["a", "b", "none"])
        #expect(FitOptions.balancedWeights(data) == [4.0 / 9, 4.0 / 3, 0])
    }

    @Test func mistakesAreNamed() throws {
        let wide = try Network.sequential(
            Architectures.blocks([.flatten(), .dense(4), .softmax()]), input: [16, 1])
        #expect(
            message { _ = try wide.fit(tones(4), self.options()) }
                == "fit: network ends in shape [4], the data's targets have shape [3]")
        var options = try options()
        options.epochs = 0
        #expect(
            message { _ = try smallNetwork().fit(tones(4), options) }
                == "fit: epochs must be at least 1, not 0")
        options.epochs = 1
        options.earlyStopping = try EarlyStopping()
        #expect(
            message { _ = try smallNetwork().fit(tones(4), options) }
                == "fit: early stopping watches val_loss, but there is no validation data")
    }
}

@Suite struct ScheduleTests {
    private func rates(_ schedule: Schedule) throws -> [Double] {
        var options = FitOptions(optimizer: try .sgd(0.01))
        options.optimizer.schedule = schedule
        options.epochs = 4
        options.batch = 6
        options.cancel = CancelFlag()
        let net = try Network.sequential(
            Architectures.blocks([.flatten(), .dense(3), .softmax()]), input: [16, 1])
        return try net.fit(tones(6), options).history.learningRate
    }

    @Test func followTheirFormulas() throws {
        func near(_ a: [Double], _ b: [Double]) -> Bool { zip(a, b).allSatisfy { abs($0 - $1) < 1e-12 } }
        #expect(near(try rates(.constant), [0.01, 0.01, 0.01, 0.01]))
        #expect(near(try rates(.step(every: 2, factor: 0.1)), [0.01, 0.01, 0.001, 0.001]))
        #expect(near(try rates(.exponential(factor: 0.5)), [0.01, 0.005, 0.0025, 0.00125]))
        let half = 0.5.squareRoot()
        #expect(near(try rates(.cosine()), [0.01, 0.005 * (1 + half), 0.005, 0.005 * (1 - half)]))
        #expect(near(try rates(.warmUp(epochs: 2)), [0, 0.005, 0.01, 0.01]))
        #expect(
            near(
                try rates(.plateau(factor: 0.5, patience: 1, minimumChange: 100, minimum: 0.2)),
                [0.01, 0.01, 0.005, 0.0025]))
    }
}
