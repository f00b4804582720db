import Engine
import Glibc
import Graph
import Network
import Support
import Tensor
import Testing

@Suite struct FilterBankTests {
    @Test func bandsLieOnTheMelScale() throws {
        let (filters, length) = (16, 400)
        let kernel = try FilterBank.gabor(filters: filters, length: length, rate: 16000, low: 100, high: 4000)
        #expect(kernel.shape == [length, 1, filters])
        let values = try kernel.array(of: Float.self)
        func mel(_ f: Double) -> Double { 2595 * log10(1 + f / 700) }
        for band in 0..<(filters / 2) {
            let step = (mel(4000) - mel(100)) / Double(filters / 2 + 1)
            func at(_ i: Int) -> Double { 700 * (pow(10, (mel(100) + step * Double(i)) / 2595) - 1) }
            let centre = at(band + 1)
            let width = (at(band + 2) - at(band)) / 2
            // Response to a wave of unit amplitude at some frequency, whatever its phase.
            func response(_ f: Double) -> Double {
                var total = 0.0
                for part in [band, filters / 2 + band] {
                    var (re, im) = (0.0, 0.0)
                    for i in 0..<length {
                        let v = Double(values[i * filters + part])
                        re += v * cos(2 * Double.pi * f * Double(i) / 16000)
                        im += v * sin(2 * Double.pi * f * Double(i) / 16000)
                    }
                    total += re * re + im * im
                }
                return total
            }
            let top = response(centre)
            #expect(top > 1)
            // Half the power at half the width; the window makes the narrowest bands wider.
            if width > 250 {
                for f in [centre - width / 2, centre + width / 2] {
                    #expect((0.4...0.7).contains(response(f) / top))
                }
                for f in [centre - 2 * width, centre + 2 * width] where f > 0 {
                    #expect(response(f) < 0.05 * top)
                }
            }
            let energy = (0..<length).reduce(0.0) {
                $0 + pow(Double(values[$1 * filters + band]), 2)
                    + pow(Double(values[$1 * filters + filters / 2 + band]), 2)
            }
            #expect(abs(energy - 2) < 1e-3)
        }
    }

    @Test func impossibleBanksAreExplained() {
        #expect(message { _ = try FilterBank.gabor(filters: 7, length: 400) }.contains("are no pairs"))
        #expect(message { _ = try FilterBank.gabor(filters: 8, length: 1) }.contains("kernels of 1 samples"))
        #expect(
            message { _ = try FilterBank.gabor(filters: 8, length: 400, low: 9000) }.contains("no bands lie"))
    }

    @Test func squaredModulusAddsPairs() throws {
        let net = try Network.sequential(
            [.layer(Layer(SquaredModulusLayer())), .layer(.activation(.log))], input: [2, 4])
        let y = try net.predict(
            Tensor([3, 0, 4, 1, 1, 2, 0, 2] as [Float], shape: [2, 4]), cancel: CancelFlag())
        let wanted: [Float] = [25, 1, 1, 8].map { log($0 + 1e-6) }
        #expect(y.shape == [2, 2])
        for (a, b) in zip(try y.array(of: Float.self), wanted) { #expect(abs(a - b) < 1e-5) }
        #expect(
            message {
                _ = try Network.sequential([.layer(Layer(SquaredModulusLayer()))], input: [2, 3])
            }.contains("must hold pairs"))
    }

    /// Written and read back: both new kinds of layer are known to files.
    @Test func filesKnowTheLayers() throws {
        let net = try Network.sequential(
            [.layer(Layer(SquaredModulusLayer())), .layer(.activation(.log))], input: [2, 4])
        let copy = try Network(architecture: net.architecture())
        #expect(copy.layerNames == ["squared_modulus", "log"])
    }
}
