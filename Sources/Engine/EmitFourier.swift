import CFFTW
import Graph
import Support
import Tensor

/// One of FFTW's plans for float32 rows of one length, with memory of its own to work in.
private final class FourierPlan {
    private let plan: fftwf_plan
    let real: UnsafeMutablePointer<Float>
    let spectrum: UnsafeMutablePointer<fftwf_complex>

    /// `isInverse`: from spectrum to real numbers.
    init(length: Int, isInverse: Bool) throws {
        guard length <= Int(Int32.max), let real = fftwf_alloc_real(length),
            let spectrum = fftwf_alloc_complex(length / 2 + 1)
        else { throw Failure(.memory, "no memory for a Fourier transform of \(length)") }
        self.real = real
        self.spectrum = spectrum
        let size = Int32(clamping: length)
        // Estimated plans are the same each time, so that results are too.
        let made = SharedLocks.fourierPlanner.withLock { _ in
            Made(
                isInverse
                    ? fftwf_plan_dft_c2r_1d(size, spectrum, real, UInt32(FFTW_ESTIMATE))
                    : fftwf_plan_dft_r2c_1d(size, real, spectrum, UInt32(FFTW_ESTIMATE)))
        }
        guard let plan = made.plan else {
            fftwf_free(real)
            fftwf_free(spectrum)
            throw Failure(.numeric, "FFTW has no transform of length \(length)")
        }
        self.plan = plan
    }

    private struct Made: @unchecked Sendable {
        let plan: fftwf_plan?
        init(_ plan: fftwf_plan?) { self.plan = plan }
    }

    deinit {
        let made = Made(plan)
        SharedLocks.fourierPlanner.withLock { _ in fftwf_destroy_plan(made.plan) }
        fftwf_free(real)
        fftwf_free(spectrum)
    }

    func run() { fftwf_execute(plan) }
}

extension Emitter {
    func emitFourier(_ id: Int) throws {
        let x = graph.nodes[id].inputs[0]
        guard let n = type(x).shape.last else { return try emitReference(id) }
        let (bins, rows) = (n / 2 + 1, type(x).count / max(n, 1))
        let plan = try FourierPlan(length: n, isInverse: false)
        let from = try slot(of: x)
        let to = newSlot(type(id))
        add("rfft", reads: [from], writes: [to]) { memory in
            guard let input = memory.floats(from), let output = memory[to] else { return }
            for row in 0..<rows {
                plan.real.update(from: input + row * n, count: n)
                plan.run()
                (output + row * bins * 8).copyMemory(from: plan.spectrum, byteCount: bins * 8)
            }
        }
        define(id, to)
    }

    func emitInverseFourier(_ id: Int, _ op: InverseRealFourier) throws {
        let x = graph.nodes[id].inputs[0]
        let (n, bins) = (op.length, op.length / 2 + 1)
        let rows = type(id).count / max(n, 1)
        let plan = try FourierPlan(length: n, isInverse: true)
        let from = try slot(of: x)
        let to = newSlot(type(id))
        let scale = 1 / Float(n)
        add("irfft", reads: [from], writes: [to]) { memory in
            guard let input = memory[from], let output = memory.floats(to) else { return }
            for row in 0..<rows {
                // The transform writes over its input.
                UnsafeMutableRawPointer(plan.spectrum).copyMemory(
                    from: input + row * bins * 8, byteCount: bins * 8)
                plan.run()
                for t in 0..<n { output[row * n + t] = plan.real[t] * scale }
            }
        }
        define(id, to)
    }
}
