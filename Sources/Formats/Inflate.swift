import CZlib
import Support

/// Undoes deflate through zlib.
package enum Inflate {
    package enum Wrapping { case zlib, raw }

    /// Exactly `count` bytes out of `bytes`. Throws a file failure where they are damaged, or are
    /// more or fewer; no more than `count` bytes of memory are taken.
    package static func bytes(_ bytes: [UInt8], count: Int, _ wrapping: Wrapping) throws(Failure)
        -> [UInt8]
    {
        // Deflate reaches 1032 to one; what claims more is an attack.
        guard count >= 0, count / 1100 <= bytes.count, count <= 1 << 31, bytes.count <= 1 << 31 else {
            throw Failure(.file, "\(bytes.count) compressed bytes cannot hold \(count)")
        }
        var out = [UInt8](repeating: 0, count: count)
        var stream = z_stream()
        let window: Int32 = wrapping == .zlib ? 15 : -15
        guard inflateInit2_(&stream, window, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else {
            throw Failure(.memory, "there is no memory to decompress with")
        }
        defer { inflateEnd(&stream) }
        var input = bytes
        let (code, made) = input.withUnsafeMutableBufferPointer { from in
            out.withUnsafeMutableBufferPointer { to -> (Int32, Int) in
                stream.next_in = from.baseAddress
                stream.avail_in = uInt(from.count)
                stream.next_out = to.baseAddress
                stream.avail_out = uInt(to.count)
                let code = inflate(&stream, Z_FINISH)
                return (code, Int(stream.total_out))
            }
        }
        guard code == Z_STREAM_END, made == count else {
            throw Failure(.file, "compressed data is damaged")
        }
        return out
    }
}
