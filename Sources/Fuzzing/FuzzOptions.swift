import ArgumentParser

/// What every program that throws bad input at vzsh takes.
package struct FuzzOptions: ParsableArguments {
    @Option(help: "The first number; the same number makes the same input.") package var seed: UInt64 = 1
    @Option(help: "Inputs to try.") package var count: UInt64 = 100_000

    package init() {}

    package mutating func validate() throws {
        if seed.addingReportingOverflow(count).overflow {
            throw ValidationError("--seed and --count together pass \(UInt64.max)")
        }
    }

    package var numbers: Range<UInt64> { seed..<seed + count }
}
