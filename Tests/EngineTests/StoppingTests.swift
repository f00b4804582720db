import CKernels
import Engine
import Foundation
import Graph
import Support
import Synchronization
import Tensor
import Testing

/// Kernels of ours are given up in the middle once a stop was asked for.
@Suite struct StoppingTests {
    private final class Counts: Sendable {
        let asked = Atomic<Int>(0)
        let done = Atomic<Int>(0)
    }

    @Test func partsThatHaveNotBegunAreLeftOut() {
        let counts = Counts()
        let context = Unmanaged.passUnretained(counts).toOpaque()
        func run() {
            vz_parallel(
                1000,
                { context, _ in
                    guard let context else { return }
                    Unmanaged<Counts>.fromOpaque(context).takeUnretainedValue().done
                        .wrappingAdd(1, ordering: .relaxed)
                }, context)
        }
        vz_watch_begin(
            { context in
                guard let context else { return 0 }
                let counts = Unmanaged<Counts>.fromOpaque(context).takeUnretainedValue()
                return counts.asked.wrappingAdd(1, ordering: .relaxed).newValue > 10 ? 1 : 0
            }, context)
        run()
        #expect(vz_watch_end() == 1)
        #expect(counts.done.load(ordering: .relaxed) == 10)
        run()
        #expect(counts.done.load(ordering: .relaxed) == 1010, "nobody watches any more")
        vz_watch_begin({ _ in 0 }, context)
        run()
        #expect(vz_watch_end() == 0)
        withExtendedLifetime(counts) {}
    }

    private func request(_ cancel: CancelFlag, after microseconds: UInt32) -> Thread {
        let thread = Thread {
            usleep(microseconds)
            cancel.request()
        }
        thread.start()
        return thread
    }

    @Test func oneLongStepIsGivenUp() throws {
        // Some tenths of a second in one step: 16 M elements, twenty functions each.
        let graph = Graph()
        let x = graph.input(ValueType([16 << 20]))
        let w = Variable(try Tensor(scalar: Float(1)), name: "w")
        var y = x
        for _ in 0..<20 { y = try y.tanh().exp() }
        let plan = try Plan(inputs: [x], outputs: [], updates: [(w, try y.sum() + graph.read(w))])
        let cancel = CancelFlag()
        let input = try Tensor(repeating: 0.5, shape: [16 << 20])
        let thread = request(cancel, after: 5000)
        #expect(throws: Failure.interrupted) { try plan.run([input], cancel: cancel) }
        #expect(try w.value.scalarValue() == 1)
        withExtendedLifetime(thread) {}
    }

    @Test func whatWasGivenUpLeavesNothingBehind() throws {
        // Kernels in a layout of their own are kept from run to run.
        let graph = Graph()
        let x = graph.input(ValueType([2, 500, 32]))
        let w = Variable(
            try Tensor(random: .normal, shape: [5, 32, 32], key: RandomKey(seed: 1)), name: "w")
        let y = try x.convolved(with: graph.read(w))
        let loss = try (y * y).sum()
        let dw = try graph.gradients(of: loss, withRespectTo: [graph.read(w)])[0]
        let plan = try Plan(inputs: [x], outputs: [y, loss], updates: [(w, try graph.read(w) - dw * 1e-7)])
        let input = try Tensor(random: .normal, shape: [2, 500, 32], key: RandomKey(seed: 2))
        func fresh() throws -> [Float] {
            let graph = Graph()
            let x = graph.input(ValueType([2, 500, 32]))
            return try Plan(inputs: [x], outputs: [x.convolved(with: graph.constant(w.value))]).run([input])[
                0
            ]
            .array(of: Float.self)
        }
        var stopped = 0
        for round in 0..<60 {
            let cancel = CancelFlag()
            let thread = request(cancel, after: UInt32(round % 20) * 50)
            let expected = try fresh()
            do {
                #expect(try plan.run([input], cancel: cancel)[0].array(of: Float.self) == expected)
            } catch let failure as Failure where failure.kind == .interrupted {
                stopped += 1
                #expect(try plan.run([input], cancel: CancelFlag())[0].array(of: Float.self) == expected)
            }
            withExtendedLifetime(thread) {}
        }
        #expect(stopped > 0)
    }

    @Test func drawsStop() throws {
        let cancel = CancelFlag()
        cancel.request()
        #expect(throws: Failure.interrupted) {
            try Tensor(random: .normal, shape: [100], key: RandomKey(seed: 1), cancel: cancel)
        }
    }
}
