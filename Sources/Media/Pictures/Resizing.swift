import Support

extension Picture {
    /// How pixels are averaged when a picture changes its size.
    public enum Filter: String, Sendable, CaseIterable {
        /// Each new pixel is the mean of what it covers; enlarging repeats pixels.
        case area
        /// Keys' cubic (a = -0.5), stretched over what a new pixel covers when the picture shrinks, as
        /// Pillow does: smooth when enlarging, free of moiré when shrinking.
        case bicubic
    }

    /// The picture in another size. Throws a value failure for sizes no picture has.
    public func resized(
        height newHeight: Int, width newWidth: Int, _ filter: Filter = .bicubic
    ) throws(Failure) -> Picture {
        guard newHeight > 0, newWidth > 0, newHeight <= 1 << 16, newWidth <= 1 << 16,
            newHeight * newWidth <= PictureFile.mostPixels
        else {
            throw Failure(
                .value, "a picture of \(newHeight) x \(newWidth) pixels is not possible",
                hint: "both sides are positive numbers of pixels")
        }
        if newHeight == height, newWidth == width { return self }
        let across = Taps(from: width, to: newWidth, filter)
        var rows = [Float](repeating: 0, count: height * newWidth * 3)
        for y in 0..<height {
            across.apply(pixels, y * width * 3, lanes: 3, &rows, y * newWidth * 3)
        }
        // Whole rows at once: a row is one pixel with many lanes.
        var out = [Float](repeating: 0, count: newHeight * newWidth * 3)
        Taps(from: height, to: newHeight, filter).apply(rows, 0, lanes: newWidth * 3, &out, 0)
        // Keys' cubic overshoots at edges.
        if filter == .bicubic { for i in out.indices { out[i] = min(max(out[i], 0), 255) } }
        return try Picture(height: newHeight, width: newWidth, pixels: out)
    }

    /// The shorter side brought to `shorter` (by default `side`), the proportions kept; then the
    /// middle square of `side` cut out, as networks for ImageNet expect their input.
    public func squared(_ side: Int, shorter: Int? = nil, _ filter: Filter = .bicubic) throws(Failure)
        -> Picture
    {
        let target = shorter ?? side
        guard side > 0, target >= side, target <= 1 << 15 else {
            throw Failure(.value, "a square of \(side) out of a shorter side of \(target) is not possible")
        }
        let scale = Double(target) / Double(min(height, width))
        let h = max(Int((Double(height) * scale).rounded()), target)
        let w = max(Int((Double(width) * scale).rounded()), target)
        return try resized(height: h, width: w, filter).centerCropped(height: side, width: side)
    }
}

/// For each new pixel along one axis: the first old one it takes from, and the weights.
private struct Taps {
    private var first: [Int] = []
    private var weights: [[Float]] = []

    init(from old: Int, to new: Int, _ filter: Picture.Filter) {
        let scale = Double(old) / Double(new)
        let reach = max(scale, 1)
        let support = filter == .area ? scale / 2 : 2 * reach
        for i in 0..<new {
            let center = (Double(i) + 0.5) * scale
            let high = max(min(Int((center + support).rounded(.up)), old), 1)
            let low = min(max(Int((center - support).rounded(.down)), 0), high - 1)
            let own = (low..<high).map { j -> Double in
                switch filter {
                case .area:
                    // The part of the old pixel that the new one covers.
                    max(min(Double(j) + 1, center + support) - max(Double(j), center - support), 0)
                case .bicubic: Self.cubic((Double(j) + 0.5 - center) / reach)
                }
            }
            let sum = own.reduce(0, +)
            first.append(low)
            weights.append(own.map { Float(sum != 0 ? $0 / sum : 1 / Double(own.count)) })
        }
    }

    private static func cubic(_ x: Double) -> Double {
        let (a, t) = (-0.5, abs(x))
        if t < 1 { return ((a + 2) * t - (a + 3)) * t * t + 1 }
        if t < 2 { return (((t - 5) * t + 8) * t - 4) * a }
        return 0
    }

    /// New pixels of `lanes` values each from old ones that lie one after another.
    func apply(_ source: [Float], _ from: Int, lanes: Int, _ out: inout [Float], _ to: Int) {
        source.withUnsafeBufferPointer { source in
            out.withUnsafeMutableBufferPointer { out in
                for i in first.indices {
                    let target = to + i * lanes
                    for (j, weight) in weights[i].enumerated() {
                        let origin = from + (first[i] + j) * lanes
                        for lane in 0..<lanes { out[target + lane] += weight * source[origin + lane] }
                    }
                }
            }
        }
    }
}
