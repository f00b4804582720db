import Support

/// The first frame of a GIF (87a or 89a), on the canvas that it is part of.
struct GIF {
    private var reader: ByteReader

    static func decode(_ bytes: [UInt8]) throws -> Picture {
        var gif = GIF(reader: ByteReader(bytes))
        return try gif.picture()
    }

    private mutating func picture() throws -> Picture {
        try reader.skip(6)
        let (width, height) = (try reader.number(2), try reader.number(2))
        try PictureFile.check(
            width: width, height: height, in: reader.bytes.count, density: PictureFile.Density.gif)
        let flags = try reader.byte()
        try reader.skip(2)
        let shared = flags & 0x80 != 0 ? try palette(flags) : nil
        var transparent: Int?
        while true {
            switch try reader.byte() {
            case 0x21: transparent = try block() ?? transparent
            case 0x2c: return try frame(width, height, shared, transparent)
            case 0x3b: throw Failure(.file, "it has no frame")
            default: throw Failure(.file, "it has a block of unknown kind")
            }
        }
    }

    private mutating func palette(_ flags: UInt8) throws -> [UInt8] {
        try reader.take(3 << (Int(flags & 7) + 1))
    }

    /// An extension; the transparent colour where it tells one.
    private mutating func block() throws -> Int? {
        let kind = try reader.byte()
        var transparent: Int?
        while true {
            let length = Int(try reader.byte())
            if length == 0 { return transparent }
            let data = try reader.take(length)
            if kind == 0xf9, length >= 4, data[0] & 1 != 0 { transparent = Int(data[3]) }
        }
    }

    private mutating func frame(
        _ width: Int, _ height: Int, _ shared: [UInt8]?, _ transparent: Int?
    ) throws -> Picture {
        let (left, top) = (try reader.number(2), try reader.number(2))
        let (w, h) = (try reader.number(2), try reader.number(2))
        let flags = try reader.byte()
        guard left + w <= width, top + h <= height, w > 0, h > 0 else {
            throw Failure(.file, "its frame lies outside the picture")
        }
        guard let colours = flags & 0x80 != 0 ? try palette(flags) : shared else {
            throw Failure(.file, "it has no colours")
        }
        let indices = try unpack(w * h)
        var pixels = [Float](repeating: 255, count: width * height * 3)
        for (i, index) in indices.enumerated() {
            let row = flags & 0x40 != 0 ? Self.interlaced(i / w, h) : i / w
            guard Int(index) != transparent, Int(index) * 3 + 2 < colours.count else { continue }
            let to = ((top + row) * width + left + i % w) * 3
            for c in 0..<3 { pixels[to + c] = Float(colours[Int(index) * 3 + c]) }
        }
        return try Picture(height: height, width: width, pixels: pixels)
    }

    /// The line that an interlaced frame's `n`th one is: every eighth, the eighths between, the
    /// fourths, the halves.
    private static func interlaced(_ n: Int, _ height: Int) -> Int {
        var rest = n
        for (start, step) in [(0, 8), (4, 8), (2, 4), (1, 2)] {
            let lines = height > start ? (height - start + step - 1) / step : 0
            if rest < lines { return start + rest * step }
            rest -= lines
        }
        return height - 1
    }

    /// The next code of `width` bits out of the length-prefixed pieces of data.
    private struct Codes {
        var bits = 0
        var count = 0
        var left = 0

        mutating func next(_ width: Int, _ reader: inout ByteReader) throws(Failure) -> Int {
            while count < width {
                if left == 0 {
                    left = Int(try reader.byte())
                    if left == 0 { throw ByteReader.cutOff }
                }
                bits |= Int(try reader.byte()) << count
                count += 8
                left -= 1
            }
            let code = bits & ((1 << width) - 1)
            bits >>= width
            count -= width
            return code
        }
    }

    /// Undoes GIF's LZW.
    private mutating func unpack(_ count: Int) throws -> [UInt8] {
        let smallest = Int(try reader.byte())
        guard (1...8).contains(smallest) else {
            throw Failure(.file, "its code length cannot be \(smallest)")
        }
        let clear = 1 << smallest
        let end = clear + 1
        // Each code is another one with one colour behind it.
        var before = [Int](repeating: -1, count: 4096)
        var last = [UInt8](repeating: 0, count: 4096)
        for i in 0..<clear { last[i] = UInt8(i) }
        var (next, width, previous) = (end + 1, smallest + 1, -1)
        var codes = Codes()
        var out: [UInt8] = []
        out.reserveCapacity(count)
        var string: [UInt8] = []
        while out.count < count {
            let code = try codes.next(width, &reader)
            if code == clear {
                (next, width, previous) = (end + 1, smallest + 1, -1)
                continue
            }
            if code == end { throw ByteReader.cutOff }
            guard previous >= 0 ? code <= min(next, 4095) : code < clear else {
                throw Failure(.file, "its data is damaged")
            }
            string.removeAll(keepingCapacity: true)
            let isNew = code == next
            var walk = isNew ? previous : code
            while walk >= 0 {
                string.append(last[walk])
                walk = before[walk]
            }
            guard let first = string.last else { throw Failure(.file, "its data is damaged") }
            out += string.reversed()
            if isNew { out.append(first) }
            if previous >= 0, next < 4096 {
                (before[next], last[next]) = (previous, first)
                next += 1
                if next == 1 << width, width < 12 { width += 1 }
            }
            previous = code
        }
        if out.count > count { out.removeLast(out.count - count) }
        return out
    }
}
