import CPictures
import Support

/// Picture files in and out: png, jpeg, gif (first frame), bmp and ppm/pgm/pbm in, png and jpeg out.
/// A file is read by what it holds, whatever its ending.
public enum PictureFile {
    /// Endings that count as pictures when a folder is searched.
    public static let endings: Set<String> = ["png", "jpg", "jpeg", "gif", "bmp", "ppm", "pgm", "pbm", "pnm"]

    /// The most pixels that are read or made: more is a mistake or an attack.
    public static let mostPixels = 1 << 26
    static let mostBytes = 1 << 29

    /// Read a picture, turned as its Exif orientation says; grey becomes colour, 16 bits become 8,
    /// and what is transparent shows white.
    /// Throws a file failure that names the file and what is wrong with it.
    public static func read(_ path: String) throws -> Picture {
        guard let bytes = try TextFile.bytes(path, atMost: mostBytes) else {
            throw Failure(.file, "cannot read '\(path)': No such file or directory")
        }
        return try decode(bytes, name: path)
    }

    /// Read from bytes in memory; `name` is for messages.
    public static func decode(_ bytes: [UInt8], name: String) throws -> Picture {
        do {
            if bytes.isEmpty { throw Failure(.file, "it is empty") }
            if bytes.starts(with: [0x89, 0x50, 0x4e, 0x47]) { return try png(bytes) }
            if bytes.starts(with: [0xff, 0xd8]) { return try jpeg(bytes) }
            if bytes.starts(with: Array("GIF8".utf8)) { return try GIF.decode(bytes) }
            if bytes.starts(with: Array("BM".utf8)) { return try Bitmap.decode(bytes) }
            if bytes[0] == UInt8(ascii: "P"), bytes.count > 2, (0x31...0x36).contains(bytes[1]) {
                return try PortableMap.decode(bytes)
            }
        } catch let failure as Failure where failure.kind == .file {
            throw Failure(.file, "'\(name)' is not a picture that can be read: \(failure.message)")
        }
        throw Failure(
            .file, "'\(name)' is not a picture that can be read: its kind is unknown",
            hint: "png, jpeg, gif, bmp and ppm are read")
    }

    /// Write a picture whole or not at all; the ending chooses png or jpeg (.jpg, .jpeg).
    /// - Parameter quality: of jpeg, 1 to 100.
    public static func write(_ picture: Picture, to path: String, quality: Int = 92) throws {
        let bytes = try encode(picture, ending: AudioFile.ending(of: path), quality: quality)
        try AtomicFile.write(bytes, to: path)
    }

    /// The bytes of such a file.
    public static func encode(_ picture: Picture, ending: String, quality: Int = 92) throws -> [UInt8] {
        let isPNG = ending == "png"
        guard isPNG || ending == "jpg" || ending == "jpeg" else {
            throw Failure(
                .file,
                ending.isEmpty
                    ? "a picture's file needs an ending"
                    : "'.\(ending)' is no picture format that can be written",
                hint: "use .png or .jpg")
        }
        let pixels = try picture.bytes()
        let (width, height) = (Int32(clamping: picture.width), Int32(clamping: picture.height))
        let level = Int32(clamping: min(max(quality, 1), 100))
        var out: UnsafeMutablePointer<UInt8>?
        var count = 0
        try calling { message in
            isPNG
                ? vz_png_write(pixels, width, height, 3, &out, &count, message)
                : vz_jpeg_write(pixels, width, height, 3, level, &out, &count, message)
        }
        guard let out else { throw Failure(.io, "the picture could not be encoded") }
        defer { vz_bytes_free(out) }
        return Array(UnsafeBufferPointer(start: out, count: count))
    }

    /// Pixels that a byte of a file can stand for at most.
    enum Density {
        /// Deflate reaches 1032 bytes out of one, each of eight pixels in black and white.
        static let png = 8256
        /// Huffman's codes spend at least a bit on every block of 8 x 8.
        static let jpeg = 512
        /// A code of 12 bits stands for at most 3838 pixels.
        static let gif = 2560
        /// One of eight bits each.
        static let plain = 8
    }

    /// Throws where a picture has no or too many pixels, or more than its file can possibly hold.
    static func check(width: Int, height: Int, in byteCount: Int, density: Int) throws(Failure) {
        guard width > 0, height > 0, width <= 1 << 20, height <= 1 << 20, width * height <= mostPixels else {
            throw Failure(.file, "it claims \(width) x \(height) pixels")
        }
        guard width * height / density <= byteCount else {
            throw Failure(.file, "it claims \(width) x \(height) pixels in \(byteCount) bytes")
        }
    }

    // MARK: - libpng and libjpeg

    private static func png(_ bytes: [UInt8]) throws -> Picture {
        try checkSize(bytes, vz_png_size, Density.png)
        var raw = vz_picture()
        try calling { vz_png_read(bytes, bytes.count, &raw, $0) }
        defer { vz_picture_free(&raw) }
        let picture = try colours(raw) { p in
            // Shown on white.
            let alpha = Float(p[3]) / 255
            return { Float(p[$0]) * alpha + 255 * (1 - alpha) }
        }
        return try picture.oriented(Exif.orientation(png: bytes))
    }

    private static func jpeg(_ bytes: [UInt8]) throws -> Picture {
        try checkSize(bytes, vz_jpeg_size, Density.jpeg)
        var raw = vz_picture()
        try calling { vz_jpeg_read(bytes, bytes.count, &raw, $0) }
        defer { vz_picture_free(&raw) }
        // Adobe stores ink as what is left of white.
        let (base, sign): (Float, Float) = raw.is_inverted != 0 ? (0, 1) : (255, -1)
        let picture = try colours(raw) { p in
            { (base + sign * Float(p[$0])) * (base + sign * Float(p[3])) / 255 }
        }
        guard let exif = raw.exif else { return picture }
        return try picture.oriented(Exif.orientation(UnsafeBufferPointer(start: exif, count: raw.exif_size)))
    }

    /// Decoded pixels as colours; `four` tells the colours of a pixel of four channels.
    private static func colours(
        _ raw: vz_picture, _ four: (UnsafePointer<UInt8>) -> (Int) -> Float
    ) throws -> Picture {
        let (width, height, channels) = (Int(raw.width), Int(raw.height), Int(raw.channels))
        guard let pixels = raw.pixels, width > 0, height > 0, [1, 3, 4].contains(channels) else {
            throw Failure(.file, "it has \(channels) channels")
        }
        var out = [Float](repeating: 0, count: width * height * 3)
        for i in 0..<width * height {
            let p = UnsafePointer(pixels + i * channels)
            switch channels {
            case 1: for c in 0..<3 { out[i * 3 + c] = Float(p[0]) }
            case 3: for c in 0..<3 { out[i * 3 + c] = Float(p[c]) }
            default:
                let colour = four(p)
                for c in 0..<3 { out[i * 3 + c] = colour(c) }
            }
        }
        return try Picture(height: height, width: width, pixels: out)
    }

    private typealias Size = (
        UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<Int32>?, UnsafeMutablePointer<Int32>?,
        UnsafeMutablePointer<CChar>?
    ) -> Int32

    private static func checkSize(_ bytes: [UInt8], _ size: Size, _ density: Int) throws(Failure) {
        var (width, height): (Int32, Int32) = (0, 0)
        try calling { size(bytes, bytes.count, &width, &height, $0) }
        try check(width: Int(width), height: Int(height), in: bytes.count, density: density)
    }

    private static func calling(_ body: (UnsafeMutablePointer<CChar>) -> Int32) throws(Failure) {
        var message = [CChar](repeating: 0, count: Int(VZ_PICTURE_MESSAGE))
        let code = message.withUnsafeMutableBufferPointer { $0.baseAddress.map(body) ?? 1 }
        if code != 0 {
            let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw Failure(.file, String(decoding: text, as: UTF8.self))
        }
    }
}
