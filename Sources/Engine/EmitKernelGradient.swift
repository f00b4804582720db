import CKernels
import COneDNN
import Graph
import Support
import Tensor

/// A kernel gradient as a sum over parts of the batch. The library divides such sums by the number of
/// threads; here the parts follow from the shapes alone, and one thread works on each, so that the
/// result has the same bits with any number of threads.
final class PartitionedGradient {
    struct Part {
        var primitive: ConvolutionPrimitive
        var firstImage: Int
    }
    private let parts: [Part]
    let kernelBytes: Int
    let scratchBytes: Int
    let inBlock: Block
    let outBlock: Block

    // Where one run finds its data.
    fileprivate struct Work {
        var input, cotangent, kernels, biases, scratch: UnsafeMutableRawPointer?
        var inputStep = 0
        var cotangentStep = 0
        var biasBytes = 0
    }
    fileprivate var work = Work()
    private let codes: UnsafeMutablePointer<Int32>

    var count: Int { parts.count }
    var first: ConvolutionPrimitive { parts[0].primitive }

    /// Nil where the library has none.
    init?(
        batch: Int, kernelBytes plainBytes: Int,
        make: (_ images: Int) -> (ConvolutionPrimitive, inBlock: Block, outBlock: Block)?
    ) {
        // Every part has a sum of its own, which big kernels make dear.
        let wanted = min(max(batch, 1), plainBytes > 1 << 20 ? 4 : 16)
        let threads = vz_threads()
        vz_set_threads(1)
        defer { vz_set_threads(threads) }
        var parts: [Part] = []
        var blocks: (Block, Block)?
        for index in 0..<wanted {
            let (first, last) = (batch * index / wanted, batch * (index + 1) / wanted)
            guard let (primitive, inBlock, outBlock) = make(last - first) else { return nil }
            guard blocks == nil || blocks?.0 == inBlock && blocks?.1 == outBlock,
                parts.isEmpty || parts[0].primitive.kernelBytes == primitive.kernelBytes
            else { return nil }
            blocks = (inBlock, outBlock)
            parts.append(Part(primitive: primitive, firstImage: first))
        }
        guard let blocks, let first = parts.first else { return nil }
        self.parts = parts
        (inBlock, outBlock) = blocks
        kernelBytes = first.primitive.kernelBytes
        scratchBytes = ((parts.map(\.primitive.scratchBytes).max() ?? 0) + 63) & ~63
        codes = .allocate(capacity: parts.count)
        codes.initialize(repeating: 0, count: parts.count)
    }

    deinit { codes.deallocate() }

    fileprivate func run(_ work: Work) throws {
        self.work = work
        vz_parallel(
            parts.count,
            { context, index in
                guard let context else { return }
                Unmanaged<PartitionedGradient>.fromOpaque(context).takeUnretainedValue().runPart(index)
            }, Unmanaged.passUnretained(self).toOpaque())
        if (0..<parts.count).contains(where: { codes[$0] != 0 }) {
            throw Failure(.numeric, "a convolution failed inside oneDNN (\(first.implementation))")
        }
    }

    private func runPart(_ index: Int) {
        let part = parts[index]
        let bias = work.biases.map { ($0 + index * work.biasBytes).assumingMemoryBound(to: Float.self) }
        codes[index] = part.primitive.tryRun(
            work.input.map { $0 + part.firstImage * work.inputStep },
            work.kernels.map { $0 + index * kernelBytes }, bias,
            work.cotangent.map { $0 + part.firstImage * work.cotangentStep },
            scratchBytes > 0 ? work.scratch.map { $0 + index * scratchBytes } : nil)
    }
}

extension Emitter {
    func emitKernelGradient(_ id: Int, biasGradient: Int?) throws {
        let node = graph.nodes[id]
        let (x, dy) = (node.inputs[0], node.inputs[1])
        if type(dy).count > 0, try emitKernelGradient1D(id, biasGradient: biasGradient) { return }
        guard let op = node.operation as? ConvolutionKernelGradient, type(x).type == .float32,
            type(dy).type == .float32, type(dy).count > 0,
            let gradient = partitioned(op, x: type(x).shape, y: type(dy).shape, bias: biasGradient != nil)
        else { return try emitPlainKernelGradient(id, biasGradient) }
        if gradient.first.implementation.hasPrefix("ref"),
            try emitUnfoldedKernelGradient(id, op, biasGradient)
        {
            return
        }
        let packed = try emitParts(gradient, op, x: x, dy: dy, biasGradient: biasGradient)
        guard gradient.first.packs else { return define(id, packed) }
        let plain = newSlot(node.type)
        add("unpack kernel", reads: [packed], writes: [plain]) {
            try gradient.first.unpack($0[packed], $0[plain])
        }
        define(id, plain)
    }

    private func partitioned(
        _ op: ConvolutionKernelGradient, x: [Int], y: [Int], bias: Bool
    ) -> PartitionedGradient? {
        let kernel = op.geometry.windows.reduce(4 * (x.last ?? 1) * (y.last ?? 1)) { $0 &* $1.size }
        return PartitionedGradient(batch: x[0], kernelBytes: kernel) { images in
            primitive(
                VZ_CONV_KERNEL_GRADIENT, op.geometry, x: [images] + x.dropFirst(),
                y: [images] + y.dropFirst(),
                bias: bias)
        }
    }

    /// The gradients of the parts, and their sum in the library's layout.
    private func emitParts(
        _ gradient: PartitionedGradient, _ op: ConvolutionKernelGradient, x: Int, dy: Int, biasGradient: Int?
    ) throws -> Int {
        let input = try slot(of: x, block: gradient.inBlock)
        let cotangent = try slot(of: dy, block: gradient.outBlock)
        let parts = gradient.count
        let kernels = newSlot(bytes: parts * gradient.kernelBytes)
        let biasCount = biasGradient.map { type($0).count } ?? 0
        let biases = biasGradient == nil ? nil : newSlot(bytes: parts * biasCount * 4)
        let scratch = gradient.scratchBytes > 0 ? newSlot(bytes: parts * gradient.scratchBytes) : nil
        let (inputStep, cotangentStep) = (
            bytes(type(x)) / type(x).shape[0], bytes(type(dy)) / type(dy).shape[0]
        )
        add(
            "\(op.name) \(gradient.first.implementation)", reads: [input, cotangent],
            writes: [kernels] + [biases, scratch].compactMap { $0 }
        ) { memory in
            try gradient.run(
                .init(
                    input: memory[input], cotangent: memory[cotangent], kernels: memory[kernels],
                    biases: biases.flatMap { memory[$0] }, scratch: scratch.flatMap { memory[$0] },
                    inputStep: inputStep, cotangentStep: cotangentStep, biasBytes: biasCount * 4))
        }
        if let biasGradient, let biases {
            define(biasGradient, addParts(biases, parts, biasCount))
        }
        return addParts(kernels, parts, gradient.kernelBytes / 4)
    }

    /// The sum of `parts` arrays of `count` floats that lie one after the other.
    private func addParts(_ from: Int, _ parts: Int, _ count: Int) -> Int {
        guard parts > 1 else { return from }
        let to = newSlot(bytes: count * 4)
        add("sum of parts", reads: [from], writes: [to]) { memory in
            vz_reduce(VZ_FOLD_SUM, memory.floats(from), memory.floats(to), 1, parts, count)
        }
        return to
    }

    private func emitPlainKernelGradient(_ id: Int, _ biasGradient: Int?) throws {
        try emitReference(id)
        if let bias = biasGradient, let reduce = graph.nodes[bias].operation as? Reduce {
            try emitReduce(bias, reduce)
        }
    }

    /// Where the library is slow: the windows are laid out as rows, image by image, and the gradient is
    /// a matrix product of them with the cotangent. False where it does not suit.
    private func emitUnfoldedKernelGradient(
        _ id: Int, _ op: ConvolutionKernelGradient, _ biasGradient: Int?
    ) throws -> Bool {
        let node = graph.nodes[id]
        let (x, y) = (type(node.inputs[0]).shape, type(node.inputs[1]).shape)
        guard op.geometry.windows.count == 1, op.geometry.groups == 1 else { return false }
        let window = op.geometry.windows[0]
        let (channels, filters, places) = (x[2], y[2], y[1])
        let row = window.size * channels
        let (input, cotangent) = (try slot(of: node.inputs[0]), try slot(of: node.inputs[1]))
        let unfolded = newSlot(bytes: places * row * 4)
        let part = newSlot(node.type)
        let to = newSlot(node.type)
        let (batch, length, count) = (x[0], x[1], node.type.count)
        add("\(op.name) unfolded", reads: [input, cotangent], writes: [unfolded, part, to]) { memory in
            guard let x = memory.floats(input), let dy = memory.floats(cotangent),
                let rows = memory.floats(unfolded),
                let own = memory.floats(part), let total = memory.floats(to)
            else { return }
            for image in 0..<batch {
                vz_unfold(
                    x + image * length * channels, rows, length, channels, window.size, window.stride,
                    window.dilation,
                    window.padBefore, places)
                let target = image == 0 ? total : own
                let code = vz_sgemm(
                    1, 0, Int64(row), Int64(filters), Int64(places), rows, dy + image * places * filters,
                    target)
                if code != 0 { throw Failure(.numeric, "a matrix product failed inside oneDNN") }
                if image > 0 { vz_add(own, total, count) }
            }
        }
        define(id, to)
        if let bias = biasGradient, let reduce = graph.nodes[bias].operation as? Reduce {
            try emitReduce(bias, reduce)
        }
        return true
    }
}
