import Dispatch
import Support
import Tensor

/// A batch ready to be run.
struct Batch {
    let inputs: Tensor
    let targets: Tensor
    let count: Int
}

/// Changes a batch in place before the network sees it: inputs `count` x example shape, targets
/// `count` x target shape. All randomness must come from the key. It runs on the helper thread.
public typealias Augmentation =
    @Sendable (
        _ inputs: UnsafeMutableBufferPointer<Float>, _ targets: UnsafeMutableBufferPointer<Float>,
        _ count: Int,
        _ key: RandomKey
    ) throws -> Void

/// Prepares the next batch on a helper thread while the last one is computed.
///
/// Two pairs of buffers take turns: one is with the engine, the other is being filled.
final class BatchFeeder {
    /// One helper for the whole process: it is idle while nobody trains.
    private static let helper = DispatchQueue(label: "vzsh.batches")

    private let data: any ExampleSet
    private let order: [Int]
    private let batch: Int
    /// Given to the set for its own augmentation; nil where examples are taken as they are.
    private let key: RandomKey?
    private let augment: Augmentation?
    private var buffers: [[Int: (Tensor, Tensor)]] = [[:], [:]]
    private var turn = 0
    private var at: Int
    private var pending: Job?

    /// Filled by the helper, read after the semaphore: never by both at once.
    private final class Job: @unchecked Sendable {
        let done = DispatchSemaphore(value: 0)
        let batch: Batch
        var failure: (any Error)?
        init(_ batch: Batch) { self.batch = batch }
    }

    /// Batches of `order` from batch number `first` on.
    init(
        _ data: any ExampleSet, order: [Int], batch: Int, first: Int = 0, key: RandomKey?,
        augment: Augmentation? = nil
    ) throws {
        self.data = data
        self.order = order
        self.batch = batch
        self.key = key
        self.augment = augment
        at = min(first &* batch, order.count)
        try begin()
    }

    /// The next batch, or nil after the last. The one before must not be used any more.
    func next() throws -> Batch? {
        guard let job = pending else { return nil }
        job.done.wait()
        if let failure = job.failure { throw failure }
        try begin()
        return job.batch
    }

    private func begin() throws {
        pending = nil
        let count = min(batch, order.count - at)
        guard count > 0 else { return }
        if buffers[turn][count] == nil {
            buffers[turn][count] = (
                try Tensor(uninitialized: [count] + data.exampleShape),
                try Tensor(uninitialized: [count] + data.targetShape)
            )
        }
        guard let (inputs, targets) = buffers[turn][count] else { return }
        let indices = Array(order[at..<at + count])
        // Augmentation of this batch by its place in the epoch: a resumed run draws the same.
        let batchKey = RandomKey(
            seed: (key?.seed ?? 0) ^ 0x9E37_79B9_7F4A_7C15, step: (key?.step ?? 0) << 32 | UInt64(at))
        let job = Job(Batch(inputs: inputs, targets: targets, count: count))
        let (data, key, augment) = (data, key, augment)
        Self.helper.async {
            do {
                let to = job.batch.inputs.base.assumingMemoryBound(to: Float.self)
                let toTargets = job.batch.targets.base.assumingMemoryBound(to: Float.self)
                try indices.withUnsafeBufferPointer {
                    try data.fill($0, inputs: to, targets: toTargets, key: key)
                }
                if key != nil {
                    try augment?(
                        UnsafeMutableBufferPointer(start: to, count: job.batch.inputs.count),
                        UnsafeMutableBufferPointer(start: toTargets, count: job.batch.targets.count),
                        job.batch.count, batchKey)
                }
            } catch { job.failure = error }
            job.done.signal()
        }
        at += count
        turn = 1 - turn
        pending = job
    }

    deinit {
        // The set may belong to a file that is about to be closed.
        pending?.done.wait()
    }
}
