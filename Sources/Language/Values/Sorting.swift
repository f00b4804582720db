/// The order of values: numbers, strings, booleans, and lists of these.
public enum Sorting {
    /// Positions of `keys` from the smallest to the largest (the other way round where `reversed`); keys
    /// that are equal keep their order, and nan comes last.
    public static func order(of keys: [Value], reversed: Bool) throws -> [Int] {
        if let numbers = numbers(keys) { return try order(of: numbers, reversed: reversed) }
        if let texts = texts(keys) { return try order(of: texts, reversed: reversed) }
        return try LongWork.sorted(Array(keys.indices)) { i, j in
            let c = try Operators.order(keys[i], keys[j])
            return c == 0 ? i < j : (c < 0) != reversed
        }
    }

    private static func numbers(_ keys: [Value]) -> [Double]? {
        var found: [Double] = []
        found.reserveCapacity(keys.count)
        for key in keys {
            guard case .number(let x) = key, !x.isNaN else { return nil }
            found.append(x)
        }
        return found
    }

    private struct Numbered {
        let key: Double
        let place: Int
    }

    private static func order(of numbers: [Double], reversed: Bool) throws -> [Int] {
        let all = numbers.enumerated().map { Numbered(key: $1, place: $0) }
        let sorted =
            reversed
            ? try LongWork.sorted(all) { $0.key == $1.key ? $0.place < $1.place : $0.key > $1.key }
            : try LongWork.sorted(all) { $0.key == $1.key ? $0.place < $1.place : $0.key < $1.key }
        return sorted.map(\.place)
    }

    private static func texts(_ keys: [Value]) -> [Text]? {
        var found: [Text] = []
        found.reserveCapacity(keys.count)
        for key in keys {
            guard case .string(let text) = key else { return nil }
            found.append(text)
        }
        return found
    }

    /// The first eight bytes of a text as one number, which mostly decides.
    private struct Lettered {
        let head: UInt64
        let place: Int

        init(_ text: Text, _ place: Int) {
            var head: UInt64 = 0
            var shift: UInt64 = 56
            for byte in text.string.utf8.prefix(8) {
                head |= UInt64(byte) << shift
                shift &-= 8
            }
            self.head = head
            self.place = place
        }
    }

    private static func order(of texts: [Text], reversed: Bool) throws -> [Int] {
        let all = texts.enumerated().map { Lettered($1, $0) }
        return try LongWork.sorted(all) { a, b in
            if a.head != b.head { return (a.head < b.head) != reversed }
            let c = Operators.scalarOrder(texts[a.place].string, texts[b.place].string)
            return c == 0 ? a.place < b.place : (c < 0) != reversed
        }.map(\.place)
    }
}
