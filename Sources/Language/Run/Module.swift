/// The globals of the session or of one used file: each name has a cell that compiled code points
/// to directly.
final class Module {
    let name: String
    /// Builtins and constants.
    private let predefined: [String: Value]
    private var cells: [String: Cell] = [:]
    /// Names in order of first definition.
    private var order: [String] = []

    init(name: String, predefined: [String: Value]) {
        self.name = name
        self.predefined = predefined
    }

    /// The cell of a global, made where there is none: a builtin's or a constant's name starts out holding it.
    func cell(_ name: String) -> Cell {
        if let cell = cells[name] { return cell }
        let cell = Cell(predefined[name] ?? Hole.value)
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
        return predefined[name]
    }

    /// Forget a definition; a builtin of that name is back.
    func remove(_ name: String) {
        guard let cell = cells[name] else { return }
        order.removeAll { $0 == name }
        cell.isListed = false
        cell.slot.pointee = predefined[name] ?? Hole.value
    }

    func removeAll() { for name in order { remove(name) } }

    /// What was defined here, in order.
    var definitions: [(name: String, value: Value)] {
        order.compactMap { name in
            guard let cell = cells[name], cell.isDefined else { return nil }
            // Compiled for an assignment that was never reached.
            if case .builtin(let b) = cell.slot.pointee, case .builtin(let own)? = predefined[name], own === b
            {
                return nil
            }
            return (name, cell.slot.pointee)
        }
    }

    /// Every name that may be written here: for "did you mean".
    var knownNames: [String] { definitions.map(\.name) + Array(predefined.keys) }
}
