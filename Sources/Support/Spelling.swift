/// "Did you mean …?": the nearest of some known names.
public enum Spelling {
    /// The candidate nearest to `name` by Damerau-Levenshtein distance, or nil where none is near:
    /// at most a third of the letters may differ (at least one, but none of two), case counts half a letter's worth.
    public static func nearest(_ name: String, among candidates: some Sequence<String>) -> String? {
        let typed = Array(name.lowercased().unicodeScalars.prefix(64))
        let allowed = max(1, typed.count / 3)
        var best: (distance: Int, name: String)?
        for candidate in candidates where candidate != name {
            let known = Array(candidate.lowercased().unicodeScalars.prefix(64))
            if abs(known.count - typed.count) > allowed { continue }
            let d = distance(typed, known)
            // A name of which no letter is left as typed was not meant; of two, both must be there.
            if d > allowed || d >= max(typed.count, known.count) { continue }
            if typed.count == 2, known.count == 2, d > 0, typed[0] != known[1] || typed[1] != known[0] {
                continue
            }
            if let b = best, (b.distance, b.name) <= (d, candidate) { continue }
            best = (d, candidate)
        }
        return best?.name
    }

    /// Optimal string alignment distance: insertions, deletions, substitutions, swaps of neighbours.
    static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
        if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in 1...a.count {
            var row = [i] + Array(repeating: 0, count: b.count)
            for j in 1...b.count {
                let substitution = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
                row[j] = min(substitution, last[j] + 1, row[j - 1] + 1)
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                    row[j] = min(row[j], beforeLast[j - 2] + 1)
                }
            }
            beforeLast = last
            last = row
        }
        return last[b.count]
    }
}
