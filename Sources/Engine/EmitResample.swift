import CKernels
import Graph
import Support
import Tensor

/// A banded matrix in the form that the kernel takes.
private final class Band {
    let start: [UInt32]
    let count: [UInt32]
    let first: [UInt32]
    let weights: [Float]

    init(_ rows: [(start: Int, weights: [Double])]) {
        start = rows.map { UInt32(clamping: $0.start) }
        count = rows.map { UInt32(clamping: $0.weights.count) }
        var at = 0
        first = rows.map { row in
            defer { at += row.weights.count }
            return UInt32(clamping: at)
        }
        weights = rows.flatMap { $0.weights.map { Float($0) } }
    }
}

extension Emitter {
    func emitResize(_ id: Int, _ op: Resize) throws {
        let x = graph.nodes[id].inputs[0]
        let shape = type(x).shape
        let from = try slot(of: x)
        let to = newSlot(type(id))
        let band = Band(op.isAdjoint ? op.table.columns : op.table.rows)
        let (outer, inner) = (shape[..<op.axis].reduce(1, *), shape[(op.axis + 1)...].reduce(1, *))
        let (length, out) = (shape[op.axis], type(id).shape[op.axis])
        add(op.name, reads: [from], writes: [to]) { memory in
            guard let x = memory.floats(from), let y = memory.floats(to) else { return }
            band.start.withUnsafeBufferPointer { start in
                band.count.withUnsafeBufferPointer { count in
                    band.first.withUnsafeBufferPointer { first in
                        band.weights.withUnsafeBufferPointer { weights in
                            var b = vz_band(
                                outer: outer, length: length, out: out, inner: inner,
                                start: start.baseAddress,
                                count: count.baseAddress, first_weight: first.baseAddress,
                                weights: weights.baseAddress)
                            vz_apply_band(x, y, &b)
                        }
                    }
                }
            }
        }
        define(id, to)
    }

    private func resampling(_ map: [Int], _ positions: [Int], _ border: Border) -> vz_resampling {
        let isPicture = map.count == 4
        return vz_resampling(
            batch: map[0], height: isPicture ? map[1] : 1, width: map[map.count - 2],
            channels: map[map.count - 1], places: positions[1..<(positions.count - 1)].reduce(1, *),
            axes: isPicture ? 2 : 1, shared: positions[0] == 1 ? 1 : 0, border: Int32(border.rawValue))
    }

    func emitResample(_ id: Int, _ op: Resample) throws {
        let inputs = graph.nodes[id].inputs
        let (from, positions) = (try slot(of: inputs[0]), try slot(of: inputs[1]))
        let to = newSlot(type(id))
        let geometry = resampling(type(inputs[0]).shape, type(inputs[1]).shape, op.border)
        add(op.name, reads: [from, positions], writes: [to]) { memory in
            var geometry = geometry
            vz_resample(memory.floats(from), memory.floats(positions), memory.floats(to), &geometry)
        }
        define(id, to)
    }

    func emitResampleGradient(_ id: Int, _ op: ResampleGradient) throws {
        let inputs = graph.nodes[id].inputs
        let (from, positions) = (try slot(of: inputs[0]), try slot(of: inputs[1]))
        let to = newSlot(type(id))
        let geometry = resampling(op.inputShape, type(inputs[1]).shape, op.border)
        add(op.name, reads: [from, positions], writes: [to]) { memory in
            var geometry = geometry
            vz_resample_gradient(memory.floats(from), memory.floats(positions), memory.floats(to), &geometry)
        }
        define(id, to)
    }
}
