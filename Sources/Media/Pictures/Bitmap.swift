import Support

/// A Windows bitmap: 1, 4, 8, 16, 24 or 32 bits a pixel, uncompressed or with bit fields.
enum Bitmap {
    private struct Header {
        var width = 0
        var height = 0
        var isFromTop = false
        var depth = 0
        var data = 0
        var masks: [Int] = []
        var colours: [UInt8] = []
        /// Bytes of a colour in the table.
        var entry = 4

        init(_ reader: inout ByteReader) throws {
            try reader.seek(10)
            data = try reader.number(4)
            let length = try reader.number(4)
            let isOld = length == 12
            guard isOld || length >= 40 else {
                throw Failure(.file, "its header cannot be \(length) bytes long")
            }
            width = isOld ? try reader.number(2) : try reader.signed32()
            let signed = isOld ? try reader.number(2) : try reader.signed32()
            (height, isFromTop) = (abs(signed), signed < 0)
            try PictureFile.check(
                width: width, height: height, in: reader.bytes.count, density: PictureFile.Density.plain)
            try reader.skip(2)
            depth = try reader.number(2)
            let compression = isOld ? 0 : try reader.number(4)
            guard [1, 4, 8, 16, 24, 32].contains(depth), [0, 3, 6].contains(compression) else {
                throw Failure(.file, "\(depth) bits a pixel with compression \(compression) are not read")
            }
            if !isOld { try reader.skip(12) }
            let used = isOld ? 0 : try reader.number(4)
            masks = depth == 16 ? [0x7c00, 0x3e0, 0x1f] : [0xff0000, 0xff00, 0xff]
            if compression != 0 {
                try reader.seek(14 + 40)
                for c in 0..<3 { masks[c] = try reader.number(4) }
            }
            if depth <= 8 {
                entry = isOld ? 3 : 4
                try reader.seek(14 + length)
                colours = try reader.take((used > 0 ? min(used, 1 << depth) : 1 << depth) * entry)
            }
        }
    }

    static func decode(_ bytes: [UInt8]) throws -> Picture {
        var reader = ByteReader(bytes)
        let header = try Header(&reader)
        let (width, height, depth) = (header.width, header.height, header.depth)
        let row = (width * depth + 31) / 32 * 4
        guard header.data <= bytes.count, row * height <= bytes.count - header.data else {
            throw ByteReader.cutOff
        }
        var pixels = [Float](repeating: 0, count: width * height * 3)
        for y in 0..<height {
            let start = header.data + (header.isFromTop ? y : height - 1 - y) * row
            for x in 0..<width {
                let to = (y * width + x) * 3
                if depth <= 8 {
                    let bit = x * depth
                    let index = Int(bytes[start + bit / 8]) >> (8 - depth - bit % 8) & ((1 << depth) - 1)
                    guard (index + 1) * header.entry <= header.colours.count else { continue }
                    for c in 0..<3 { pixels[to + c] = Float(header.colours[index * header.entry + 2 - c]) }
                } else {
                    let at = start + x * depth / 8
                    let value = (0..<depth / 8).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
                    for c in 0..<3 { pixels[to + c] = field(value, header.masks[c]) }
                }
            }
        }
        return try Picture(height: height, width: width, pixels: pixels)
    }

    /// The bits of `mask`, as 0 to 255.
    private static func field(_ value: Int, _ mask: Int) -> Float {
        if mask == 0 { return 0 }
        let shift = mask.trailingZeroBitCount
        return Float((value & mask) >> shift) * 255 / Float(mask >> shift)
    }
}
