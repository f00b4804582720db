/// The globals of the session or of one used file: each name has a cell that compiled code points
/// to directly.
final class Module {
    let name: String
    private let builtins: [String: Builtin]
    private var cells: [String: Cell] = [:]
    /// Names in order of first definition.
    private var order: [String] = []

    init(name: String, builtins: [String: Builtin]) {
        self.name = name
        self.builtins = builtins
    }

    /// The cell of a global, made where there is none: a builtin's name starts out holding it.
    func cell(_ name: String) -> Cell {
        if let cell = cells[name] { return cell }
        let cell: Cell
        if let b = builtins[name] {
            cell = Cell(.builtin(b))
        } else {
            cell = Cell(Hole.value)
        }
        cells[name] = cell
        return cell
    }

    /// The compiler's cell for an assignment to `name`: from now on it is the session's own.
    func ownCell(_ name: String) -> Cell {
        let cell = cell(name)
        if !cell.isListed {
            cell.isListed = true
            order.append(name)
        }
        return cell
    }

    func define(_ name: String, _ value: Value) {
        let cell = ownCell(name)
        cell.slot.pointee = value
    }

    func value(of name: String) -> Value? {
        if let cell = cells[name] { return cell.isDefined ? cell.slot.pointee : nil }
        return builtins[name].map { .builtin($0) }
    }

    /// Forget a definition; a builtin of that name is back.
    func remove(_ name: String) {
        guard let cell = cells[name] else { return }
        order.removeAll { $0 == name }
        cell.isListed = false
        cell.slot.pointee = builtins[name].map { .builtin($0) } ?? Hole.value
    }

    func removeAll() { for name in order { remove(name) } }

    /// What was defined here, in order.
    var definitions: [(name: String, value: Value)] {
        order.compactMap { name in
            guard let cell = cells[name], cell.isDefined else { return nil }
            if case .builtin(let b) = cell.slot.pointee, builtins[name] === b { return nil }
            return (name, cell.slot.pointee)
        }
    }

    /// Every name that may be written here: for "did you mean".
    var knownNames: [String] { definitions.map(\.name) + Array(builtins.keys) }
}
