import CKernels
import Support

extension CancelFlag {
    /// Runs `body`, whose kernels leave out what they have not begun once this flag is set, and throws
    /// `Failure.interrupted` where they did: what `body` was to write is then worth nothing.
    public func stopping<T>(_ body: () throws -> T) throws -> T {
        try check()
        vz_watch_begin(
            { context in
                guard let context else { return 0 }
                return Unmanaged<CancelFlag>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.isSet ? 1 : 0 }
            }, Unmanaged.passUnretained(self).toOpaque())
        let outcome = Result { try body() }
        if vz_watch_end() != 0 { throw Failure.interrupted }
        return try outcome.get()
    }
}
