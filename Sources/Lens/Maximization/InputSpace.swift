import Engine
import Graph
import Network
import Support
import Tensor

/// What the numbers of a network's input stand for: sounds, pictures, or plain numbers.
public struct InputSpace: Sendable {
    public enum Kind: Sendable { case sound, picture, other }
    public let kind: Kind
    /// Shape of one input.
    public let shape: [Int]
    /// Samples a second of a sound.
    public let rate: Int
    /// Network units are (value · scale − mean) / deviation of the picture's values from 0 to 255.
    private let scale: Double
    private let mean: [Double]
    private let deviation: [Double]
    private let isBGR: Bool

    public init(_ network: Network) throws {
        shape = try network.builtInputShape()
        let p = network.preprocessing
        if shape.count == 2 && p.kind != "image" {
            kind = .sound
        } else if shape.count == 3 && [1, 3].contains(shape[2]) {
            kind = .picture
        } else {
            kind = .other
        }
        rate = p.rate ?? 16000
        let channels = shape.last ?? 1
        func byChannel(_ values: [Double], _ fallback: Double) -> [Double] {
            values.count == channels
                ? values : [Double](repeating: values.count == 1 ? values[0] : fallback, count: channels)
        }
        scale = p.scale == 0 ? 1 : p.scale
        // A picture network that says nothing of its input is taken to expect values around 0.
        mean = byChannel(p.mean, kind == .picture && p.kind != "image" ? 128 : 0)
        deviation = byChannel(p.deviation, 1).map { $0 == 0 ? 1 : $0 }
        isBGR = p.channels == "BGR" && channels == 3
    }

    /// The middle of what the network expects, by channel: grey, silence.
    public var middle: [Double] {
        guard kind == .picture else { return mean.map { _ in 0 } }
        return zip(mean, deviation).map { (128 * scale - $0) / $1 }
    }

    /// The least and greatest value that a sound or picture can have, by channel.
    public var range: (low: [Double], high: [Double])? {
        switch kind {
        case .sound: return (mean.map { _ in -1 }, mean.map { _ in 1 })
        case .picture:
            return (
                zip(mean, deviation).map { -$0 / $1 }, zip(mean, deviation).map { (255 * scale - $0) / $1 }
            )
        case .other: return nil
        }
    }

    /// Network units of one step of a picture's 0 … 255; 1 for anything else.
    public var perPictureUnit: Double { kind == .picture ? scale / (deviation.first ?? 1) : 1 }

    /// One number for each channel, [channels].
    func row(_ values: [Double], in graph: Graph) throws -> Traced {
        if let first = values.first, values.allSatisfy({ $0 == first }) { return try graph.fill(first) }
        return graph.constant(try Tensor(values.map(Float.init), shape: [values.count]))
    }

    /// Pictures [batch, height, width, channels] as red, green, blue from 0 to 255 in network units.
    func fromPicture(_ x: Traced) throws -> Traced {
        let ordered = try isBGR ? Self.reversed(x) : x
        let shifted = try ordered * scale - row(mean, in: x.graph)
        return try shifted / row(deviation, in: x.graph)
    }

    /// Numbers around 0 laid around grey, in network units.
    func aroundGrey(_ x: Traced) throws -> Traced { try x + row(middle, in: x.graph) }

    /// The way back: network units as red, green, blue from 0 to 255.
    func toPicture(_ x: Traced) throws -> Traced {
        let values = try (x * row(deviation, in: x.graph) + row(mean, in: x.graph)) / scale
        return isBGR ? try Self.reversed(values) : values
    }

    private static func reversed(_ x: Traced) throws -> Traced {
        let axis = x.rank - 1
        return try Traced.concatenated(
            [2, 1, 0].map { try x.sliced(axis: axis, from: $0, to: $0 + 1) }, axis: axis)
    }

    /// A picture [height, width, 3] from 0 to 255 as an input of the network.
    public func input(picture: Tensor) throws -> Tensor {
        let channels = shape.last ?? 3
        let graph = Graph()
        var x = graph.constant(try picture.converted(to: .float32).reshaped([1] + picture.shape))
        if channels == 1 && x.shape[3] == 3 { x = try x.mean([3], keepAxes: true) }
        return try fromPicture(x).reshaped(shape).evaluated()
    }

    /// Inputs as pictures to be looked at: red, green, blue from 0 to 255 as far as they fit. Anything
    /// else as it is.
    public func pictures(_ x: Tensor) throws -> Tensor {
        guard kind == .picture else { return x }
        return try toPicture(Graph().constant(x)).evaluated()
    }
}
