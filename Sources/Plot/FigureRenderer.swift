import Support

/// Draws figures: into bytes, into files.
public struct FigureRenderer: Sendable {
    /// The gnuplot that draws; kept from figure to figure.
    public let session: GnuplotSession

    public init(session: GnuplotSession = GnuplotSession()) { self.session = session }

    /// The endings that `save` knows.
    public static let endings = ["png", "svg", "pdf", "gif", "gp", "txt", "six"]

    /// `figure` as the bytes of a picture.
    /// Throws `Failure` with gnuplot's own words where it drew nothing.
    public func bytes(
        _ figure: Figure, terminal: GnuplotTerminal, cancel: CancelFlag? = nil
    ) throws -> [UInt8] {
        try bytes(frames: [figure], terminal: terminal, cancel: cancel)
    }

    private func bytes(
        frames: [Figure], terminal: GnuplotTerminal, cancel: CancelFlag?, progress: ((Int) -> Void)? = nil
    ) throws -> [UInt8] {
        let answer = try draw(frames: frames, terminal: terminal, cancel: cancel, progress: progress)
        let errors = FigureRenderer.errors(in: answer.complaints)
        guard errors.isEmpty, !answer.output.isEmpty else {
            throw Failure(
                .io, "gnuplot could not draw the figure: \(errors.isEmpty ? "it wrote nothing" : errors)")
        }
        return answer.output
    }

    /// The lines of `complaints` that are more than warnings.
    static func errors(in complaints: String) -> String {
        complaints.split(separator: "\n").filter { !$0.lowercased().hasPrefix("warning") }.joined(
            separator: "\n")
    }

    /// Draw, and bring back gnuplot's warnings too.
    package func draw(
        frames: [Figure], terminal: GnuplotTerminal, cancel: CancelFlag? = nil,
        progress: ((Int) -> Void)? = nil
    ) throws -> GnuplotSession.Answer {
        let mark = "vz-frame-\(UInt64.random(in: 0 ... .max))"
        let script = try GnuplotScript(
            frames: frames, terminal: terminal, form: .memory, output: "/dev/stdout",
            frameMark: progress == nil ? nil : mark)
        // Many frames may take longer than one figure.
        let patience = session.patience + 5 * Double(frames.count - 1)
        return try withExtendedLifetime(script.data) {
            try session.run(
                [script.text], cancel: cancel, patience: patience,
                watch: progress.map { GnuplotSession.Watch(mark: mark, report: $0) })
        }
    }

    /// Write `figure` to `path` in the form that its ending names: png, svg, pdf, gif, gp (a gnuplot
    /// script with its data), txt (Unicode text), six (sixels).
    /// Throws `Failure` where the ending is unknown or the file cannot be written; nothing half written stays.
    public func save(_ figure: Figure, to path: String, cancel: CancelFlag? = nil) throws {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        switch try FigureRenderer.ending(of: path) {
        case "gp": try AtomicFile.write(GnuplotScript.standalone(figure, name: name), to: path)
        case "png": try AtomicFile.write(bytes(figure, terminal: .png, cancel: cancel), to: path)
        case "svg": try AtomicFile.write(bytes(figure, terminal: .svg, cancel: cancel), to: path)
        case "pdf": try AtomicFile.write(bytes(figure, terminal: .pdf, cancel: cancel), to: path)
        case "gif": try AtomicFile.write(bytes(figure, terminal: .gif(seconds: 1), cancel: cancel), to: path)
        case "six": try AtomicFile.write(bytes(figure, terminal: .sixel, cancel: cancel), to: path)
        default:
            try AtomicFile.write(figure.text(TextStyle(columns: 100)), to: path)
        }
    }

    /// Write `frames` to `path`, which ends in .gif, as an animation that repeats.
    /// - Parameters:
    ///   - seconds: from frame to frame.
    ///   - progress: is told how many frames are drawn.
    public func animate(
        _ frames: [Figure], to path: String, seconds: Double = 0.1, cancel: CancelFlag? = nil,
        progress: ProgressHook? = nil
    ) throws {
        guard try FigureRenderer.ending(of: path) == "gif" else {
            throw Failure(
                .argument, "an animation cannot be saved as '\(path)'", hint: "let the name end in .gif")
        }
        guard !frames.isEmpty else { throw Failure(.value, "an animation needs at least one picture") }
        guard seconds > 0, seconds <= 60 else {
            throw Failure(
                .argument, "\(format(seconds)) seconds from picture to picture", hint: "use 0.02 to 60")
        }
        let picture = try bytes(frames: frames, terminal: .gif(seconds: seconds), cancel: cancel) { done in
            progress?(Progress(label: "animation", done: done, total: frames.count))
        }
        try AtomicFile.write(picture, to: path)
    }

    /// The ending of `path` in lower case.
    static func ending(of path: String) throws -> String {
        let name = path.split(separator: "/").last ?? ""
        let ending = name.lastIndex(of: ".").map { name[name.index(after: $0)...].lowercased() } ?? ""
        guard endings.contains(ending) else {
            throw Failure(
                .argument,
                ending.isEmpty
                    ? "'\(path)' has no ending" : "figures cannot be saved as .\(ending) ('\(path)')",
                hint: Spelling.nearest(ending, among: endings).map { "did you mean .\($0)?" }
                    ?? "end the name in .png, .svg, .pdf, .gif or .gp")
        }
        return ending
    }
}
