import Glibc

/// What the values and places of a list are: "val_loss" by epoch from 1, "activation" by step from 0.
public final class Counting: Sendable {
    /// What the first value's place is called.
    public let first: Double
    /// What places count.
    public let name: String
    /// What the values are; nil where nobody says.
    public let what: String?

    public init(first: Double, name: String, what: String? = nil) {
        self.first = first
        self.name = name
        self.what = what
    }
}

/// A list: values in order, shared by reference.
public final class List {
    public var items: [Value]
    /// What the places count, for figures; nil where a list is only a list.
    public let counting: Counting?

    public init(_ items: [Value] = [], counting: Counting? = nil) {
        self.items = items
        self.counting = counting
    }

    public var count: Int { items.count }

    deinit { Reaper.dispose(&items) }
}

/// A record: named values in the order in which they were first set, shared by reference.
public final class Record {
    public private(set) var keys: [String] = []
    public private(set) var values: [Value] = []
    /// Position of each key; kept only where there are many.
    private var positions: [String: Int] = [:]
    /// Positions, as `positions` counts them, of keys that have been removed since it was made; in order.
    private var removed: [Int] = []
    private static let few = 8
    /// With more removed keys the index is made anew.
    private static let manyRemoved = 64

    public init() {}

    public init(_ pairs: [(String, Value)]) {
        keys.reserveCapacity(pairs.count)
        values.reserveCapacity(pairs.count)
        for (key, value) in pairs { self[key] = value }
    }

    public var count: Int { keys.count }

    /// The position of `key`; `guess` is tried first.
    public func position(of key: String, guess: Int = 0) -> Int? {
        if guess < keys.count, keys[guess] == key { return guess }
        if keys.count > Record.few {
            return positions[key].map { place in place - removed.count { $0 < place } }
        }
        for i in keys.indices where keys[i] == key { return i }
        return nil
    }

    /// The value of `key`; setting nil (Swift's) removes the key.
    public subscript(key: String) -> Value? {
        get { position(of: key).map { values[$0] } }
        set {
            guard let newValue else { remove(key); return }
            if let i = position(of: key) { values[i] = newValue; return }
            keys.append(key)
            values.append(newValue)
            if keys.count == Record.few + 1 {
                reindex()
            } else if keys.count > Record.few {
                positions[key] = keys.count - 1 + removed.count
            }
        }
    }

    public func value(at position: Int) -> Value { values[position] }
    public func set(at position: Int, to value: Value) { values[position] = value }

    /// The same from a place of the machine: what needs no counting is not counted.
    func setValue(at position: Int, from v: Slot) {
        guard values.indices.contains(position) else { return }
        values.withUnsafeMutableBufferPointer { items in
            if let base = items.baseAddress { (base + position).copy(v) }
        }
    }

    @discardableResult
    public func remove(_ key: String) -> Value? {
        guard let i = position(of: key) else { return nil }
        keys.remove(at: i)
        if keys.count <= Record.few || removed.count >= Record.manyRemoved {
            reindex()
        } else if let place = positions.removeValue(forKey: key), i < keys.count {
            removed.insert(place, at: removed.firstIndex { $0 > place } ?? removed.count)
        }
        return values.remove(at: i)
    }

    private func reindex() {
        positions.removeAll(keepingCapacity: true)
        removed = []
        if keys.count > Record.few { for (i, k) in keys.enumerated() { positions[k] = i } }
    }

    public var pairs: [(String, Value)] { Array(zip(keys, values)) }

    deinit { Reaper.dispose(&values) }
}

/// Lets deeply nested values go without deep recursion on the native stack: beyond a depth the
/// children wait in a queue that the outermost release empties.
enum Reaper {
    private static let deepest = 64

    private final class State {
        var depth = 0
        var waiting: [[Value]] = []
    }

    @inline(__always)
    static func dispose(_ items: inout [Value]) {
        if items.isEmpty || isShallow(items) { return }
        disposeSlowly(&items)
    }

    /// True for a few values none of which holds others.
    @inline(__always)
    private static func isShallow(_ items: [Value]) -> Bool {
        if items.count > 8 { return false }
        return items.withUnsafeBufferPointer { values in
            guard let first = values.baseAddress else { return true }
            for i in 0..<values.count {
                let p = UnsafeMutablePointer(mutating: first + i)
                if !p.isPlain, p.high != Tag.string { return false }
            }
            return true
        }
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key) { if let state = $0 { Unmanaged<State>.fromOpaque(state).release() } }
        return key
    }()

    /// Each thread's own: values of two interpreters may go at the same time.
    private static var state: State {
        if let known = pthread_getspecific(key) {
            return Unmanaged<State>.fromOpaque(known).takeUnretainedValue()
        }
        let fresh = State()
        pthread_setspecific(key, Unmanaged.passRetained(fresh).toOpaque())
        return fresh
    }

    // The optimiser believes that a release may happen at another time than where it is written. An
    // explicit destruction through a pointer stays between the two changes of `depth`.
    @inline(never) @_optimize(none)
    private static func disposeSlowly(_ items: inout [Value]) {
        if state.depth >= deepest {
            state.waiting.append(items)
            items = []
            return
        }
        withUnsafeMutablePointer(to: &items) { p in
            destroy(p)
            p.initialize(to: [])
        }
        guard state.depth == 0, !state.waiting.isEmpty else { return }
        let next = UnsafeMutablePointer<[Value]>.allocate(capacity: 1)
        while let count = waitingCount {
            next.initialize(to: [])
            swap(&next.pointee, &state.waiting[count - 1])
            state.waiting.removeLast()
            destroy(next)
        }
        next.deallocate()
    }

    /// The same for values behind a pointer; they are gone afterwards.
    static func dispose(_ values: UnsafeMutablePointer<Value>, _ count: Int) {
        if state.depth >= deepest {
            state.waiting.append(Array(UnsafeBufferPointer(start: values, count: count)))
            values.deinitialize(count: count)
            return
        }
        destroy(values, count)
        if state.depth == 0, !state.waiting.isEmpty {
            var none: [Value] = []
            disposeSlowly(&none)
        }
    }

    @inline(never) @_optimize(none)
    private static func destroy(_ values: UnsafeMutablePointer<Value>, _ count: Int) {
        state.depth += 1
        values.deinitialize(count: count)
        state.depth -= 1
    }

    private static var waitingCount: Int? { state.waiting.isEmpty ? nil : state.waiting.count }

    @inline(never) @_optimize(none)
    private static func destroy(_ p: UnsafeMutablePointer<[Value]>) {
        state.depth += 1
        p.deinitialize(count: 1)
        state.depth -= 1
    }
}
