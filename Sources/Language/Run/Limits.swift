import Support

/// Sizes beyond which vz says no instead of asking the system for memory it does not have.
public enum Limits {
    /// Bytes of one string.
    public static let stringBytes = 1 << 30
    /// Elements of one list.
    public static let listItems = 1 << 27
    /// From here on a list or string is asked for only where there is memory left: 64 MiB.
    public static let bigList = 1 << 22
    static let bigString = 1 << 26
    /// Lower limits for a process that must not use much memory, such as a fuzzer; set once at start.
    nonisolated(unsafe) package static var shift = 0

    public static func checkString(_ bytes: Int) throws {
        if bytes < 0 || bytes > stringBytes >> shift {
            throw Failure(
                .memory, "a string of \(bytes) bytes is too large",
                hint: "the limit is \(stringBytes >> shift) bytes")
        }
        if bytes >= bigString {
            try MemoryRoom.check(bytes, for: "a string of \(bytes) bytes", hint: "make it in pieces")
        }
    }

    public static func checkList(_ items: Int) throws {
        if items < 0 || items > listItems >> shift {
            throw Failure(
                .memory, "a list of \(items) elements is too large",
                hint: "the limit is \(listItems >> shift) elements; a tensor holds more")
        }
        if items >= bigList {
            try MemoryRoom.check(
                items &* 16, for: "a list of \(items) elements",
                hint: "numbers take a quarter of the memory in a tensor")
        }
    }
}
