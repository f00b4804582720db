import Support

/// Matching arguments to parameters, and calls that leave the loop.
extension Machine {
    // MARK: Functions of vz

    /// The `count` arguments at `args` as the parameters of `function`: optional ones that were not
    /// given become holes, further ones a list.
    @inline(never)
    func arrange(_ function: Unmanaged<Function>, _ args: Slot, _ count: Int) throws {
        let p = function._withUnsafeGuaranteedRef { $0.prototype }
        if p.variadicRegister == nil, count > p.positionalCount { throw Calls.tooMany(p, count) }
        var rest: [Value] = []
        if count > p.positionalCount {
            rest = Array(
                UnsafeBufferPointer(start: args + p.positionalCount, count: count - p.positionalCount))
            clear(args + p.positionalCount, count - p.positionalCount)
        }
        for i in min(count, p.positionalCount)..<p.parameterCount {
            switch p.parameters[i].kind {
            case .required: throw Calls.missing(p, p.parameters[i].name)
            case .optional: (args + i).pointee = Hole.value
            case .variadic: (args + i).pointee = .list(List(rest))
            case .extras: (args + i).pointee = .record(Record())
            }
        }
    }

    /// The same from values with names.
    func place(_ p: Prototype, _ positional: [Value], _ named: [(name: String, value: Value)], at args: Slot)
        throws
    {
        if p.variadicRegister == nil, positional.count > p.positionalCount {
            throw Calls.tooMany(p, positional.count)
        }
        var given = [Bool](repeating: false, count: p.parameterCount)
        for i in 0..<min(positional.count, p.positionalCount) {
            (args + i).pointee = positional[i]
            given[i] = true
        }
        let extras = p.extrasRegister.map { _ in Record() }
        for (name, value) in named {
            if let i = p.parameters.firstIndex(where: {
                $0.name == name && ($0.kind == .required || $0.kind == .optional)
            }) {
                if given[i] { throw Calls.twice(p.name, name) }
                (args + i).pointee = value
                given[i] = true
            } else if let extras {
                extras[name] = value
            } else {
                throw Calls.unknown(Calls.called(p.name), name, p.parameters)
            }
        }
        for (i, parameter) in p.parameters.enumerated() where !given[i] {
            switch parameter.kind {
            case .required: throw Calls.missing(p, parameter.name)
            case .optional: (args + i).pointee = Hole.value
            case .variadic: (args + i).pointee = .list(List(Array(positional.dropFirst(p.positionalCount))))
            case .extras: (args + i).pointee = .record(extras ?? Record())
            }
        }
    }

    /// The arguments of a call with names or spreads, taken from the stack.
    private func gather(_ args: Slot, _ count: Int, _ shape: Int) throws
        -> (positional: [Value], named: [(name: String, value: Value)])
    {
        let kinds = prototype.shapes[shape].kinds
        var positional: [Value] = []
        var named: [(name: String, value: Value)] = []
        for k in 0..<count {
            let v = (args + k).pointee
            switch kinds[k] {
            case .positional: positional.append(v)
            case .named(let name): named.append((name, v))
            case .spread:
                positional += try Sequences.items(v, "`*` spreads")
                try Limits.checkList(positional.count)
            case .spreadRecord:
                guard case .record(let r) = v else {
                    throw Failure(.type, "`**` spreads a record, not \(v.typePhrase)")
                }
                for (name, value) in r.pairs { named.append((name, value)) }
            }
        }
        clear(args, count)
        return (positional, named)
    }

    @inline(never)
    func arrangeShaped(_ function: Unmanaged<Function>, _ args: Slot, _ count: Int, _ shape: Int) throws {
        let p = function._withUnsafeGuaranteedRef { $0.prototype }
        let (positional, named) = try gather(args, count, shape)
        try place(p, positional, named, at: args)
    }

    // MARK: Everything else that can be called

    @inline(never)
    func callOther(_ f: Value, _ args: Slot, _ count: Int, _ d: Slot) throws {
        ticks &-= 32
        if ticks <= 0 { try poll() }
        switch f {
        case .builtin(let b):
            let result = try callBuiltin(b, args, count)
            d.pointee = result
        case .object(let o):
            guard let b = o.callable else { throw notCallable(f) }
            let result = try callBuiltin(b, args, count)
            d.pointee = result
        default: throw notCallable(f)
        }
    }

    func notCallable(_ f: Value) -> Failure {
        if depth >= 0, let name = calledGlobal, interpreter.builtins[name] != nil {
            return Failure(
                .type, "\(f.typePhrase) cannot be called",
                hint:
                    "`\(name)` was set to \(f.typePhrase) and hides the function of that name: choose another name"
            )
        }
        let hint: String? =
            switch f {
            case .list, .string: "an element is written with [ ]: `xs[0]`"
            case .number: "a product needs its sign: `2 * (a + b)`"
            case .nil: "look where it comes from: a function that was never set?"
            case .object(let o) where o.count != nil: "an element is written with [ ]: `x[0]`"
            default: nil
            }
        return Failure(.type, "\(f.typePhrase) cannot be called", hint: hint)
    }

    /// Call with the `count` positional arguments at `args`; they are cleared.
    private func callBuiltin(_ b: Builtin, _ args: Slot, _ count: Int) throws -> Value {
        var rest: [Value] = []
        let positional = b.positionalSlots
        if count > positional {
            guard b.variadicName != nil else {
                clear(args, count)
                throw Calls.tooMany(b, count)
            }
            rest = Array(UnsafeBufferPointer(start: args + positional, count: count - positional))
            clear(args + positional, count - positional)
        }
        let filled = min(count, positional)
        let slots = b.slotCount
        if filled < slots { for i in filled..<slots { (args + i).pointee = .nil } }
        defer { clear(args, max(filled, slots)) }
        if filled < b.requiredCount { throw Calls.missing(b, b.parameter(at: filled)?.name ?? "argument") }
        return try invoke(b, args, given: filled >= 64 ? .max : (1 << UInt64(filled)) - 1, rest, [])
    }

    private func invoke(
        _ b: Builtin, _ slots: Slot, given: UInt64, _ rest: [Value], _ extras: [(name: String, value: Value)]
    ) throws -> Value {
        let oldTop = top
        let end = slots + b.slotCount + 1
        if end > top { top = end }
        defer { top = oldTop }
        var arguments = Arguments(
            interpreter: interpreter, builtin: b, slots: slots, given: given, rest: rest, extras: extras)
        do { return try b.body(&arguments) } catch var failure as Failure where failure.argument == nil {
            failure.argument = Calls.blamed(failure.message, b)
            throw failure
        }
    }

    @inline(never)
    func callShaped(_ f: Value, _ args: Slot, _ count: Int, _ d: Slot, _ shape: Int) throws {
        ticks &-= 32
        let b: Builtin
        switch f {
        case .builtin(let it): b = it
        case .object(let o):
            guard let it = o.callable else { throw notCallable(f) }
            b = it
        case .function, .number, .bool, .string, .list, .record, .range, .nil: throw notCallable(f)
        }
        let (positional, named) = try gather(args, count, shape)
        let result = try callBuiltin(b, positional, named, at: args)
        d.pointee = result
    }

    private func callBuiltin(
        _ b: Builtin, _ positional: [Value], _ named: [(name: String, value: Value)], at args: Slot
    ) throws -> Value {
        let slots = b.slotCount
        for i in 0..<slots { (args + i).pointee = .nil }
        defer { clear(args, slots) }
        if positional.count > b.positionalSlots, b.variadicName == nil {
            throw Calls.tooMany(b, positional.count)
        }
        var given: UInt64 = 0
        for i in 0..<min(positional.count, b.positionalSlots) {
            (args + i).pointee = positional[i]
            if i < 64 { given |= 1 << UInt64(i) }
        }
        var extras: [(name: String, value: Value)] = []
        for (name, value) in named {
            if let i = b.slot(of: name) {
                if i < 64, given & (1 << UInt64(i)) != 0 { throw Calls.twice(b.name, name) }
                (args + i).pointee = value
                if i < 64 { given |= 1 << UInt64(i) }
            } else if b.extrasName != nil {
                extras.append((name, value))
            } else {
                throw Calls.unknown(Calls.called(b.name), name, b.parameters)
            }
        }
        if b.requiredCount > 0 {
            for i in 0..<slots {
                if let p = b.parameter(at: i), p.kind == .required, i < 64, given & (1 << UInt64(i)) == 0 {
                    throw Calls.missing(b, p.name)
                }
            }
        }
        return try invoke(b, args, given: given, Array(positional.dropFirst(b.positionalSlots)), extras)
    }

    /// Call anything from Swift.
    func call(_ f: Value, _ positional: [Value], _ named: [(name: String, value: Value)]) throws -> Value {
        let base = top + 1
        let room = positional.count + 256
        guard base + room < stackEnd else { throw tooDeep }
        // `map` and its like are loops too.
        ticks &-= 1
        if ticks <= 0 { try poll() }
        let oldTop = top
        defer { top = oldTop }
        switch f {
        case .function(let function):
            let p = function.prototype
            if p.isSimple, named.isEmpty, positional.count == p.parameterCount {
                for (i, v) in positional.enumerated() { (base + i).pointee = v }
            } else {
                do { try place(p, positional, named, at: base) } catch {
                    clear(base, p.parameterCount)
                    // It is no argument of the call that stands in the source.
                    var failure = error.asFailure
                    failure.argument = nil
                    throw failure
                }
            }
            do {
                try push(Unmanaged.passUnretained(function), function.entry, base: base, to: 0, isEntry: true)
            } catch {
                clear(base, p.parameterCount)
                throw error
            }
            return try withExtendedLifetime(function) { try runFrame() }
        case .builtin(let b):
            return try nested { try self.callBuiltin(b, positional, named, at: base) }
        case .object(let o):
            guard let b = o.callable else { throw notCallable(f) }
            return try nested { try self.callBuiltin(b, positional, named, at: base) }
        default: throw notCallable(f)
        }
    }

    private func nested(_ body: () throws -> Value) throws -> Value {
        if nesting >= Machine.deepestNesting { throw tooDeep }
        nesting += 1
        defer { nesting -= 1 }
        do { return try body() } catch var failure as Failure where failure.argument != nil {
            // It is no argument of the call that stands in the source.
            failure.argument = nil
            throw failure
        }
    }

    // MARK: Closures

    @inline(never)
    func closure(_ d: Slot, _ i: Int) {
        let current = frames[depth]
        let made = prototype.prototypes[i]
        var captures: [Value] = []
        if !made.captures.isEmpty {
            captures.reserveCapacity(made.captures.count)
            for source in made.captures {
                switch source {
                case .register(let r): captures.append((current.base + r).pointee)
                case .capture(let k):
                    captures.append(current.function._withUnsafeGuaranteedRef { $0.captures[k] })
                }
            }
        }
        d.pointee = .function(Function(made, captures: captures))
    }
}

/// What calls say where arguments do not fit.
enum Calls {
    static func called(_ name: String) -> String { name.isEmpty ? "this function" : "`\(name)`" }

    private static func signature(_ name: String, _ parameters: [Parameter]) -> String {
        "\(name.isEmpty ? "" : name)(\(parameters.map(\.text).joined(separator: ", ")))"
    }

    private static func arguments(_ n: Int) -> String { n == 1 ? "1 argument" : "\(n) arguments" }

    static func tooMany(_ p: Prototype, _ count: Int) -> Failure {
        tooMany(p.name, p.parameters, p.positionalCount, p.requiredCount, count)
    }

    static func tooMany(_ b: Builtin, _ count: Int) -> Failure {
        tooMany(b.name, b.parameters, b.positionalSlots, b.requiredCount, count)
    }

    private static func tooMany(
        _ name: String, _ parameters: [Parameter], _ most: Int, _ required: Int, _ count: Int
    )
        -> Failure
    {
        Failure(
            .argument,
            "\(called(name)) takes \(most > required ? "at most " : "")\(most == 0 ? "no arguments" : arguments(most)), not \(count)",
            hint: parameters.isEmpty ? nil : "it is \(signature(name, parameters))",
            argument: Failure.Argument("", position: most))
    }

    /// The argument that a message begins with the name of: "`fit`: `loss` must be …".
    static func blamed(_ message: String, _ b: Builtin) -> Failure.Argument? {
        var rest = Substring(message)
        if rest.hasPrefix("`\(b.name)`: ") { rest = rest.dropFirst(b.name.count + 4) }
        guard rest.first == "`" else { return nil }
        let name = String(rest.dropFirst().prefix { $0 != "`" })
        guard let slot = b.slot(of: name) else { return nil }
        return Failure.Argument(name, position: slot < b.positionalSlots ? slot : nil)
    }

    static func missing(_ p: Prototype, _ parameter: String) -> Failure {
        Failure(
            .argument, "\(called(p.name)) needs `\(parameter)`",
            hint: "it is \(signature(p.name, p.parameters))")
    }

    static func missing(_ b: Builtin, _ parameter: String) -> Failure {
        Failure(.argument, "\(called(b.name)) needs `\(parameter)`", hint: "it is \(b.signature)")
    }

    static func twice(_ name: String, _ parameter: String) -> Failure {
        Failure(
            .argument, "\(called(name)) is given `\(parameter)` twice",
            argument: Failure.Argument(parameter, isName: true))
    }

    /// "`conv1d` has no parameter `filter`; it has filters, kernel, stride".
    static func unknown(_ function: String, _ name: String, _ parameters: [Parameter]) -> Failure {
        let names = parameters.filter { $0.kind == .required || $0.kind == .optional }.map(\.name)
        let has = names.isEmpty ? "it has none" : "it has \(names.joined(separator: ", "))"
        return Failure(
            .argument, "\(function) has no parameter `\(name)`; \(has)",
            hint: meant(name, names).map {
                $0 == "optimizer"
                    ? "the learning rate belongs to the optimizer: `optimizer = adam(0.001)`"
                    : "did you mean `\($0)`?"
            },
            argument: Failure.Argument(name, isName: true))
    }

    /// The parameter that `name` stands for: what another library calls it, one of nearly the same
    /// letters, or one that is a word of it (`kernel_size`: `kernel`).
    private static func meant(_ name: String, _ names: [String]) -> String? {
        if let known = Foreign.parameters[name]?.first(where: names.contains) { return known }
        if let near = Spelling.nearest(name, among: names) { return near }
        let words = name.split(separator: "_").map(String.init)
        return words.count > 1 ? words.first(where: names.contains) : nil
    }
}
