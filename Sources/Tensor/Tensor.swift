import Support

/// An array of numbers of any rank: a view (shape, strides, offset) of a shared buffer.
///
/// Tensors are values: nothing writes into a buffer once a tensor of it has been handed out, save
/// the engine into buffers that it alone holds.
public struct Tensor: Sendable {
    public let type: ElementType
    /// Axis lengths, outermost first; empty for a scalar.
    public let shape: [Int]
    /// Steps in elements, by axis; 0 where an axis is stretched.
    public let strides: [Int]
    /// First element, in elements from the buffer's base.
    public let offset: Int
    public private(set) var buffer: Buffer

    /// A view. The caller vouches that shape, strides and offset stay inside the buffer.
    public init(type: ElementType, shape: [Int], strides: [Int], offset: Int, buffer: Buffer) {
        self.type = type
        self.shape = shape
        self.strides = strides
        self.offset = offset
        self.buffer = buffer
    }

    /// A new dense tensor with undefined contents, to be filled before anyone else sees it.
    public init(uninitialized shape: [Int], _ type: ElementType = .float32) throws(Failure) {
        try self.init(uninitialized: shape, count: Shape.count(shape), strides: Shape.strides(shape), type)
    }

    /// The same where the number of elements and the strides are known.
    package init(uninitialized shape: [Int], count n: Int, strides: [Int], _ type: ElementType)
        throws(Failure)
    {
        let buffer: Buffer
        do { buffer = try Buffer(byteCount: n * type.size) } catch {
            throw error.kind == .memory
                ? Failure(.memory, "\(type)\(Shape.describe(shape)): \(error.message)", hint: error.hint)
                : error
        }
        self.init(type: type, shape: shape, strides: strides, offset: 0, buffer: buffer)
    }

    /// A dense tensor of `values` in row-major order.
    public init<E: Element>(_ values: [E], shape: [Int]) throws(Failure) {
        let n = try Shape.count(shape)
        guard n == values.count else {
            throw Failure(.shape, "\(values.count) values do not fill shape \(Shape.describe(shape))")
        }
        try self.init(uninitialized: shape, E.elementType)
        values.withUnsafeBytes { source in
            if let from = source.baseAddress { buffer.base.copyMemory(from: from, byteCount: source.count) }
        }
    }

    /// A scalar.
    public init<E: Element>(scalar value: E) throws(Failure) {
        try self.init([value], shape: [])
    }

    /// Every element `value`.
    public init(repeating value: Double, shape: [Int], _ type: ElementType = .float32) throws(Failure) {
        try self.init(uninitialized: shape, type)
        switch type {
        case .float32: try fill(Float(value))
        case .float64: try fill(value)
        case .int32: try fill(Int32(clampingDouble: value))
        case .bool: try fill(UInt8(value != 0 ? 1 : 0))
        }
    }

    /// Gigabytes take seconds: Ctrl-C ends it between two parts.
    private func fill<T>(_ value: T) throws(Failure) {
        let (all, part) = (count, 1 << 22)
        for first in stride(from: 0, to: all, by: part) {
            if first > 0 { try CancelFlag.shared.check() }
            (buffer.base + first * MemoryLayout<T>.stride).initializeMemory(
                as: T.self, repeating: value, count: min(part, all - first))
        }
    }

    public var rank: Int { shape.count }
    /// Number of elements.
    public var count: Int { shape.reduce(1, *) }
    public var byteCount: Int { count * type.size }

    /// True where the elements lie one after another in row-major order.
    public var isDense: Bool {
        var step = 1
        for axis in shape.indices.reversed() {
            if shape[axis] != 1 && strides[axis] != step { return false }
            step *= shape[axis]
        }
        return true
    }

    /// Address of the first element, for a writer: where somebody else holds the buffer too, or this
    /// is a view, the elements are copied into a buffer of its own first.
    public mutating func exclusiveBase() throws(Failure) -> UnsafeMutableRawPointer {
        if !isDense || !isKnownUniquelyReferenced(&buffer) {
            let copy = try Tensor(uninitialized: shape, type)
            let own = try dense()
            copy.buffer.base.copyMemory(from: own.base, byteCount: own.byteCount)
            self = copy
        }
        return base
    }

    /// Address of the first element.
    public var base: UnsafeMutableRawPointer { buffer.base + offset * type.size }

    /// The elements' bytes in row-major order; `body` must not keep the pointer. Views are copied first.
    public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
        let t = try dense()
        defer { withExtendedLifetime(t) {} }
        return try body(UnsafeRawBufferPointer(start: t.base, count: t.byteCount))
    }

    /// The elements as a Swift array in row-major order, converted to `E`'s type.
    public func array<E: Element>(of _: E.Type = E.self) throws(Failure) -> [E] {
        let t = try converted(to: E.elementType).dense()
        defer { withExtendedLifetime(t) {} }
        let p = UnsafeRawPointer(t.base).assumingMemoryBound(to: E.self)
        return Array(UnsafeBufferPointer(start: p, count: t.count))
    }

    /// The only element of a tensor of one, as a Double.
    public func scalarValue() throws(Failure) -> Double {
        guard count == 1 else {
            throw Failure(
                .value, "a tensor of shape \(Shape.describe(shape)) is not one number",
                hint: "take one element, or reduce it with sum, mean or max")
        }
        return element(at: offset)
    }

    /// The element that lies `index` elements from the buffer's base.
    func element(at index: Int) -> Double {
        switch type {
        case .float32: Double(buffer.base.load(fromByteOffset: index * 4, as: Float.self))
        case .float64: buffer.base.load(fromByteOffset: index * 8, as: Double.self)
        case .int32: Double(buffer.base.load(fromByteOffset: index * 4, as: Int32.self))
        case .bool: buffer.base.load(fromByteOffset: index, as: UInt8.self) != 0 ? 1 : 0
        }
    }
}

extension Int32 {
    /// The nearest Int32; 0 for NaN.
    public init(clampingDouble x: Double) {
        if x.isNaN {
            self = 0
        } else if x >= 2147483647 {
            self = .max
        } else if x <= -2147483648 {
            self = .min
        } else {
            self = Int32(x)
        }
    }
}
