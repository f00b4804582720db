import Support

/// `vzsh check`: all that is wrong with a text without running it.
enum Checker {
    static func check(_ text: String, file: String, known: Set<String>) -> [Diagnostic] {
        let program: Program
        do { program = try Parser.program(of: text, file: file) } catch { return error.all }
        let resolver = Resolver.resolve(program)
        var found = resolver.errors
        var names = known.union(resolver.globalNames)
        var visited: Set<String> = [file]
        for use in resolver.uses {
            if use.node.alias != nil { continue }
            do {
                names.formUnion(try defined(in: FilePaths.resolve(use.node.path, besides: file), &visited))
            } catch {
                let f = error.asFailure
                found.append(
                    Diagnostic(f.kind, f.message, hint: f.hint, span: program.source.span(use.start, use.end))
                )
            }
        }
        var reported = Set<String>()
        for use in resolver.globalReads where !names.contains(use.name) && reported.insert(use.name).inserted
        {
            let f = Names.unknown(use.name, among: Array(names))
            found.append(
                Diagnostic(f.kind, f.message, hint: f.hint, span: program.source.span(use.start, use.end)))
        }
        return found.sorted {
            ($0.span?.line ?? 0, $0.span?.column ?? 0) < ($1.span?.line ?? 0, $1.span?.column ?? 0)
        }
    }

    /// The names that a used file defines, with those of the files that it uses.
    private static func defined(in path: String, _ visited: inout Set<String>) throws -> Set<String> {
        guard visited.insert(path).inserted, visited.count < 200 else { return [] }
        let program = try Parser.program(of: try TextFile.read(path), file: path)
        let resolver = Resolver.resolve(program)
        var names = resolver.globalNames
        for use in resolver.uses where use.node.alias == nil {
            names.formUnion(try defined(in: FilePaths.resolve(use.node.path, besides: path), &visited))
        }
        return names
    }
}
