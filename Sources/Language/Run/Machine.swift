import Support
struct Prototype {
    var name = "", doc = "", parameters: [Parameter] = [], sourceText = "", file = "", line = 0
}
enum Parser { static func outcome(of s: String, file: String) -> ParseOutcome { .complete } }
enum Checker { static func check(_ s: String, file: String, known: Set<String>) -> [Diagnostic] { [] } }
final class Machine {
    unowned(unsafe) var interpreter: Interpreter!
    func call(_ function: Value, _ arguments: [Value], _ named: [(name: String, value: Value)]) throws
        -> Value
    {
        guard case .builtin(let b) = function else { throw Failure(.type, "the evaluator is not there yet") }
        let n = max(b.slotCount, 1)
        let slots = UnsafeMutablePointer<Value>.allocate(capacity: n);
        slots.initialize(repeating: .nil, count: n)
        defer { slots.deinitialize(count: n); slots.deallocate() }
        var given: UInt64 = 0; var rest: [Value] = []
        for (i, a) in arguments.enumerated() {
            if i < b.positionalSlots { slots[i] = a; given |= 1 << UInt64(i) } else { rest.append(a) }
        }
        for (name, v) in named { if let i = b.slot(of: name) { slots[i] = v; given |= 1 << UInt64(i) } }
        var args = Arguments(interpreter: interpreter, builtin: b, slots: slots, given: given, rest: rest)
        return try b.body(&args)
    }
}
extension Interpreter {
    func run(_ s: String, file: String, in m: Module, showing: Bool) throws -> Value {
        throw Failure(.syntax, "the evaluator is not there yet")
    }
}
