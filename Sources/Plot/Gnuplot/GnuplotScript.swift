import Support

/// A figure as a gnuplot script: commands, and data in the form that its reader takes.
struct GnuplotScript {
    /// All of it.
    let text: String
    /// The commands up to `set terminal`, and those after it.
    let setup: String
    let body: String
    /// Keeps files in memory alive while gnuplot may read them.
    let data: GnuplotData

    /// The script that draws `figure`.
    /// Throws `Failure` where the figure holds nothing that can be drawn.
    init(
        _ figure: Figure, terminal: GnuplotTerminal, form: GnuplotData.Form = .memory,
        output: String? = "/dev/stdout", window: Int = 0
    ) throws {
        try self.init(frames: [figure], terminal: terminal, form: form, output: output, window: window)
    }

    /// Several figures into one terminal: the frames of an animation.
    /// - Parameter frameMark: is printed, where gnuplot prints its complaints, after each of them.
    init(
        frames: [Figure], terminal: GnuplotTerminal, form: GnuplotData.Form, output: String?, window: Int = 0,
        frameMark: String? = nil
    ) throws {
        guard let first = frames.first else {
            throw Failure(.value, "an animation needs at least one picture")
        }
        let data = GnuplotData(form)
        let sheet = Sheet(first, zoom: terminal.zoom)
        let setup = [
            // A figure that failed may have left its panels open.
            "unset multiplot", "reset", "set encoding utf8",
            terminal.command(
                sheet, title: GnuplotText.clipped(first.title ?? first.panels.first?.title ?? "vzsh", 80),
                window: window),
        ]
        var commands: [String] = []
        if let output { commands.append("set output \(GnuplotText.quoted(output))") }
        for figure in frames {
            commands += try GnuplotScript.commands(figure, terminal: terminal, sheet: sheet, data: data)
            if let frameMark { commands.append("print '\(frameMark)'") }
        }
        self.data = data
        self.setup = setup.joined(separator: "\n")
        text = self.setup + "\n" + data.blocks + commands.joined(separator: "\n")
        body = commands.joined(separator: "\n")
    }

    private static func commands(
        _ figure: Figure, terminal: GnuplotTerminal, sheet: Sheet, data: GnuplotData
    ) throws -> [String] {
        guard !figure.panels.isEmpty else { throw Failure(.value, "a figure needs at least one plot") }
        let columns = min(figure.columns, figure.panels.count)
        let isSingle = figure.panels.count == 1
        var commands: [String] = []
        if !isSingle || figure.title != nil {
            var line = "set multiplot layout \(figure.rows),\(columns)"
            if let title = figure.title {
                line +=
                    " title \(GnuplotText.quoted(GnuplotText.clipped(title))) noenhanced font ',\(isSingle ? 12 : 14)'"
            }
            if figure.panels.allSatisfy({ $0.isSmall || $0.isPicture }), !isSingle {
                // Screen fractions that leave a line of text above each small panel.
                let hasNames = figure.panels.contains { $0.title != nil }
                let line1 = 18 * sheet.scale / Double(sheet.height)
                let top = 1 - line1 * (figure.title == nil ? 1.3 : 3)
                let gap = line1 * (hasNames ? 1.3 : 0.4)
                line += " margins screen 0.015,0.985,\(min(0.03, line1)),\(top)"
                line += " spacing screen 0.012,\(min(gap, 0.5 / Double(figure.rows)))"
            }
            commands.append(line)
        }
        for panel in figure.panels {
            let width = max(64, sheet.width / columns)
            let height = max(48, sheet.height / figure.rows)
            let writer = PanelWriter(
                panel: panel, terminal: terminal, width: width, height: height, scale: sheet.scale,
                isAlone: isSingle, data: data)
            commands += try writer.commands()
        }
        if !isSingle || figure.title != nil { commands.append("unset multiplot") }
        return commands
    }

    /// `figure` as a file that `gnuplot FILE` draws again by itself: its data beside its commands.
    /// Under a window terminal where there is one, and to FILE.png else.
    static func standalone(_ figure: Figure, name: String) throws -> String {
        let script = try GnuplotScript(figure, terminal: .png, form: .text, output: nil)
        // Our own picture beside the script: no path of this machine, no character with a meaning.
        let stem = name.unicodeScalars.map { scalar -> String in
            let isPlain = scalar.properties.isAlphabetic || scalar.properties.numericType != nil
            return isPlain || scalar == "-" || scalar == "_" || scalar == "." ? String(scalar) : "_"
        }.joined()
        return """
            # A figure drawn by vzsh, with its data. `gnuplot \(stem)` writes \(stem).png.
            \(script.text)

            """
            .replacing(
                "\nset encoding utf8\n", with: "\nset encoding utf8\nset output '\(stem).png'\n",
                maxReplacements: 1)
    }
}
