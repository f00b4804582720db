import Graph
import Support
import Tensor

/// Which element of a short axis lies under each of a longer one.
enum Alignment {
    /// Elements are cells that cover the axis evenly, as OpenCV's and PyTorch's default.
    case cells
    /// First and last elements lie on the first and last ones.
    case corners
}

extension Traced {
    /// [batch, spatial…, C] read between its elements, so that each spatial axis has `lengths`.
    func stretched(
        to lengths: [Int], _ alignment: Alignment = .cells, in recording: Recording
    ) throws -> Traced {
        guard Array(shape[1..<(rank - 1)]) != lengths else { return self }
        var axes: [[Float]] = []
        for (i, length) in lengths.enumerated() {
            let own = shape[i + 1]
            axes.append((0..<length).map { Float(Self.place($0, own, length, alignment)) })
        }
        let positions: Tensor
        if axes.count == 1 {
            positions = try Tensor(axes[0], shape: [1, lengths[0], 1])
        } else {
            var values: [Float] = []
            values.reserveCapacity(axes[0].count * axes[1].count * 2)
            for row in axes[0] {
                for column in axes[1] {
                    values.append(row)
                    values.append(column)
                }
            }
            positions = try Tensor(values, shape: [1, lengths[0], lengths[1], 2])
        }
        return try resampled(at: recording.give(positions), border: .edge)
    }

    private static func place(_ i: Int, _ own: Int, _ length: Int, _ alignment: Alignment) -> Double {
        switch alignment {
        case .cells: (Double(i) + 0.5) * Double(own) / Double(length) - 0.5
        case .corners: length > 1 ? Double(i) * Double(own - 1) / Double(length - 1) : 0
        }
    }
}
