import Media
import Plot
import Tensor

/// What can be heard by `play` and saved as sound.
protocol Audible {
    /// Throws where it is no sound.
    func audio() throws -> Audio
}

/// What can be saved as named tensors: .safetensors and .npz.
protocol Storable {
    func tensors() throws -> [(String, Tensor)]
}
