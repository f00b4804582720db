/// The gnuplot terminals that figures are drawn with.
public enum GnuplotTerminal: Sendable, Equatable {
    case png, svg, pdf, sixel
    /// An animation; seconds from frame to frame.
    case gif(seconds: Double)
    /// Text of this many columns and rows by gnuplot's own `dumb`.
    case dumb(columns: Int, rows: Int)
    /// A window.
    case qt, x11, wxt

    var isWindow: Bool { self == .qt || self == .x11 || self == .wxt }

    /// True where each picture stands alone: it can be zoomed neither by the person nor by a page.
    var isFixed: Bool { !isWindow && self != .pdf && self != .svg }
}

/// The sheet a figure is drawn on: its size in pixels and how much larger than usual its text and lines are.
struct Sheet: Equatable {
    var width: Int
    var height: Int
    var scale: Double

    /// The sheet for `figure`: its own size, else one that fits its panels, `zoom` times as large.
    init(_ figure: Figure, zoom: Double) {
        let natural = Sheet.naturalSize(figure)
        if let size = figure.size {
            width = min(16_384, max(64, size.width))
            height = min(16_384, max(48, size.height))
            let area = Double(width) * Double(height) / (Double(natural.width) * Double(natural.height))
            scale = min(8, max(0.4, area.squareRoot()))
        } else {
            width = Int(Double(natural.width) * zoom)
            height = Int(Double(natural.height) * zoom)
            scale = zoom
        }
    }

    /// Size at which 11-point text looks right.
    private static func naturalSize(_ figure: Figure) -> (width: Int, height: Int) {
        let columns = min(figure.columns, max(1, figure.panels.count))
        let rows = figure.rows
        let titleRoom = figure.title == nil ? 0 : 30
        if figure.panels.count == 1 {
            let panel = figure.panels[0]
            if panel.isPicture, case .raster(let raster)? = panel.marks.first {
                let aspect = min(4, max(0.25, Double(raster.height) / Double(raster.width)))
                let room = (panel.colorBar == nil ? 24 : 130, panel.title == nil ? 24 : 56)
                let side = 420 / max(1, aspect).squareRoot() * (aspect < 1 ? 1.6 : 1)
                return (Int(side) + room.0, Int(side * aspect) + room.1 + titleRoom)
            }
            if panel.kind == "confusion matrix" { return (700, 600 + titleRoom) }
            if let names = panel.y.ticks,
                panel.marks.contains(where: { if case .bars = $0 { true } else { false } })
            {
                return (800, min(2000, max(300, 90 + names.count * 22)) + titleRoom)
            }
            return (800, 450 + titleRoom)
        }
        let allPictures = figure.panels.allSatisfy(\.isPicture)
        let allSmall = figure.panels.allSatisfy(\.isSmall)
        let width = allSmall ? min(1400, max(700, columns * 150)) : min(1500, max(800, columns * 460))
        let cell = Double(width) / Double(columns)
        let height =
            allPictures ? cell * 1.05 : allSmall ? max(60, cell * 0.62) : max(210, min(380, cell * 0.56))
        return (width, min(4000, Int(height * Double(rows))) + titleRoom)
    }
}

extension GnuplotTerminal {
    /// Pixels on the sheet for one of the figure's own: a png is sharp on a slide.
    var zoom: Double {
        switch self {
        case .png: 1.6
        default: 1
        }
    }

    /// How many times as large points must be asked for: two terminals know no `pointscale`.
    func pointScale(_ scale: Double) -> Double {
        switch self {
        case .sixel, .gif: 1.6 * scale
        default: 1
        }
    }

    /// The `set terminal` line.
    /// - Parameter window: which of the person's windows.
    func command(_ sheet: Sheet, title: String, window: Int = 0) -> String {
        let (w, h) = (sheet.width, sheet.height)
        let s = (sheet.scale * 1000).rounded() / 1000
        let pixels = "size \(w),\(h)"
        let font = "font 'DejaVu Sans,10'"
        let scales = "fontscale \(s) linewidth \(s)"
        let paper = "background rgb 'white'"
        let name = GnuplotText.quoted(title)
        let parts: [String] =
            switch self {
            case .png: ["pngcairo", pixels, font, scales, "pointscale \(s)", paper]
            case .svg:
                // gnuplot's svg points are smaller than cairo's.
                [
                    "svg", pixels, "dynamic font 'DejaVu Sans, Verdana, sans-serif,10'",
                    "fontscale \(1.3 * s) linewidth \(s)", paper,
                ]
            case .pdf:
                // A pixel is 1/96 inch, and a point of text 1/72.
                [
                    "pdfcairo color size \(Double(w) / 96)in,\(Double(h) / 96)in", font,
                    "fontscale \(s * 0.72) linewidth \(s * 1.4) pointscale \(s)", paper,
                ]
            case .sixel: ["sixelgd truecolor", pixels, font, scales, paper]
            case .gif(let seconds):
                [
                    "gif animate delay \(min(6000, max(2, Int((seconds * 100).rounded())))) loop 0", pixels,
                    font, scales, paper,
                ]
            case .dumb(let columns, let rows): ["dumb mono size \(columns),\(rows)"]
            case .qt: ["qt \(window)", pixels, font, "linewidth \(s) title \(name) noraise"]
            case .wxt: ["wxt \(window)", pixels, font, "linewidth \(s) title \(name) noraise"]
            case .x11: ["x11 \(window)", pixels, "linewidth \(s) title \(name) noraise"]
            }
        // Markup such as a_b is for people who ask for it; here text is text.
        return "set terminal \(parts.joined(separator: " ")) noenhanced"
    }
}
