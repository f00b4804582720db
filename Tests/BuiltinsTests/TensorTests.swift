import Builtins
import Testing

@Suite struct TensorBuiltinTests {
    @Test func operators() {
        VZ.check(
            """
            t = tensor([[1, 2], [3, 4]])
            print(t @ t + 1)      # expect: tensor([[8, 11], [16, 23]])
            print(10 - t)         # expect: tensor([[9, 8], [7, 6]])
            print(t / 2)          # expect: tensor([[0.5, 1.0], [1.5, 2.0]])
            print(2 ^ t)          # expect: tensor([[2, 4], [8, 16]])
            print(t ^ 2)          # expect: tensor([[1, 4], [9, 16]])
            print(t % 3)          # expect: tensor([[1, 2], [0, 1]])
            print(t // 2)         # expect: tensor([[0, 1], [1, 2]])
            print(t > 2)          # expect: tensor([[false, false], [true, true]])
            print(t == [1, 4])    # expect: tensor([[true, false], [false, true]])
            print(-t + [10, 20])  # expect: tensor([[9, 18], [7, 16]])
            print(not (t > 2))    # expect: tensor([[true, true], [false, false]])
            tensor([1, 2]) @ tensor([3, 4])  # expect: 11
            print(t @ tensor([1, 1]))        # expect: tensor([3, 7])
            (tensor([1, 2]) @ t).shape       # expect: [2]
            t == nil              # expect: false
            """)
    }

    @Test func indexing() {
        VZ.check(
            """
            t = tensor([[1, 2, 3], [4, 5, 6]])
            t[0, 1]               # expect: 2
            t[-1, -1]             # expect: 6
            print(t[0])           # expect: tensor([1, 2, 3])
            print(t[:, 1..])      # expect: tensor([[2, 3], [5, 6]])
            print(t[0, 0..<2])    # expect: tensor([1, 2])
            print(t[:, [2, 0]])   # expect: tensor([[3, 1], [6, 4]])
            print(t[t > 4])       # expect: tensor([5, 6])
            t[nil, 0].shape       # expect: [1, 3]
            t[0, 0] = 9
            t[1] = [7, 8, 9]
            print(t)              # expect: tensor([[9, 2, 3], [7, 8, 9]])
            u = t[0]
            t[0, :] = 0
            print(u)              # expect: tensor([9, 2, 3])
            sum(t[0])             # expect: 0
            [x * 2 for x in u]    # expect: [18, 4, 6]
            """)
    }

    @Test func membersAndReductions() {
        VZ.check(
            """
            t = tensor([[1, 2], [3, 5]])
            t.shape               # expect: [2, 2]
            t.type                # expect: "float32"
            [t.size, t.rank, len(t), t.bytes]  # expect: [4, 2, 2, 16]
            print(t.T)            # expect: tensor([[1, 3], [2, 5]])
            t.values              # expect: [[1, 2], [3, 5]]
            sum(t)                # expect: 11
            print(sum(t, axis = 0))              # expect: tensor([4, 7])
            mean(t, axis = 1, keepdims = true).shape  # expect: [2, 1]
            max(t)                # expect: 5
            print(max(t, 2))      # expect: tensor([[2, 2], [3, 5]])
            argmax(t)             # expect: 3
            print(argmin(t, axis = 0))           # expect: tensor([0, 0])
            prod(t)               # expect: 30
            print(cumsum(t, axis = 1))           # expect: tensor([[1, 3], [3, 8]])
            any(t > 4)            # expect: true
            all(t > 4)            # expect: false
            mean(t) / 4           # expect: 0.6875
            if sum(t) == 11 { print("eleven") }  # expect: eleven
            """)
    }

    @Test func seeds() {
        VZ.check(
            """
            seed(7)
            a = [rand(), randn(3), permutation(4), bernoulli(0.5, 8)]
            seed(7)
            a == [rand(), randn(3), permutation(4), bernoulli(0.5, 8)]  # expect: true
            all(rand(100) == rand(100))  # expect: false
            seed()                # expect: 7
            t = randn(10000, mean = 5, std = 2)
            round(mean(t), 1)     # expect: 5
            round(std(t), 1)      # expect: 2
            all(abs(truncated_normal(1000)) <= 2)  # expect: true
            [min(randint(2, 5, 100)), max(randint(2, 5, 100))]  # expect: [2, 4]
            """)
    }

    @Test(arguments: [
        "t = zeros(2)\n\nt + zeros(3)  # error: +: shapes [2] and [3] do not fit together",
        "zeros(2)[2]  # error: index 2 is outside axis 0 of shape [2]",
        "tensor([[1], [1, 2]])  # error: the lists do not fill a tensor: a list of 2 stands where a list of 1 is due",
        "if zeros(2) { 1 }  # error: a condition must be true or false, not a tensor of shape [2]",
        "sum(zeros(2), axis = 1)  # error: sum: axis 1 does not exist in a tensor of 1 axes",
        "reshape(zeros(4), 3)  # error: 4 elements cannot take shape [3]",
        "t = zeros(2)\nt[0] = [1, 2]  # error: values of shape [2] do not fit a place of shape []",
        "zeros(2) + \"a\"  # error: `+` does not work on a tensor and a string",
        "zeros(3).foo  # error: a tensor has no member `foo`",
        "eye(2) @ zeros(3)  # error: matmul: shapes [2, 2] and [3, 1] do not fit together",
    ]) func mistakes(_ source: String) { VZ.check(source) }

    /// Every example of the tensor tables does what it says.
    @Test(arguments: TensorBuiltins.table(Chance(seed: 1)).map { Example($0.name, $0.example) })
    func examples(_ example: Example) {
        #expect(!example.source.isEmpty)
        VZ.check(example.source)
    }

    struct Example: Sendable, CustomTestStringConvertible {
        let name: String
        let source: String
        init(_ name: String, _ source: String) { (self.name, self.source) = (name, source) }
        var testDescription: String { name }
    }
}
