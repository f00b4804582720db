import Support

/// Running whole texts: the top level and `use`.
extension Machine {
    @inline(never)
    func show(_ r: Slot) throws {
        let value = r.pointee
        interpreter.lastValue = value
        if value.isNil { return }
        if let show = interpreter.show {
            try show(value)
        } else {
            interpreter.output(value.display() + "\n")
        }
    }

    /// A statement of the top level begins: whoever keeps a record of the run is told.
    @inline(never)
    func begin(_ code: UnsafeMutablePointer<Instruction>, _ pc: UnsafeMutablePointer<Instruction>) {
        guard let watcher = interpreter.willRun else { return }
        let prototype = prototype
        watcher(prototype.file, prototype.lines(at: pc - code - 1))
    }

    /// Run the compiled top level of a text.
    func run(_ prototype: Prototype) throws {
        guard Tag.isLayoutKnown else {
            throw Failure(
                .value, "this build lays out values in an unknown way",
                hint: "build vzsh with the Swift version that its README names")
        }
        let function = Function(prototype, captures: [])
        let oldTop = top
        defer {
            top = oldTop
            if depth < 0 { graveyard.removeAll() }
        }
        try push(Unmanaged.passUnretained(function), function.entry, base: top + 1, to: 0, isEntry: true)
        _ = try withExtendedLifetime(function) { try runFrame() }
    }

    /// `use "file.vz"`: its names become names here; with an alias, a record of them.
    @inline(never)
    func use(_ d: Slot, _ i: Int) throws {
        let prototype = prototype
        let use = prototype.uses[i]
        let path = FilePaths.resolve(use.path, besides: prototype.file)
        let module: Module
        do { module = try interpreter.module(at: path) } catch let failure as Failure {
            throw TextFile.used(use.path, from: prototype.file, failure)
        }
        if use.alias == nil {
            for (name, value) in module.definitions { prototype.module.define(name, value) }
            d.pointee = .nil
        } else {
            d.pointee = Value(module.definitions.map { ($0.name, $0.value) })
        }
    }
}

extension Interpreter {
    func run(_ source: String, file: String, in module: Module, showing: Bool) throws -> Value {
        let program = try Parser.program(of: source, file: file)
        let resolver = Resolver.resolve(program)
        if !resolver.errors.isEmpty { throw Diagnostics(resolver.errors) }
        let prototype = try Compiler.compile(program, module: module, shows: showing)
        let before = lastValue
        lastValue = .nil
        do {
            try machine.run(prototype)
        } catch let failure as Failure {
            throw Diagnostics([Diagnostic(failure.kind, failure.message, hint: failure.hint)])
        }
        let result = lastValue
        if result.isNil || !showing { lastValue = before }
        return result
    }

    /// The used file at `path`; run again only where it has changed.
    func module(at path: String) throws -> Module {
        let stamp = try TextFile.stamp(path)
        if let known = modules[path], known.stamp == stamp { return known.module }
        if usesInProgress.contains(path) {
            throw Failure(.file, "'\(path)' uses itself", hint: "move what both need to a third file")
        }
        if usesInProgress.count >= 50 { throw Failure(.file, "`use` is nested too deeply") }
        let text = try TextFile.read(path)
        usesInProgress.append(path)
        defer { usesInProgress.removeLast() }
        let module = Module(name: path, predefined: predefined)
        _ = try run(text, file: path, in: module, showing: false)
        modules[path] = (stamp, module)
        return module
    }
}
