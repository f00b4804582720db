import Support

/// Where an error goes: to the nearest open `try`, or out with its place and its calls.
extension Machine {
    /// Called with the frame's `pc` behind the instruction that failed. Leaves the frame of the
    /// handler current, or clears the frames down to `entryDepth` and throws.
    func recover(_ error: any Error, entryDepth: Int, handlerFloor: Int) throws {
        let diagnostics = located(error, entryDepth: entryDepth)
        if handlers.count > handlerFloor, !diagnostics.isInterrupt, let handler = handlers.popLast() {
            while depth > handler.depth { leaveFrame() }
            let frame = frames + depth
            let entry = frame.pointee.entry.pointee
            top = frame.pointee.base + entry.registerCount
            (frame.pointee.base + handler.register).pointee = errorRecord(diagnostics)
            frame.pointee.pc = entry.code + handler.target
            return
        }
        handlers.removeLast(max(0, handlers.count - handlerFloor))
        while depth >= entryDepth { leaveFrame() }
        throw diagnostics
    }

    private func span(of depth: Int) -> SourceSpan {
        let frame = frames[depth]
        let prototype = frame.function._withUnsafeGuaranteedRef { $0.prototype }
        return prototype.span(at: max(0, frame.pc - frame.entry.pointee.code - 1))
    }

    /// The argument that `error` names, of the call that was under way.
    private func span(of argument: Failure.Argument, depth: Int) -> SourceSpan? {
        let frame = frames[depth]
        let prototype = frame.function._withUnsafeGuaranteedRef { $0.prototype }
        return prototype.span(of: argument, at: frame.pc - frame.entry.pointee.code - 1)
    }

    private func located(_ error: any Error, entryDepth: Int) -> Diagnostics {
        var all: [Diagnostic]
        switch error {
        // Its place and its calls are known already.
        case let again as RaisedAgain: return Diagnostics([again.diagnostic])
        case let many as Diagnostics: all = many.all
        case let one as Diagnostic: all = [one]
        default:
            let f = error.asFailure
            all = [Diagnostic(f.kind, f.message, hint: f.hint)]
        }
        guard var first = all.first else { return Diagnostics([Diagnostic(.value, "unknown error")]) }
        if first.span == nil {
            let argument = (error as? Failure)?.argument
            first.span = argument.flatMap { span(of: $0, depth: depth) } ?? span(of: depth)
        } else {
            // From a run inside a builtin: this is where the builtin was called.
            first.append(1) { _ in Diagnostic.Step(function: calleeName(), span: span(of: depth)) }
        }
        first.append(max(0, depth - entryDepth)) { i in
            let name = frames[depth - i].function._withUnsafeGuaranteedRef { $0.prototype.label }
            return Diagnostic.Step(
                function: name.isEmpty ? "a function" : name, span: span(of: depth - i - 1))
        }
        all[0] = first
        return Diagnostics(all)
    }

    /// The name of the builtin that the current instruction calls.
    private func calleeName() -> String {
        if let name = calledGlobal { return name }
        let frame = frames[depth]
        let index = frame.pc - frame.entry.pointee.code - 1
        guard index >= 0, index < prototype.codeCount else { return "a call" }
        let i = frame.entry.pointee.code[index]
        if i.op == .call || i.op == .callShaped, case .builtin(let b) = (frame.base + (i.ra - 1)).pointee {
            return b.name
        }
        if i.op == .use { return "use" }
        return "a call"
    }

    /// The global that the current instruction calls, where it calls one by its name.
    var calledGlobal: String? {
        let frame = frames[depth]
        let index = frame.pc - frame.entry.pointee.code - 1
        let prototype = prototype
        guard index >= 0, index + 1 < prototype.codeCount, frame.entry.pointee.code[index].op == .callGlobal
        else {
            return nil
        }
        let g = frame.entry.pointee.code[index + 1].bx
        return g < prototype.globalNames.count ? prototype.globalNames[g] : nil
    }

    /// The `e` of `try … else e -> …`.
    private func errorRecord(_ d: Diagnostics) -> Value {
        guard let first = d.all.first else { return .nil }
        let value = Value([
            ("message", Value(first.message)),
            ("kind", Value(first.kind.rawValue)),
            ("hint", first.hint.map { Value($0) } ?? .nil),
            ("file", first.span.map { Value($0.file) } ?? .nil),
            ("line", first.span.map { Value($0.line) } ?? .nil),
        ])
        if case .record(let record) = value {
            caught.removeAll { $0.record == nil }
            if caught.count >= Machine.mostCaught { caught.removeFirst() }
            caught.append(CaughtError(record: record, diagnostic: first))
        }
        return value
    }

    /// How many caught errors are remembered with their places, the newest.
    private static let mostCaught = 16

    /// What `raise` throws: a message, or an error that was caught, which keeps its place.
    func raised(_ r: Slot) -> any Error {
        let failure = described(r)
        guard case .record(let record) = r.pointee,
            var diagnostic = caught.last(where: { $0.record === record })?.diagnostic
        else { return failure }
        // The record may have been changed since.
        (diagnostic.kind, diagnostic.message, diagnostic.hint) = (failure.kind, failure.message, failure.hint)
        return RaisedAgain(diagnostic: diagnostic)
    }

    private func described(_ r: Slot) -> Failure {
        switch r.pointee {
        case .string(let s): return Failure(.raised, s.string)
        case .record(let e):
            guard let message = e["message"]?.asString else { break }
            var kind = e["kind"]?.asString.flatMap(Failure.Kind.init(rawValue:)) ?? .raised
            if kind == .interrupted { kind = .raised }
            return Failure(kind, message, hint: e["hint"]?.asString)
        default: break
        }
        return Failure(
            .type, "`raise` takes a message or an error, not \(r.pointee.typePhrase)",
            hint: "write raise \"what is wrong\", or raise {message: \"…\", hint: \"…\"}")
    }
}

/// An error that `else e ->` caught: what `raise e` needs beyond what the record says.
struct CaughtError {
    weak var record: Record?
    let diagnostic: Diagnostic
}

/// A caught error that is raised again, with its first place and calls.
private struct RaisedAgain: Error {
    let diagnostic: Diagnostic
}
