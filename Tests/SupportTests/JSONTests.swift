import Support
import Testing

@Suite struct JSONTests {
    @Test func keepsOrderNumbersAndText() throws {
        let text = #"{"b":1,"a":[0.1,-2e-9,null,true],"s":"q\"\\\u0001é😀"}"#
        let value = try JSON(parsing: text)
        #expect(value.members?.map(\.key) == ["b", "a", "s"])
        #expect(try JSON(parsing: value.description) == value)
        #expect(try JSON(parsing: #""\ud83d\ude00""#) == "😀")
        for x in [0.1, 1e300, 3e-308, -1 / 3.0, 12345678.9] {
            #expect(try JSON(parsing: JSON.number(x).description).double == x)
        }
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\":1,\"a\":2}", "nul", "1 2", "\"\\ud800\"", "\"\u{1}\"", "+1", "[1e999]",
        "--1",
    ])
    func refusesBrokenText(_ text: String) {
        #expect(throws: Failure.self) { try JSON(parsing: text) }
    }

    @Test func membersAreSetAndRemoved() {
        var json: JSON = ["a": 1]
        json["b"] = "x"
        json["a"] = nil
        #expect(json == ["b": "x"])
    }
}
