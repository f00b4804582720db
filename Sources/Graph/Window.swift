import Support
import Tensor

/// How a window slides along one spatial axis.
public struct Window: Hashable, Sendable {
    /// Positions under the window.
    public var size: Int
    public var stride: Int
    /// Distance between neighbouring positions under the window.
    public var dilation: Int
    /// Positions added before and after the axis.
    public var padBefore: Int
    public var padAfter: Int

    public init(size: Int, stride: Int = 1, dilation: Int = 1, padBefore: Int = 0, padAfter: Int = 0) {
        self.size = size
        self.stride = stride
        self.dilation = dilation
        self.padBefore = padBefore
        self.padAfter = padAfter
    }

    /// From first to last position under the window.
    public var span: Int { (size - 1) * dilation + 1 }

    /// How many places the window takes along an axis of `length`; may be 0 or less.
    public func outputLength(_ length: Int) -> Int {
        let room = length + padBefore + padAfter - span
        return room < 0 ? 0 : room / stride + 1
    }
}

/// How much is added around before a window slides.
public enum Padding: Hashable, Sendable {
    /// Nothing: the window stays inside.
    case valid
    /// So much that the result has ceil(length / stride) positions, the odd one after, as TensorFlow.
    case same
    /// So much before and after, by spatial axis.
    case explicit([[Int]])

    /// The windows for spatial axes of `lengths`; sizes, strides and dilations one for each axis.
    public func windows(
        lengths: [Int], sizes: [Int], strides: [Int], dilations: [Int], _ operation: String
    ) throws(Failure) -> [Window] {
        let n = lengths.count
        for (what, list) in [("kernel", sizes), ("stride", strides), ("dilation", dilations)] {
            guard list.count == n else {
                throw Failure(.argument, "\(operation): \(what) needs \(n) lengths, not \(list.count)")
            }
            guard let bad = list.first(where: { $0 < 1 || $0 > 1 << 30 }) else { continue }
            throw Failure(
                .argument,
                "\(operation): \(what) must be \(bad < 1 ? "at least 1" : "at most \(1 << 30)"), not \(bad)")
        }
        if case .explicit(let pairs) = self {
            guard pairs.count == n,
                pairs.allSatisfy({ $0.count == 2 && $0.allSatisfy { 0...(1 << 30) ~= $0 } })
            else {
                throw Failure(
                    .argument, "\(operation): padding needs a pair (before, after) for each of \(n) axes")
            }
        }
        var windows: [Window] = []
        for i in 0..<n {
            let (reach, overflow) = (sizes[i] - 1).multipliedReportingOverflow(by: dilations[i])
            guard !overflow, reach < 1 << 40 else {
                throw Failure(
                    .argument, "\(operation): kernel \(sizes[i]) with dilation \(dilations[i]) is too long")
            }
            var window = Window(size: sizes[i], stride: strides[i], dilation: dilations[i])
            switch self {
            case .valid: break
            case .same:
                let places = (lengths[i] + strides[i] - 1) / strides[i]
                let total = max((places - 1) * strides[i] + window.span - lengths[i], 0)
                window.padBefore = total / 2
                window.padAfter = total - total / 2
            case .explicit(let pairs):
                window.padBefore = pairs[i][0]
                window.padAfter = pairs[i][1]
            }
            windows.append(window)
        }
        return windows
    }
}
