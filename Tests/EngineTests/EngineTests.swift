import Engine
import Graph
import Support
import Tensor
import Testing

@Suite struct PlanTests {
    @Test func runsAndUpdates() throws {
        let graph = Graph()
        let x = graph.input(ValueType([2]))
        let w = Variable(try Tensor([1, 2] as [Float], shape: [2]), name: "w")
        let y = try x * graph.read(w)
        let plan = try Plan(inputs: [x], outputs: [y.sum()], updates: [(w, y)])
        let held = w.value
        #expect(try plan.run([Tensor([3, 4] as [Float], shape: [2])])[0].scalarValue() == 11)
        #expect(try w.value.array(of: Float.self) == [3, 8])
        #expect(try held.array(of: Float.self) == [1, 2], "a tensor that was handed out does not change")
        #expect(try plan.run([Tensor([1, 1] as [Float], shape: [2])])[0].scalarValue() == 11)
    }

    @Test func updatesSeeOldValues() throws {
        let graph = Graph()
        let a = Variable(try Tensor(scalar: Float(1)), name: "a")
        let b = Variable(try Tensor(scalar: Float(2)), name: "b")
        let plan = try Plan(
            inputs: [], outputs: [], updates: [(a, graph.read(b) + 0), (b, graph.read(a) + graph.read(b))])
        for _ in 0..<3 { _ = try plan.run() }
        #expect(try [a.value.scalarValue(), b.value.scalarValue()] == [5, 8])
    }

    @Test func stopsWhenAsked() throws {
        let graph = Graph()
        let w = Variable(try Tensor(scalar: Float(1)), name: "w")
        let plan = try Plan(inputs: [], outputs: [], updates: [(w, graph.read(w) * 2)])
        let cancel = CancelFlag()
        cancel.request()
        #expect(throws: Failure.interrupted) { try plan.run(cancel: cancel) }
        #expect(try w.value.scalarValue() == 1)
    }

    @Test func refusesWhatDoesNotFit() throws {
        let graph = Graph()
        let x = graph.input(ValueType([2]))
        let plan = try Plan(inputs: [x], outputs: [x + 1])
        #expect(throws: Failure(.shape, "the plan's input is float32[2], not float32[3]")) {
            try plan.run([Tensor([1, 2, 3] as [Float], shape: [3])])
        }
        #expect(throws: Failure.self) { try Tensor(uninitialized: [1_000_000, 1_000_000]) }
    }
}

/// Fast kernels against the float64 definitions: values and gradients.
@Suite struct AgainstReference {
    private func check(
        _ shapes: [[Int]], positive: Bool = false, tolerance: Double = 1e-5, gradients: Bool = true,
        sourceLocation: SourceLocation = #_sourceLocation, _ body: ([Traced]) throws -> Traced
    ) throws {
        let graph = Graph()
        let inputs = shapes.map { graph.input(ValueType($0)) }
        let y = try body(inputs)
        var outputs = [y]
        if gradients {
            let weights = try graph.constant(Tensor(random: .normal, shape: y.shape, key: RandomKey(seed: 9)))
            outputs += try graph.gradients(of: (y * weights).sum(), withRespectTo: inputs)
        }
        var leaves: [Int: ReferenceArray] = [:]
        var values: [Tensor] = []
        for (i, input) in inputs.enumerated() {
            let noise = try Tensor(
                random: positive ? .uniform : .normal, shape: input.shape, key: RandomKey(seed: UInt64(i + 1))
            )
            let value = try Tensor(
                noise.array(of: Float.self).map { positive ? $0 + 0.5 : $0 }, shape: input.shape)
            values.append(value)
            leaves[input.id] = try ReferenceArray(value)
        }
        let plan = try Plan(inputs: inputs, outputs: outputs)
        let expected = try graph.referenceValues(of: outputs, leaves: leaves)
        for round in 0..<2 {
            for (i, (tensor, wanted)) in try zip(plan.run(values), expected).enumerated() {
                let got = try tensor.array(of: Double.self)
                let size = max(wanted.values.map { abs($0) }.filter { $0.isFinite }.max() ?? 1, 1e-3)
                let worst =
                    zip(got, wanted.values).map {
                        $0 == $1 || ($0.isNaN && $1.isNaN) ? 0 : abs($0 - $1) / size
                    }.max() ?? 0
                #expect(
                    worst <= tolerance, "output \(i), round \(round): off by \(worst) in \(plan.stepLabels)",
                    sourceLocation: sourceLocation)
            }
        }
    }

    @Test(arguments: UnaryFunction.allCases) func unary(_ function: UnaryFunction) throws {
        let positive = [.log, .sqrt, .reciprocal, .reciprocalSqrt].contains(function)
        let hasGradient = ![.isNaN, .not].contains(function)
        for n in [1, 7, 1000, 40000] {
            try check([[n]], positive: positive, gradients: hasGradient) {
                try $0[0].unary(function, alpha: 0.2)
            }
        }
    }

    @Test(arguments: BinaryFunction.allCases) func binary(_ function: BinaryFunction) throws {
        for shapes in [
            [[5, 7], [5, 7]], [[5, 7], [7]], [[5, 1], [1, 7]], [[], [3, 3]], [[2, 3, 4], [3, 1]],
        ] {
            try check(shapes, positive: true, gradients: !function.givesBool) {
                try $0[0].binary(function, $0[1])
            }
        }
    }

    @Test func chains() throws {
        try check([[33, 65], [65], [33, 1]]) { v in
            let a = try (v[0] + v[1]).tanh() * v[2]
            return try (a > 0).select(a.square(), a.sigmoid()) + a.gelu()
        }
        try check([[70000]]) { v in
            var x = v[0]
            for i in 0..<100 { x = try x * 0.99 + Double(i) * 0.001 }
            return x
        }
    }

    @Test(arguments: [Reduce.Fold.sum, .mean, .max, .min]) func reductions(_ fold: Reduce.Fold) throws {
        for axes in [[0], [1], [2], [0, 1], [1, 2], [0, 2], [0, 1, 2]] {
            for keep in [true, false] {
                try check([[3, 50, 17]]) { try $0[0].reduce(fold, axes: axes, keepAxes: keep) }
            }
        }
        try check([[100_003]]) { try $0[0].reduce(fold) }
    }

    @Test func arrangement() throws {
        try check([[2, 3, 4]]) { try $0[0].transposed([2, 0, 1]) * 2 }
        try check([[2, 3], [2, 1]]) { try Traced.concatenated($0, axis: 1) }
        try check([[4, 5]]) { try $0[0].indexed([.position(-1), .slice(start: 3, end: nil, step: -2)]) }
        try check([[2, 3]]) { try $0[0].padded([(1, 0), (2, 1)]) }
        try check([[6, 4]]) { try $0[0].reshaped([3, 8]).softmax() }
        try check([[6, 4]]) { try $0[0].logSoftmax() }
        try check([[6, 4], [6, 4]]) { try $0[0].softmax().crossEntropy($0[1].softmax()) }
    }

    @Test func matmul() throws {
        for (a, b) in [(false, false), (true, false), (false, true), (true, true)] {
            try check([a ? [7, 5] : [5, 7], b ? [3, 7] : [7, 3]]) {
                try $0[0].matmul($0[1], transposeA: a, transposeB: b)
            }
        }
        try check([[2, 3, 5, 7], [7, 4]]) { try $0[0].matmul($0[1]) }
        try check([[3, 5, 7], [2, 1, 7, 4]]) { try $0[0].matmul($0[1]) }
    }

    @Test func convolutions1D() throws {
        for (c, f, k, length) in [
            (1, 16, 5, 50), (16, 32, 5, 37), (3, 8, 4, 21), (32, 16, 1, 1), (8, 16, 25, 9),
        ] {
            try check([[2, length, c], [k, c, f], [f]], tolerance: 2e-5) {
                try ($0[0].convolved(with: $0[1]) + $0[2]).relu()
            }
        }
        try check([[2, 40, 16], [3, 8, 16]], tolerance: 2e-5) {
            try $0[0].convolved(
                with: $0[1], strides: [2], dilations: [3], groups: 2, padding: .explicit([[1, 4]]))
        }
        try check([[2, 40, 16], [3, 1, 16]]) { try $0[0].convolved(with: $0[1], groups: 16) }
        try check([[3, 100, 1], [25, 1, 16], [16]], tolerance: 2e-5) {
            try $0[0].convolved(with: $0[1], strides: [4]) + $0[2]
        }
        try check([[0, 40, 16], [3, 16, 16]]) { try $0[0].convolved(with: $0[1]) }
    }

    @Test func convolutions2D() throws {
        try check([[1, 12, 13, 3], [3, 3, 3, 16], [16]], tolerance: 2e-5) {
            try ($0[0].convolved(with: $0[1]) + $0[2]).relu()
        }
        try check([[1, 12, 13, 16], [3, 3, 16, 32]], tolerance: 5e-5) { try $0[0].convolved(with: $0[1]) }
        try check([[2, 9, 9, 16], [3, 3, 16, 16]], tolerance: 5e-5) {
            try $0[0].convolved(with: $0[1], strides: [2, 2], padding: .valid)
        }
    }

    @Test func networkBlocks() throws {
        // Convolution, ReLU and pooling as networks have them: all patterns of the planner together.
        try check([[2, 50, 1], [5, 1, 16], [16], [5, 16, 32], [32], [160, 4]], tolerance: 3e-5) { v in
            var x = try (v[0].convolved(with: v[1]) + v[2]).relu()
            x = try (x.convolved(with: v[3]) + v[4]).relu().maxPooled([3])
            x = try x.maxPooled([3])
            return try x.reshaped([2, 160]).matmul(v[5]).softmax()
        }
        try check([[1, 8, 8, 16], [3, 3, 16, 16], [16]], tolerance: 5e-5) { v in
            let x = try (v[0].convolved(with: v[1]) + v[2]).relu()
            return try x.maxPooled([2, 2]).indexed(
                [
                    .slice(start: nil, end: nil, step: 1), .slice(start: nil, end: nil, step: 1),
                    .slice(start: nil, end: nil, step: 1), .position(3),
                ]
            ).mean([1, 2])
        }
    }

    @Test func pooling() throws {
        for channels in [1, 3, 16, 32] {
            try check([[2, 17, channels]]) { try $0[0].maxPooled([3]) }
            try check([[2, 17, channels]]) { try $0[0].maxPooled([3], strides: [2], padding: .same) }
            try check([[2, 17, channels]]) { try $0[0].averagePooled([4], padding: .same) }
            try check([[2, 7, 9, channels]]) { try $0[0].maxPooled([2, 3]) }
            try check([[2, 7, 9, channels]]) {
                try $0[0].averagePooled([3, 3], strides: [1, 2], padding: .same)
            }
        }
    }

    @Test func normalization() throws {
        for channels in [3, 16, 32] {
            try check(
                [[3, 20, channels], [channels], [channels], [3, channels, channels]], tolerance: 5e-5
            ) { v in
                let x = try v[0].convolved(with: v[3])
                let moments = try x.graph.add(BatchMoments(), [x])
                return try x.graph.add(Normalize(epsilon: 1e-3), [x, moments, v[1], v[2]]).relu()
            }
        }
    }

    /// Normalization, ReLU and pooling become one pass, and its gradient needs the winners alone.
    @Test(arguments: [3, 16, 48, 70]) func normalizedPooling(_ channels: Int) throws {
        func normalized(_ v: [Traced]) throws -> Traced {
            let moments = try v[0].graph.add(BatchMoments(), [v[0]])
            return try v[0].graph.add(Normalize(epsilon: 1e-3), [v[0], moments, v[1], v[2]])
        }
        for shape in [[3, 20, channels], [2, 7, 9, channels]] {
            let windows = [Int](repeating: 3, count: shape.count - 2)
            let strides = windows.map { $0 - 1 }
            let shapes = [shape, [channels], [channels]]
            try check(shapes, tolerance: 5e-5) { try normalized($0).relu().maxPooled(windows) }
            try check(shapes, tolerance: 5e-5) {
                try normalized($0).relu().maxPooled(windows, strides: strides, padding: .same)
            }
            try check(shapes, tolerance: 5e-5) { try normalized($0).maxPooled(windows) }
            // Where somebody else reads the rectified map, it is kept.
            try check(shapes, tolerance: 5e-5) { v in
                let y = try normalized(v).relu()
                return try y.maxPooled(windows).sum() * 0.1 + y.square().mean()
            }
        }
    }

    @Test func rolling() throws {
        for shifts in [[0, 0], [1, -2], [7, 100]] as [[Int32]] {
            try check([[2, 5, 4, 3]]) { v in
                let by = try v[0].graph.constant(Tensor(shifts, shape: [2]))
                return try v[0].rolled(by: by, axes: [1, 2]) * 2
            }
        }
    }

    @Test func dropoutIsReproducible() throws {
        let graph = Graph()
        let (x, key) = (graph.input(ValueType([3, 1001])), graph.input(ValueType([4], .int32)))
        let y = try x.droppedOut(rate: 0.3, key: key, stream: 2)
        let g = try graph.gradients(of: y.sum(), withRespectTo: [x])[0]
        let plan = try Plan(inputs: [x, key], outputs: [y, g])
        let ones = try Tensor(repeating: 1, shape: [3, 1001])
        let words = try Tensor(RandomKey(seed: 4, step: 7).words, shape: [4])
        let (a, b) = (try plan.run([ones, words]), try plan.run([ones, words]))
        #expect(try a[0].array(of: Float.self) == b[0].array(of: Float.self))
        #expect(try a[0].array(of: Float.self) == a[1].array(of: Float.self))
        let reference = try graph.referenceValues(
            of: [y], leaves: [x.id: ReferenceArray(ones), key.id: ReferenceArray(words)])[0].values
        #expect(zip(try a[0].array(of: Double.self), reference).allSatisfy { abs($0 - $1) < 1e-6 })
        let kept = Double(reference.filter { $0 != 0 }.count) / 3003
        #expect(abs(kept - 0.7) < 0.05)
    }
}
