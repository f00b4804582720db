import Support

extension Panel {
    /// A waveform over time in seconds.
    ///
    /// - Parameters:
    ///   - samples: [length, channels], channel fastest; several channels are several lines.
    ///   - rate: samples a second.
    /// Throws `Failure` where there is no sample or the rate is not positive.
    public static func waveform(
        _ samples: [Float], rate: Double, channels: Int = 1, names: [String] = []
    ) throws -> Panel {
        try checkSound(samples, rate: rate, channels: channels)
        let length = samples.count / channels
        var marks: [Mark] = []
        for channel in 0..<channels {
            var line = Line(
                name: channels > 1
                    ? (channel < names.count ? names[channel] : "channel \(channel + 1)") : nil,
                x: .uniform(start: 0, step: 1 / rate),
                y: (0..<length).map { Double(samples[$0 * channels + channel]) }, color: .ofSeries(channel))
            line.width = length > 2000 ? 0.8 : 1.4
            if length == 1 { line.highlights = [(0, format(line.y[0]))] }
            marks.append(.line(line))
        }
        var panel = Panel(kind: "waveform", marks: marks)
        panel.x.label = "time (s)"
        // The last sample lasts as long as the others: one second of sound ends at 1.
        if length > 1 { panel.x.wanted = (0, Double(length) / rate) }
        panel.y.label = "amplitude"
        panel.y.margin = 0.05
        return panel
    }

    /// Magnitude spectra in dB (re. full scale: a sine of amplitude 1 is at 0 dB) against kHz.
    ///
    /// Welch's method: the mean power of Hann windows that overlap by half.
    /// Throws `Failure` where a waveform is empty or the rate is not positive.
    public static func spectrum(
        _ waves: [(name: String?, samples: [Float])], rate: Double, window: Int = 1024
    ) throws -> Panel {
        guard !waves.isEmpty else { throw Failure(.value, "nothing to draw: no waveform was given") }
        var marks: [Mark] = []
        for (index, wave) in waves.enumerated() {
            try checkSound(wave.samples, rate: rate, channels: 1)
            let spectra = try Spectra(wave.samples, rate: rate, window: window)
            var line = Line(
                name: waves.count > 1 ? wave.name ?? "series \(index + 1)" : nil,
                x: .uniform(start: 0, step: spectra.binHertz / 1000), y: spectra.meanLevels(),
                color: .ofSeries(index))
            line.width = 1.2
            marks.append(.line(line))
        }
        var panel = Panel(kind: "spectrum", marks: marks)
        panel.x.label = "frequency (kHz)"
        panel.y.label = "level (dB)"
        panel.y.margin = 0.05
        return panel
    }

    /// Level in dB over time and frequency: the short-time Fourier transform of a waveform.
    ///
    /// - Parameters:
    ///   - window: samples of one Hann window; nil takes about 25 ms, a power of two.
    ///   - hop: samples from window to window; nil takes a quarter of the window.
    ///   - dynamicRange: dB below the loudest cell that are told apart; nil takes as many as the sound
    ///     fills, 80 at most.
    /// Throws `Failure` where the waveform is empty or a parameter is out of range.
    public static func spectrogram(
        _ samples: [Float], rate: Double, window: Int? = nil, hop: Int? = nil, dynamicRange: Double? = nil,
        map: ColorMap = .viridis
    ) throws -> Panel {
        try checkSound(samples, rate: rate, channels: 1)
        let size = window ?? Spectra.windowSize(rate: rate, length: samples.count)
        let spectra = try Spectra(samples, rate: rate, window: size, hop: hop)
        return try spectrogram(
            levels: spectra.levels(), frames: spectra.frames, bins: spectra.bins, seconds: spectra.seconds,
            kilohertz: rate / 2000, dynamicRange: dynamicRange, map: map)
    }

    /// A spectrogram that was computed elsewhere.
    /// - Parameters:
    ///   - levels: [frames, bins] in dB; frames share `seconds`, bins go from 0 to `kilohertz`.
    public static func spectrogram(
        levels: [Double], frames: Int, bins: Int, seconds: Double, kilohertz: Double,
        dynamicRange: Double? = nil, map: ColorMap = .viridis
    ) throws -> Panel {
        guard frames > 0, bins > 0, levels.count == frames &* bins, seconds > 0, kilohertz > 0 else {
            throw Failure(
                .shape,
                "a spectrogram of \(frames) frames and \(bins) bins cannot hold \(levels.count) levels",
                hint: "levels are [frames, bins]")
        }
        if let dynamicRange, !(dynamicRange > 0 && dynamicRange.isFinite) {
            throw Failure(.argument, "the dynamic range is \(format(dynamicRange)) dB", hint: "use about 80")
        }
        guard let loudest = levels.lazy.filter(\.isFinite).max() else {
            throw Failure(.value, "nothing to draw: the spectrogram holds no finite level")
        }
        let floor = loudest - (dynamicRange ?? filledRange(levels, loudest: loudest))
        // Cells lie [bin, frame] on the page; silence (-inf dB) is at the floor, NaN stays a hole.
        var cells = [Double](repeating: 0, count: levels.count)
        for frame in 0..<frames {
            for bin in 0..<bins {
                let level = levels[frame * bins + bin]
                cells[bin * frames + frame] = level.isNaN ? .nan : max(floor, min(loudest, level))
            }
        }
        // Bin 0 and the last one are centred on the ends of the axis.
        let half = bins > 1 ? kilohertz / Double(bins - 1) / 2 : kilohertz
        let raster = Raster(
            width: frames, height: bins, cells: .values(cells), x0: 0, x1: seconds, y0: bins > 1 ? -half : 0,
            y1: kilohertz + (bins > 1 ? half : 0))
        var panel = Panel(kind: "spectrogram", marks: [.raster(raster)])
        panel.x.label = "time (s)"
        panel.y.label = "frequency (kHz)"
        panel.y.wanted = (0, kilohertz)
        panel.hasGrid = false
        panel.colorBar = ColorBar(label: "level (dB)", map: map, range: floor...loudest)
        return panel
    }

    /// The dB below the loudest cell that hold all but the quietest hundredth of the cells, 30 to 80:
    /// noise fills 30, speech between silences 80. Single quiet cells take no colours from the others.
    private static func filledRange(_ levels: [Double], loudest: Double) -> Double {
        // 30 classes to the dB are finer than eyes are.
        var counts = [Int](repeating: 0, count: 2400)
        var all = 0
        for level in levels where !level.isNaN {
            counts[min(2399, max(0, Int(min(79.9, loudest - level) * 30)))] += 1
            all += 1
        }
        var seen = 0
        for (index, count) in counts.enumerated() {
            seen += count
            if seen * 100 >= all * 99 { return min(80, max(30, (Double(index + 1) / 30).rounded(.up))) }
        }
        return 80
    }

    /// Where in a waveform a network hears a class: the waveform coloured by a class activation map.
    ///
    /// - Parameter map: importance over time, any length: it is stretched over the waveform.
    public static func activation(wave samples: [Float], rate: Double, map: [Double]) throws -> Panel {
        var panel = try waveform(samples, rate: rate)
        let range = try finiteRange(map, what: "the class activation map", fromZero: true)
        guard case .line(var line) = panel.marks[0] else { return panel }
        line.values = (0..<line.y.count).map { Panel.stretched(map, $0, over: line.y.count) }
        line.width = 1.0
        panel.marks[0] = .line(line)
        panel.kind = "class activation map over a waveform"
        panel.colorBar = ColorBar(label: "importance", map: .importance, range: range)
        return panel
    }

    /// `map` read between its own places, its cells spread evenly over `count` places.
    static func stretched(_ map: [Double], _ index: Int, over count: Int) -> Double {
        let place = (Double(index) + 0.5) * Double(map.count) / Double(max(1, count)) - 0.5
        let below = min(map.count - 1, max(0, Int(place.rounded(.down))))
        let above = min(map.count - 1, below + 1)
        let part = min(1, max(0, place - Double(below)))
        return map[below] * (1 - part) + map[above] * part
    }

    /// The finite values' ends; where all are the same a span around them.
    static func finiteRange(_ values: [Double], what: String, fromZero: Bool = false) throws -> ClosedRange<
        Double
    > {
        var bounds = Bounds(log: false)
        for value in values { bounds.add(value) }
        guard !bounds.isEmpty else {
            throw Failure(
                .value,
                values.isEmpty ? "\(what) is empty" : "nothing to draw: \(what) holds no finite number")
        }
        let low = fromZero ? min(0, bounds.low) : bounds.low
        guard low < bounds.high else {
            return fromZero && low == 0
                ? 0...1 : (low - max(0.5, abs(low) * 1e-6))...(low + max(0.5, abs(low) * 1e-6))
        }
        return low...bounds.high
    }

    private static func checkSound(_ samples: [Float], rate: Double, channels: Int) throws {
        guard !samples.isEmpty else { throw Failure(.value, "nothing to draw: the waveform is empty") }
        guard rate > 0, rate.isFinite else {
            throw Failure(
                .argument, "the sampling rate is \(format(rate))", hint: "give samples a second: rate = 16000"
            )
        }
        guard channels >= 1, channels <= 64, samples.count % channels == 0 else {
            throw Failure(.shape, "\(samples.count) samples do not make \(channels) channels of one length")
        }
    }
}
