import Synchronization

/// Locks of libraries that several rooms call.
public enum SharedLocks {
    /// FFTW makes and destroys plans on one thread at a time; running them needs no lock.
    public static let fourierPlanner = Mutex(())
}
