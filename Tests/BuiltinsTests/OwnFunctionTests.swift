import Builtins
import Language
import Support
import Testing

/// Layers, losses, metrics and optimizers written in vz do what those of the engine do.
@Suite struct OwnFunctionTests {
    private func shown(_ source: String) throws -> [String] {
        let interpreter = Interpreter(builtins: BuiltinTable.all())
        var text = ""
        interpreter.output = { text += $0 }
        interpreter.show = { text += $0.display(width: 80) + "\n" }
        try interpreter.run(source, file: "test.vz")
        return text.split(separator: "\n").map(String.init)
    }

    private func problem(_ source: String) -> (message: String, hint: String) {
        do {
            _ = try shown(Self.net + source)
            return ("", "")
        } catch {
            let first = (error as? Diagnostics)?.all.first
            return (first?.message ?? "", first?.hint ?? "")
        }
    }

    private static let net = """
        data = words16().train.take(32)
        fn made() {
            seed(4)
            sequential(avgpool1d(200), flatten(), dense(16), softmax(), input = [16000, 1])
        }

        """

    @Test func optimizerAsBuiltIn() throws {
        let lines = try shown(
            Self.net + """
                fn heavy_ball(w, g, s) {
                    s.v = 0.9 * s.v - s.rate * g
                    w + s.v
                }
                fn adam_again(w, g, s) {
                    s.m = 0.9 * s.m + 0.1 * g
                    s.v = 0.999 * s.v + 0.001 * g^2
                    w - s.rate * (s.m / (1 - 0.9^s.step)) / (sqrt(s.v / (1 - 0.999^s.step)) + 1e-7)
                }
                fn last(optimizer) {
                    run = fit(made(), data, epochs = 3, batch = 8, seed = 1, optimizer = optimizer)
                    run.loss[-1]
                }
                abs(last(optimizer(heavy_ball, rate = 0.1, state = {v: 0})) - last(sgd(0.1, momentum = 0.9))) < 1e-5
                abs(last(optimizer(adam_again, rate = 0.01, state = {m: 0, v: 0})) - last(adam(0.01))) < 1e-4
                last(sgd(0.1)) == last(sgd(0.1, momentum = 0.9))
                optimizer(heavy_ball).name
                """)
        #expect(lines == ["true", "true", "false", "\"heavy_ball\""])
    }

    @Test func lossAndMetricsAsBuiltIn() throws {
        let lines = try shown(
            Self.net + """
                fn cross(p, t) = -sum(t * log(p), axis = -1)
                fn right(p, t) = argmax(p, axis = -1) == argmax(t, axis = -1)
                run = fit(made(), data, batch = 8, seed = 1, loss = cross, metrics = {own: right, error: (p, t) -> mean(abs(p - t), axis = -1)})
                same = fit(made(), data, batch = 8, seed = 1)
                [abs(run.loss[0] - same.loss[0]) < 1e-5, run.own == same.accuracy, len(run.error)]
                evaluate(made(), data, loss = (p, t) -> 3 + 0 * sum(p)).loss
                """)
        #expect(lines == ["[true, true, 1]", "3"])
    }

    @Test func layersWithParameters() throws {
        let lines = try shown(
            """
            seed(2)
            fn scaled(x, p) = x * p.scale + p.shift
            net = sequential(layer(scaled, parameters = s -> {scale: ones(s[-1]), shift: zeros(s[-1])}), x -> x * 1,
                flatten(), dense(16), softmax(), input = [16000, 1])
            [net.scaled.parameters, net.parameters]
            before = net(words16().test[0].x)
            run = fit(net, words16().train.take(16), epochs = 2, optimizer = sgd(1))
            run.loss[1] < run.loss[0]
            all(net(words16().test[0].x) == before)
            m = maximize(net.scaled, 0, 0.1, steps = 3)
            m.loss[-1] > m.loss[0]
            """)
        #expect(lines == ["[2, 256018]", "true", "false", "true"])
    }

    /// Told that it trains, a layer may draw random numbers: others at each step, the same by the seed.
    @Test func layersThatTrain() throws {
        let lines = try shown(
            Self.net + """
                fn noisy(x, training = false) = if training { x + 3 * randn(1, 16000, 1) } else { x }
                fn losses(n) {
                    seed(n)
                    net = sequential(noisy, avgpool1d(200), flatten(), dense(16), softmax(), input = [16000, 1])
                    fit(net, data, epochs = 3, batch = 32, optimizer = sgd(1e-30), seed = n).loss
                }
                a = losses(1)
                [a[0] == a[1], a[1] == a[2], a == losses(1)]
                """)
        #expect(lines == ["[false, false, true]"])
    }

    @Test func mistakesAreExplained() {
        let fit = "fit(made(), data, "
        #expect(problem(fit + "optimizer = optimizer((w, g, s) -> \"a\"))").message.contains("not a string"))
        #expect(
            problem(fit + "optimizer = optimizer((w, g, s) -> sum(w)))").message
                .contains("gave shape [] for a weight of shape"))
        #expect(
            problem(fit + "optimizer = optimizer((w, g) -> w))").message.contains("takes 2 arguments, not 3"))
        #expect(
            problem(fit + "optimizer = optimizer((w, g, s) -> { s.m = nil; w }, state = {m: 0}))").message
                .contains("the state `m`"))
        #expect(problem("optimizer((w, g, s) -> w, state = {rate: 0})").message.contains("`rate` already"))
        #expect(problem("optimizer((w, g, s) -> w, state = {m: \"a\"})").message.contains("first number"))
        #expect(
            problem(fit + "loss = (p, t) -> nil)").message.contains("a loss must return a tensor, not nil"))
        #expect(problem(fit + "loss = 3)").message.contains("`loss` must be a name or a function"))
        #expect(problem(fit + "loss = \"msee\")").hint == "did you mean 'mse'?")
        #expect(problem(fit + "metrics = [3])").message.contains("a metric must be a name or a function"))
        #expect(
            problem("sequential(x -> nil, input = [4])").message.contains("must return a tensor, not nil"))
        #expect(
            problem("sequential(layer((x, p) -> x, parameters = 3), input = [4])").message
                .contains("must be a record"))
        #expect(
            problem("sequential(layer((x, p) -> x, parameters = {a: nil}), input = [4])").message
                .contains("the parameter `a`"))
    }
}
