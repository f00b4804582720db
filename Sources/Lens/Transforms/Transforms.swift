import Glibc
import Graph
import Support
import Tensor

/// Random changes of the input before each step's forward pass, so that what is found does not hang on
/// single positions. Each has a strength, which may change from step to step; all follow from the key.
///
/// The gradient goes back through all of them. One draw holds for the whole batch.
public struct Transforms {
    /// Moves by up to so many places along each spatial axis; what leaves one end enters the other.
    public var jitter = Strength.none
    /// The same by up to this share of each axis' length.
    public var roll = Strength.none
    /// Zooms by a factor between 1 / (1 + s) and 1 + s.
    public var scale = Strength.none
    /// Turns pictures by up to so many degrees.
    public var rotate = Strength.none
    /// Looks at a window that is up to so many places shorter, stretched to full size.
    public var crop = Strength.none
    /// Shrinks the input so that so many places around it are empty, and moves it there at random.
    public var pad = Strength.none
    /// Moves by up to so many places; what leaves is lost, silence (or grey) enters.
    public var shift = Strength.none
    /// Plays sounds at a speed between 1 / (1 + s) and 1 + s.
    public var speed = Strength.none
    /// Makes louder or softer by up to so many decibels.
    public var gain = Strength.none
    /// Adds normal noise of this standard deviation.
    public var noise = Strength.none

    public init() {}

    private var moves: Bool {
        [scale, rotate, crop, pad, shift, speed].contains { !$0.isNone }
    }
    private var rolls: Bool { !jitter.isNone || !roll.isNone }
    public var isActive: Bool { moves || rolls || !gain.isNone || !noise.isNone }

    /// The values of a run that the transforms take, in order.
    struct Inputs {
        var values: [Traced] = []
        let shift: Traced?
        let motion: Traced?
        let gain: Traced?
        let noise: (size: Traced, key: Traced)?
    }

    /// Make room for the random values of a step in `graph`.
    func inputs(_ graph: Graph, spatial: Int) throws -> Inputs {
        if moves && !(1...2).contains(spatial) {
            throw Failure(
                .argument,
                "maximize: inputs with \(spatial) spatial axes cannot be zoomed, turned or shifted",
                hint: "jitter and noise work on any")
        }
        if !rotate.isNone && spatial != 2 {
            throw Failure(.argument, "maximize: only pictures can be rotated")
        }
        let shift = rolls && spatial > 0 ? graph.input(ValueType([spatial], .int32)) : nil
        let motion = moves ? graph.input(ValueType([spatial * (spatial + 1)])) : nil
        let gain = self.gain.isNone ? nil : graph.input(ValueType([]))
        let noise =
            self.noise.isNone
            ? nil : (size: graph.input(ValueType([])), key: graph.input(ValueType([4], .int32)))
        return Inputs(
            values: [shift, motion, gain, noise?.size, noise?.key].compactMap { $0 }, shift: shift,
            motion: motion, gain: gain, noise: noise)
    }

    /// x [batch, spatial…, channels] as the network sees it at one step.
    func apply(_ x: Traced, _ inputs: Inputs, _ space: InputSpace) throws -> Traced {
        var seen = x
        let middle = try space.row(space.middle, in: x.graph)
        let isCentred = space.middle.allSatisfy { $0 == 0 }
        if let shift = inputs.shift { seen = try seen.rolled(by: shift, axes: Array(1..<(x.rank - 1))) }
        if let motion = inputs.motion {
            // What comes in from outside is grey, or silence.
            let centred = isCentred ? seen : try seen - middle
            let moved = try centred.resampled(at: Self.positions(motion, x.shape), border: .zeros)
            seen = isCentred ? moved : try moved + middle
        }
        if let gain = inputs.gain {
            seen = try isCentred ? seen * gain : (seen - middle) * gain + middle
        }
        if let noise = inputs.noise {
            seen = try seen + noise.key.random(.normal, shape: x.shape, stream: 7) * noise.size
        }
        return seen
    }

    /// Where each place of inputs of `shape` looks: the motion's A p + b, [1, spatial…, axes].
    private static func positions(_ motion: Traced, _ shape: [Int]) throws -> Traced {
        let lengths = Array(shape[1..<(shape.count - 1)])
        let d = lengths.count
        func number(_ i: Int) throws -> Traced { try motion.sliced(axis: 0, from: i, to: i + 1) }
        let grids = try lengths.enumerated().map { axis, n in
            var form = [Int](repeating: 1, count: d + 2)
            form[axis + 1] = n
            return motion.graph.constant(try Tensor((0..<n).map { Float($0) }, shape: form))
        }
        let whole = [1] + lengths + [1]
        let parts = try (0..<d).map { row in
            var sum = try number(row * (d + 1) + d)
            for column in 0..<d { sum = try sum + grids[column] * number(row * (d + 1) + column) }
            return try sum.broadcasted(to: whole)
        }
        return try Traced.concatenated(parts, axis: d + 1)
    }

    /// The random values of step `step`, as `inputs` asks for them. `lengths`: the spatial axes.
    func draw(_ step: Int, of steps: Int, key: RandomKey, lengths: [Int]) throws -> [Tensor] {
        let own = RandomKey(seed: key.seed, step: key.step &+ UInt64(step) &+ 1)
        var chance = RandomNumbers(key: own, stream: 1)
        func strength(_ s: Strength, _ name: String) throws -> Double {
            try s.value(at: step, of: steps, name)
        }
        func even(_ reach: Double) -> Double { (2 * chance.uniform() - 1) * reach }
        var values: [Tensor] = []
        if rolls && !lengths.isEmpty {
            let places = try strength(jitter, "jitter")
            let share = try strength(roll, "roll")
            values.append(
                try Tensor(
                    lengths.map { n in
                        let reach = (abs(places) + abs(share) * Double(n)).rounded(.down)
                        let span = min(reach, 1e8)
                        return Int32(
                            clampingDouble: (chance.uniform() * (2 * span + 1)).rounded(.down) - span)
                    }, shape: [lengths.count]))
        }
        if moves {
            let wanted = try exp(
                even(log1p(abs(strength(scale, "scale")))) + even(log1p(abs(strength(speed, "speed")))))
            // Within what a motion in float32 can be.
            let zoom = min(max(wanted, 1e-3), 1e3)
            let angle = try even(strength(rotate, "rotate")) * .pi / 180
            let reach = try min(abs(strength(shift, "shift")), 1e9)
            let cropped = try abs(strength(crop, "crop"))
            let padded = try min(abs(strength(pad, "pad")), 1e6)
            let motions = lengths.map { n -> (factor: Double, offset: Double) in
                let length = Double(n)
                let window = max(length - chance.uniform() * min(cropped, length - 1), 1)
                let wide = length + 2 * padded
                let offset = even((length - window) / 2) + even(padded) + even(reach)
                return (window / length * wide / length / zoom, offset)
            }
            values.append(try Self.motion(motions, angle: angle, lengths: lengths))
        }
        if !gain.isNone {
            values.append(try Tensor(scalar: Float(pow(10, even(strength(gain, "gain")) / 20))))
        }
        if !noise.isNone {
            values.append(try Tensor(scalar: Float(strength(noise, "noise"))))
            values.append(try Tensor(own.words, shape: [4]))
        }
        return values
    }

    /// The rows of [A | b] about the middle of the axes.
    private static func motion(
        _ axes: [(factor: Double, offset: Double)], angle: Double, lengths: [Int]
    ) throws -> Tensor {
        let centres = lengths.map { Double($0 - 1) / 2 }
        if axes.count == 1 {
            let (factor, offset) = axes[0]
            return try Tensor(
                [factor, centres[0] + offset - factor * centres[0]].map(Float.init), shape: [2])
        }
        let (c, s) = (cos(angle), sin(angle))
        let rows = [[c * axes[0].factor, -s * axes[0].factor], [s * axes[1].factor, c * axes[1].factor]]
        var values: [Float] = []
        for (i, row) in rows.enumerated() {
            let b = centres[i] + axes[i].offset - row[0] * centres[0] - row[1] * centres[1]
            values += [Float(row[0]), Float(row[1]), Float(b)]
        }
        return try Tensor(values, shape: [6])
    }
}
