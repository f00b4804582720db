/// A function written in vz, with what it captured.
public final class Function {
    let prototype: Prototype
    /// The part of the prototype that a call needs.
    let entry: UnsafePointer<Entry>
    /// What was captured: values that never change, and cells of variables that do.
    let captures: UnsafeMutablePointer<Value>

    init(_ prototype: Prototype, captures values: [Value]) {
        self.prototype = prototype
        entry = UnsafePointer(prototype.entry)
        captures = .allocate(capacity: max(1, values.count))
        captures.initialize(from: values, count: values.count)
    }

    deinit {
        let count = prototype.captures.count
        if count > 0 { Reaper.dispose(captures, count) }
        captures.deallocate()
    }

    /// Its name; empty for a lambda.
    public var name: String { prototype.name }
    /// What its `##` comments say.
    public var doc: String { prototype.doc }
    public var parameters: [Parameter] { prototype.parameters }
    /// True where it remembers variables of the function that made it.
    public var hasCaptures: Bool { !prototype.captures.isEmpty }
    /// Its source text.
    public var source: String { prototype.sourceText }
    public var file: String { prototype.file }
    public var line: Int { prototype.line }

    /// "area(w, h = 1)"
    public var signature: String { "\(name)(\(parameters.map(\.text).joined(separator: ", ")))" }
}

/// A variable that outlives its frame: a global, or a local that a closure captured and somebody
/// sets. Compiled code points to the slot of a global directly.
final class Cell: VZObject {
    let slot: UnsafeMutablePointer<Value>
    /// A global of the session: `whos` lists it.
    var isListed = false

    init(_ value: Value) {
        slot = .allocate(capacity: 1)
        slot.initialize(to: value)
    }

    deinit {
        slot.deinitialize(count: 1)
        slot.deallocate()
    }

    var typeName: String { "cell" }
    var isDefined: Bool { !slot.pointee.isHole }
}

/// Stands where a variable or an optional parameter has no value yet. Never seen from vz.
final class Hole: VZObject {
    nonisolated(unsafe) static let shared = Hole()
    nonisolated(unsafe) static let value = Value.object(shared)
    private init() {}
    var typeName: String { "nothing" }
}

extension Value {
    var isHole: Bool { if case .object(let o) = self { o === Hole.shared } else { false } }
}
