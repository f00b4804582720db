import Language
import Media
import Network
import Support
import Tensor

/// What can stand for one input of a network: a tensor, an example of a data set, a sound file.
enum Samples {
    static func sample(_ value: Value, for network: Network, _ args: Arguments) throws -> Tensor {
        let shape = try network.builtInputShape()
        switch value {
        case .object(let wave as WaveObject):
            return try heard(Audio(wave.concrete(), rate: wave.rate), network, shape)
        case .object(let tensor as TensorObject): return try fitted(tensor.concrete(), shape)
        case .object(let example as ExampleObject): return try fitted(example.input(), shape)
        case .object(let result as MaximizationObject): return try fitted(result.input(), shape)
        case .string(let path):
            return try heard(AudioFile.read(Folders.expand(path.string)), network, shape)
        default: throw args.mismatch("x", "a tensor, an example or a file's name", value)
        }
    }

    /// A recording at the network's rate and of its length: cropped, or silence at the end.
    private static func heard(_ audio: Audio, _ network: Network, _ shape: [Int]) throws -> Tensor {
        let rate = network.preprocessing.rate ?? audio.rate
        let own = try Resampler.resample(audio, to: rate)
        return try Tensor(own.samples, shape: [own.samples.count, 1]).resized(to: shape)
    }

    /// A waveform may come without its channel axis.
    private static func fitted(_ x: Tensor, _ shape: [Int]) throws -> Tensor {
        x.count == shape.reduce(1, *) && x.shape != shape && x.rank < shape.count ? try x.reshaped(shape) : x
    }
}

extension Tensor {
    /// Cropped or padded with zeros at the end of its first axis.
    fileprivate func resized(to shape: [Int]) throws -> Tensor {
        let values = try array(of: Float.self)
        let n = shape.reduce(1, *)
        return try Tensor(
            Array(values.prefix(n)) + [Float](repeating: 0, count: max(n - values.count, 0)), shape: shape)
    }
}
