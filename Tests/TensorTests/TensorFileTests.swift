import Support
import Tensor
import Testing

#if canImport(Glibc)
    import Glibc
#endif

@Suite struct TensorFileTests {
    private func path(_ name: String) -> String { "/tmp/vzsh-tensorfile-\(getpid())-\(name)" }

    private func message(_ header: String, data: Int, name: String) throws -> String {
        let file = path(name)
        defer { unlink(file) }
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
        try AtomicFile.write(length + Array(header.utf8) + [UInt8](repeating: 0x3C, count: data), to: file)
        do {
            let opened = try TensorFile(path: file)
            for entry in opened.entries { _ = try opened.tensor(entry.name) }
            return "fine"
        } catch { return (error as? Failure)?.message.replacing(file, with: "F") ?? "\(error)" }
    }

    @Test func roundTrip() throws {
        let file = path("round")
        defer { unlink(file) }
        let tensors: [(name: String, tensor: Tensor)] = [
            ("flags", try Tensor([true, false, true], shape: [3])),
            ("w", try Tensor([1.5, -2, 3, 4, 5, 6] as [Float], shape: [2, 3]).transposed([1, 0])),
            ("n", try Tensor([7] as [Int32], shape: [])),
            ("empty", try Tensor([] as [Double], shape: [0, 4])),
        ]
        try TensorFile.write(tensors, metadata: [("who", "me \"\\\n\u{1}é")], to: file)
        let back = try TensorFile(path: file)
        #expect(back.metadata == ["who": "me \"\\\n\u{1}é"])
        #expect(try back.tensor("w")?.array(of: Float.self) == [1.5, 4, -2, 5, 3, 6])
        #expect(try back.tensor("w")?.shape == [3, 2])
        #expect(try back.tensor("flags")?.array(of: Bool.self) == [true, false, true])
        #expect(try back.tensor("n")?.scalarValue() == 7)
        #expect(try back.tensor("empty")?.shape == [0, 4])
        #expect(try back.tensor("none") == nil)
    }

    @Test func halfPrecision() {
        #expect(TensorFile.float(half: 0x3C00) == 1)
        #expect(TensorFile.float(half: 0xC248) == -3.140625)
        #expect(TensorFile.float(half: 0x0001) == 0x1p-24)
        #expect(TensorFile.float(half: 0x7BFF) == 65504)
        #expect(TensorFile.float(half: 0xFC00) == -.infinity)
        #expect(TensorFile.float(half: 0x7E00).isNaN)
    }

    @Test func hostileFilesAreRefused() throws {
        let lead = "'F' is no whole safetensors file: "
        #expect(
            try message(#"{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}"#, data: 4, name: "ok")
                == "fine")
        #expect(
            try message(#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, data: 4, name: "h1")
                == lead + "the data of 'a' lies outside the file")
        #expect(
            try message(#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, data: 4, name: "h2")
                == lead + "'a' of shape [2] does not fill 4 bytes")
        #expect(
            try message(
                #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
                data: 4, name: "h3")
                == lead + "the data of 'b' does not follow the data before it")
        #expect(
            try message(
                #"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}}"#, data: 4,
                name: "h4")
                == lead + "'a' cannot have shape [4611686018427387904, 4]")
        #expect(
            try message(#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[4,0]}}"#, data: 4, name: "h5")
                == lead + "'a' cannot have shape [-1]")
        #expect(try message("{}", data: 4, name: "h6") == lead + "4 bytes at its end belong to nothing")
        #expect(
            try message(String(repeating: "[", count: 5000), data: 0, name: "h7")
                == lead + "JSON: values nest too deep at byte 129")
        #expect(
            try message(#"{"a":{"dtype":"Q4","shape":[1],"data_offsets":[0,4]}}"#, data: 4, name: "h8")
                == "'F': 'a' has elements of type Q4, which vzsh does not read")
        let file = path("short")
        defer { unlink(file) }
        try AtomicFile.write([1, 2, 3], to: file)
        #expect(throws: Failure.self) { try TensorFile(path: file) }
        try AtomicFile.write([255, 255, 255, 255, 255, 255, 255, 255, 0x7B], to: file)
        #expect(throws: Failure.self) { try TensorFile(path: file) }
    }
}
