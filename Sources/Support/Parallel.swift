import Dispatch
import Glibc
import Synchronization

/// Independent pieces of work on all cores.
public enum Parallel {
    /// Cores that this process may use.
    public static let cores = max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1)

    /// Calls `body(i)` for each i in 0 ..< count, in no order, on up to `threads` threads.
    ///
    /// The caller's thread waits, reports `label` with how many are done a few times a second, and
    /// watches `cancel`. The first error, or a request to stop, ends the work and is thrown once
    /// every piece that had begun is done.
    public static func forEach(
        _ count: Int, threads: Int = cores, label: String = "", cancel: CancelFlag = .shared,
        progress: ProgressHook? = nil, _ body: @escaping @Sendable (Int) throws -> Void
    ) throws {
        let state = State()
        let group = DispatchGroup()
        for _ in 0..<min(max(threads, 1), max(count, 1)) {
            DispatchQueue.global(qos: .userInitiated).async(group: group) {
                while !state.isStopped.load(ordering: .relaxed) {
                    let i = state.next.wrappingAdd(1, ordering: .relaxed).oldValue
                    if i >= count { return }
                    do {
                        try body(i)
                        state.done.wrappingAdd(1, ordering: .relaxed)
                    } catch {
                        state.stop(error)
                    }
                }
            }
        }
        var reported = -1
        while group.wait(timeout: .now() + .milliseconds(100)) == .timedOut {
            if cancel.isSet { state.stop(Failure.interrupted) }
            let done = state.done.load(ordering: .relaxed)
            if done != reported { progress?(Progress(label: label, done: done, total: count)) }
            reported = done
        }
        if reported >= 0 {
            let done = state.done.load(ordering: .relaxed)
            progress?(Progress(label: label, done: done, total: count, isFinal: true))
        }
        if let error = state.error.withLock({ $0 }) { throw error }
        if cancel.isSet { throw Failure.interrupted }
    }

    private final class State: Sendable {
        let next = Atomic<Int>(0)
        let done = Atomic<Int>(0)
        let isStopped = Atomic<Bool>(false)
        let error = Mutex<(any Error)?>(nil)

        func stop(_ reason: any Error) {
            error.withLock { if $0 == nil { $0 = reason } }
            isStopped.store(true, ordering: .relaxed)
        }
    }
}
