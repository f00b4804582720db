import Glibc
import Network
import Support
import Tensor
import Testing

/// Averages of the weights and label smoothing.
@Suite struct AveragingTests {
    private func options(epochs: Int) throws -> FitOptions {
        var options = FitOptions(optimizer: try .adam(0.02))
        options.batch = 8
        options.seed = 11
        options.epochs = epochs
        options.cancel = CancelFlag()
        return options
    }

    /// One step an epoch: the averages by hand from the weights after each.
    @Test func averagesFollowTheWeights() throws {
        let train = try tones(8)
        var expected: [Float]?
        let count = 4
        for steps in 0...count {
            let net = try smallNetwork()
            if steps > 0 { _ = try net.fit(train, options(epochs: steps)) }
            let weights = try net.parameters.flatMap { try $0.variable.value.array(of: Float.self) }
            guard let old = expected else {
                expected = weights
                continue
            }
            // The step counted from 0.
            let step = Double(steps - 1)
            let share = Float(1 - min(0.9, (1 + step) / (10 + step)))
            expected = zip(old, weights).map { $0 + ($1 - $0) * share }
        }
        let net = try smallNetwork()
        var averaging = try options(epochs: count)
        averaging.averaging = 0.9
        _ = try net.fit(train, averaging)
        let found = try net.parameters.flatMap { try $0.variable.value.array(of: Float.self) }
        let wanted = try #require(expected)
        #expect(found.count == wanted.count)
        for (a, b) in zip(found, wanted) { #expect(abs(a - b) < 1e-5 * max(1, abs(b))) }
    }

    /// Training itself does not see the averages; a resumed one has the bits of the unbroken one.
    @Test func resumesWithAverages() throws {
        let (train, validation) = try (tones(20), tones(9, seed: 3))
        let path = "/tmp/vzsh-average-\(getpid()).vzck"
        defer { unlink(path) }
        var options = try options(epochs: 3)
        options.averaging = 0.95
        options.validation = validation
        let unbroken = try smallNetwork()
        let whole = try unbroken.fit(train, options)

        options.checkpoint = path
        options.epochs = 2
        _ = try smallNetwork().fit(train, options)
        options.epochs = 3
        options.resume = path
        let resumed = try smallNetwork()
        let rest = try resumed.fit(train, options)
        #expect(try bits(resumed) == bits(unbroken))
        #expect(rest.history.isSame(as: whole.history))

        // The measured network is the averaged one.
        let score = try resumed.evaluate(validation, cancel: CancelFlag())
        #expect(abs(score.loss - (rest.history.validationLoss.last ?? 0)) < 1e-5)

        options.averaging = nil
        options.checkpoint = path
        options.resume = nil
        _ = try smallNetwork().fit(train, options)
        options.averaging = 0.95
        options.resume = path
        options.epochs = 4
        #expect(
            message { _ = try smallNetwork().fit(train, options) }.contains(
                "was written without an average of the weights"))
    }

    @Test func smoothingRaisesTheLossOfCertainty() throws {
        // A network that is certain and right: its loss is that of the smoothed targets alone.
        let x = try Tensor([10, 0, 0, 0, 10, 0] as [Float], shape: [2, 3])
        let data = try TensorExamples(inputs: x, labels: [0, 1], classNames: ["a", "b", "c"])
        let net = try Network.sequential([.layer(.dense(3)), .layer(.softmax())], input: [3])
        _ = try net.setWeights { name in
            name.hasSuffix("kernel")
                ? try Tensor([1, 0, 0, 0, 1, 0, 0, 0, 1] as [Float], shape: [3, 3])
                : try Tensor(repeating: 0, shape: [3])
        }
        var options = FitOptions(optimizer: try .sgd(1e-9))
        options.labelSmoothing = 0.3
        options.cancel = CancelFlag()
        let result = try net.fit(data, options)
        // −Σ t log p with t = (0.8, 0.1, 0.1), log p = (−9e−5, −10, −10).
        let norm = log(1 + 2 * exp(-10.0))
        let wanted = 0.8 * norm + 0.2 * (10 + norm)
        #expect(abs(result.history.loss[0] - wanted) < 1e-4)
    }

    @Test func mistakesAreExplained() throws {
        let train = try tones(8)
        var options = try options(epochs: 1)
        options.averaging = 1
        #expect(
            message { _ = try smallNetwork().fit(train, options) }.contains("average lies between 0 and 1"))
        options.averaging = nil
        options.labelSmoothing = 1
        #expect(message { _ = try smallNetwork().fit(train, options) }.contains("label_smoothing lies from"))
    }
}
