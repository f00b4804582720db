import Graph
import Support
import Tensor

/// A piece of work that becomes one step: some nodes of the graph computed together.
struct Unit {
    enum Kind {
        /// Nodes of one shape computed in one pass.
        case elementwise([Int])
        /// A convolution, with bias and ReLU folded in where they followed.
        case convolution(node: Int, bias: Int?, relu: Bool)
        /// A kernel gradient, with the sum over the cotangent (the bias' gradient) where wanted.
        case kernelGradient(node: Int, biasGradient: Int?)
        /// Max pooling that notes the winners where a later unit asks for them.
        case maxPool(node: Int, notesWinners: Bool)
        /// Gradient of a pooling from its winners, masked by the pooled result where ReLU came before.
        case maxPoolGradient(node: Int, pool: Int, masked: Bool)
        case maxPoolSelection(node: Int, pool: Int)
        /// Batch normalization with the ReLU and the max pooling that followed.
        case normalization(node: Int, relu: Bool, pool: (node: Int, notesWinners: Bool)?)
        /// Any other node, on its own.
        case single(Int)
    }
    var kind: Kind
    /// Values read, as nodes of the graph (aliases resolved).
    var reads: [Int]
    /// Values made.
    var writes: [Int]
    /// Written variables, where this unit may write them in place.
    var updates: [Int: Variable] = [:]
}

/// Turns a graph into units in the order in which they will run.
struct Lowering {
    let graph: Graph
    let outputs: [Int]
    let updates: [(variable: Variable, value: Int)]
    /// Nodes that somebody needs.
    private(set) var live: [Bool]
    /// Live nodes that read a node; outputs count as nodes.count.
    private(set) var consumers: [[Int]]
    private var unitOf: [Int: Int] = [:]
    private(set) var units: [Unit] = []

    init(graph: Graph, outputs: [Int], updates: [(variable: Variable, value: Int)]) {
        self.graph = graph
        self.outputs = outputs
        self.updates = updates
        let n = graph.nodes.count
        live = [Bool](repeating: false, count: n)
        consumers = [[Int]](repeating: [], count: n)
        for id in outputs + updates.map(\.value) {
            live[id] = true
            consumers[id].append(n)
        }
        for id in (0..<n).reversed() where live[id] {
            for input in Set(graph.nodes[id].inputs) {
                live[input] = true
                consumers[input].append(id)
            }
        }
    }

    mutating func run() -> [Unit] {
        fusePoolings()
        fuseConvolutions()
        fuseNormalizations()
        groupElementwise()
        for id in graph.nodes.indices where live[id] && unitOf[id] == nil && !isAlias(id) && !isInline(id) {
            claim(Unit(kind: .single(id), reads: graph.nodes[id].inputs.map(source), writes: [id]), [id])
        }
        return scheduled()
    }

    // MARK: what a node is

    /// Follows reshapes and identities to the node that holds the memory.
    func source(_ id: Int) -> Int {
        var id = id
        while isAlias(id) { id = graph.nodes[id].inputs[0] }
        return id
    }

    func isAlias(_ id: Int) -> Bool {
        let node = graph.nodes[id]
        if node.operation is Reshape || node.operation is StopGradient { return true }
        if let unary = node.operation as? Unary, unary.function == .identity { return true }
        return false
    }

    func isLeaf(_ id: Int) -> Bool { graph.nodes[id].operation is Leaf }

    /// Numbers that elementwise units hold as constants; made into memory only where others read them.
    func isInline(_ id: Int) -> Bool {
        let operation = graph.nodes[id].operation
        return operation is Fill || operation is Iota || operation is Leaf
    }

    private func isVectorType(_ type: ElementType) -> Bool { type == .float32 || type == .bool }

    private func isElementwise(_ id: Int) -> Bool {
        let node = graph.nodes[id]
        guard isVectorType(node.type.type), !isAlias(id), node.type.count > 0 else { return false }
        let operation = node.operation
        guard
            operation is Unary || operation is Binary || operation is Select || operation is Cast
                || operation is Broadcast
        else { return false }
        return node.inputs.allSatisfy { isVectorType(graph.nodes[$0].type.type) }
    }

    private mutating func claim(_ unit: Unit, _ nodes: [Int]) {
        for id in nodes { unitOf[id] = units.count }
        units.append(unit)
    }

    private func onlyConsumer(of id: Int) -> Int? {
        guard consumers[id].count == 1, consumers[id][0] < graph.nodes.count else { return nil }
        return consumers[id][0]
    }

    // MARK: patterns

    /// Poolings keep the winners for their gradients. A gradient masked by the ReLU before the pooling
    /// needs the pooled values only, so that the map before the pooling need not be kept.
    private mutating func fusePoolings() {
        var pools: [Int: (geometry: PoolGeometry, input: Int)] = [:]
        for id in graph.nodes.indices where live[id] {
            guard let pool = graph.nodes[id].operation as? MaxPool,
                graph.nodes[id].type.type == .float32,
                pool.geometry.windows.reduce(1, { $0 * $1.size }) <= 256, pool.geometry.windows.count <= 2
            else { continue }
            pools[id] = (pool.geometry, graph.nodes[id].inputs[0])
        }
        func forward(_ geometry: PoolGeometry, _ input: Int) -> Int? {
            pools.first { $0.value.geometry == geometry && $0.value.input == input }?.key
        }
        var noted: Set<Int> = []
        for id in graph.nodes.indices where live[id] {
            let node = graph.nodes[id]
            if let op = node.operation as? MaxPoolGradient, let pool = forward(op.geometry, node.inputs[0]) {
                noted.insert(pool)
                let mask = maskedGradient(id, input: node.inputs[0])
                let result = mask ?? id
                let reads = [source(node.inputs[1]), pool]
                claim(
                    Unit(
                        kind: .maxPoolGradient(node: id, pool: pool, masked: mask != nil), reads: reads,
                        writes: [result]), [id, result])
            } else if let op = node.operation as? MaxPoolSelection,
                let pool = forward(op.geometry, node.inputs[0])
            {
                noted.insert(pool)
                claim(
                    Unit(
                        kind: .maxPoolSelection(node: id, pool: pool), reads: [source(node.inputs[1]), pool],
                        writes: [id]), [id])
            }
        }
        for (id, pool) in pools.sorted(by: { $0.key < $1.key }) {
            if let (node, relu) = normalization(pooledBy: id, input: pool.input) {
                claimNormalization(node, relu: relu, pool: (id, noted.contains(id)))
                continue
            }
            claim(
                Unit(
                    kind: .maxPool(node: id, notesWinners: noted.contains(id)), reads: [source(pool.input)],
                    writes: [id]), [id])
        }
    }

    /// The node that multiplies the pooling's gradient by ReLU's, where that is its only reader and the
    /// ReLU is the one whose result was pooled.
    private func maskedGradient(_ id: Int, input: Int) -> Int? {
        guard let reader = onlyConsumer(of: id),
            let binary = graph.nodes[reader].operation as? Binary, binary.function == .reluGradient,
            graph.nodes[reader].inputs == [id, input],
            let relu = graph.nodes[input].operation as? Unary, relu.function == .relu
        else { return nil }
        return reader
    }

    /// The batch normalization whose result, through ReLU or not, only this pooling and units that read
    /// the pooling's winners instead want: then it need not be kept.
    private func normalization(pooledBy pool: Int, input: Int) -> (node: Int, relu: Int?)? {
        let served = consumers[input].allSatisfy { reader in
            if reader == pool { return true }
            guard reader < graph.nodes.count, let unit = unitOf[reader] else { return false }
            switch units[unit].kind {
            case .maxPoolGradient(_, let p, _), .maxPoolSelection(_, let p): return p == pool
            default: return false
            }
        }
        guard served else { return nil }
        if isNormalization(input) { return (input, nil) }
        guard let unary = graph.nodes[input].operation as? Unary, unary.function == .relu else { return nil }
        let node = graph.nodes[input].inputs[0]
        return isNormalization(node) && onlyConsumer(of: node) == input ? (node, input) : nil
    }

    private func isNormalization(_ id: Int) -> Bool {
        let node = graph.nodes[id]
        return node.operation is Normalize && node.type.type == .float32 && node.type.count > 0
            && unitOf[id] == nil
    }

    private mutating func claimNormalization(_ node: Int, relu: Int?, pool: (node: Int, notesWinners: Bool)?)
    {
        let nodes = [node, relu, pool?.node].compactMap { $0 }
        claim(
            Unit(
                kind: .normalization(node: node, relu: relu != nil, pool: pool),
                reads: graph.nodes[node].inputs.map(source), writes: [nodes.last ?? node]), nodes)
    }

    private mutating func fuseNormalizations() {
        for id in graph.nodes.indices where live[id] && isNormalization(id) {
            var relu: Int?
            if let next = onlyConsumer(of: id), let unary = graph.nodes[next].operation as? Unary,
                unary.function == .relu, unitOf[next] == nil
            {
                relu = next
            }
            claimNormalization(id, relu: relu, pool: nil)
        }
    }

    private mutating func fuseConvolutions() {
        for id in graph.nodes.indices where live[id] && graph.nodes[id].type.type == .float32 {
            let node = graph.nodes[id]
            if node.operation is Convolution {
                fuseForward(id)
            } else if node.operation is ConvolutionKernelGradient {
                let bias = biasGradient(of: node.inputs[1])
                claim(
                    Unit(
                        kind: .kernelGradient(node: id, biasGradient: bias), reads: node.inputs.map(source),
                        writes: [id] + (bias.map { [$0] } ?? [])), [id] + (bias.map { [$0] } ?? []))
            }
        }
    }

    private mutating func fuseForward(_ id: Int) {
        let node = graph.nodes[id]
        var nodes = [id]
        var bias: Int?
        var relu = false
        let filters = node.type.shape[node.type.rank - 1]
        if let add = onlyConsumer(of: id), let binary = graph.nodes[add].operation as? Binary,
            binary.function == .add, graph.nodes[add].type == node.type, unitOf[add] == nil
        {
            let other =
                graph.nodes[add].inputs[0] == id ? graph.nodes[add].inputs[1] : graph.nodes[add].inputs[0]
            let type = graph.nodes[other].type
            let root = source(other)
            if other != id, type.type == .float32, type.count == filters, type.shape.last == filters,
                !(graph.nodes[root].operation is Fill)
            {
                bias = root
                nodes.append(add)
            }
        }
        if let last = nodes.last, let next = onlyConsumer(of: last),
            let unary = graph.nodes[next].operation as? Unary, unary.function == .relu, unitOf[next] == nil
        {
            relu = true
            nodes.append(next)
        }
        let result = nodes.last ?? id
        claim(
            Unit(
                kind: .convolution(node: id, bias: bias, relu: relu),
                reads: node.inputs.map(source) + (bias.map { [$0] } ?? []), writes: [result]), nodes)
    }

    /// A live sum of `cotangent` over all axes but the last.
    private func biasGradient(of cotangent: Int) -> Int? {
        consumers[cotangent].first { reader in
            guard reader < graph.nodes.count, unitOf[reader] == nil,
                let reduce = graph.nodes[reader].operation as? Reduce
            else { return false }
            return reduce.fold == .sum && reduce.axes == Array(0..<(graph.nodes[cotangent].type.rank - 1))
        }
    }

    // MARK: elementwise groups

    /// More nodes than this do not go into one pass: their tiles would leave the cache.
    private static let mostTogether = 40

    /// Joins neighbouring elementwise nodes of one shape. A node's depth counts the other units on the
    /// longest way to it; within one depth no way leads out of a group and back, so joining is safe.
    private mutating func groupElementwise() {
        var depth = [Int](repeating: 0, count: graph.nodes.count)
        var group = [Int](repeating: -1, count: graph.nodes.count)
        var members: [Int: [Int]] = [:]
        // Nodes of one fused unit share the depth of the deepest.
        for id in graph.nodes.indices where live[id] {
            let inputs = graph.nodes[id].inputs
            if isAlias(id) || isInline(id) {
                depth[id] = inputs.map { depth[$0] }.max() ?? 0
                continue
            }
            if unitOf[id] != nil || !isElementwise(id) {
                depth[id] = (inputs.map { depth[$0] }.max() ?? 0) + 1
                continue
            }
            let shape = graph.nodes[id].type.shape
            func joins(_ input: Int) -> Bool { group[input] >= 0 && graph.nodes[input].type.shape == shape }
            var own = 0
            for input in inputs {
                let root = source(input)
                let free = joins(input) || isInline(root) || unitOf[root] != nil || group[root] < 0
                own = max(own, depth[input] + (free ? 0 : 1))
            }
            var together = Set(inputs.filter { joins($0) && depth[$0] == own }.map { group[$0] })
            if together.reduce(0, { $0 + (members[$1]?.count ?? 0) }) >= Self.mostTogether {
                own += 1
                together = []
            }
            depth[id] = own
            var list = together.sorted().flatMap { members.removeValue(forKey: $0) ?? [] }
            list.append(id)
            for member in list { group[member] = id }
            members[id] = list
        }
        for (_, list) in members.sorted(by: { $0.key < $1.key }) { claimGroup(list.sorted()) }
    }

    private mutating func claimGroup(_ nodes: [Int]) {
        let inside = Set(nodes)
        var reads: [Int] = []
        for id in nodes {
            for input in graph.nodes[id].inputs where !inside.contains(input) {
                let root = source(input)
                if !(graph.nodes[root].operation is Fill), !reads.contains(root) { reads.append(root) }
            }
        }
        let writes = nodes.filter { id in consumers[id].contains { !inside.contains($0) } }
        claim(Unit(kind: .elementwise(nodes), reads: reads, writes: writes), nodes)
    }

    // MARK: order

    /// Units in an order that respects what they read, otherwise as traced; units that only write
    /// variables come last, so that a run can be stopped until then with nothing changed.
    private mutating func scheduled() -> [Unit] {
        var maker: [Int: Int] = [:]
        for (index, unit) in units.enumerated() { for id in unit.writes { maker[id] = index } }
        var readers = [[Int]](repeating: [], count: units.count)
        var missing = [Int](repeating: 0, count: units.count)
        for (index, unit) in units.enumerated() {
            for before in Set(unit.reads.compactMap { maker[$0] }) where before != index {
                readers[before].append(index)
                missing[index] += 1
            }
        }
        let last = graph.nodes.count
        let updated = Set(updates.map(\.value))
        let needed = Set(outputs)
        func rank(_ index: Int) -> Int {
            let unit = units[index]
            let key = unit.writes.max() ?? 0
            let onlyUpdates =
                readers[index].isEmpty
                && unit.writes.allSatisfy { updated.contains($0) && !needed.contains($0) }
            return onlyUpdates ? key + last : key
        }
        var ready = Heap(units.indices.filter { missing[$0] == 0 }.map { (rank($0), $0) })
        var order: [Unit] = []
        while let index = ready.pop() {
            order.append(units[index])
            for reader in readers[index] {
                missing[reader] -= 1
                if missing[reader] == 0 { ready.push((rank(reader), reader)) }
            }
        }
        return order
    }
}

/// A small binary heap of (rank, item), smallest rank first.
private struct Heap {
    private var items: [(Int, Int)] = []
    init(_ initial: [(Int, Int)]) { for item in initial { push(item) } }

    mutating func push(_ item: (Int, Int)) {
        items.append(item)
        var i = items.count - 1
        while i > 0, items[i] < items[(i - 1) / 2] {
            items.swapAt(i, (i - 1) / 2)
            i = (i - 1) / 2
        }
    }

    mutating func pop() -> Int? {
        guard let first = items.first else { return nil }
        items.swapAt(0, items.count - 1)
        items.removeLast()
        var i = 0
        while true {
            var smallest = i
            for child in [2 * i + 1, 2 * i + 2] where child < items.count && items[child] < items[smallest] {
                smallest = child
            }
            if smallest == i { return first.1 }
            items.swapAt(i, smallest)
            i = smallest
        }
    }
}
