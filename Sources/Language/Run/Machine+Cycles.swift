/// Inner functions that call themselves or each other hold the cells that hold them: cycles, which
/// counting references alone would never release.
extension Machine {
    /// Where nothing outside holds any of them when the outer function returns, the cells let go of
    /// their functions. Called before the window is cleared.
    @inline(never)
    func releaseCycles(_ base: Slot) {
        let prototype = prototype
        let registers = prototype.functionCells
        for r in 0..<prototype.registerCount where !registers.contains(r) { (base + r).clear() }
        var graph = HeldGraph()
        for r in registers where (base + r).high >> 60 == Tag.objectNibble {
            // The register's own reference counts as one from inside.
            graph.visit(base + r)
        }
        if graph.isHeldFromOutside { return }
        for r in registers where (base + r).high >> 60 == Tag.objectNibble {
            (base + r).reference(Cell.self)._withUnsafeGuaranteedRef { $0.slot.pointee = Hole.value }
        }
    }
}

/// Cells and functions that hold each other, with the number of references seen to each.
private struct HeldGraph {
    private var seen: [UnsafeMutableRawPointer: UInt] = [:]

    /// Counts the reference in `slot`, and at the first time those of what it holds.
    mutating func visit(_ slot: Slot) {
        var waiting = [slot]
        while let slot = waiting.popLast() {
            if slot.high == Tag.function {
                let function = slot.reference(Function.self)
                guard count(function.toOpaque()) else { continue }
                function._withUnsafeGuaranteedRef { f in
                    for i in 0..<f.prototype.captures.count { waiting.append(f.captures + i) }
                }
            } else if slot.high >> 60 == Tag.objectNibble, isCell(slot) {
                let cell = slot.reference(Cell.self)
                guard count(cell.toOpaque()) else { continue }
                waiting.append(cell._withUnsafeGuaranteedRef { $0.slot })
            }
        }
    }

    /// True at the first time.
    private mutating func count(_ object: UnsafeMutableRawPointer) -> Bool {
        let old = seen.updateValue(seen[object, default: 0] + 1, forKey: object)
        return old == nil
    }

    private func isCell(_ slot: Slot) -> Bool {
        if case .object(let o) = slot.pointee { return o is Cell }
        return false
    }

    var isHeldFromOutside: Bool { seen.contains { strongCount($0.key) != $0.value } }

    /// How many strong references there are, read from the object's header; 0 where it does not say.
    private func strongCount(_ object: UnsafeMutableRawPointer) -> UInt {
        let bits = object.load(fromByteOffset: 8, as: UInt64.self)
        // The highest bit: a side table holds the counts.
        if bits >> 63 != 0 { return 0 }
        return UInt(bits >> 33) + 1
    }
}
