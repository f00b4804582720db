/// Where functions come from: for those who write them down.
extension Interpreter {
    /// The used file whose names `f` sees instead of the session's; nil where it sees the session's.
    public func usedFile(of f: Function) -> String? {
        f.prototype.module === main ? nil : f.prototype.module.name
    }

    /// The name that `f` has among the names of the used file it belongs to.
    public func usedName(of f: Function) -> String? {
        f.prototype.module.definitions.first {
            if case .function(let g) = $0.value { g === f } else { false }
        }?
        .name
    }

    /// Builtins and constants by name: what a name of the session may hide.
    public func isPredefined(_ name: String) -> Bool { predefined[name] != nil }
}
