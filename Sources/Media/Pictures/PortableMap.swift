import Support

/// Portable anymap: plain or binary bitmap, greymap and pixmap (P1 to P6).
struct PortableMap {
    private var reader: ByteReader

    static func decode(_ bytes: [UInt8]) throws -> Picture {
        var map = PortableMap(reader: ByteReader(bytes))
        return try map.picture()
    }

    private mutating func picture() throws -> Picture {
        let kind = Int(reader.bytes[1]) - 0x30
        try reader.skip(2)
        let (width, height) = (try number(), try number())
        try PictureFile.check(
            width: width, height: height, in: reader.bytes.count, density: PictureFile.Density.plain)
        let isBitmap = kind == 1 || kind == 4
        let top = isBitmap ? 1 : try number()
        guard (1...65535).contains(top) else { throw Failure(.file, "its brightest value cannot be \(top)") }
        let channels = kind == 3 || kind == 6 ? 3 : 1
        let values =
            try kind <= 3
            ? plain(kind, width * height * channels) : binary(kind, width, height, channels, top)
        // In a bitmap 1 is black.
        let scaled = values.map { Float(min(isBitmap ? 1 - $0 : $0, top)) * 255 / Float(top) }
        let pixels = channels == 3 ? scaled : scaled.flatMap { [$0, $0, $0] }
        return try Picture(height: height, width: width, pixels: pixels)
    }

    private mutating func plain(_ kind: Int, _ count: Int) throws -> [Int] {
        guard count <= reader.bytes.count else { throw ByteReader.cutOff }
        var values: [Int] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(kind == 1 ? try bit() : try number()) }
        return values
    }

    private mutating func binary(
        _ kind: Int, _ width: Int, _ height: Int, _ channels: Int, _ top: Int
    ) throws -> [Int] {
        // One space ends the header.
        try reader.skip(1)
        if kind == 4 {
            let row = (width + 7) / 8
            let data = try reader.take(row * height)
            return (0..<width * height).map { i in
                Int(data[i / width * row + i % width / 8] >> (7 - UInt8(i % width % 8)) & 1)
            }
        }
        let count = width * height * channels
        if top <= 255 { return try reader.take(count).map { Int($0) } }
        let data = try reader.take(count * 2)
        return (0..<count).map { Int(data[$0 * 2]) << 8 | Int(data[$0 * 2 + 1]) }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

    /// The next byte that is neither space nor part of a comment.
    private mutating func start() throws -> UInt8 {
        while true {
            let byte = try reader.byte()
            if byte == UInt8(ascii: "#") {
                while try reader.byte() != 10 {}
            } else if !Self.isSpace(byte) {
                return byte
            }
        }
    }

    private mutating func bit() throws -> Int {
        let byte = try start()
        guard byte == 0x30 || byte == 0x31 else { throw Failure(.file, "a bit is neither 0 nor 1") }
        return Int(byte) - 0x30
    }

    private mutating func number() throws -> Int {
        var byte = try start()
        var value = 0
        while true {
            guard (0x30...0x39).contains(byte), value < 1 << 30 else {
                throw Failure(.file, "a number is expected in its text")
            }
            value = value * 10 + Int(byte) - 0x30
            guard reader.position < reader.bytes.count, !Self.isSpace(reader.bytes[reader.position]) else {
                return value
            }
            byte = try reader.byte()
        }
    }
}
