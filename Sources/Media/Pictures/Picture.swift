import Support
import Tensor

/// A colour picture: red, green and blue from 0 to 255, rows from the top.
public struct Picture: Sendable, Equatable {
    public let height: Int
    public let width: Int
    /// height x width x 3 values.
    public let pixels: [Float]

    /// Throws a shape failure where the values do not fill the picture or it has no pixels.
    public init(height: Int, width: Int, pixels: [Float]) throws(Failure) {
        guard height > 0, width > 0, try Shape.count([height, width, 3]) == pixels.count else {
            throw Failure(.shape, "\(pixels.count) values are no picture of \(height) x \(width) x 3")
        }
        self.height = height
        self.width = width
        self.pixels = pixels
    }

    /// From a tensor of shape [height, width, 3], [height, width, 1], [height, width] (grey) or the
    /// same with a leading 1; values from 0 to 255.
    public init(_ tensor: Tensor) throws {
        var shape = tensor.shape
        if shape.count == 4, shape[0] == 1 { shape.removeFirst() }
        let channels = shape.count == 2 ? 1 : shape.last ?? 0
        guard (2...3).contains(shape.count), channels == 1 || channels == 3 else {
            throw Failure(
                .shape, "a tensor of shape \(Shape.describe(tensor.shape)) is no picture",
                hint: "a picture has shape [height, width, 3], or [height, width] where it is grey")
        }
        let values = try tensor.array(of: Float.self)
        let colours = channels == 3 ? values : values.flatMap { [$0, $0, $0] }
        try self.init(height: shape[0], width: shape[1], pixels: colours)
    }

    /// As a tensor of shape [height, width, 3].
    public func tensor() throws(Failure) -> Tensor { try Tensor(pixels, shape: [height, width, 3]) }

    /// Values as bytes, rounded and clamped. Throws where one is not finite.
    func bytes() throws(Failure) -> [UInt8] {
        guard pixels.allSatisfy({ $0.isFinite }) else {
            throw Failure(
                .numeric, "the picture holds values that are not finite",
                hint: "look for NaN or infinity in what made it")
        }
        return pixels.map { UInt8(min(max($0.rounded(), 0), 255)) }
    }

    /// The picture turned as Exif's orientation (1 to 8) says it is to be shown.
    package func oriented(_ orientation: Int) throws(Failure) -> Picture {
        guard (2...8).contains(orientation) else { return self }
        let swaps = orientation >= 5
        let (h, w) = swaps ? (width, height) : (height, width)
        var out = [Float](repeating: 0, count: pixels.count)
        for y in 0..<h {
            for x in 0..<w {
                let row: Int
                let column: Int
                switch orientation {
                case 2: (row, column) = (y, width - 1 - x)
                case 3: (row, column) = (height - 1 - y, width - 1 - x)
                case 4: (row, column) = (height - 1 - y, x)
                case 5: (row, column) = (x, y)
                case 6: (row, column) = (height - 1 - x, y)
                case 7: (row, column) = (height - 1 - x, width - 1 - y)
                default: (row, column) = (x, width - 1 - y)
                }
                let (from, to) = ((row * width + column) * 3, (y * w + x) * 3)
                for c in 0..<3 { out[to + c] = pixels[from + c] }
            }
        }
        return try Picture(height: h, width: w, pixels: out)
    }

    /// The part of `height` x `width` pixels in the middle; smaller where the picture is smaller.
    public func centerCropped(height wantedHeight: Int, width wantedWidth: Int) throws(Failure) -> Picture {
        let (h, w) = (min(max(wantedHeight, 1), height), min(max(wantedWidth, 1), width))
        let (top, left) = ((height - h) / 2, (width - w) / 2)
        var out: [Float] = []
        out.reserveCapacity(h * w * 3)
        for y in top..<top + h { out += pixels[(y * width + left) * 3..<(y * width + left + w) * 3] }
        return try Picture(height: h, width: w, pixels: out)
    }
}
