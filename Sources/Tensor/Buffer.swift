import Glibc
import Support
import Synchronization

/// A block of memory, 64-byte aligned, given back to the pool when its last user lets go.
///
/// Big blocks are never returned to the kernel: a page faulted in once stays, which is where the
/// usual frameworks lose up to half their time.
public final class Buffer: @unchecked Sendable {
    public let base: UnsafeMutableRawPointer
    /// Bytes asked for.
    public let byteCount: Int
    private let capacity: Int
    private let owner: AnyObject?

    /// A block of at least `byteCount` bytes, contents undefined.
    /// Throws a memory failure where the machine cannot hold it.
    public convenience init(byteCount: Int) throws(Failure) {
        let (base, capacity) = try BufferPool.shared.take(byteCount)
        self.init(base: base, byteCount: byteCount, capacity: capacity, owner: nil)
    }

    /// Memory that belongs to somebody else (a memory-mapped file): kept alive through `owner`.
    public convenience init(base: UnsafeMutableRawPointer, byteCount: Int, owner: AnyObject) {
        self.init(base: base, byteCount: byteCount, capacity: 0, owner: owner)
    }

    private init(base: UnsafeMutableRawPointer, byteCount: Int, capacity: Int, owner: AnyObject?) {
        self.base = base
        self.byteCount = byteCount
        self.capacity = capacity
        self.owner = owner
    }

    deinit {
        if capacity > 0 { BufferPool.shared.give(base, capacity) }
    }
}

/// Keeps freed blocks by capacity class for the next taker.
final class BufferPool: Sendable {
    static let shared = BufferPool()

    /// From here on blocks come straight from the kernel, with huge pages asked for.
    private static let bigBlock = 1 << 20
    /// Small blocks kept for reuse, in bytes in all; the rest goes back to malloc.
    private static let keptSmall = 64 << 20
    /// Blocks up to here are found without a search: small tensors come and go by the thousand.
    private static let tiny = 4096

    private struct State {
        var free: [Int: [UnsafeMutableRawPointer]] = [:]
        /// Those of at most `tiny` bytes, by capacity / 64.
        var tiny = [[UnsafeMutableRawPointer]](repeating: [], count: BufferPool.tiny / 64 + 1)
        var smallBytes = 0
        var bigBytes = 0
    }
    // The pointers are owned by the pool alone while they are in the list.
    private let state = Mutex<SendableBox<State>>(SendableBox(State()))
    private struct SendableBox<T>: @unchecked Sendable {
        var value: T
        init(_ value: T) { self.value = value }
    }

    /// Physical memory of this machine in bytes.
    static let physicalMemory: Int =
        max(sysconf(Int32(_SC_PHYS_PAGES)), 1) * max(sysconf(Int32(_SC_PAGESIZE)), 1)

    /// Capacity classes: eight steps from one power of two to the next, so at most an eighth is lost.
    static func capacity(for byteCount: Int) -> Int {
        let n = max(byteCount, 64)
        let top = Int.bitWidth - 1 - n.leadingZeroBitCount
        let step = max(1 << max(top - 3, 0), 64)
        return (n + step - 1) / step * step
    }

    func take(_ byteCount: Int) throws(Failure) -> (UnsafeMutableRawPointer, Int) {
        guard byteCount >= 0, byteCount <= Self.physicalMemory else { throw Self.tooMuch(byteCount) }
        let capacity = Self.capacity(for: byteCount)
        let kept: UnsafeMutableRawPointer? = state.withLock { box in
            if capacity <= Self.tiny {
                guard let block = box.value.tiny[capacity / 64].popLast() else { return nil }
                box.value.smallBytes -= capacity
                return block
            }
            guard let block = box.value.free[capacity]?.popLast() else { return nil }
            if capacity >= Self.bigBlock {
                box.value.bigBytes -= capacity
            } else {
                box.value.smallBytes -= capacity
            }
            return block
        }
        if let kept { return (kept, capacity) }
        if capacity >= Self.bigBlock {
            guard let block = Self.map(capacity) else { throw Self.tooMuch(byteCount) }
            return (block, capacity)
        }
        guard let block = aligned_alloc(64, capacity) else { throw Self.tooMuch(byteCount) }
        return (block, capacity)
    }

    func give(_ block: UnsafeMutableRawPointer, _ capacity: Int) {
        let isBig = capacity >= Self.bigBlock
        let kept = state.withLock { box in
            if isBig {
                guard box.value.bigBytes + capacity <= Self.physicalMemory / 2 else { return false }
                box.value.bigBytes += capacity
            } else {
                guard box.value.smallBytes + capacity <= Self.keptSmall else { return false }
                box.value.smallBytes += capacity
            }
            if capacity <= Self.tiny {
                box.value.tiny[capacity / 64].append(block)
                return true
            }
            box.value.free[capacity, default: []].append(block)
            return true
        }
        if kept { return }
        if isBig { munmap(block, capacity) } else { free(block) }
    }

    private static func map(_ capacity: Int) -> UnsafeMutableRawPointer? {
        let block = mmap(nil, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let block, block != MAP_FAILED else { return nil }
        if capacity >= 4 << 20 { madvise(block, capacity, MADV_HUGEPAGE) }
        return block
    }

    private static func tooMuch(_ byteCount: Int) -> Failure {
        let gib = Double(byteCount) / 1_073_741_824
        let have = Double(physicalMemory) / 1_073_741_824
        let reason =
            byteCount < 0 || byteCount > physicalMemory
            ? "this machine has \(tenths(have)) GiB in all" : MemoryRoom.left().reason
        return Failure(
            .memory, "not enough memory: \(tenths(gib)) GiB wanted, \(reason)",
            hint: "use a smaller shape, a smaller batch or fewer items at once")
    }

    private static func tenths(_ x: Double) -> String {
        guard x.isFinite, x < 1e15 else { return "very many" }
        let n = Int((x * 10).rounded())
        return "\(n / 10).\(n % 10)"
    }
}
