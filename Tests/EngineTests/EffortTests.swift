import Engine
import Testing

@Suite(.serialized) struct EffortTests {
    @Test func keepsTheNumberOfThreads() {
        let before = Effort.threads
        defer { Effort.threads = before }
        Effort.threads = 1
        #expect(Effort.threads == 1)
        Effort.threads = -3
        #expect(Effort.threads == 1)
    }
}
