/// A function written in vz, with what it captured.
public final class Function {
    let prototype: Prototype
    /// The captured variables' cells, in the order of the prototype's captures.
    var cells: [Cell]
    /// Default values are worked out where the function is made.
    var defaults: [Value]

    init(_ prototype: Prototype, cells: [Cell], defaults: [Value]) {
        self.prototype = prototype
        self.cells = cells
        self.defaults = defaults
    }

    /// Its name, or "function" where it has none.
    public var name: String { prototype.name }
    /// What its `##` comments say.
    public var doc: String { prototype.doc }
    public var parameters: [Parameter] { prototype.parameters }
    /// Its source text.
    public var source: String { prototype.sourceText }
    public var file: String { prototype.file }
    public var line: Int { prototype.line }

    /// "area(w, h = 1)"
    public var signature: String { "\(name)(\(parameters.map(\.text).joined(separator: ", ")))" }
}

/// A variable that outlives its frame: a global, or a local that a closure captured.
final class Cell {
    var value: Value
    /// True for a global of the session: `whos` lists it.
    var isListed = false
    /// False for a global that nothing was assigned to yet.
    var isDefined: Bool

    init(_ value: Value, isDefined: Bool = true) {
        self.value = value
        self.isDefined = isDefined
    }
}
