import Glibc
import Graph
import Support
import Tensor

/// Power of complex-valued feature maps: [..., 2C] → [..., C]. The first C channels are real parts, the
/// last C imaginary ones; the result is re² + im² (the "squared modulus" of LEAF, Zeghidour et al. 2021).
///
/// After a convolution whose kernels are pairs of waves a quarter period apart (`FilterBank.gabor`) it
/// gives the energy of each band, wherever in its period the wave stands.
public struct SquaredModulusLayer: LayerKind {
    public init() {}
    public var kind: String { "squared_modulus" }

    public func trace(_ inputs: [Traced], _: LayerContext) throws -> Traced {
        let x = inputs[0]
        let channels = x.rank > 1 ? x.shape[x.rank - 1] : 0
        guard channels > 0, channels % 2 == 0 else {
            throw Failure(
                .shape,
                "squared_modulus: the input has shape \(Shape.describe(Array(x.shape.dropFirst()))), the last axis must hold pairs",
                hint: "give it an even number of channels: real parts first, then as many imaginary ones")
        }
        let axis = x.rank - 1
        let real = try x.sliced(axis: axis, from: 0, to: channels / 2)
        let imaginary = try x.sliced(axis: axis, from: channels / 2, to: channels)
        return try real.square() + imaginary.square()
    }
}

/// First kernels for networks that listen to waveforms: what the ear's and the spectrogram's filters
/// look like, to be trained on.
public enum FilterBank {
    /// Gabor filters at centre frequencies spaced evenly on the mel scale: kernel [length, 1, filters].
    ///
    /// The first half of the filters are cosines, the second half sines of the same bands, each under
    /// a Gaussian whose bandwidth at half power is half the distance of the neighbouring centres, and
    /// under a Hann window of the kernel's length; each has energy 1. Mel by O'Shaughnessy 1987, bank
    /// as in Zeghidour et al. 2018, "Learning Filterbanks from Raw Speech".
    /// - Parameters:
    ///   - filters: an even number, two for each band.
    ///   - length: samples of a kernel; 25 ms are usual for speech.
    ///   - rate: samples a second.
    ///   - low, high: Hz, between 0 and rate / 2; `high` nil is 95 % of rate / 2.
    public static func gabor(
        filters: Int, length: Int, rate: Int = 16000, low: Double = 60, high: Double? = nil
    ) throws -> Tensor {
        guard filters >= 2, filters % 2 == 0, filters <= 1 << 16 else {
            throw Failure(
                .argument, "gabor_bank: \(filters) filters are no pairs",
                hint: "give an even number: a cosine and a sine for each band")
        }
        guard length >= 3, length <= 1 << 20, rate >= 1 else {
            throw Failure(
                .argument, "gabor_bank: kernels of \(length) samples at \(rate) Hz are not possible",
                hint: "400 samples at 16000 Hz are usual")
        }
        let nyquist = Double(rate) / 2
        let high = high ?? nyquist * 0.95
        guard low >= 0, high > low, high <= nyquist else {
            throw Failure(
                .argument, "gabor_bank: no bands lie from \(low) to \(high) Hz at \(rate) samples a second",
                hint: "frequencies lie between 0 and \(nyquist) Hz, the lower one first")
        }
        func mel(_ f: Double) -> Double { 2595 * log10(1 + f / 700) }
        func hertz(_ m: Double) -> Double { 700 * (pow(10, m / 2595) - 1) }
        let bands = filters / 2
        let step = (mel(high) - mel(low)) / Double(bands + 1)
        let centres = (0...(bands + 1)).map { hertz(mel(low) + step * Double($0)) }
        var kernel = [Float](repeating: 0, count: try Shape.count([length, filters]))
        for band in 0..<bands {
            let centre = centres[band + 1]
            let width = (centres[band + 2] - centres[band]) / 2
            // exp(−t² / 2σ²) has half its power at ±width / 2 around the centre.
            let sigma = log(2.0).squareRoot() / (Double.pi * width)
            var energy = 0.0
            var wave = [(re: Double, im: Double)](repeating: (0, 0), count: length)
            for i in 0..<length {
                let t = (Double(i) - Double(length - 1) / 2) / Double(rate)
                let window = 0.5 - 0.5 * cos(2 * Double.pi * (Double(i) + 1) / Double(length + 1))
                let envelope = exp(-t * t / (2 * sigma * sigma)) * window
                wave[i] = (
                    envelope * cos(2 * Double.pi * centre * t), envelope * sin(2 * Double.pi * centre * t)
                )
                energy += envelope * envelope / 2
            }
            let scale = energy > 0 ? 1 / energy.squareRoot() : 0
            for i in 0..<length {
                kernel[i * filters + band] = Float(wave[i].re * scale)
                kernel[i * filters + bands + band] = Float(wave[i].im * scale)
            }
        }
        return try Tensor(kernel, shape: [length, 1, filters])
    }
}
