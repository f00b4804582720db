import Support

/// `vzsh check`: all that is wrong with a text without running it, and with what hinders the files that
/// it uses.
struct Checker {
    private let known: Set<String>
    /// What the files that were looked at define; nil where it cannot be told.
    private var defined: [String: Set<String>?] = [:]
    /// The files that use one another, from the text on.
    private var open: [String] = []
    /// What is wrong with used files.
    private var foundElsewhere: [Diagnostic] = []
    private static let mostOpen = 50

    static func check(_ text: String, file: String, known: Set<String>) -> [Diagnostic] {
        var checker = Checker(known: known, open: [file])
        return checker.check(text, file: file)
    }

    private init(known: Set<String>, open: [String]) { (self.known, self.open) = (known, open) }

    private mutating func check(_ text: String, file: String) -> [Diagnostic] {
        let (program, mistakes, isWhole) = Parser.reading(of: text, file: file)
        let resolver = Resolver.resolve(program)
        var found = mistakes + resolver.errors
        let names = names(of: resolver, in: program, &found)
        // What could not be read may define the names that seem to be missing.
        if isWhole, let names {
            let all = known.union(names)
            var reported = Set<String>()
            for use in resolver.globalReads
            where !all.contains(use.name) && reported.insert(use.name).inserted {
                found.append(
                    located(Names.unknown(use.name, among: Array(all)), program, use.start, use.end))
            }
        }
        return found.sorted {
            ($0.span?.line ?? 0, $0.span?.column ?? 0) < ($1.span?.line ?? 0, $1.span?.column ?? 0)
        } + foundElsewhere
    }

    private func located(_ f: Failure, _ program: Program, _ start: Int, _ end: Int) -> Diagnostic {
        Diagnostic(f.kind, f.message, hint: f.hint, span: program.source.span(start, end))
    }

    /// The names that a text and the files that it uses define; nil where one of them cannot be read.
    private mutating func names(of resolver: Resolver, in program: Program, _ found: inout [Diagnostic])
        -> Set<String>?
    {
        var names: Set<String>? = resolver.globalNames
        for use in resolver.uses {
            let file = program.source.file
            let path = FilePaths.resolve(use.node.path, besides: file)
            do {
                let more = try self.names(at: path)
                if use.node.alias != nil { continue }
                if let more { names?.formUnion(more) } else { names = nil }
            } catch {
                found.append(
                    located(
                        TextFile.used(use.node.path, from: file, error.asFailure), program, use.start, use.end
                    ))
                if use.node.alias == nil { names = nil }
            }
        }
        return names
    }

    /// The names that a used file defines; what is wrong with it is said with its own places.
    private mutating func names(at path: String) throws -> Set<String>? {
        if let known = defined[path] { return known }
        if open.contains(path) {
            throw Failure(.file, "'\(path)' uses itself", hint: "move what both need to a third file")
        }
        if open.count >= Checker.mostOpen { throw Failure(.file, "`use` is nested too deeply") }
        let text = try TextFile.read(path)
        open.append(path)
        defer { open.removeLast() }
        let (program, mistakes, isWhole) = Parser.reading(of: text, file: path)
        let resolver = Resolver.resolve(program)
        var found = mistakes + resolver.errors
        let names = names(of: resolver, in: program, &found)
        foundElsewhere += found
        defined[path] = .some(isWhole ? names : nil)
        return isWhole ? names : nil
    }
}
