import Tensor
import Testing

@Suite struct DisplayTests {
    private func shown(_ values: [Float], _ shape: [Int]) throws -> String {
        try TensorText.display(Tensor(values, shape: shape))
    }

    @Test func headerStatisticsValues() throws {
        #expect(
            try shown([1, 2, 3, 4], [2, 2]) == """
                float32[2, 2]   min 1   mean 2.5   max 4
                [[1, 2],
                 [3, 4]]
                """)
        #expect(
            try shown([-0.5, 10, .nan, 1], [4]) == """
                float32[4]   min -0.5   mean 3.5   max 10   nan 1
                [-0.5, 10.0, nan, 1.0]
                """)
        #expect(
            try TensorText.display(Tensor([true, false], shape: [2]))
                == "bool[2]   true 1 of 2\n[true, false]")
        #expect(try shown([], [0, 3]) == "float32[0, 3]   empty")
        #expect(try shown([0.1], []) == "float32[]   0.1")
    }

    @Test func bigTensorsAreShortened() throws {
        let many = try Tensor((0..<2000).map(Float.init), shape: [2000])
        #expect(TensorText.values(many) == "[0, 1, 2, …, 1997, 1998, 1999]")
        let rows = try Tensor((0..<100).map(Float.init), shape: [100, 1])
        #expect(TensorText.values(rows).split(separator: "\n").count == 7)
    }

    @Test func numbersOfVerySizes() throws {
        #expect(try TensorText.values(Tensor([1e-9 as Float, 1], shape: [2])) == "[1.0000e-09, 1.0000e+00]")
        #expect(try TensorText.values(Tensor([0.25 as Float, .infinity], shape: [2])) == "[0.25, inf]")
    }

    @Test func summaries() throws {
        #expect(try TensorText.summary(Tensor([1 as Float, 2], shape: [1, 2])) == "tensor([[1, 2]])")
        #expect(try TensorText.summary(Tensor(repeating: 0, shape: [50])) == "tensor float32[50]")
        #expect(try TensorText.summary(Tensor(scalar: Float(0.1))) == "0.1")
    }
}
