import Glibc
import Support

extension Double {
    func power(_ exponent: Double) -> Double { pow(self, exponent) }
}

/// The two ends of an axis, low < high, both finite; positive on a logarithmic axis.
struct Extent: Equatable, Sendable {
    var low: Double
    var high: Double

    /// Where `value` lies, 0 at `low` and 1 at `high`.
    func place(_ value: Double, log isLog: Bool) -> Double {
        isLog ? (log10(value) - log10(low)) / (log10(high) - log10(low)) : (value - low) / (high - low)
    }
}

/// The least and the greatest of the values that can be drawn.
struct Bounds {
    private(set) var low = Double.infinity
    private(set) var high = -Double.infinity
    let isLog: Bool

    init(log isLog: Bool) { self.isLog = isLog }

    var isEmpty: Bool { low > high }

    @inline(__always)
    mutating func add(_ value: Double) {
        // Beyond this a span could overflow; gnuplot itself stops at 8.99e307.
        guard abs(value) < 1e300, !isLog || value > 0 else { return }
        if value < low { low = value }
        if value > high { high = value }
    }
}

extension Panel {
    /// The ends of both axes: what the person asked for, else the data's with some room.
    /// Throws `Failure` where nothing can be drawn.
    func extents() throws -> (x: Extent, y: Extent) {
        var xs = Bounds(log: x.isLog)
        var ys = Bounds(log: y.isLog)
        for mark in marks { Panel.add(mark, to: &xs, &ys) }
        if xs.isEmpty || ys.isEmpty {
            let axis = xs.isEmpty ? x : y
            throw Failure(
                .value,
                axis.isLog
                    ? "nothing to draw: a logarithmic axis needs values above zero"
                    : "nothing to draw: the data hold no finite number",
                hint: axis.isLog
                    ? "leave \(xs.isEmpty ? "xlog" : "ylog") out" : "look for NaN or infinity in them")
        }
        return (try Panel.extent(of: x, xs, name: "xrange"), try Panel.extent(of: y, ys, name: "yrange"))
    }

    private static func add(_ mark: Mark, to xs: inout Bounds, _ ys: inout Bounds) {
        switch mark {
        case .line(let line):
            for i in line.y.indices where line.y[i].isFinite && !(ys.isLog && line.y[i] <= 0) {
                let x = line.x[i]
                guard x.isFinite else { continue }
                xs.add(x)
                ys.add(line.y[i])
            }
        case .points(let points):
            for (x, y) in zip(points.x, points.y) where x.isFinite && y.isFinite {
                xs.add(x)
                ys.add(y)
            }
        case .bars(let bars):
            for (at, height) in zip(bars.at, bars.height) {
                // A bar that is missing keeps its place.
                for edge in [at - bars.width / 2, at + bars.width / 2] {
                    if bars.isHorizontal { ys.add(edge) } else { xs.add(edge) }
                }
                if bars.isHorizontal { xs.add(height) } else { ys.add(height) }
            }
        case .raster(let raster):
            for x in [raster.x0, raster.x1] { xs.add(x) }
            for y in [raster.y0, raster.y1] { ys.add(y) }
        case .labels: break
        }
    }

    private static func extent(of axis: Axis, _ bounds: Bounds, name: String) throws -> Extent {
        var (low, high) = (bounds.low, bounds.high)
        if axis.fromZero, !axis.isLog { (low, high) = (min(low, 0), max(high, 0)) }
        if axis.isLog {
            if low == high { (low, high) = (low / 2, high * 2) }
            let room = (high / low).power(axis.margin)
            (low, high) = (low / room, high * room)
        } else {
            if low == high {
                // Below the distance of two neighbouring numbers an axis has no width.
                let half = max(abs(low) * 0.05, low == 0 ? 1 : abs(low) * 1e-6)
                (low, high) = (low - half, high + half)
            } else {
                let room = (high - low) * axis.margin
                // An end that lies at zero on purpose stays there.
                if !(axis.fromZero && low == 0) { low -= room }
                if !(axis.fromZero && high == 0) { high += room }
            }
        }
        if let wanted = axis.wanted {
            if let end = wanted.low { low = end }
            if let end = wanted.high { high = end }
            guard low.isFinite, high.isFinite, abs(low) < 1e300, abs(high) < 1e300, low < high else {
                throw Failure(
                    .argument, "\(name) goes from \(format(low)) to \(format(high))",
                    hint: "give the lower end first, both finite: \(name) = [0, 1]")
            }
            guard !axis.isLog || low > 0 else {
                throw Failure(
                    .argument, "\(name) begins at \(format(low)), and a logarithmic axis is above zero",
                    hint: "begin at a small positive number")
            }
        }
        // Denormal spans and those below a number's own precision cannot be divided into ticks.
        let least = max(abs(low), abs(high)) * 1e-12
        if !axis.isLog, high - low < max(least, 1e-290) {
            let middle = low / 2 + high / 2
            let half = max(abs(middle) * 1e-9, 1e-280)
            (low, high) = (middle - half, middle + half)
        }
        return Extent(low: low, high: high)
    }
}

/// A number as short as it is clear: at most 4 significant digits, an exponent only where it helps.
func format(_ value: Double, digits: Int = 4) -> String {
    guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-inf" : "inf" }
    if value == 0 { return "0" }
    var buffer = [CChar](repeating: 0, count: 64)
    // A few thousand reads better whole than as 3.98e+03.
    let isWhole = abs(value) < 1e6 && abs(value) >= 10.0.power(Double(digits))
    let count = withVaList(isWhole ? [Int32(0), value] : [Int32(digits), value]) {
        vsnprintf(&buffer, 64, isWhole ? "%.*f" : "%.*g", $0)
    }
    return String(
        decoding: buffer.prefix(max(0, min(63, Int(count)))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Round places for the numbers at an axis, about `count` of them, with their texts.
func ticks(_ extent: Extent, log isLog: Bool, whole: Bool, count: Int) -> [(at: Double, name: String)] {
    if isLog {
        let first = Int(log10(extent.low).rounded(.up))
        let last = Int(log10(extent.high).rounded(.down))
        if last - first >= 1 {
            let step = max(1, (last - first + 1 + max(1, count) - 1) / max(1, count))
            return stride(from: first, through: last, by: step).map { exponent in
                (10.0.power(Double(exponent)), powerOfTen(exponent))
            }
        }
    }
    let span = extent.high - extent.low
    let rough = span / Double(max(1, count))
    let magnitude = 10.0.power(log10(rough).rounded(.down))
    var step = magnitude * ([1, 2, 5, 10].first { $0 * magnitude >= rough * 0.999 } ?? 10)
    if whole { step = max(1, step.rounded()) }
    guard step > 0, step.isFinite else { return [] }
    // As many decimals as the step itself has.
    let decimals = max(0, Int((-log10(step) - 1e-9).rounded(.up)))
    var result: [(at: Double, name: String)] = []
    var index = (extent.low / step - 1e-9).rounded(.up)
    while index * step <= extent.high + step * 1e-9, result.count < 64 {
        let value = index * step == 0 ? 0 : index * step
        result.append((value, tickName(value, decimals: decimals)))
        index += 1
    }
    return result
}

private func tickName(_ value: Double, decimals: Int) -> String {
    if value == 0 { return "0" }
    if abs(value) >= 1e6 || decimals > 5 { return format(value) }
    var buffer = [CChar](repeating: 0, count: 64)
    let count = withVaList([Int32(decimals), value]) { vsnprintf(&buffer, 64, "%.*f", $0) }
    return String(
        decoding: buffer.prefix(max(0, min(63, Int(count)))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// "0.01", "1", "100", and beyond four digits "10⁵", "10⁻⁷".
func powerOfTen(_ exponent: Int) -> String {
    if (-3...3).contains(exponent) { return format(10.0.power(Double(exponent))) }
    let digits = [
        "0": "⁰", "1": "¹", "2": "²", "3": "³", "4": "⁴", "5": "⁵", "6": "⁶", "7": "⁷", "8": "⁸", "9": "⁹",
        "-": "⁻",
    ]
    return "10" + String(exponent).map { digits[String($0)] ?? "" }.joined()
}
