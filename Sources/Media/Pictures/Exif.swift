/// Reads the orientation (1 to 8) out of Exif data: a TIFF header with a list of tags.
enum Exif {
    static func orientation(_ data: UnsafeBufferPointer<UInt8>) -> Int {
        guard data.count >= 8 else { return 1 }
        let isLittle = data[0] == 0x49
        func number(_ at: Int, _ n: Int) -> Int? {
            guard at >= 0, at <= data.count - n else { return nil }
            return (0..<n).reduce(0) { $0 << 8 | Int(data[at + (isLittle ? n - 1 - $1 : $1)]) }
        }
        guard data[0] == data[1], data[0] == 0x49 || data[0] == 0x4d, number(2, 2) == 42,
            let list = number(4, 4), let count = number(list, 2)
        else { return 1 }
        for i in 0..<count {
            let entry = list + 2 + i * 12
            // Tag "orientation" of type SHORT.
            if number(entry, 2) == 0x0112, number(entry + 2, 2) == 3 { return number(entry + 8, 2) ?? 1 }
        }
        return 1
    }

    /// From a PNG's eXIf chunk; 1 where it has none.
    static func orientation(png bytes: [UInt8]) -> Int {
        var at = 8
        while at + 12 <= bytes.count {
            let length = (0..<4).reduce(0) { $0 << 8 | Int(bytes[at + $1]) }
            guard length <= bytes.count - at - 12 else { return 1 }
            if bytes[at + 4..<at + 8].elementsEqual("eXIf".utf8) {
                return bytes[at + 8..<at + 8 + length].withUnsafeBufferPointer { orientation($0) }
            }
            at += length + 12
        }
        return 1
    }
}
