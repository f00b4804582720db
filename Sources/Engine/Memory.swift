import Glibc
import Support
import Tensor

/// Where a plan's values lie: slots numbered while planning, addresses filled in before a run.
final class PlanMemory {
    /// Address of each slot.
    fileprivate(set) var pointers: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    private let count: Int
    /// All slots that live only inside a run share this block.
    private let arena: Buffer?
    let arenaBytes: Int

    init(slots: [Slot]) throws {
        count = max(slots.count, 1)
        let (offsets, total) = Self.layOut(slots)
        arenaBytes = total
        arena = total > 0 ? try Buffer(byteCount: total) : nil
        pointers = .allocate(capacity: count)
        pointers.initialize(repeating: nil, count: count)
        for (slot, offset) in offsets.enumerated() where offset >= 0 {
            pointers[slot] = arena.map { $0.base + offset }
        }
    }

    deinit { pointers.deallocate() }

    subscript(slot: Int) -> UnsafeMutableRawPointer? {
        get { pointers[slot] }
        set { pointers[slot] = newValue }
    }

    func floats(_ slot: Int) -> UnsafeMutablePointer<Float>? {
        pointers[slot]?.assumingMemoryBound(to: Float.self)
    }

    /// Offsets in one block such that slots in use at the same time do not overlap: biggest first,
    /// each at the lowest place that is free for its whole life.
    private static func layOut(_ slots: [Slot]) -> (offsets: [Int], total: Int) {
        var offsets = [Int](repeating: -1, count: slots.count)
        var total = 0
        var placed: [Int] = []
        let order = slots.indices.filter {
            slots[$0].isInternal && slots[$0].bytes > 0 && slots[$0].last >= 0
        }
        .sorted { (slots[$0].bytes, $1) > (slots[$1].bytes, $0) }
        for slot in order {
            let need = (slots[slot].bytes + 63) & ~63
            var offset = 0
            for other in placed.sorted(by: { offsets[$0] < offsets[$1] })
            where slots[other].first <= slots[slot].last && slots[slot].first <= slots[other].last {
                if offset + need <= offsets[other] { break }
                offset = max(offset, offsets[other] + ((slots[other].bytes + 63) & ~63))
            }
            offsets[slot] = offset
            total = max(total, offset + need)
            placed.append(slot)
        }
        return (offsets, total)
    }
}

/// A place for one value.
struct Slot {
    enum Home {
        /// In the plan's own block, from step `first` to step `last`.
        case arena
        /// Given to each run.
        case input(Int)
        /// The memory of a result, new for each run.
        case output(Int)
        /// A constant held by the plan.
        case constant(Tensor)
        /// A variable's own memory.
        case variable(Int)
        /// The plan's own, kept from run to run.
        case kept(Buffer)
    }
    var bytes: Int
    var home: Home
    var first = Int.max
    var last = -1

    var isInternal: Bool { if case .arena = home { true } else { false } }
    var isBound: Bool {
        switch home {
        case .input, .output, .variable: true
        case .arena, .constant, .kept: false
        }
    }
}
