import Media
import Plot
import Tensor

/// What can be drawn by `plot` and saved as a picture.
protocol Drawable {
    /// labels: captions that the person gave; empty for the thing's own.
    func figure(labels: [String]) throws -> Figure
}

/// What can be heard by `play` and saved as sound.
protocol Audible {
    /// Throws where it is no sound.
    func audio() throws -> Audio
}

/// What can be saved as named tensors: .safetensors and .npz.
protocol Storable {
    func tensors() throws -> [(String, Tensor)]
}
