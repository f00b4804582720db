import Support

extension Tensor {
    /// Writes `values`, stretched as NumPy broadcasts, at a view's places; elsewhere nothing changes.
    /// `view(tensor)` is asked of the copy that is written, so that whoever shares the old memory keeps it.
    public mutating func assign(
        _ values: Tensor, at view: (Tensor) throws(Failure) -> Tensor
    ) throws(Failure) {
        _ = try exclusiveBase()
        let target = try view(self)
        let source = try values.converted(to: type).broadcasted(to: target.shape).dense()
        let size = type.size
        let base = buffer.base
        var from = UnsafeRawPointer(source.base)
        target.forEachRow { first, step, length in
            for i in 0..<length {
                (base + (first + i * step) * size).copyMemory(from: from, byteCount: size)
                from += size
            }
        }
    }
}
