import Support

/// A range value: `a..b` includes b, `a..<b` excludes it; either end may be open. In an index a
/// negative end counts from the end, and `:` is the whole axis.
public final class Span: Sendable {
    public let lower: Double?
    public let upper: Double?
    /// True for `a..b`, which includes `b`.
    public let includesUpper: Bool
    /// Distance from one element to the next; never 0. Negative counts down.
    public let step: Double

    public init(_ lower: Double?, _ upper: Double?, includesUpper: Bool = true, step: Double = 1) {
        self.lower = lower
        self.upper = upper
        self.includesUpper = includesUpper
        self.step = step == 0 || step.isNaN ? 1 : step
    }

    /// `:`, a whole axis.
    public static let all = Span(nil, nil)

    public var isAll: Bool { lower == nil && upper == nil && step == 1 }

    /// How many numbers the range counts as a value; nil where it has no end.
    public var count: Int? {
        guard let upper else { return nil }
        let from = lower ?? 0
        let steps = (upper - from) / step
        guard steps.isFinite else { return steps.isNaN || steps < 0 ? 0 : nil }
        if steps < 0 { return 0 }
        // A rounding error of a few units must not lose the last element of 0..1 by 0.1.
        let whole = (steps + 1e-9).rounded(.down)
        guard whole < 9e15 else { return nil }
        let landsOnUpper = abs(steps - whole) <= 1e-9 * max(1, steps)
        return Int(whole) + (landsOnUpper && !includesUpper ? 0 : 1)
    }

    /// The element at `index` of the range as a value.
    public func element(_ index: Int) -> Double { (lower ?? 0) + Double(index) * step }

    /// The positions that the range means on an axis of `length` elements: negative ends count from
    /// the end, ends beyond the axis are cut to it.
    public func resolve(length: Int) throws -> (start: Int, count: Int, step: Int) {
        guard let step = Int(exactly: step) else {
            throw Failure(.index, "a slice needs a whole step, not \(Numbers.text(self.step))")
        }
        if step > 0 {
            let start = try min(max(position(lower, length, missing: 0), 0), length)
            var end = try position(upper, length, missing: length)
            if includesUpper, upper != nil { end += 1 }
            end = min(max(end, 0), length)
            return (start, end > start ? (end - start - 1) / step + 1 : 0, step)
        }
        let start = try min(position(lower, length, missing: length - 1), length - 1)
        var end = try position(upper, length, missing: -1)
        if includesUpper, upper != nil { end -= 1 }
        end = max(end, -1)
        return (start, start > end ? (start - end - 1) / -step + 1 : 0, step)
    }

    private func position(_ end: Double?, _ length: Int, missing: Int) throws -> Int {
        guard let end else { return missing }
        guard let whole = Int(exactly: end), abs(whole) < 1 << 53 else {
            throw Failure(.index, "a slice needs whole numbers, not \(Numbers.text(end))")
        }
        return whole < 0 ? whole + length : whole
    }

    /// As it would be written.
    public var text: String {
        if isAll { return ":" }
        let from = lower.map(Numbers.text) ?? ""
        let to = upper.map { (includesUpper ? ".." : "..<") + Numbers.text($0) } ?? ".."
        return step == 1
            ? from + to
            : "range(\(from == "" ? "0" : from), \(upper.map(Numbers.text) ?? "inf"), step = \(Numbers.text(step)))"
    }
}
