/// A place on the machine's stack, read and written by its two words where that is enough.
///
/// The layout of `Value` (a test asserts it): the second word of a number is 0; otherwise its
/// highest four bits say the case, and the first word of a class case is the reference.
typealias Slot = UnsafeMutablePointer<Value>

enum Tag {
    static let number: UInt64 = 0
    static let bool: UInt64 = 1 << 60
    static let string: UInt64 = 2 << 60
    static let list: UInt64 = 3 << 60
    static let record: UInt64 = 4 << 60
    static let range: UInt64 = 5 << 60
    static let function: UInt64 = 6 << 60
    static let builtin: UInt64 = 7 << 60
    static let objectNibble: UInt64 = 8
    static let `nil`: UInt64 = 9 << 60

    /// True where the compiler lays out `Value` as the machine expects.
    static let isLayoutKnown: Bool = {
        func words(_ v: Value) -> (UInt64, UInt64) {
            withUnsafeBytes(of: v) { ($0.load(as: UInt64.self), $0.load(fromByteOffset: 8, as: UInt64.self)) }
        }
        guard MemoryLayout<Value>.size == 16, MemoryLayout<Value>.stride == 16 else { return false }
        let list = List()
        let text = Text("")
        let address = UInt64(UInt(bitPattern: Unmanaged.passUnretained(list).toOpaque()))
        return words(.number(1.5)) == (1.5.bitPattern, number) && words(.bool(true)) == (1, bool)
            && words(.bool(false)) == (0, bool) && words(.string(text)).1 == string
            && words(.list(list)) == (address, Tag.list) && words(.record(Record())).1 == record
            && words(.range(.all)).1 == range && words(.nil) == (0, Tag.nil)
            && words(Hole.value).1 >> 60 == objectNibble && isListLayoutKnown
    }()

    private static let isListLayoutKnown: Bool = {
        let slot = Slot.allocate(capacity: 1)
        slot.initialize(to: .list([.number(1.5), .bool(true), .number(-2)]))
        defer {
            slot.deinitialize(count: 1)
            slot.deallocate()
        }
        let elements = slot.elements
        let empty = Slot.allocate(capacity: 1)
        empty.initialize(to: .list([]))
        defer {
            empty.deinitialize(count: 1)
            empty.deallocate()
        }
        return elements.count == 3 && elements.base.number == 1.5 && (elements.base + 1).high == bool
            && (elements.base + 2).number == -2 && empty.elements.count == 0
    }()
}

extension UnsafeMutablePointer where Pointee == Value {
    /// The elements of the list that is here, without holding its storage: for one read at once. The
    /// storage of an array is its object's header, count and capacity, two words each, and then the
    /// elements.
    @inline(__always) var elements: (count: Int, base: Slot) {
        let list = UnsafeRawPointer(reference(List.self).toOpaque())
        let storage = list.load(fromByteOffset: 16, as: UnsafeMutableRawPointer.self)
        let count = UnsafeRawPointer(storage).load(fromByteOffset: 16, as: Int.self)
        return (count, (storage + 32).assumingMemoryBound(to: Value.self))
    }

    @inline(__always) var low: UInt64 { UnsafeRawPointer(self).load(as: UInt64.self) }
    @inline(__always) var high: UInt64 { UnsafeRawPointer(self).load(fromByteOffset: 8, as: UInt64.self) }
    /// The number, where `high` is 0.
    @inline(__always) var number: Double { UnsafeRawPointer(self).load(as: Double.self) }

    /// Nothing to release: a number, a boolean or nil.
    @inline(__always) var isPlain: Bool {
        let t = high >> 60
        return t < 2 || t == 9
    }

    @inline(__always) func set(_ x: Double) {
        if high == 0 {
            UnsafeMutableRawPointer(self).storeBytes(of: x, as: Double.self)
        } else {
            setSlowly(x)
        }
    }

    @inline(never) private func setSlowly(_ x: Double) { pointee = .number(x) }

    @inline(__always) func set(_ b: Bool) {
        if isPlain {
            setWords(b ? 1 : 0, Tag.bool)
        } else {
            pointee = .bool(b)
        }
    }

    @inline(__always) func setWords(_ low: UInt64, _ high: UInt64) {
        UnsafeMutableRawPointer(self).storeBytes(of: low, as: UInt64.self)
        UnsafeMutableRawPointer(self).storeBytes(of: high, toByteOffset: 8, as: UInt64.self)
    }

    @inline(__always) func copy(_ other: UnsafeMutablePointer<Value>) {
        if other.high == 0 {
            set(other.number)
        } else {
            pointee = other.pointee
        }
    }

    /// Release what is here and leave the number 0.
    @inline(__always) func clear() {
        if high != 0 {
            if !isPlain { deinitialize(count: 1) }
            setWords(0, 0)
        }
    }

    /// The reference, as an object of the class that the case says.
    @inline(__always) func reference<T: AnyObject>(_ type: T.Type) -> Unmanaged<T> {
        unsafeBitCast(low, to: Unmanaged<T>.self)
    }
}
