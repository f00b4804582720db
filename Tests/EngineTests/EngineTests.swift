import Graph
import Support
import Tensor
import Testing

import Engine

@Suite struct PlanTests {
    @Test func runsAndUpdates() throws {
        let graph = Graph()
        let x = graph.input(ValueType([2]))
        let w = Variable(try Tensor([1, 2] as [Float], shape: [2]), name: "w")
        let y = try x * graph.read(w)
        let plan = try Plan(inputs: [x], outputs: [y.sum()], updates: [(w, y)])
        #expect(try plan.run([Tensor([3, 4] as [Float], shape: [2])])[0].scalarValue() == 11)
        #expect(try w.value.array(of: Float.self) == [3, 8])
    }
}
