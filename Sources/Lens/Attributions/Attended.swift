import Glibc
import Graph
import Support
import Tensor

/// What is left of an input where only what the network attends to is kept.
public struct AttendedOptions {
    /// Where the smoothed map reaches this part of its greatest value, the input is kept whole; it
    /// fades to nothing at half of that.
    public var threshold = 0.3
    /// Length over which map and gate are smoothed, in places; nil: an eightieth of the axis (12.5 ms
    /// of a second), at least 3.
    public var smoothing: Int?

    public init() {}
}

extension Attribution {
    /// The input seen through a smooth gate that follows the map: [n] + input shape.
    ///
    /// Evidence against a class closes the gate as no evidence does.
    public func attended(_ options: AttendedOptions = .init(), cancel: CancelFlag = .shared) throws -> Tensor
    {
        guard options.threshold > 0, options.threshold <= 1 else {
            throw Failure(.argument, "attended: threshold lies between 0 and 1, not \(options.threshold)")
        }
        let lengths = Array(input.shape.dropLast())
        guard !lengths.isEmpty else { throw Failure(.shape, "attended: the input has no places") }
        if let smoothing = options.smoothing, !(1...(lengths.min() ?? 1) ~= smoothing) {
            throw Failure(
                .argument, "attended: smoothing must be from 1 to \(lengths.min() ?? 1), not \(smoothing)")
        }
        let recording = Recording()
        let x = try recording.give(input.converted(to: .float32).reshaped([1] + input.shape))
        let windows = windows(options.smoothing)
        let soft = try evidence(in: recording, windows)
        let axes = Array(1..<soft.rank)
        let part = try soft / (soft.max(axes, keepAxes: true) + 1e-30)
        let gate = try (part * (2 / options.threshold) - 1).clipped(0, 1).smoothed(windows, in: recording)
        return try recording.run([x * gate], cancel: cancel)[0]
    }

    /// The evidence for each class, smoothed: what speaks against it counts as none. [n, spatial…].
    /// smoothing: as in `AttendedOptions`.
    public func envelope(smoothing: Int? = nil, cancel: CancelFlag = .shared) throws -> Tensor {
        guard input.rank >= 2 else { return map }
        let recording = Recording()
        let soft = try evidence(in: recording, windows(smoothing))
        return try recording.run([soft.reshaped(map.shape)], cancel: cancel)[0]
    }

    private func windows(_ smoothing: Int?) -> [Int] {
        input.shape.dropLast().map { min(max(smoothing ?? max($0 / 80, 3), 1), $0) }
    }

    /// [n, spatial…, 1]
    private func evidence(in recording: Recording, _ windows: [Int]) throws -> Traced {
        try recording.give(map).relu().reshaped(map.shape + [1]).smoothed(windows, in: recording)
    }
}

extension Traced {
    /// [batch, spatial…, 1] smoothed along each spatial axis by a Hann window of `lengths`; what lies
    /// beyond the ends counts as what is there.
    func smoothed(_ lengths: [Int], in recording: Recording) throws -> Traced {
        var x = self
        let even = try graph.fill(1, shape: shape)
        var whole = even
        for (axis, length) in lengths.enumerated() where length > 1 {
            let window = (0..<length).map { i in
                Float(0.5 - 0.5 * cos(2 * Double.pi * (Double(i) + 0.5) / Double(length)))
            }
            let sum = window.reduce(0, +)
            var kernel = [Int](repeating: 1, count: rank)
            kernel[axis] = length
            let weights = try recording.give(window.map { $0 / sum }, kernel)
            x = try x.convolved(with: weights)
            whole = try whole.convolved(with: weights)
        }
        return try x / whole
    }
}
