import Support

/// How strong something is from step to step.
public enum Strength {
    case constant(Double)
    /// These values at even distances from the first step to the last, straight lines between.
    case points([Double])
    /// A function of the step, from 0.
    case function((Int) throws -> Double)

    public static var none: Strength { .constant(0) }

    /// True where it is 0 throughout.
    public var isNone: Bool {
        switch self {
        case .constant(let x): x == 0
        case .points(let list): list.allSatisfy { $0 == 0 }
        case .function: false
        }
    }

    /// The strength at a step. Throws where it is not finite.
    public func value(at step: Int, of steps: Int, _ name: String) throws -> Double {
        let x: Double
        switch self {
        case .constant(let value): x = value
        case .function(let f): x = try f(step)
        case .points(let list):
            guard let last = list.last else { return 0 }
            let place = steps > 1 ? Double(step) / Double(steps - 1) * Double(list.count - 1) : 0
            let i = Int(min(max(place, 0), 1e9))
            guard i + 1 < list.count else {
                x = last
                break
            }
            x = list[i] + (list[i + 1] - list[i]) * (place - Double(i))
        }
        guard x.isFinite else { throw Failure(.numeric, "maximize: \(name) is \(x) at step \(step)") }
        return x
    }
}
