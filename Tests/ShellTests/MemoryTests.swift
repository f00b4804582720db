import Testing

/// Training, maximization and gradients in a loop leave resident memory where it was after the first
/// steps. In a process of its own, so that other tests do not count.
struct MemoryTests {
    @Test func staysFlat() throws {
        let home = try TemporaryFolder()
        let script = """
            fn resident() = num(split(read_text("/proc/self/statm"))[1]) * 4096 / 2^20
            fn growth(name, work) {
                work(10)
                before = resident()
                work(100)
                print(name, resident() - before < 4)
            }
            net = sequential(
                conv1d(4, 5, stride = 16), relu(), maxpool1d(4), flatten(), dense(16), softmax(), input = [16000, 1])
            data = words16().test.take(40)
            growth("fit", n -> fit(net, data, epochs = n / 10, batch = 4))
            growth("maximize", n -> maximize(net.conv1d, 3, 0.01, steps = n, jitter = 20, tv = 0.01))
            slope = grad(v -> sum(tanh(v)^2) + mean(conv1d(reshape(v, 1, 100, 1), ones(3, 1, 2))))
            fn descend(n) {
                x = ones(100)
                for i in 1..n { x = x - 0.1 * slope(x) }
            }
            growth("grad", descend)
            growth("shapes", n -> [zeros(2, i) @ ones(i, 3) for i in 1..n])
            """
        let result = Binary.run(["-e", script], input: "", home: home.path)
        #expect(result.out == "fit true\nmaximize true\ngrad true\nshapes true\n", "\(result.error)")
    }
}
