import Glibc

/// n-point Gauss-Legendre quadrature on [0, 1]: exact for polynomials up to degree 2n − 1.
package struct GaussLegendre {
    /// From 0 to 1, ascending.
    package let nodes: [Double]
    package let weights: [Double]

    /// Newton's method on the Legendre polynomial, from Tricomi's starting values.
    package init(_ n: Int) {
        var nodes = [Double](repeating: 0, count: n)
        var weights = nodes
        for i in 0..<n {
            var x = cos(Double.pi * (Double(i) + 0.75) / (Double(n) + 0.5))
            var slope = 1.0
            for _ in 0..<100 {
                var (p, before) = (1.0, 0.0)
                for k in 0..<n {
                    (p, before) = ((Double(2 * k + 1) * x * p - Double(k) * before) / Double(k + 1), p)
                }
                slope = Double(n) * (x * p - before) / (x * x - 1)
                let change = p / slope
                x -= change
                if abs(change) < 1e-15 { break }
            }
            nodes[n - 1 - i] = (1 + x) / 2
            weights[n - 1 - i] = 1 / ((1 - x * x) * slope * slope)
        }
        (self.nodes, self.weights) = (nodes, weights)
    }
}
