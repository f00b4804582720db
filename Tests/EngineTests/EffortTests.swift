import COneDNN
import Engine
import Testing

@Suite(.serialized) struct EffortTests {
    @Test func keepsTheNumberOfThreads() {
        let before = Effort.threads
        defer { Effort.threads = before }
        Effort.threads = 1
        #expect(Effort.threads == 1)
        Effort.threads = -3
        #expect(Effort.threads == 1)
    }

    /// Inputs have eight bits each in bfloat16, sums are float32: a product strays by 2^-8 of what its
    /// terms are together, at most.
    @Test(arguments: [(false, false), (true, false), (false, true), (true, true)])
    func productsMayRoundToBFloat16(_ turned: (a: Bool, b: Bool)) {
        let (m, n, k) = (37, 53, 91)
        let a = (0..<m * k).map { Float(($0 * 37) % 101) / 50 - 1 }
        let b = (0..<k * n).map { Float(($0 * 53) % 97) / 48 - 1 }
        var c = [Float](repeating: .nan, count: m * n)
        let code = vz_bf16_gemm(
            turned.a ? 1 : 0, turned.b ? 1 : 0, Int64(m), Int64(n), Int64(k), a, b, &c)
        #expect(code == 0)
        for i in 0..<m {
            for j in 0..<n {
                let terms = (0..<k).map { l in
                    Double(turned.a ? a[l * m + i] : a[i * k + l])
                        * Double(turned.b ? b[j * k + l] : b[l * n + j])
                }
                let wanted = terms.reduce(0, +)
                let reach = terms.reduce(0) { $0 + abs($1) } / 256
                #expect(abs(Double(c[i * n + j]) - wanted) <= reach)
            }
        }
        #expect(vz_bf16_gemm(0, 0, 0, Int64(n), Int64(k), a, b, &c) == 0)
    }
}
