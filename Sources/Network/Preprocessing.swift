import Graph
import Support

/// What turns raw samples (waveforms in -1 … 1, pictures in 0 … 255) into the network's input; kept
/// with the network and written with its weights.
public struct Preprocessing: Hashable, Sendable {
    /// "audio", "image" or "" where it is not known.
    public var kind: String
    /// Samples a second of the waveforms that it expects.
    public var rate: Int?
    /// Order of a picture's channels: "RGB" or "BGR".
    public var channels: String?
    /// x ← (x · scale − mean) / deviation, mean and deviation by channel (empty: 0 and 1).
    public var scale: Double
    public var mean: [Double]
    public var deviation: [Double]
    /// Of a picture that is cut to a network's size: the part of the shorter side that is kept, the
    /// middle. Networks for ImageNet take 0.875.
    public var crop: Double

    public init(
        kind: String = "", rate: Int? = nil, channels: String? = nil, scale: Double = 1, mean: [Double] = [],
        deviation: [Double] = [], crop: Double = 1
    ) {
        self.kind = kind
        self.rate = rate
        self.channels = channels
        self.scale = scale
        self.mean = mean
        self.deviation = deviation
        self.crop = crop
    }

    public init(json: JSON) {
        self.init(
            kind: json["kind"]?.string ?? "", rate: json["rate"]?.int, channels: json["channels"]?.string,
            scale: json["scale"]?.double ?? 1, mean: json["mean"]?.doubles ?? [],
            deviation: json["deviation"]?.doubles ?? [], crop: json["crop"]?.double ?? 1)
    }

    public var json: JSON {
        [
            "kind": .string(kind), "rate": rate.map(JSON.integer) ?? .null,
            "channels": channels.map(JSON.string) ?? .null, "scale": .number(scale), "mean": .numbers(mean),
            "deviation": .numbers(deviation), "crop": .number(crop),
        ]
    }
}
