import Language
import Media
import Network
import Support
import Tensor

/// What can stand for one input of a network: a tensor, an example of a data set, a sound file, a picture's file.
enum Samples {
    static func sample(
        _ value: Value, for network: Network, _ args: Arguments, _ name: String = "x"
    ) throws -> Tensor {
        let shape = try network.builtInputShape()
        switch value {
        case .object(let wave as WaveObject):
            return try heard(Audio(wave.concrete(), rate: wave.rate), network, shape)
        case .object(let tensor as TensorObject): return try fitted(tensor.concrete(), shape)
        case .object(let example as ExampleObject): return try fitted(example.input(), shape)
        case .object(let result as MaximizationObject): return try fitted(result.input(), shape)
        case .string(let path) where shape.count == 3:
            return try picture(PictureFile.read(Folders.expand(path.string)), for: network, shape)
        case .string(let path):
            return try heard(AudioFile.read(Folders.expand(path.string)), network, shape)
        default:
            throw args.mismatch(
                name, "a tensor, an example, or the name of a sound's or picture's file", value)
        }
    }

    /// A recording at the network's rate and of its length: cropped, or silence at the end.
    private static func heard(_ audio: Audio, _ network: Network, _ shape: [Int]) throws -> Tensor {
        let rate = network.preprocessing.rate ?? audio.rate
        let own = try Resampler.resample(audio, to: rate)
        return try Tensor(own.samples, shape: [own.samples.count, 1]).resized(to: shape)
    }

    /// A picture as the network wants it: its middle cut to the network's proportions and size
    /// (bicubic), then channels and scale as its preprocessing says.
    static func picture(_ picture: Picture, for network: Network, _ shape: [Int]) throws -> Tensor {
        let p = network.preprocessing
        let (height, width, channels) = (shape[0], shape[1], shape[2])
        let part = p.crop > 0 && p.crop <= 1 ? p.crop : 1
        // The smallest size in which the network's picture is that part.
        let factor =
            max(Double(height) / Double(picture.height), Double(width) / Double(picture.width)) / part
        let whole = try picture.resized(
            height: max(Int((Double(picture.height) * factor).rounded()), height),
            width: max(Int((Double(picture.width) * factor).rounded()), width))
        let pixels = try whole.centerCropped(height: height, width: width).pixels
        var values = [Float](repeating: 0, count: height * width * channels)
        for i in 0..<height * width {
            let rgb = (pixels[i * 3], pixels[i * 3 + 1], pixels[i * 3 + 2])
            for c in 0..<channels {
                let raw: Float
                if channels == 1 {
                    // Luma of ITU-R BT.601.
                    raw = 0.299 * rgb.0 + 0.587 * rgb.1 + 0.114 * rgb.2
                } else {
                    let place = p.channels == "BGR" ? 2 - c : c
                    raw = place == 0 ? rgb.0 : place == 1 ? rgb.1 : rgb.2
                }
                let mean = p.mean.indices.contains(c) ? p.mean[c] : 0
                let deviation = p.deviation.indices.contains(c) && p.deviation[c] != 0 ? p.deviation[c] : 1
                values[i * channels + c] = Float((Double(raw) * p.scale - mean) / deviation)
            }
        }
        return try Tensor(values, shape: shape)
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
