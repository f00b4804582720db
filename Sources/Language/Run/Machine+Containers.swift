import Support

/// Loops, lists, records, indices, members and strings.
extension Machine {
    // MARK: Loops

    /// The iterator of an object, as a value on the stack.
    private final class Elements: VZObject {
        let next: () throws -> Value?
        init(_ next: @escaping () throws -> Value?) { self.next = next }
        var typeName: String { "elements" }
    }

    /// Register a holds what is looped over; a+1 becomes the position, a+2 the number of elements.
    @inline(never)
    func prepareLoop(_ a: Slot, names: Int) throws {
        switch a.pointee {
        case .list: break
        case .range(let r):
            (a + 2).set(r.count.map(Double.init) ?? .infinity)
        case .string(let s):
            a.pointee = .list(List(s.string.unicodeScalars.map { .string(Text.letter($0)) }))
        case .record(let r):
            let items: [Value] =
                names == 1
                ? r.keys.map { Value($0) } : r.pairs.map { Value([Value($0.0), $0.1]) }
            a.pointee = .list(List(items))
        case .object(let o):
            guard let next = try o.elements() else { throw notIterable(a.pointee) }
            a.pointee = .object(Elements(next))
        default: throw notIterable(a.pointee)
        }
        (a + 1).pointee = .number(0)
    }

    private func notIterable(_ v: Value) -> Failure {
        let hint: String? =
            switch v {
            case .number: "write `for i in 1..n`, or `0..<n`"
            case .nil: "nil stands for nothing; `xs ?? []` gives an empty list in its place"
            default: "a list, a range, a string or a record can be looped over"
            }
        return Failure(.type, "\(v.typePhrase) cannot be looped over", hint: hint)
    }

    /// The next element into d (into d, d+1, … where several names are wanted); false at the end.
    @inline(__always)
    func nextElement(_ a: Slot, _ d: Slot, _ names: Int) throws -> Bool {
        if a.high == Tag.list, names == 1 {
            let p = (a + 1).number
            let i = Int(p)
            let elements = a.elements
            guard i < elements.count else { return false }
            d.copy(elements.base + i)
            (a + 1).setWords((p + 1).bitPattern, 0)
            return true
        }
        return try nextSlowly(a, d, names)
    }

    @inline(never)
    private func nextSlowly(_ a: Slot, _ d: Slot, _ names: Int) throws -> Bool {
        let position = (a + 1).number
        let value: Value
        switch a.pointee {
        case .list(let list):
            guard Int(position) < list.count else { return false }
            value = list.items[Int(position)]
        case .range(let r):
            guard position < (a + 2).number else { return false }
            value = .number((r.lower ?? 0) + position * r.step)
        case .object(let o):
            ticks &-= 64
            guard let elements = o as? Elements, let next = try elements.next() else { return false }
            value = next
        default: return false
        }
        (a + 1).pointee = .number(position + 1)
        if names == 1 {
            d.pointee = value
            return true
        }
        let parts: [Value]? =
            switch value {
            case .list(let list): list.items
            case .object(let o) where o.count == names: try Sequences.items(value, "several names take")
            default: nil
            }
        guard let parts, parts.count == names else {
            let shown =
                switch value {
                case .list(let list): "a list of \(list.count)"
                case .object(let o): o.count.map { "\(value.typePhrase) of \($0)" } ?? value.typePhrase
                default: value.typePhrase
                }
            throw Failure(
                .value, "\(names) names need elements that are lists of \(names), not \(shown)",
                hint: "`for i, x in enumerate(xs)` counts along; `for a, b in zip(xs, ys)` walks two lists")
        }
        for k in 0..<names { (d + k).pointee = parts[k] }
        return true
    }

    /// Both ends of a range loop must be numbers.
    @inline(never)
    func prepareRange(_ a: Slot) throws {
        guard a.high | (a + 1).high == 0 else {
            throw notARange(a.pointee, (a + 1).pointee)
        }
    }

    private func notARange(_ a: Value, _ b: Value) -> Failure {
        let wrong = if case .number = a { b } else { a }
        return Failure(.type, "the ends of a range are numbers, not \(wrong.typePhrase)")
    }

    // MARK: Making

    @inline(never)
    func newList(_ d: Slot, _ first: Slot, _ count: Int) {
        d.pointee = .list(List(Array(UnsafeBufferPointer(start: first, count: count))))
    }

    @inline(never)
    func append(_ a: Slot, _ v: Slot) throws {
        guard a.high == Tag.list else { return }
        let count = a.elements.count
        if count >= Limits.bigList >> Limits.shift,
            count & 0xFFFF == 0 || count >= Limits.listItems >> Limits.shift
        {
            try Limits.checkList(count + 1)
        }
        a.reference(List.self)._withUnsafeGuaranteedRef { $0.items.append(v.pointee) }
    }

    @inline(never)
    func extend(_ a: Slot, _ v: Slot) throws {
        guard case .list(let list) = a.pointee else { return }
        let more = try Sequences.items(v.pointee, "`*` spreads")
        try Limits.checkList(list.count + more.count)
        list.items.append(contentsOf: more)
    }

    @inline(never)
    func setEntry(_ a: Slot, _ v: Slot, _ name: Int) {
        guard case .record(let r) = a.pointee else { return }
        r[prototype.names[name]] = v.pointee
    }

    @inline(never)
    func spreadRecord(_ a: Slot, _ v: Slot) throws {
        guard case .record(let r) = a.pointee else { return }
        guard case .record(let other) = v.pointee else {
            throw Failure(.type, "`**` spreads a record, not \(v.pointee.typePhrase)")
        }
        for (k, v) in other.pairs { r[k] = v }
    }

    @inline(never)
    func range(_ d: Slot, _ x: Slot, _ y: Slot, _ flags: Int) throws {
        let hasLower = flags & 1 != 0, hasUpper = flags & 2 != 0
        if (hasLower && x.high != 0) || (hasUpper && y.high != 0) {
            throw notARange(hasLower ? x.pointee : .number(0), hasUpper ? y.pointee : .number(0))
        }
        d.pointee = .range(
            Span(hasLower ? x.number : nil, hasUpper ? y.number : nil, includesUpper: flags & 4 != 0))
    }

    // MARK: Indices

    @inline(__always)
    func getIndex(_ d: Slot, _ x: Slot, _ i: Slot) throws {
        if x.high == Tag.list, i.high == 0 {
            let p = i.number
            let elements = x.elements
            if p >= 0, p < Double(elements.count) {
                let k = Int(p)
                if Double(k) == p {
                    d.copy(elements.base + k)
                    return
                }
            }
        }
        try getIndexSlowly(d, x, i)
    }

    @inline(never)
    private func getIndexSlowly(_ d: Slot, _ x: Slot, _ i: Slot) throws {
        ticks &-= 8
        if x.high == Tag.record, i.high == Tag.string {
            // d may hold the record: its value is taken before anything is written there.
            let found = x.reference(Record.self)._withUnsafeGuaranteedRef { r -> Value? in
                let k = i.reference(Text.self)._withUnsafeGuaranteedRef { r.position(of: $0.string) }
                return k.map { r.value(at: $0) }
            }
            if let found {
                d.pointee = found
                return
            }
        }
        let result = try atIndex { try Sequences.index(x.pointee, [i.pointee]) }
        d.pointee = result
    }

    /// The caret of what goes wrong with the only index stands under that index.
    private func atIndex<T>(_ body: () throws -> T) throws -> T {
        do { return try body() } catch var failure as Failure where failure.kind == .index {
            failure.argument = Failure.Argument("", position: 0)
            throw failure
        }
    }

    @inline(never)
    func getIndexMany(_ d: Slot, _ first: Slot, _ count: Int) throws {
        ticks &-= 64
        let result = try Sequences.index(
            first.pointee, Array(UnsafeBufferPointer(start: first + 1, count: count)))
        d.pointee = result
    }

    @inline(__always)
    func setIndex(_ x: Slot, _ i: Slot, _ v: Slot) throws {
        if x.high == Tag.list, i.high == 0 {
            let p = i.number
            let done = x.reference(List.self)._withUnsafeGuaranteedRef { list -> Bool in
                guard p >= 0, p < Double(list.items.count) else { return false }
                let k = Int(p)
                guard Double(k) == p else { return false }
                list.items.withUnsafeMutableBufferPointer { items in
                    if let base = items.baseAddress { (base + k).copy(v) }
                }
                return true
            }
            if done { return }
        }
        if x.high == Tag.record, i.high == Tag.string {
            setEntry(x, i, v)
        } else {
            try setIndexSlowly(x, [i.pointee], v.pointee)
        }
    }

    /// `r["name"] = v`.
    @inline(never)
    private func setEntry(_ x: Slot, _ i: Slot, _ v: Slot) {
        ticks &-= 8
        x.reference(Record.self)._withUnsafeGuaranteedRef { r in
            i.reference(Text.self)._withUnsafeGuaranteedRef { r[$0.string] = v.pointee }
        }
    }

    @inline(never)
    private func setIndexSlowly(_ x: Slot, _ indices: [Value], _ v: Value) throws {
        try atIndex { try Sequences.setIndex(x.pointee, indices, v) }
    }

    @inline(never)
    func setIndexMany(_ first: Slot, _ v: Slot, _ count: Int) throws {
        try Sequences.setIndex(
            first.pointee, Array(UnsafeBufferPointer(start: first + 1, count: count)), v.pointee)
    }

    // MARK: Members

    @inline(never)
    func getMember(_ d: Slot, _ x: Slot, _ name: Int, _ cache: Int) throws {
        let prototype = prototype
        if x.high == Tag.record {
            let found = x.reference(Record.self)._withUnsafeGuaranteedRef { r -> Value? in
                guard let i = r.position(of: prototype.names[name], guess: prototype.caches[cache]) else {
                    return nil
                }
                prototype.caches[cache] = i
                return r.value(at: i)
            }
            if let found {
                d.pointee = found
                return
            }
        }
        ticks &-= 8
        do {
            let result = try Members.get(x.pointee, prototype.names[name])
            d.pointee = result
        } catch let failure as Failure where failure.kind == .name {
            throw withFunction(prototype.names[name], of: x.pointee, failure)
        }
    }

    /// People used to methods write `net.summary()`: where a function has that name, it is meant.
    private func withFunction(_ name: String, of value: Value, _ failure: Failure) -> Failure {
        if failure.hint == nil, interpreter.builtins[name] == nil,
            prototype.module.value(of: name)?.isCallable == true
        {
            var failure = failure
            failure.hint = "functions stand before or after a pipe: `\(name)(x)`, `x |> \(name)`"
            return failure
        }
        guard let function = interpreter.builtins[name], function.topic != "layers",
            failure.hint?.hasPrefix("write ") != true,
            let first = function.parameters.first, first.kind == .required || first.kind == .optional
        else { return failure }
        var failure = failure
        let rest = function.parameters.dropFirst().first.map { $0.kind == .required ? ", \($0.name)" : ", …" }
        failure.hint = "`\(name)` is a function: write `\(name)(\(first.name)\(rest ?? ""))`"
        return failure
    }

    @inline(never)
    func setMember(_ x: Slot, _ v: Slot, _ name: Int, _ cache: Int) throws {
        let prototype = prototype
        if x.high == Tag.record {
            x.reference(Record.self)._withUnsafeGuaranteedRef { r in
                if let i = r.position(of: prototype.names[name], guess: prototype.caches[cache]) {
                    prototype.caches[cache] = i
                    r.setValue(at: i, from: v)
                } else {
                    r[prototype.names[name]] = v.pointee
                }
            }
            return
        }
        try Members.set(x.pointee, prototype.names[name], v.pointee)
    }

    @inline(never)
    func unpack(_ a: Slot, _ first: Slot, _ pattern: Int) throws {
        let pattern = prototype.patterns[pattern]
        let items = try Sequences.items(a.pointee, "several names take their values from")
        let fixed = pattern.rest == nil ? pattern.count : pattern.count - 1
        guard pattern.rest == nil ? items.count == fixed : items.count >= fixed else {
            throw Failure(
                .value,
                "\(pattern.count) names cannot take \(items.count) value\(items.count == 1 ? "" : "s")",
                hint: pattern.rest == nil && items.count > fixed
                    ? "`a, *rest = xs` takes what is left in a list" : nil)
        }
        let extra = items.count - fixed
        var k = 0
        for n in 0..<pattern.count {
            if n == pattern.rest {
                (first + n).pointee = .list(List(Array(items[k..<k + extra])))
                k += extra
            } else {
                (first + n).pointee = items[k]
                k += 1
            }
        }
    }

    // MARK: Strings

    @inline(never)
    func concatenate(_ d: Slot, _ first: Slot, _ count: Int) throws {
        var out = ""
        for k in 0..<count {
            switch (first + k).pointee {
            case .string(let s): out += s.string
            case .number(let x): out += Numbers.text(x)
            case let other: out += other.text
            }
            try Limits.checkString(out.utf8.count)
        }
        d.pointee = .string(Text(out))
    }

    @inline(never)
    func format(_ d: Slot, _ x: Slot, _ format: Int) throws {
        var value = x.pointee
        if case .object(let o) = value, let plain = try o.plainValue() { value = plain }
        let text = try prototype.formats[format].apply(value)
        d.pointee = .string(Text(text))
    }
}
