import CZlib

package enum Checksum {
    /// CRC-32 as zip and png have it.
    package static func crc32(_ bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBufferPointer { all in
            var sum = CZlib.crc32(0, nil, 0)
            var rest = all[...]
            while !rest.isEmpty {
                let piece = UnsafeBufferPointer(rebasing: rest.prefix(1 << 30))
                sum = CZlib.crc32(sum, piece.baseAddress, uInt(piece.count))
                rest = rest.dropFirst(piece.count)
            }
            return UInt32(truncatingIfNeeded: sum)
        }
    }
}
