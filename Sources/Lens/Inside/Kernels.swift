import Glibc
import Graph
import Network
import Support
import Tensor

/// A layer's kernels, and for those that slide over a waveform their frequency responses.
public struct Kernels {
    public let layer: LayerHandle
    /// [window…, channels, filters], or [inputs, units].
    public let weights: Tensor
    /// The filters shown, in order; by peak frequency where there are responses.
    public let order: [Int]
    public let response: Response?

    /// |H(f)| of each filter, as a power over all input channels.
    public struct Response {
        /// Hertz, or cycles a sample where the rate is not known (rate 1).
        public let rate: Double
        public let frequencies: [Double]
        /// [filters, frequencies] in dB.
        public let levels: Tensor
        /// Frequency of the greatest response, by filter.
        public let peaks: [Double]
    }

    /// - rate: samples a second of what the layer slides over; nil gives no responses.
    /// - points: frequencies from 0 to half the rate.
    public init(
        of layer: LayerHandle, rate: Double? = nil, points: Int = 257, cancel: CancelFlag = .shared
    ) throws {
        guard let kernel = layer.layer.parameters.first(where: { $0.name.hasSuffix("kernel") }) else {
            throw Failure(
                .value, "filters: \(layer.name) is a \(layer.kind) layer and has no kernels",
                hint: "name a convolution or a dense layer")
        }
        self.layer = layer
        // A transposed convolution has filters before channels.
        let own = kernel.variable.value
        let isTransposed = layer.layer.kind is TransposedConvolutionLayer
        let rank = own.rank
        weights =
            isTransposed
            ? try own.transposed(Array(0..<(rank - 2)) + [rank - 1, rank - 2]).dense() : try own.dense()
        let filters = weights.shape.last ?? 0
        guard let rate, weights.rank == 3 else {
            order = Array(0..<filters)
            response = nil
            return
        }
        guard rate > 0, rate.isFinite, 2...65536 ~= points else {
            throw Failure(.argument, "filters: the rate must be above 0, and points from 2 to 65536")
        }
        let found = try Self.response(weights, rate: rate, points: points, cancel)
        response = found
        order = (0..<filters).sorted { (found.peaks[$0], $0) < (found.peaks[$1], $1) }
    }

    /// The mean over the input channels: [window…, filters].
    public func overChannels(cancel: CancelFlag = .shared) throws -> Tensor {
        guard weights.rank > 2 else { return weights }
        let recording = Recording()
        let mean = try recording.give(weights).mean([weights.rank - 2])
        return try recording.run([mean], cancel: cancel)[0]
    }

    /// The discrete-time Fourier transform of the kernels as a product with sines and cosines.
    private static func response(_ weights: Tensor, rate: Double, points: Int, _ cancel: CancelFlag) throws
        -> Response
    {
        let (taps, channels, filters) = (weights.shape[0], weights.shape[1], weights.shape[2])
        let frequencies = (0..<points).map { Double($0) / Double(points - 1) * rate / 2 }
        var (cosines, sines) = ([Float](), [Float]())
        cosines.reserveCapacity(points * taps)
        sines.reserveCapacity(points * taps)
        for i in 0..<points {
            let angle = Double.pi * Double(i) / Double(points - 1)
            for t in 0..<taps {
                cosines.append(Float(cos(angle * Double(t))))
                sines.append(Float(sin(angle * Double(t))))
            }
        }
        let recording = Recording()
        let flat = try recording.give(weights).reshaped([taps, channels * filters])
        let real = try recording.give(cosines, [points, taps]).matmul(flat)
        let imaginary = try recording.give(sines, [points, taps]).matmul(flat)
        let power = try (real.square() + imaginary.square()).reshaped([points, channels, filters]).sum([1])
        let levels = try ((power + 1e-20).log() * (10 / log(10))).transposed([1, 0])
        let values = try recording.run([levels, power.argmax(axis: 0)], cancel: cancel)
        let peaks = try values[1].array(of: Int32.self).map { frequencies[min(max(Int($0), 0), points - 1)] }
        return Response(rate: rate, frequencies: frequencies, levels: values[0], peaks: peaks)
    }
}
