import Glibc
import Graph
import Support
import Tensor

/// How far the levels of a sound's third-octave bands lie from a straight line of so many decibels an
/// octave, or from given levels: the mean square of the differences in decibels, loudness left out.
///
/// Natural sounds fall by about 6 dB an octave (1 / f amplitude); what a network is asked for alone
/// piles up in a few high bands.
struct SpectralSlope {
    /// [bins, bands]: rows of a mean over each band's frequencies.
    private let bands: Tensor
    /// Wanted levels in dB, [bands], mean 0.
    private let wanted: Tensor

    /// `levels`: magnitudes of the bins to follow instead of a line.
    init(length: Int, rate: Int, decibelsPerOctave: Double, like levels: [Double]? = nil) throws {
        let bins = length / 2 + 1
        let bin = Double(rate) / Double(max(length, 1))
        var members: [[Int]] = []
        var centre = 62.5
        while centre * pow(2, 1.0 / 6) < Double(rate) / 2 {
            let (low, high) = (centre * pow(2, -1.0 / 6), centre * pow(2, 1.0 / 6))
            let inside =
                (Int(
                    (low / bin).rounded(.up))..<max(
                    Int((high / bin).rounded(.up)), Int((low / bin).rounded(.up))))
                .filter { $0 > 0 && $0 < bins }
            if !inside.isEmpty { members.append(inside) }
            centre *= pow(2, 1.0 / 3)
        }
        guard members.count >= 2 else {
            throw Failure(
                .argument, "maximize: \(length) samples at \(rate) Hz are too few for a spectral slope")
        }
        var matrix = [Float](repeating: 0, count: bins * members.count)
        var line: [Double] = []
        for (b, inside) in members.enumerated() {
            for k in inside { matrix[k * members.count + b] = 1 / Float(inside.count) }
            let middle = Double((inside.first ?? 1) + (inside.last ?? 1)) / 2 * bin
            if let levels, levels.count == bins {
                let power = inside.reduce(0) { $0 + levels[$1] * levels[$1] } / Double(inside.count)
                line.append(10 * log10(max(power, 1e-12)))
            } else {
                line.append(decibelsPerOctave * log2(middle))
            }
        }
        let mean = line.reduce(0, +) / Double(line.count)
        bands = try Tensor(matrix, shape: [bins, members.count])
        wanted = try Tensor(line.map { Float($0 - mean) }, shape: [members.count])
    }

    /// The mean square difference in dB, [batch], of sounds [batch, length, channels].
    func distance(_ x: Traced) throws -> Traced {
        let power = try x.transposed([0, 2, 1]).realFourier().square().sum([-1]).mean([1])
        let levels = try (power.matmul(x.graph.constant(bands)) + 1e-9).log() * (10 / log(10))
        let shape = try levels - levels.mean([1], keepAxes: true)
        return try (shape - x.graph.constant(wanted)).square().mean([1])
    }
}
