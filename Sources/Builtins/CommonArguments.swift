import Language
import Network
import Tensor

/// What many builtins take, read in one way.
extension Arguments {
    /// The network that `name` holds.
    func network(_ name: String = "net") throws -> Network {
        try object(name, as: NetworkObject.self, "a network").network
    }

    /// The key that follows from `seed`, or the session's next one where none was given.
    func key(_ chance: Chance) throws -> RandomKey {
        try optionalInt("seed").map { RandomKey(seed: UInt64(bitPattern: Int64($0))) } ?? chance.nextKey()
    }
}
