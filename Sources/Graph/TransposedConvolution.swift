import Support
import Tensor

extension Traced {
    /// Transposed convolution: the adjoint of the convolution that would take the result to self.
    ///
    /// - self: [batch, spatial…, channels]
    /// - kernel: [window…, filters / groups, channels]
    /// - padding: `same` gives length · stride, `valid` length · stride + max(span − stride, 0) as in
    ///   TensorFlow; explicit padding takes so much away from (length − 1) · stride + span.
    /// - lengths: the spatial lengths of the result where the stride leaves a choice.
    public func convolvedTransposed(
        with kernel: Traced, strides: [Int]? = nil, dilations: [Int]? = nil, groups: Int = 1,
        padding: Padding = .same, lengths: [Int]? = nil
    ) throws -> Traced {
        let n = kernel.rank - 2
        guard n >= 1, rank == n + 2 else {
            throw Failure(
                .shape,
                "transposed convolution: the input has shape \(Shape.describe(shape)), the kernel \(Shape.describe(kernel.shape))",
                hint: "as [batch, spatial…, channels] and [window…, filters / groups, channels]")
        }
        let name = "conv\(n)d_transpose"
        let sizes = Array(kernel.shape[..<n])
        let strides = strides ?? [Int](repeating: 1, count: n)
        let dilations = dilations ?? [Int](repeating: 1, count: n)
        guard strides.count == n, dilations.count == n, (lengths?.count ?? n) == n,
            (sizes + strides + dilations).allSatisfy({ (1...(1 << 30)).contains($0) })
        else {
            throw Failure(
                .argument, "\(name): kernel, stride and dilation need \(n) lengths of at least 1 each")
        }
        guard groups >= 1, groups <= 1 << 30, kernel.shape[n + 1] == shape[n + 1] else {
            throw Failure(
                .shape,
                "\(name): an input of \(shape[n + 1]) channels does not fit a kernel of shape \(Shape.describe(kernel.shape))",
                hint: "the kernel's last axis counts the input's channels, the one before the filters")
        }
        let wanted = try lengths ?? Self.transposedLengths(shape, sizes, strides, dilations, padding, name)
        let windows = try padding.windows(
            lengths: wanted, sizes: sizes, strides: strides, dilations: dilations, name)
        let (filters, overflow) = kernel.shape[n].multipliedReportingOverflow(by: groups)
        let target = [shape[0]] + wanted + [filters]
        guard !overflow else { throw Failure(.shape, "\(name): too many filters") }
        _ = try Shape.count(target)
        let operation = ConvolutionInputGradient(
            ConvolutionGeometry(windows: windows, groups: groups), inputShape: target)
        return try graph.add(operation, [self, kernel])
    }

    private static func transposedLengths(
        _ shape: [Int], _ sizes: [Int], _ strides: [Int], _ dilations: [Int], _ padding: Padding,
        _ name: String
    ) throws -> [Int] {
        try sizes.indices.map { i in
            let (wide, overflow) = shape[i + 1].multipliedReportingOverflow(by: strides[i])
            let (reach, tooFar) = (sizes[i] - 1).multipliedReportingOverflow(by: dilations[i])
            guard !overflow, !tooFar, wide < 1 << 50, reach < 1 << 50 else {
                throw Failure(.shape, "\(name): the result would be too long")
            }
            switch padding {
            case .same: return wide
            case .valid: return wide + Swift.max(reach + 1 - strides[i], 0)
            case .explicit(let pairs):
                guard pairs.count == sizes.count, pairs[i].count == 2,
                    pairs[i].allSatisfy({ 0...(1 << 30) ~= $0 })
                else {
                    throw Failure(.argument, "\(name): padding needs a pair (before, after) for each axis")
                }
                let length = wide - strides[i] + reach + 1 - pairs[i][0] - pairs[i][1]
                guard length > 0 else {
                    throw Failure(
                        .shape, "\(name): padding \(Shape.describe(pairs[i])) leaves nothing of the result",
                        hint: "pad less")
                }
                return length
            }
        }
    }
}
