import Support

extension Figure {
    /// Pictures in a grid, such as the patterns that a block's filters prefer.
    ///
    /// - Parameters:
    ///   - captions: a name above each; empty for none.
    ///   - columns: pictures in a row; nil makes the grid about as wide as it is high.
    ///   - shared: every picture by the same scale; otherwise each by its own.
    /// Throws `Failure` where there is no picture or a caption has none.
    public static func images(
        _ pictures: [Picture], captions: [String] = [], columns: Int? = nil, shared: Bool = false
    ) throws -> Figure {
        try checkGrid(pictures.count, captions, columns, what: "pictures")
        var scale = Picture.Scale.automatic
        if shared {
            let limits = try pictures.map { try $0.limits(.automatic) }
            if let low = limits.map(\.low).min(), let high = limits.map(\.high).max() {
                scale = .range(low: low, high: high)
            }
        }
        let panels = try pictures.enumerated().map { index, picture in
            var panel = try Panel.image(picture, scale: scale)
            if !captions.isEmpty { panel.title = captions[index] }
            return panel
        }
        return Figure(panels: panels, columns: columns ?? squareColumns(pictures.count))
    }

    /// Waveforms in a grid on one scale, such as the kernels of a first layer.
    public static func waveforms(
        _ waves: [[Float]], rate: Double, captions: [String] = [], columns: Int? = nil
    ) throws -> Figure {
        try checkGrid(waves.count, captions, columns, what: "waveforms")
        if waves.count == 1 {
            var panel = try Panel.waveform(waves[0], rate: rate)
            panel.title = captions.first
            return Figure(panel)
        }
        var reach = 0.0
        for wave in waves {
            for sample in wave where sample.isFinite { reach = max(reach, abs(Double(sample))) }
        }
        let longest = waves.map(\.count).max() ?? 1
        // Few sounds are read by their axes; many, and filters, by their shapes.
        let isSmall = waves.count > 6 || longest <= 128
        let panels = try waves.enumerated().map { index, wave in
            var panel = try Panel.waveform(wave, rate: rate)
            if !captions.isEmpty { panel.title = captions[index] }
            panel.isSmall = isSmall
            panel.x.wanted = (0, Double(longest) / rate)
            panel.y.wanted = reach > 0 ? (-reach * 1.05, reach * 1.05) : (-1, 1)
            return panel
        }
        let usual = isSmall ? squareColumns(waves.count) : min(waves.count, waves.count == 4 ? 2 : 3)
        return Figure(panels: panels, columns: columns ?? usual)
    }

    /// The same with all waveforms on one scale of amplitudes and all spectrograms on one of levels, so
    /// that eyes can compare them. The loudest sets the upper end; levels reach 80 dB down at most.
    public func onOneScale() -> Figure {
        var reach = 0.0
        var levels: (low: Double, high: Double)?
        for panel in panels {
            if panel.kind == "waveform" {
                for case .line(let line) in panel.marks {
                    for value in line.y where value.isFinite { reach = max(reach, abs(value)) }
                }
            } else if panel.kind == "spectrogram", let range = panel.colorBar?.range {
                levels = (
                    min(levels?.low ?? range.lowerBound, range.lowerBound),
                    max(levels?.high ?? range.upperBound, range.upperBound)
                )
            }
        }
        var figure = self
        for i in panels.indices {
            if panels[i].kind == "waveform", reach > 0 {
                figure.panels[i].y.wanted = (-reach * 1.05, reach * 1.05)
            } else if panels[i].kind == "spectrogram", let levels {
                figure.panels[i].colorBar?.range = max(levels.low, levels.high - 80)...levels.high
            }
        }
        return figure
    }

    /// Columns of a grid somewhat wider than high, with as few empty places as can be.
    public static func squareColumns(_ count: Int) -> Int {
        if count <= 4 { return count }
        let side = Double(count).squareRoot()
        let usual = max(2, Int((side * 1.4).rounded(.down)))
        let candidates = max(2, Int(side.rounded(.down)))...max(usual, Int((side * 1.45).rounded(.up)))
        func empty(_ columns: Int) -> Int { (count + columns - 1) / columns * columns - count }
        // Of two that fit equally the wider one.
        return candidates.min {
            (empty($0), abs($0 - usual), -$0) < (empty($1), abs($1 - usual), -$1)
        } ?? usual
    }

    private static func checkGrid(_ count: Int, _ captions: [String], _ columns: Int?, what: String) throws {
        guard count > 0 else { throw Failure(.value, "nothing to draw: there are no \(what)") }
        guard count <= 1024 else {
            throw Failure(
                .value, "\(count) \(what) in one figure are too many to see", hint: "draw at most 1024")
        }
        guard captions.isEmpty || captions.count == count else {
            throw Failure(.argument, "\(captions.count) captions for \(count) \(what)", hint: "one for each")
        }
        if let columns, !(1...64).contains(columns) {
            throw Failure(.argument, "\(columns) columns", hint: "use 1 to 64")
        }
    }
}
