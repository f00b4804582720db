import Support

/// A colour of 8 bits a channel, as screens show it (sRGB).
public struct RGB: Sendable, Hashable {
    public var r: UInt8, g: UInt8, b: UInt8

    public init(_ r: UInt8, _ g: UInt8, _ b: UInt8) { (self.r, self.g, self.b) = (r, g, b) }

    /// 0xRRGGBB.
    public init(_ hex: UInt32) {
        self.init(UInt8(hex >> 16 & 255), UInt8(hex >> 8 & 255), UInt8(hex & 255))
    }

    /// "#rrggbb".
    public var hex: String {
        "#"
            + [r, g, b].map { byte in
                let digits = String(byte, radix: 16)
                return digits.count == 1 ? "0" + digits : digits
            }.joined()
    }

    /// Relative luminance, 0 to 1 (Rec. 709 weights on the linear light, WCAG 2).
    public var luminance: Double {
        func linear(_ byte: UInt8) -> Double {
            let c = Double(byte) / 255
            return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055).power(2.4)
        }
        return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }

    /// `part` of the way towards `other`.
    public func mixed(with other: RGB, _ part: Double) -> RGB {
        func mix(_ a: UInt8, _ b: UInt8) -> UInt8 {
            UInt8(clampedRound: Double(a) + (Double(b) - Double(a)) * part)
        }
        return RGB(mix(r, other.r), mix(g, other.g), mix(b, other.b))
    }

    /// Text on paper.
    public static let ink = RGB(0x222222)
    public static let paper = RGB(0xFFFFFF)

    /// The eight colours of Okabe and Ito (2008), told apart with every common kind of colour
    /// blindness; black is a soft grey here and yellow, pale on paper, comes last.
    public static let series: [RGB] = [
        RGB(0x0072B2), RGB(0xD55E00), RGB(0x009E73), RGB(0xCC79A7), RGB(0xE69F00), RGB(0x56B4E9),
        RGB(0x4D4D4D),
        RGB(0xF0E442),
    ]

    /// The colour of the series at `index`.
    public static func ofSeries(_ index: Int) -> RGB {
        series[((index % series.count) + series.count) % series.count]
    }

    /// Names that people write, beside "#rgb" and "#rrggbb".
    static let named: [String: UInt32] = [
        "black": 0x000000, "white": 0xFFFFFF, "gray": 0x808080, "grey": 0x808080, "silver": 0xC0C0C0,
        "red": 0xD62728, "green": 0x2CA02C, "blue": 0x0072B2, "orange": 0xE69F00, "yellow": 0xF0E442,
        "purple": 0x7B3294, "violet": 0xCC79A7, "magenta": 0xCC00CC, "pink": 0xE377C2, "brown": 0x8C564B,
        "cyan": 0x17BECF, "sky": 0x56B4E9, "teal": 0x009E73, "navy": 0x053061, "vermilion": 0xD55E00,
        "olive": 0x808000, "maroon": 0x800000, "lime": 0x7AD151, "gold": 0xDAA520,
    ]

    /// A colour by name or as "#rgb", "#rrggbb".
    /// Throws `Failure` of kind `.value` with the nearest name.
    public init(named text: String) throws {
        let word = text.lowercased()
        if let hex = RGB.named[word] {
            self.init(hex)
            return
        }
        let digits = word.drop { $0 == "#" }
        if word.first == "#", digits.allSatisfy({ $0.isASCII && $0.isHexDigit }),
            let number = UInt32(digits, radix: 16)
        {
            if digits.count == 6 {
                self.init(number)
                return
            }
            if digits.count == 3 {
                self.init((number >> 8 & 15) * 0x110000 + (number >> 4 & 15) * 0x1100 + (number & 15) * 0x11)
                return
            }
        }
        let near = Spelling.nearest(word, among: RGB.named.keys.sorted())
        throw Failure(
            .value, "'\(text)' is not a colour",
            hint: near.map { "did you mean \"\($0)\"?" } ?? "write a name such as \"blue\", or \"#0072b2\"")
    }
}

/// Values to colours.
public struct ColorMap: Sendable, Equatable {
    public let name: String
    /// Colours at equal distances from 0 to 1.
    let stops: [RGB]

    init(_ name: String, _ stops: [UInt32]) {
        self.name = name
        self.stops = stops.map { RGB($0) }
    }

    /// A map from one colour of the person's own to another.
    init(from colors: [RGB]) {
        name = "own"
        stops = colors
    }

    /// The colour at `t` in 0…1; beyond, the end's colour.
    public func color(_ t: Double) -> RGB {
        guard let first = stops.first, let last = stops.last else { return .ink }
        guard t > 0 else { return first }
        guard t < 1 else { return last }
        let place = t * Double(stops.count - 1)
        let index = min(Int(place), stops.count - 2)
        return stops[index].mixed(with: stops[index + 1], place - Double(index))
    }

    /// Perceptually uniform, readable in grey and with colour blindness (Smith & van der Walt 2015).
    public static let viridis = ColorMap(
        "viridis",
        [
            0x440154, 0x481A6C, 0x472F7D, 0x414487, 0x39568C, 0x31688E, 0x2A788E, 0x23888E, 0x1F988B,
            0x22A884,
            0x35B779, 0x54C568, 0x7AD151, 0xA5DB36, 0xD2E21B, 0xFDE725,
        ])
    /// Perceptually uniform from black through red to pale yellow.
    public static let magma = ColorMap(
        "magma",
        [
            0x000004, 0x0B0924, 0x20114B, 0x3B0F70, 0x57157E, 0x721F81, 0x8C2981, 0xA8327D, 0xC43C75,
            0xDE4968,
            0xF1605D, 0xFA7F5E, 0xFE9F6D, 0xFEBF84, 0xFDDEA0, 0xFCFDBF,
        ])
    public static let gray = ColorMap("gray", [0x000000, 0xFFFFFF])
    /// From paper to dark blue: counts (ColorBrewer Blues).
    public static let blues = ColorMap(
        "blues", [0xF7FBFF, 0xDEEBF7, 0xC6DBEF, 0x9ECAE1, 0x6BAED6, 0x4292C6, 0x2171B5, 0x08519C, 0x08306B])
    /// Blue below, red above a white middle: signed values (ColorBrewer RdBu).
    public static let diverging = ColorMap(
        "diverging",
        [
            0x053061, 0x2166AC, 0x4393C3, 0x92C5DE, 0xD1E5F0, 0xF7F7F7, 0xFDDBC7, 0xF4A582, 0xD6604D,
            0xB2182B,
            0x67001F,
        ])

    /// From a grey that stays behind to a red that stands out on paper: importance along a line.
    public static let importance = ColorMap("importance", [0xBFC5CC, 0xE3B09A, 0xE67E50, 0xC93A2B, 0x7F0D16])
    /// The bright part of magma: importance over a grey picture.
    public static let glow = ColorMap("glow", [0x57157E, 0xA8327D, 0xDE4968, 0xFA7F5E, 0xFEBF84, 0xFCFDBF])

    public static let all = [viridis, magma, gray, blues, diverging, importance, glow]

    /// A map by name; nil where there is none of that name.
    public static func named(_ name: String) -> ColorMap? {
        let word = name.lowercased()
        return all.first { $0.name == (word == "grey" ? "gray" : word) }
    }
}

extension UInt8 {
    /// The nearest byte; NaN is 0.
    init(clampedRound value: Double) {
        self = value > 0 ? (value < 255 ? UInt8(value.rounded()) : 255) : 0
    }
}
