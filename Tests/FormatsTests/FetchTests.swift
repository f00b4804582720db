import Formats
import Foundation
import Support
import Testing

/// A web server of one file on 127.0.0.1 that can break off, for downloads. It answers one
/// connection after another until it is stopped.
private final class Server: @unchecked Sendable {
    let port: Int
    private let listener: Int32
    private let body: [UInt8]
    private let lock = NSLock()
    private var _ranges: [Int] = []
    /// Bytes after which a connection is closed, by connection; none: whole.
    private var breaks: [Int]

    /// First byte asked for, by connection.
    var ranges: [Int] { lock.withLock { _ranges } }

    init(_ body: [UInt8], breaks: [Int] = []) throws {
        (self.body, self.breaks) = (body, breaks)
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { p in
                Glibc.bind(listener, p, size) == 0 && listen(listener, 8) == 0
                    && getsockname(listener, p, &size) == 0
            }
        }
        try #require(bound)
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [self] in serve() }
    }

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private func serve() {
        while true {
            let connection = accept(listener, nil, nil)
            if connection < 0 { return }
            var request: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4096)
            while !String(decoding: request, as: UTF8.self).contains("\r\n\r\n") {
                let n = recv(connection, &buffer, buffer.count, 0)
                if n <= 0 { break }
                request += buffer[..<n]
            }
            let text = String(decoding: request, as: UTF8.self).lowercased()
            var start = 0
            if let range = text.range(of: "range: bytes=") {
                start = Int(text[range.upperBound...].prefix { $0.isNumber }) ?? 0
            }
            let limit = lock.withLock {
                _ranges.append(start)
                return breaks.isEmpty ? body.count : breaks.removeFirst()
            }
            let rest = Array(body.dropFirst(start))
            let status = start > 0 ? "206 Partial Content" : "200 OK"
            let head = "HTTP/1.1 \(status)\r\nContent-Length: \(rest.count)\r\nConnection: close\r\n\r\n"
            let answer = Array(head.utf8) + rest.prefix(limit)
            _ = answer.withUnsafeBytes {
                send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            close(connection)
        }
    }
}

@Suite struct FetchTests {
    private let body = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }

    private func file(_ scratch: Scratch, _ address: String, checksum: String? = nil) throws
        -> PublishedFile
    {
        let digest = try Fetch.digest(scratch.write(body, "original"), isMD5: false)
        return PublishedFile(
            name: "net.bin", addresses: [address],
            checksum: .sha256(checksum ?? String(digest.prefix(8))),
            about: "a network", size: body.count)
    }

    @Test func digests() throws {
        let scratch = try Scratch()
        let abc = scratch.write(Array("abc".utf8), "abc")
        #expect(try Fetch.digest(abc, isMD5: true) == "900150983cd24fb0d6963f7d28e17f72")
        #expect(
            try Fetch.digest(abc, isMD5: false)
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test func bringsAFileOnce() throws {
        let (scratch, server) = (try Scratch(), try Server(body))
        defer { server.stop() }
        let wanted = try file(scratch, "http://127.0.0.1:\(server.port)/net.bin")
        var last = 0
        let first = try Fetch.bring(wanted, into: scratch.file("cache"), .shared) {
            last = max(last, $0.done)
        }
        #expect(!first.wasThere && last > 0)
        #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: first.path))) == body)
        #expect(try Fetch.bring(wanted, into: scratch.file("cache")).wasThere)
        #expect(server.ranges == [0])
    }

    @Test func goesOnWhereItBrokeOff() throws {
        let (scratch, server) = (try Scratch(), try Server(body, breaks: [20_000]))
        defer { server.stop() }
        let wanted = try file(scratch, "http://127.0.0.1:\(server.port)/net.bin")
        #expect {
            try Fetch.bring(wanted, into: scratch.file("cache"))
        } throws: {
            let failure = $0 as? Failure
            return failure?.kind == .io
                && failure?.hint?.contains("put it into \(scratch.file("cache"))") == true
        }
        let result = try Fetch.bring(wanted, into: scratch.file("cache"))
        #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: result.path))) == body)
        #expect(server.ranges == [0, 20_000])
    }

    @Test func aWrongChecksumIsNoFile() throws {
        let (scratch, server) = (try Scratch(), try Server(body))
        defer { server.stop() }
        let wanted = try file(scratch, "http://127.0.0.1:\(server.port)/net.bin", checksum: "00000000")
        #expect {
            try Fetch.bring(wanted, into: scratch.file("cache"))
        } throws: {
            ($0 as? Failure)?.message.contains("its SHA-256 is") == true
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.file("cache")).isEmpty)
    }

    /// /dev/full is a disk without room.
    @Test func aFullDiskIsSaid() throws {
        let (scratch, server) = (try Scratch(), try Server(body))
        defer { server.stop() }
        let wanted = try file(scratch, "http://127.0.0.1:\(server.port)/net.bin")
        try FileManager.default.createDirectory(
            atPath: scratch.file("cache"), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: scratch.file("cache/net.bin.part"), withDestinationPath: "/dev/full")
        #expect {
            try Fetch.bring(wanted, into: scratch.file("cache"))
        } throws: {
            let failure = $0 as? Failure
            return failure?.message.contains("No space left on device") == true
                && failure?.hint?.contains("make room") == true
        }
    }

    @Test func withoutAConnectionItSaysWhatToDo() throws {
        let scratch = try Scratch()
        let server = try Server(body)
        let port = server.port
        server.stop()
        let wanted = try file(scratch, "http://127.0.0.1:\(port)/net.bin")
        #expect {
            try Fetch.bring(wanted, into: scratch.file("cache"))
        } throws: {
            let failure = $0 as? Failure
            return failure?.message.contains("there is no connection") == true
                && failure?.hint?.contains("get net.bin elsewhere and put it into") == true
        }
    }

    @Test func anInterruptLeavesWhatCame() throws {
        let (scratch, server) = (try Scratch(), try Server(body))
        defer { server.stop() }
        let wanted = try file(scratch, "http://127.0.0.1:\(server.port)/net.bin")
        let cancel = CancelFlag()
        cancel.request()
        #expect(throws: Failure.interrupted) {
            try Fetch.bring(wanted, into: scratch.file("cache"), cancel)
        }
    }

    @Test func namesAndMessages() throws {
        #expect {
            try Fetch.fetch("vgg17")
        } throws: {
            ($0 as? Failure)?.hint?.contains("vgg16") == true
        }
        #expect(Published.names.contains("speech_commands") && Published.names.contains("resnet50"))
    }

    @Test func unpacksAndRefuses() throws {
        let scratch = try Scratch()
        func run(_ arguments: [String]) throws {
            let tar = Process()
            tar.executableURL = URL(fileURLWithPath: "/bin/tar")
            tar.arguments = arguments
            tar.standardError = FileHandle.nullDevice
            try tar.run()
            tar.waitUntilExit()
        }
        try FileManager.default.createDirectory(
            atPath: scratch.file("in/dog"), withIntermediateDirectories: true)
        _ = scratch.write(body, "in/dog/a.wav")
        _ = scratch.write([1, 2, 3], "in/list.txt")
        try run(["-czf", scratch.file("good.tar.gz"), "-C", scratch.file("in"), "."])
        try Fetch.unpack(scratch.file("good.tar.gz"), into: scratch.file("out"))
        #expect(
            [UInt8](try Data(contentsOf: URL(fileURLWithPath: scratch.file("out/dog/a.wav")))) == body)
        // Names that lead out, links, and an archive that is cut off.
        try run(["-cPf", scratch.file("bad.tar"), "-C", scratch.file("in"), "../in/list.txt"])
        #expect(throws: Failure.self) {
            try Fetch.unpack(scratch.file("bad.tar"), into: scratch.file("bad"))
        }
        try FileManager.default.createSymbolicLink(
            atPath: scratch.file("in/link"), withDestinationPath: "/etc")
        try run(["-czf", scratch.file("link.tar.gz"), "-C", scratch.file("in"), "."])
        #expect(throws: Failure.self) {
            try Fetch.unpack(scratch.file("link.tar.gz"), into: scratch.file("link"))
        }
        let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: scratch.file("good.tar.gz"))))
        let cut = scratch.write(Array(good.dropLast(good.count / 2)), "cut.tar.gz")
        #expect(throws: Failure.self) { try Fetch.unpack(cut, into: scratch.file("cut")) }
        for name in ["bad", "link", "cut"] {
            #expect(!FileManager.default.fileExists(atPath: scratch.file(name)))
        }
    }
}
