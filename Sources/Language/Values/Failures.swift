import Support

extension Error {
    /// Any error as a failure that can be read: what vz code sees as `e`.
    public var asFailure: Failure {
        switch self {
        case let f as Failure: f
        case let d as Diagnostic: d.failure
        case let d as Diagnostics: d.all.first?.failure ?? Failure(.value, "unknown error")
        case is CancellationError: .interrupted
        default: Failure(.value, "\(self)")
        }
    }
}
