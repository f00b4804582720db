import Support
import Tensor

/// One step of a plan.
struct Step {
    let label: String
    let run: (PlanMemory) throws -> Void
    /// It writes a variable.
    let commits: Bool
    /// It leaves something that later runs rely on, so it is not given up halfway.
    let lasts: Bool

    /// Runs the step, and throws `Failure.interrupted` where `cancel` was set before it or, where the
    /// kernels are ours, meanwhile.
    func run(_ memory: PlanMemory, until cancel: CancelFlag) throws {
        if lasts {
            try cancel.check()
            return try run(memory)
        }
        try cancel.stopping { try run(memory) }
    }
}
