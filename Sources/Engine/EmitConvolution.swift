import CKernels
import COneDNN
import Graph
import Support
import Tensor

/// One of the library's convolutions, owned.
final class ConvolutionPrimitive {
    fileprivate let handle: OpaquePointer
    let kernelBytes: Int
    let scratchBytes: Int
    let packs: Bool
    let implementation: String

    /// Nil where the library has none.
    init?(_ direction: vz_conv_direction, _ spec: vz_conv_spec) {
        var spec = spec
        var why = [CChar](repeating: 0, count: 256)
        guard let handle = vz_conv_create(direction, &spec, &why) else { return nil }
        self.handle = handle
        kernelBytes = vz_conv_kernel_bytes(handle)
        scratchBytes = vz_conv_scratch_bytes(handle)
        packs = vz_conv_packs_kernel(handle) != 0
        implementation = String(cString: vz_conv_implementation(handle))
    }

    deinit { vz_conv_destroy(handle) }

    func pack(_ plain: UnsafeMutableRawPointer?, _ packed: UnsafeMutableRawPointer?) throws {
        try check(vz_conv_pack_kernel(handle, plain?.assumingMemoryBound(to: Float.self), packed))
    }

    func unpack(_ packed: UnsafeMutableRawPointer?, _ plain: UnsafeMutableRawPointer?) throws {
        try check(vz_conv_unpack_kernel(handle, packed, plain?.assumingMemoryBound(to: Float.self)))
    }

    func run(
        _ input: UnsafeMutableRawPointer?, _ kernel: UnsafeMutableRawPointer?,
        _ bias: UnsafeMutablePointer<Float>?, _ output: UnsafeMutableRawPointer?,
        _ scratch: UnsafeMutableRawPointer?
    ) throws {
        try check(tryRun(input, kernel, bias, output, scratch))
    }

    /// The same with oneDNN's answer, 0 for success.
    func tryRun(
        _ input: UnsafeMutableRawPointer?, _ kernel: UnsafeMutableRawPointer?,
        _ bias: UnsafeMutablePointer<Float>?, _ output: UnsafeMutableRawPointer?,
        _ scratch: UnsafeMutableRawPointer?
    ) -> Int32 { vz_conv_run(handle, input, kernel, bias, output, scratch) }

    private func check(_ code: Int32) throws {
        if code != 0 { throw Failure(.numeric, "a convolution failed inside oneDNN (\(implementation))") }
    }
}

extension Emitter {
    /// The library's description of a convolution between maps of these shapes and layouts.
    private func spec(
        _ geometry: ConvolutionGeometry, x: [Int], y: [Int], inBlock: Block, outBlock: Block
    ) -> vz_conv_spec? {
        let n = geometry.windows.count
        guard n == 1 || n == 2 else { return nil }
        var spec = vz_conv_spec()
        spec.rank = Int32(n)
        spec.batch = Int64(x[0])
        spec.channels = Int64(x[n + 1])
        spec.filters = Int64(y[n + 1])
        spec.groups = Int64(geometry.groups)
        func pair(_ value: (Int) -> Int) -> (Int64, Int64) { (Int64(value(0)), n == 2 ? Int64(value(1)) : 1) }
        spec.in = pair { x[$0 + 1] }
        spec.out = pair { y[$0 + 1] }
        spec.kernel = pair { geometry.windows[$0].size }
        spec.stride = pair { geometry.windows[$0].stride }
        spec.dilation = pair { geometry.windows[$0].dilation }
        spec.pad_before = pair { geometry.windows[$0].padBefore }
        spec.pad_after = pair { i in
            // What the last window really reaches; the library wants lengths to match exactly.
            let w = geometry.windows[i]
            return (y[i + 1] - 1) * w.stride + w.span - x[i + 1] - w.padBefore
        }
        let channels = x[n + 1]
        let filters = y[n + 1]
        // Not a block of as many channels as there are: of 8 channels that would be another layout to the
        // library than channels last, and for the two of them together it has no code of its own.
        spec.in_block = Int64(inBlock)
        spec.out_block = Int64(outBlock)
        spec.winograd = usesWinograd(geometry, channels, filters) ? 1 : 0
        return spec
    }

    /// Winograd F(4x4, 3x3) pays for 3x3 windows with stride 1 on many channels.
    private func usesWinograd(_ g: ConvolutionGeometry, _ channels: Int, _ filters: Int) -> Bool {
        g.windows.count == 2 && g.groups == 1 && channels % 16 == 0 && filters % 16 == 0
            && g.windows.allSatisfy { $0.size == 3 && $0.stride == 1 && $0.dilation == 1 }
    }

    /// Layouts to try, best first, of input and output maps.
    private func blockings(
        _ channels: Int, _ filters: Int, _ direction: vz_conv_direction
    ) -> [(Block, Block)] {
        let output = filters % 16 == 0 ? 16 : 0
        var list: [(Block, Block)] = []
        // Channels that do not fill a block are padded by the library; its gradients need that.
        if (channels % 16 == 0 || direction == VZ_CONV_INPUT_GRADIENT) && output == 16 {
            list.append((16, 16))
        }
        if channels <= 4 && output == 16 { list.append((1, 16)) }
        list.append((0, 0))
        return list
    }

    func primitive(
        _ direction: vz_conv_direction, _ geometry: ConvolutionGeometry, x: [Int], y: [Int], bias: Bool,
        relu: Bool = false
    ) -> (ConvolutionPrimitive, inBlock: Block, outBlock: Block)? {
        guard let channels = x.last, let filters = y.last else { return nil }
        var slow: (ConvolutionPrimitive, Block, Block)?
        for (inBlock, outBlock) in blockings(channels, filters, direction) {
            guard var spec = spec(geometry, x: x, y: y, inBlock: inBlock, outBlock: outBlock) else {
                return nil
            }
            spec.has_bias = bias ? 1 : 0
            spec.has_relu = relu ? 1 : 0
            guard let found = ConvolutionPrimitive(direction, spec) else { continue }
            if !found.implementation.hasPrefix("ref") { return (found, inBlock, outBlock) }
            slow = slow ?? (found, inBlock, outBlock)
        }
        return slow
    }

    /// Whether the library has code of its own for a convolution, not its definition spelled out or
    /// unfolded windows.
    private func isFast(_ primitive: ConvolutionPrimitive?) -> Bool {
        guard let name = primitive?.implementation else { return false }
        return !name.hasPrefix("ref") && !name.contains("gemm")
    }

    /// The slot of the kernel in the primitive's layout.
    private func packedKernel(_ kernel: Int, for primitive: ConvolutionPrimitive) throws -> Int {
        guard primitive.packs else { return try slot(of: kernel) }
        return try packedKernel(kernel, bytes: primitive.kernelBytes, primitive.pack)
    }

    /// The slot of the kernel as `pack` lays it out from [window…, channels / groups, filters];
    /// constants and variables are packed only when they have changed.
    func packedKernel(
        _ kernel: Int, bytes: Int,
        _ pack: @escaping (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) throws -> Void
    ) throws -> Int {
        let plain = try slot(of: kernel)
        let root = lowering.source(kernel)
        if lowering.isLeaf(root), graph.captures[root] != nil || graph.variables[root] != nil {
            let packed = try keptSlot(bytes: bytes)
            let variable = graph.variables[root]
            var packedVersion: Int?
            add("pack kernel", reads: [plain], writes: [packed]) { memory in
                let version = variable?.version ?? 0
                if packedVersion == version { return }
                try pack(memory[plain], memory[packed])
                packedVersion = version
            }
            return packed
        }
        let packed = newSlot(bytes: bytes)
        add("pack kernel", reads: [plain], writes: [packed]) { try pack($0[plain], $0[packed]) }
        return packed
    }

    /// The shape of one of the pieces of a batch.
    private func part(_ shape: [Int], _ pieces: Int) -> [Int] {
        guard let batch = shape.first else { return shape }
        return [batch / pieces] + shape.dropFirst()
    }

    func scratchSlot(_ primitive: ConvolutionPrimitive) -> Int? {
        primitive.scratchBytes > 0 ? newSlot(bytes: primitive.scratchBytes) : nil
    }

    /// Into how many calls the library's work on a batch is divided: between two of them the plan looks
    /// whether it should stop. Few images at a time are as quick as all, where an image is that large.
    private func callsFor(_ geometry: ConvolutionGeometry, x: [Int], y: [Int]) -> Int {
        guard let batch = x.first, batch > 1 else { return 1 }
        let window = geometry.windows.reduce(1) { $0 * $1.size }
        let channels = (x.last ?? 1) / max(geometry.groups, 1)
        let products = Double(y.reduce(1, *)) * Double(window * channels)
        if products <= Emitter.longestCall { return 1 }
        let wanted = Int(min((products / Emitter.longestCall).rounded(.up), Double(batch)))
        return (wanted...batch).first { batch % $0 == 0 } ?? batch
    }

    func emitConvolution(_ id: Int, bias: Int?, relu: Bool, result: Int) throws {
        let node = graph.nodes[id]
        let (x, w) = (node.inputs[0], node.inputs[1])
        guard node.type.count > 0, let op = node.operation as? Convolution,
            type(x).type == .float32, type(w).type == .float32
        else { return try emitPlainConvolution(id, bias: bias, relu: relu, result: result) }
        let pieces = callsFor(op.geometry, x: type(x).shape, y: node.type.shape)
        let found = primitive(
            VZ_CONV_FORWARD, op.geometry, x: part(type(x).shape, pieces), y: part(node.type.shape, pieces),
            bias: bias != nil, relu: relu)
        if let c = described1D(op.geometry, x: type(x).shape, y: node.type.shape),
            isNarrow(c) || usesToomCook(c) || !isFast(found?.0)
        {
            return try emitConvolution1D(id, c, bias: bias, relu: relu, result: result)
        }
        guard let (primitive, inBlock, outBlock) = found else {
            return try emitPlainConvolution(id, bias: bias, relu: relu, result: result)
        }
        let from = try slot(of: x, block: inBlock)
        let kernel = try packedKernel(w, for: primitive)
        let biasSlot = try bias.map { try slot(of: $0) }
        let scratch = scratchSlot(primitive)
        let to = newSlot(node.type)
        let (inBytes, outBytes) = (bytes(type(x)) / pieces, bytes(node.type) / pieces)
        for piece in 0..<pieces {
            add(
                "\(op.name) \(primitive.implementation)",
                reads: [from, kernel] + [biasSlot, scratch].compactMap { $0 },
                writes: [to]
            ) { memory in
                try primitive.run(
                    memory[from].map { $0 + piece * inBytes }, memory[kernel],
                    biasSlot.flatMap { memory.floats($0) }, memory[to].map { $0 + piece * outBytes },
                    scratch.flatMap { memory[$0] })
            }
        }
        define(result, in: outBlock, to)
    }

    /// Without the library: the definition, then bias and ReLU.
    private func emitPlainConvolution(_ id: Int, bias: Int?, relu: Bool, result: Int) throws {
        try emitReference(id)
        let from = try slot(of: id)
        let biasSlot = try bias.map { try slot(of: $0) }
        let to = newSlot(type(id))
        let (count, filters) = (type(id).count, type(id).shape.last ?? 1)
        add("bias", reads: [from] + (biasSlot.map { [$0] } ?? []), writes: [to]) { memory in
            guard let x = memory.floats(from), let y = memory.floats(to) else { return }
            let b = biasSlot.flatMap { memory.floats($0) }
            for i in 0..<count {
                let v = x[i] + (b.map { $0[i % filters] } ?? 0)
                y[i] = relu ? (v > 0 || v.isNaN ? v : 0) : v
            }
        }
        define(result, to)
    }

    /// False where the library has none.
    func emitInputGradient(_ id: Int) throws -> Bool {
        let node = graph.nodes[id]
        let (dy, w) = (node.inputs[0], node.inputs[1])
        guard let op = node.operation as? ConvolutionInputGradient else { return false }
        let pieces = callsFor(op.geometry, x: node.type.shape, y: type(dy).shape)
        let found = primitive(
            VZ_CONV_INPUT_GRADIENT, op.geometry, x: part(node.type.shape, pieces),
            y: part(type(dy).shape, pieces), bias: false)
        if let c = described1D(op.geometry, x: node.type.shape, y: type(dy).shape),
            isNarrow(c) || usesToomCook(c) || !isFast(found?.0), let adjoint = adjoint(of: c)
        {
            try emitInputGradient1D(id, adjoint)
            return true
        }
        if !isFast(found?.0), try emitFoldedInputGradient(id, op) { return true }
        guard let (primitive, inBlock, outBlock) = found else { return false }
        let from = try slot(of: dy, block: outBlock)
        let kernel = try packedKernel(w, for: primitive)
        let scratch = scratchSlot(primitive)
        let shape = node.type.shape
        let channels = shape.last ?? 1
        let isPadded = inBlock > 1 && channels % inBlock != 0
        let padded = (channels + 15) / 16 * 16
        let to = isPadded ? newSlot(bytes: node.type.count / channels * padded * 4) : newSlot(node.type)
        let outBytes = bytes(type(dy)) / pieces
        let inBytes = (isPadded ? node.type.count / channels * padded * 4 : bytes(node.type)) / pieces
        for piece in 0..<pieces {
            add(
                "\(op.name) \(primitive.implementation)",
                reads: [from, kernel] + (scratch.map { [$0] } ?? []),
                writes: [to]
            ) { memory in
                try primitive.run(
                    memory[to].map { $0 + piece * inBytes }, memory[kernel], nil,
                    memory[from].map { $0 + piece * outBytes }, scratch.flatMap { memory[$0] })
            }
        }
        guard isPadded else {
            define(id, in: inBlock, to)
            return true
        }
        let map = featureMap(Array(shape.dropLast()) + [padded], block: inBlock)
        let own = newSlot(node.type)
        add("take channels", reads: [to], writes: [own]) { memory in
            var map = map
            vz_take_channels(memory.floats(to), memory.floats(own), &map, 0, 1, channels)
        }
        define(id, own)
        return true
    }
}
