import Builtins
import Testing

@Suite struct TableTests {
    /// A second entry of a name would hide the first.
    @Test func namesAreUnique() {
        let names = BuiltinTable.all().map(\.name)
        let twice = Dictionary(grouping: names, by: { $0 }).filter { $0.value.count > 1 }.keys.sorted()
        #expect(twice.isEmpty, "\(twice)")
    }
}
