@preconcurrency import Glibc

/// Watches one input after another: which number is in hand when the process crashes or hangs, and what
/// each one took.
package final class Trials {
    /// Bytes by which memory may grow while one input is tried, whatever its size.
    private let slack: Int
    /// Bytes by which memory may grow in all.
    private let allowance: Int
    /// Seconds of processor time that an input may take.
    private let patience = 2.0
    /// Seconds of processor time, and of any time, after which it hangs.
    private static let hang = (busy: 60, waiting: 600)

    private let start: Int
    private var before = 0
    private var begun: clock_t = 0
    package private(set) var count: UInt64 = 0
    package private(set) var problems = 0
    package private(set) var slowest = 0.0

    /// Inputs in hand are told by number from here on.
    /// - Parameters:
    ///   - slack: bytes that an input may take beyond 16 times its size.
    ///   - allowance: bytes that all of them together may.
    package init(slack: Int, allowance: Int) {
        (self.slack, self.allowance) = (slack, allowance)
        for s in [SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGABRT] { signal(s) { tell("crash", 70, $0) } }
        signal(SIGPROF) { tell("hang", 71, $0) }
        signal(SIGALRM) { tell("hang", 71, $0) }
        start = Trials.peak()
    }

    /// The sanitizer reports these itself, with the place.
    package func watchAddresses() { signal(SIGSEGV) { tell("crash", 70, $0) } }

    /// Bytes of memory at most so far.
    package static func peak() -> Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss << 10
    }

    package var grown: Int { Trials.peak() - start }

    package func report(_ number: UInt64, _ what: String) {
        print("--seed \(number): \(what)")
        fflush(stdout)
        problems += 1
    }

    /// Try an input of `size` bytes; `body` says what is wrong with what came of it.
    package func run(_ number: UInt64, size: Int, _ body: () -> String?) {
        inHand = number
        count += 1
        Trials.arm(Trials.hang.busy, Trials.hang.waiting)
        (before, begun) = (Trials.peak(), clock())
        let wrong = body()
        let seconds = Double(clock() - begun) / Double(CLOCKS_PER_SEC)
        let growth = Trials.peak() - before
        Trials.arm(0, 0)
        slowest = max(slowest, seconds)
        if let wrong { report(number, wrong) }
        if seconds > patience { report(number, "took \(seconds) s") }
        if growth > slack + 16 * size {
            report(number, "took \(growth >> 20) MiB for \(size) bytes")
        }
    }

    /// One line on all of them, and what is wrong with them together.
    package func finish(_ name: String, _ more: String = "") {
        if grown > allowance {
            print("\(name): memory grew by \(grown >> 20) MiB")
            problems += 1
        }
        print(
            "\(name): \(count) tried, \(problems) went wrong\(more), at most \(slowest) s, memory grew by \(grown >> 20) MiB"
        )
        fflush(stdout)
    }

    private static func arm(_ busy: Int, _ waiting: Int) {
        var time = itimerval()
        time.it_value.tv_sec = busy
        setitimer(__itimer_which_t(ITIMER_PROF.rawValue), &time, nil)
        alarm(UInt32(waiting))
    }
}

/// The number in hand, for the signal handlers.
nonisolated(unsafe) private var inHand: UInt64 = 0

private func tell(_ what: StaticString, _ code: Int32, _ signal: Int32) {
    what.withUTF8Buffer { _ = write(2, $0.baseAddress, $0.count) }
    var text: [UInt8] = Array(" at --seed ".utf8)
    text += String(inHand).utf8
    text.append(10)
    _ = text.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    _exit(code)
}
