import Foundation
import Language
import Testing

@Suite struct NumberTests {
    /// The C library's text, which is the exact value's, ties to even.
    private func printed(_ x: Double, _ precision: Int) -> String {
        var buffer = [CChar](repeating: 0, count: 700)
        _ = withVaList([x]) { vsnprintf(&buffer, buffer.count, "%.\(precision)f", $0) }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    @Test func decimalsAreTheExactValues() {
        var generator = SystemRandomNumberGenerator()
        let ties: [Double] = [
            0, -0.0, 0.5, 1.5, 2.5, -2.5, 0.125, 0.375, 0.005, 1.005, 2.675, 1e15, 4503599627370495.5, 0.045,
            9.995, 99.9999, 0.1 + 0.2, Double.leastNonzeroMagnitude, 1e300, -1e-7,
        ]
        for x in ties + (1...8).map({ Double($0) / 16 }) {
            for p in 0...17 { #expect(Numbers.formatted(x, precision: p, conversion: "f") == printed(x, p)) }
        }
        for _ in 0..<20_000 {
            let p = Int.random(in: 0...16, using: &generator)
            let size = pow(10, Double.random(in: -8...16, using: &generator))
            // Half of them near a tie.
            let x =
                Bool.random(using: &generator)
                ? Double.random(in: -size...size, using: &generator)
                : (Double.random(in: 0...1e6, using: &generator).rounded() + 0.5) / pow(10, Double(p))
            let (found, wanted) = (Numbers.formatted(x, precision: p, conversion: "f"), printed(x, p))
            #expect(found == wanted, "\(x) with \(p) decimals")
        }
    }
}
