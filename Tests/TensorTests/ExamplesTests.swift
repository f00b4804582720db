import Support
import Tensor
import Testing

@Suite struct ExamplesTests {
    @Test func fillsRowsOfAnyOrder() throws {
        let inputs = try Tensor([0, 1, 2, 3, 4, 5] as [Float], shape: [3, 2])
        let set = try TensorExamples(inputs: inputs, labels: [1, 0, 1], classNames: ["no", "yes"])
        #expect(set.exampleShape == [2] && set.targetShape == [2] && set.classCounts == [1, 2])
        let (x, y) = try set.batch([2, 0])
        #expect(try x.array(of: Float.self) == [4, 5, 0, 1])
        #expect(try y.array(of: Float.self) == [0, 1, 0, 1])
        #expect(try set.input(at: -1).array(of: Float.self) == [4, 5])
        #expect(throws: Failure.self) { try set.batch([3]) }
        #expect(throws: Failure.self) { try set.input(at: -4) }
    }

    @Test func wrongLabelsAreNamed() throws {
        let inputs = try Tensor([0, 1] as [Float], shape: [2, 1])
        #expect(
            throws: Failure(
                .value, "label 2 has no class name: there are 2 classes", hint: "labels count from 0")
        ) {
            try TensorExamples(inputs: inputs, labels: [0, 2], classNames: ["a", "b"])
        }
        #expect(throws: Failure.self) { try TensorExamples(inputs: inputs, labels: [0], classNames: ["a"]) }
        #expect(throws: Failure.self) {
            try TensorExamples(inputs: Tensor(scalar: 1 as Float), targets: inputs)
        }
    }

    @Test func fingerprintsTellSetsApart() throws {
        func print(_ values: [Float], _ labels: [Int]) throws -> String {
            try TensorExamples(
                inputs: Tensor(values, shape: [2, 1]), labels: labels, classNames: ["a", "b"]
            ).fingerprint
        }
        #expect(try print([1, 2], [0, 1]) == print([1, 2], [0, 1]))
        #expect(try print([1, 2], [0, 1]) != print([2, 1], [0, 1]))
        #expect(try print([1, 2], [0, 1]) != print([1, 2], [1, 0]))
    }
}
