import Support

/// Work on many elements that stops when asked to.
public enum LongWork {
    private static let between = 0xFFFF

    /// `f(0)`, `f(1)`, … `f(count - 1)`.
    public static func list<T>(_ count: Int, _ f: (Int) throws -> T) throws -> [T] {
        var result: [T] = []
        result.reserveCapacity(max(count, 0))
        for i in 0..<max(count, 0) {
            if i & between == between { try CancelFlag.shared.check() }
            result.append(try f(i))
        }
        return result
    }

    /// Sorted so that none comes before one that it should follow.
    public static func sorted<T>(_ xs: [T], by before: (T, T) throws -> Bool) throws -> [T] {
        if xs.count <= between { return try xs.sorted(by: before) }
        var compared = 0
        return try xs.sorted { a, b in
            compared &+= 1
            if compared & between == 0 { try CancelFlag.shared.check() }
            return try before(a, b)
        }
    }

    /// The middle of the sorted numbers, or the mean of the two in the middle; nan where one is nan,
    /// nil where there are none.
    public static func median(_ xs: [Double]) throws -> Double? {
        if xs.isEmpty { return nil }
        if xs.contains(where: \.isNaN) { return .nan }
        let sorted = try sorted(xs, by: <)
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}
