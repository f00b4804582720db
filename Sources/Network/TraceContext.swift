import Graph
import Support
import Tensor

/// What tracing a network knows and gathers besides the values themselves.
public final class TraceContext {
    /// Dropout drops and batch normalization uses the batch's moments.
    public let isTraining: Bool
    /// The random key, int32[4]; training needs one where the network draws random numbers.
    public let key: Traced?
    /// New values for variables, to be handed to a plan: the moving moments.
    public private(set) var updates: [(variable: Variable, value: Traced)] = []
    /// What regularizers add to the loss, one scalar each.
    public internal(set) var penalties: [Traced] = []

    /// What stands for a variable wherever a layer reads it: a weight with its spectral norm taken out.
    public var substitutes: [ObjectIdentifier: Traced] = [:]

    public init(isTraining: Bool = false, key: Traced? = nil) {
        self.isTraining = isTraining
        self.key = key
    }

    /// Give `variable` a new value at the end of the run; a second call sees the first one's value.
    func update(_ variable: Variable, in graph: Graph, _ change: (Traced) throws -> Traced) throws {
        if let at = updates.firstIndex(where: { $0.variable === variable }) {
            updates[at].value = try change(updates[at].value)
        } else {
            updates.append((variable, try change(graph.read(variable))))
        }
    }
}

/// What one layer is told while it traces itself.
public struct LayerContext {
    let values: [String: Traced]
    let layer: Layer?
    let whole: TraceContext
    /// Tells its random numbers from the other layers'.
    public let stream: UInt32
    let name: String

    /// True while training, unless the layer is frozen.
    public var isTraining: Bool { whole.isTraining && (layer?.isTrainable ?? true) }

    /// True while training, frozen or not: dropout has no weights to freeze.
    public var isRunningTraining: Bool { whole.isTraining }

    /// The parameter's value.
    public func parameter(_ name: String) throws -> Traced {
        guard let value = values[name] else {
            throw Failure(.value, "\(self.name) has no parameter '\(name)'")
        }
        return value
    }

    /// The random key of this step.
    public func key() throws -> Traced {
        guard let key = whole.key else {
            throw Failure(.value, "\(name) draws random numbers while training and was given no random key")
        }
        return key
    }

    /// Give a parameter a new value at the end of the run.
    public func update(_ parameter: String, _ change: (Traced) throws -> Traced) throws {
        guard let variable = layer?.parameter(parameter)?.variable, let graph = values[parameter]?.graph
        else { return }
        try whole.update(variable, in: graph, change)
    }
}
