import Glibc
import Support

/// Runs compiled functions: a stack of registers, a stack of frames, and one loop over
/// instructions. A vz function that calls another does not use the native stack.
///
/// Invariant: every slot of the register stack holds a valid value; slots above the current frame's
/// window that were used have been cleared or hold plain values.
final class Machine {
    struct Frame {
        var pc: UnsafeMutablePointer<Instruction>
        var base: Slot
        var function: Unmanaged<Function>
        var entry: UnsafePointer<Entry>
        /// Where the caller wants the result, in its own window.
        var destination: Int
        /// Entered from Swift: returning leaves the loop.
        var isEntry: Bool
    }

    struct Handler {
        let depth: Int
        let target: Int
        let register: Int
    }

    unowned(unsafe) var interpreter: Interpreter
    let stack: Slot
    let stackEnd: Slot
    static let stackCapacity = 1 << 20
    /// Room that builtins' arguments may use above a window.
    static let stackMargin = 512
    let frames: UnsafeMutablePointer<Frame>
    static let frameCapacity = 100_002
    /// Index of the current frame; -1 where nothing runs.
    var depth = -1
    /// First slot above the current window.
    var top: Slot
    var handlers: [Handler] = []
    /// How many runs of the loop are open, one inside another through Swift.
    var nesting = 0
    static let deepestNesting = 200
    /// Counts down to the next look at the cancel flag.
    var ticks = Machine.ticksPerPoll
    static let ticksPerPoll = 2048
    /// Instructions' worth of loops and calls still allowed; nil: no limit.
    var budget: Int?
    /// Functions whose global was set while they may be running.
    var graveyard: [Value] = []
    /// Errors that vz caught and still holds, so that `raise e` keeps their places.
    var caught: [CaughtError] = []
    let cancel = CancelFlag.shared

    init(interpreter: Interpreter) {
        self.interpreter = interpreter
        let bytes = Machine.stackCapacity * MemoryLayout<Value>.stride
        // Zero pages are numbers, and cost nothing until they are touched.
        let memory = mmap(
            nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        if let memory, memory != MAP_FAILED {
            stack = memory.bindMemory(to: Value.self, capacity: Machine.stackCapacity)
            stackEnd = stack + (Machine.stackCapacity - 2 * Machine.stackMargin)
        } else {
            stack = .allocate(capacity: 1)
            stack.initialize(to: .number(0))
            stackEnd = stack
        }
        frames = .allocate(capacity: Machine.frameCapacity)
        top = stack
    }

    deinit {
        if stackEnd > stack {
            munmap(stack, Machine.stackCapacity * MemoryLayout<Value>.stride)
        } else {
            stack.deinitialize(count: 1)
            stack.deallocate()
        }
        frames.deallocate()
    }

    // MARK: Entering

    /// Look at the cancel flag and the budget.
    @inline(never)
    func poll() throws {
        ticks = Machine.ticksPerPoll
        if cancel.isSet { throw Failure.interrupted }
        if let left = budget {
            if left <= 0 { throw Failure(.interrupted, "the step budget is spent") }
            budget = left - Machine.ticksPerPoll
        }
    }

    /// A frame for `function` with its arguments already at `base`.
    @inline(__always)
    func push(
        _ function: Unmanaged<Function>, _ entry: UnsafePointer<Entry>, base: Slot, to destination: Int,
        isEntry: Bool
    )
        throws
    {
        let end = base + entry.pointee.registerCount
        if end >= stackEnd || depth >= interpreter.maximumDepth - 1 || depth >= Machine.frameCapacity - 2 {
            throw tooDeep
        }
        depth += 1
        top = end
        frames[depth] = Frame(
            pc: entry.pointee.code, base: base, function: function, entry: entry, destination: destination,
            isEntry: isEntry)
    }

    var tooDeep: Failure {
        Failure(
            .memory, "calls are nested too deeply (\(depth + 1) are open)",
            hint: "a function that calls itself needs an end; a loop needs no depth")
    }

    /// Run the function whose frame was pushed last, until it returns.
    func runFrame() throws -> Value {
        if nesting >= Machine.deepestNesting {
            leaveFrame()
            throw tooDeep
        }
        nesting += 1
        defer { nesting -= 1 }
        return try execute()
    }

    /// Drop the current frame: its window is cleared.
    func leaveFrame() {
        let frame = frames[depth]
        clear(frame.base, frame.entry.pointee.registerCount)
        depth -= 1
        top = frame.base
    }

    @inline(__always)
    func clear(_ base: Slot, _ count: Int) {
        var p = base
        let end = base + count
        while p < end {
            p.clear()
            p += 1
        }
    }
}
