import Glibc
import Tensor

extension RandomNumbers {
    /// Standard normal (Box and Muller).
    mutating func normal() -> Double {
        let u = (Double(word()) + 0.5) * 0x1p-32
        return sqrt(-2 * log(u)) * cos(2 * .pi * uniform())
    }

    /// Gamma with shape `a` and scale 1 (Marsaglia and Tsang 2000).
    mutating func gamma(_ a: Double) -> Double {
        if a < 1 {
            let boost = pow((Double(word()) + 0.5) * 0x1p-32, 1 / a)
            return gamma(a + 1) * boost
        }
        let d = a - 1 / 3.0
        let c = 1 / sqrt(9 * d)
        // Accepts more than 95 of 100 draws; the bound only keeps the loop from being endless on paper.
        for _ in 0..<1000 {
            let x = normal()
            let v = pow(1 + c * x, 3)
            if v <= 0 { continue }
            let u = (Double(word()) + 0.5) * 0x1p-32
            if log(u) < 0.5 * x * x + d - d * v + d * log(v) { return d * v }
        }
        return d
    }

    /// Beta with both parameters `a`.
    mutating func beta(_ a: Double) -> Double {
        let (x, y) = (gamma(a), gamma(a))
        // Tiny parameters underflow: the limit is one end or the other.
        return x + y > 0 ? x / (x + y) : uniform() < 0.5 ? 0 : 1
    }
}
