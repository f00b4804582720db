import Network
import Support
import Tensor

/// Ready-made ways to climb.
public enum Style: String, Sendable, CaseIterable {
    /// The experiments' own: the input's numbers, plain ascent on the normalized gradient, nothing else.
    case slide
    /// To be read: Fourier coefficients, Adam, and small random transforms.
    case clear
    /// Like real examples: spectra as nature has them, and transforms wide enough that other networks
    /// agree.
    case natural

    /// The options of this style for inputs of `space`.
    public func options(_ space: InputSpace) throws -> MaximizationOptions {
        var o = MaximizationOptions(eta: 0.05)
        guard self != .slide, space.kind != .other else { return o }
        o.optimizer = try .adam(0.05)
        o.norm = .none
        o.redirected = 16
        o.bounds = .natural
        switch (self, space.kind) {
        case (.clear, .picture): clearPicture(&o, space)
        case (.clear, _): clearSound(&o, space)
        case (_, .picture): try naturalPicture(&o, space)
        default: naturalSound(&o, space)
        }
        return o
    }

    /// Olah et al. 2017, with the usual transforms of their notebooks in shares of the picture's size.
    private func clearPicture(_ o: inout MaximizationOptions, _ space: InputSpace) {
        let side = Double(min(space.shape[0], space.shape[1]))
        o.parametrization = .fourier()
        o.transforms.pad = .constant((side * 0.05).rounded())
        o.transforms.jitter = .constant((side * 0.036).rounded())
        o.transforms.scale = .constant(0.1)
        o.transforms.rotate = .constant(5)
    }

    private func clearSound(_ o: inout MaximizationOptions, _ space: InputSpace) {
        o.parametrization = .fourier()
        o.transforms.shift = .constant(0.02 * Double(space.rate))
        o.transforms.gain = .constant(3)
        o.transforms.noise = .constant(0.003)
        o.loudness = 0.15
    }

    /// MACO (Fel et al. 2023) under a 1 / f spectrum: crops, noise, and phases alone.
    private func naturalPicture(_ o: inout MaximizationOptions, _ space: InputSpace) throws {
        let side = Double(min(space.shape[0], space.shape[1]))
        o.parametrization = .maco(try .natural(space))
        o.transforms.crop = .constant((side * 0.5).rounded())
        o.transforms.rotate = .constant(5)
        o.transforms.noise = .points([10, 2].map { $0 * space.perPictureUnit })
    }

    private func naturalSound(_ o: inout MaximizationOptions, _ space: InputSpace) {
        o.parametrization = .fourier(decay: 1)
        o.transforms.shift = .constant(0.08 * Double(space.rate))
        o.transforms.speed = .constant(0.1)
        o.transforms.gain = .constant(6)
        o.transforms.noise = .points([0.02, 0.005])
        o.loudness = 0.12
        o.steps = 300
    }
}
