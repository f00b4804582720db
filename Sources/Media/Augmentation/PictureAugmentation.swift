import Glibc
import Support
import Tensor

private func checkPicture(_ name: String, _ shape: [Int]) throws(Failure) {
    guard shape.count == 3 else {
        throw Failure(
            .shape,
            "\(name) changes pictures of shape [height, width, channels], not examples of shape \(Shape.describe(shape))"
        )
    }
}

/// Mirrors every other picture, left to right or top to bottom.
public struct Flip: Augmentation {
    public enum Axis: String, Sendable { case horizontal, vertical }
    public var axis: Axis

    public init(_ axis: Axis = .horizontal) { self.axis = axis }

    public var summary: String { "flip \(axis.rawValue)" }

    public func check(shape: [Int], sampleRate: Int?) throws { try checkPicture("a flip", shape) }

    public func apply(
        _ example: UnsafeMutableBufferPointer<Float>, shape: [Int], _ random: inout RandomNumbers
    ) {
        if random.uniform() < 0.5 { return }
        let (height, width, channels) = (shape[0], shape[1], shape[2])
        switch axis {
        case .horizontal:
            for y in 0..<height {
                let row = y * width * channels
                for x in 0..<width / 2 {
                    let (left, right) = (row + x * channels, row + (width - 1 - x) * channels)
                    for c in 0..<channels { example.swapAt(left + c, right + c) }
                }
            }
        case .vertical:
            let row = width * channels
            for y in 0..<height / 2 {
                for i in 0..<row { example.swapAt(y * row + i, (height - 1 - y) * row + i) }
            }
        }
    }
}

/// Moves a picture by up to `pixels` in both directions, its edge pixels repeated into the room that
/// is left: the same as padding by the edge and cropping at random.
public struct RandomCrop: Augmentation {
    public var pixels: Int

    public init(pixels: Int) { self.pixels = pixels }

    public var summary: String { "crop \(pixels)" }

    public func check(shape: [Int], sampleRate: Int?) throws {
        try checkPicture("a crop", shape)
        guard pixels >= 0, pixels < shape[0], pixels < shape[1] else {
            throw Failure(
                .value, "a crop by \(pixels) pixels does not fit pictures of \(shape[0]) x \(shape[1])",
                hint: "an eighth of the side is usual")
        }
    }

    public func apply(
        _ example: UnsafeMutableBufferPointer<Float>, shape: [Int], _ random: inout RandomNumbers
    ) {
        let (height, width, channels) = (shape[0], shape[1], shape[2])
        let down = random.index(2 * pixels + 1) - pixels
        let right = random.index(2 * pixels + 1) - pixels
        if down == 0, right == 0 { return }
        let source = Array(example)
        for y in 0..<height {
            let from = min(max(y - down, 0), height - 1) * width
            for x in 0..<width {
                let pixel = (from + min(max(x - right, 0), width - 1)) * channels
                let to = (y * width + x) * channels
                for c in 0..<channels { example[to + c] = source[pixel + c] }
            }
        }
    }
}
