import Engine
import Graph
import Support
import Tensor
import Testing

/// Work that would hold up Ctrl-C for long is given to the library in pieces; what comes is the same.
@Suite struct LongCallTests {
    private func random(_ shape: [Int], _ seed: UInt64) throws -> Tensor {
        try Tensor(random: .normal, shape: shape, key: RandomKey(seed: seed))
    }

    private func close(_ a: Tensor, _ b: Tensor) throws -> Bool {
        let (a, b) = (try a.array(of: Float.self), try b.array(of: Float.self))
        let top = b.map { abs($0) }.max() ?? 0
        return a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= 1e-5 * top }
    }

    /// A convolution of a batch and its input gradient, against those of single images.
    @Test func convolutionsOfABatch() throws {
        let shape = [112, 112, 64]
        func plan(batch: Int) throws -> Plan {
            let graph = Graph()
            let x = graph.input(ValueType([batch] + shape))
            let w = graph.constant(try random([3, 3, 64, 64], 2))
            let y = try x.convolved(with: w).relu()
            let dx = try graph.gradients(of: (y * y).sum(), withRespectTo: [x])
            return try Plan(inputs: [x], outputs: [y] + dx)
        }
        let batch = 20  // 9.2e9 products
        let x = try random([batch] + shape, 1)
        let all = try plan(batch: batch).run([x])
        let single = try plan(batch: 1)
        for i in [0, 9, 10, batch - 1] {
            let one = try single.run([x[[.slice(start: i, end: i + 1, step: 1)]].dense()])
            for (whole, part) in zip(all, one) {
                #expect(try close(whole[[.slice(start: i, end: i + 1, step: 1)]].dense(), part), "image \(i)")
            }
        }
    }

    @Test func productsOfMatrices() throws {
        func product(_ a: Tensor, _ b: Tensor) throws -> Tensor {
            let graph = Graph()
            let (x, w) = (graph.input(ValueType(a.shape)), graph.input(ValueType(b.shape)))
            return try Plan(inputs: [x, w], outputs: [x.matmul(w)]).run([a, b])[0]
        }
        let (a, b) = (try random([2100, 2050], 1), try random([2050, 2100], 2))
        let all = try product(a, b)
        for i in [0, 1000, 1860, 2098] {
            let rows = try product(a[[.slice(start: i, end: i + 2, step: 1)]].dense(), b)
            #expect(try close(all[[.slice(start: i, end: i + 2, step: 1)]].dense(), rows), "row \(i)")
        }
    }
}
