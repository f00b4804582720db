import CKernels
import COneDNN
import Graph
import Support
import Tensor

/// Our own 1-D convolutions: where channels are few the library's leave most of the machine idle, and
/// its kernel gradients do so at any number.
extension Emitter {
    /// What our kernels are told of a convolution, with the layouts they want. Nil where they have
    /// nothing for it.
    func described1D(_ geometry: ConvolutionGeometry, x: [Int], y: [Int]) -> vz_conv1d? {
        guard geometry.windows.count == 1, geometry.groups == 1, x.count == 3, y.count == 3 else {
            return nil
        }
        let window = geometry.windows[0]
        guard window.padBefore >= 0 else { return nil }
        let c = vz_conv1d(
            batch: x[0], channels: x[2], filters: y[2], in_length: x[1], out_length: y[1],
            size: window.size, stride: window.stride, dilation: window.dilation, pad: window.padBefore,
            in_block: x[2] % 16 == 0 ? 16 : x[2], out_block: y[2] % 16 == 0 ? 16 : y[2])
        return withUnsafePointer(to: c) { vz_conv1d_serves($0) } != 0 ? c : nil
    }

    /// The convolution whose forward pass is the input gradient of `c`, which must have stride 1.
    func adjoint(of c: vz_conv1d) -> vz_conv1d? {
        let reach = (c.size - 1) * c.dilation
        guard c.stride == 1, c.pad <= reach else { return nil }
        return vz_conv1d(
            batch: c.batch, channels: c.filters, filters: c.channels, in_length: c.out_length,
            out_length: c.in_length, size: c.size, stride: 1, dilation: c.dilation, pad: reach - c.pad,
            in_block: c.out_block, out_block: c.in_block)
    }

    func isNarrow(_ c: vz_conv1d) -> Bool { c.channels < 16 || c.filters < 16 }

    /// Toom and Cook's way pays from two blocks of channels on both sides.
    func usesToomCook(_ c: vz_conv1d) -> Bool {
        c.channels >= 32 && c.filters >= 32 && withUnsafePointer(to: c) { vz_toomcook_serves($0) } != 0
    }

    func emitConvolution1D(_ id: Int, _ c: vz_conv1d, bias: Int?, relu: Bool, result: Int) throws {
        let node = graph.nodes[id]
        let biasSlot = try bias.map { try slot(of: $0) }
        let from = try slot(of: node.inputs[0], block: c.in_block)
        try emit1D(
            node.operation.name, c, from: from, kernel: node.inputs[1], transposed: false, biasSlot, relu,
            result)
    }

    /// `c` is the adjoint of the convolution.
    func emitInputGradient1D(_ id: Int, _ c: vz_conv1d) throws {
        let node = graph.nodes[id]
        let from = try slot(of: node.inputs[0], block: c.in_block)
        try emit1D(
            node.operation.name, c, from: from, kernel: node.inputs[1], transposed: true, nil, false, id)
    }

    private func emit1D(
        _ name: String, _ c: vz_conv1d, from: Int, kernel w: Int, transposed: Bool, _ bias: Int?,
        _ relu: Bool,
        _ result: Int
    ) throws {
        let quick = usesToomCook(c)
        let count = withUnsafePointer(to: c) {
            quick ? vz_toomcook_packed_count($0) : vz_conv1d_packed_count($0)
        }
        let kernel = try packedKernel(w, bytes: count * 4) { plain, packed in
            var c = c
            let plain = plain?.assumingMemoryBound(to: Float.self)
            let packed = packed?.assumingMemoryBound(to: Float.self)
            if quick {
                vz_toomcook_pack(&c, plain, packed, transposed ? 1 : 0)
            } else if transposed {
                vz_conv1d_pack_transposed(&c, plain, packed)
            } else {
                vz_conv1d_pack(&c, plain, packed)
            }
        }
        let to = newSlot(type(result))
        add(
            "\(name) \(quick ? "Toom-Cook" : "rows")", reads: [from, kernel] + (bias.map { [$0] } ?? []),
            writes: [to]
        ) { memory in
            var c = c
            let (x, k, y) = (memory.floats(from), memory.floats(kernel), memory.floats(to))
            let b = bias.flatMap { memory.floats($0) }
            let failed =
                quick
                ? vz_toomcook_forward(&c, x, k, b, relu ? 1 : 0, y)
                : vz_conv1d_forward(&c, x, k, b, relu ? 1 : 0, y)
            if failed != 0 { throw Failure(.memory, "no memory for a convolution") }
        }
        define(result, in: c.out_block, to)
    }

    func emitKernelGradient1D(_ id: Int, biasGradient: Int?) throws -> Bool {
        let node = graph.nodes[id]
        let (x, dy) = (node.inputs[0], node.inputs[1])
        guard let op = node.operation as? ConvolutionKernelGradient, type(x).type == .float32,
            type(dy).type == .float32,
            let c = described1D(op.geometry, x: type(x).shape, y: type(dy).shape)
        else { return false }
        let input = try slot(of: x, block: c.in_block)
        let cotangent = try slot(of: dy, block: c.out_block)
        let to = newSlot(node.type)
        let bias = biasGradient.map { newSlot(type($0)) }
        let quick = usesToomCook(c)
        let working = withUnsafePointer(to: c) {
            quick ? vz_toomcook_gradient_scratch($0) : vz_conv1d_gradient_scratch($0)
        }
        let scratch = newSlot(bytes: working * 4)
        add(
            "\(op.name) \(quick ? "Toom-Cook" : "rows")", reads: [input, cotangent, scratch],
            writes: [to] + (bias.map { [$0] } ?? [])
        ) { memory in
            var c = c
            let (x, g, own) = (memory.floats(input), memory.floats(cotangent), memory.floats(scratch))
            let (k, b) = (memory.floats(to), bias.flatMap { memory.floats($0) })
            let failed =
                quick
                ? vz_toomcook_kernel_gradient(&c, x, g, k, b, own)
                : vz_conv1d_kernel_gradient(&c, x, g, k, b, own)
            if failed != 0 { throw Failure(.memory, "no memory for a kernel gradient") }
        }
        define(id, to)
        if let biasGradient, let bias { define(biasGradient, bias) }
        return true
    }

    /// With a stride: the cotangent times the kernel gives the windows' gradients as rows, which are added to
    /// the places that they came from. False where it does not suit.
    func emitFoldedInputGradient(_ id: Int, _ op: ConvolutionInputGradient) throws -> Bool {
        let node = graph.nodes[id]
        let (x, y) = (node.type.shape, type(node.inputs[0]).shape)
        guard op.geometry.windows.count == 1, op.geometry.groups == 1, type(node.inputs[0]).count > 0 else {
            return false
        }
        let window = op.geometry.windows[0]
        guard window.padBefore >= 0 else { return false }
        let (batch, length, channels, places, filters) = (x[0], x[1], x[2], y[1], y[2])
        let row = window.size * channels
        let (cotangent, kernel) = (try slot(of: node.inputs[0]), try slot(of: node.inputs[1]))
        let rows = newSlot(bytes: places * row * 4)
        let to = newSlot(node.type)
        add("\(op.name) folded", reads: [cotangent, kernel], writes: [rows, to]) { memory in
            guard let dy = memory.floats(cotangent), let w = memory.floats(kernel),
                let unfolded = memory.floats(rows), let dx = memory.floats(to)
            else { return }
            for image in 0..<batch {
                let code = vz_sgemm(
                    0, 1, Int64(places), Int64(row), Int64(filters), dy + image * places * filters, w,
                    unfolded)
                if code != 0 { throw Failure(.numeric, "a matrix product failed inside oneDNN") }
                vz_fold_windows(
                    unfolded, dx + image * length * channels, length, channels, window.size, window.stride,
                    window.dilation, window.padBefore, places)
            }
        }
        define(id, to)
        return true
    }
}
