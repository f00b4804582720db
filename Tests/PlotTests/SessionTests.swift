import Glibc
import Plot
import Support
import Testing

@Suite(.serialized) struct SessionTests {
    /// The state of a process: "R", "S", "Z", or nil where it is gone.
    static func state(of pid: Int32) -> String? {
        guard let file = fopen("/proc/\(pid)/stat", "re") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 512)
        guard fgets(&line, 512, file) != nil else { return nil }
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.split(separator: ")").last?.split(separator: " ").first.map(String.init)
    }

    @Test func answersAndComplaintsComeBackApart() throws {
        let session = GnuplotSession()
        let good = try session.run("set print '/dev/stdout'\nprint 'out'\nset print")
        #expect(good.complaints.isEmpty)
        #expect(String(decoding: good.output, as: UTF8.self) == "out\n")
        let bad = try session.run("plot nonsense")
        #expect(bad.complaints == "undefined variable: nonsense")
        let after = try session.run("x = 1")
        #expect(after.complaints.isEmpty)
        session.close()
    }

    @Test func aKilledGnuplotIsStartedAgainAndReplayed() throws {
        let session = GnuplotSession()
        let renderer = FigureRenderer(session: session)
        let figure = Figure(try .series([Series(y: [1, 2, 3])]))
        _ = try renderer.bytes(figure, terminal: .svg)
        let first = try #require(session.processID)
        // Dead between two figures.
        kill(first, SIGKILL)
        usleep(20_000)
        #expect(try renderer.bytes(figure, terminal: .svg).count > 500)
        #expect(Self.state(of: first) == nil, "no zombie is left")
        #expect(session.restarts == 1)
        session.close()
    }

    @Test func aGnuplotThatDiesInTheMiddleIsReplayed() throws {
        let session = GnuplotSession()
        _ = try session.run("x = 1")
        let first = try #require(session.processID)
        let killer = Thread {
            usleep(150_000); kill(first, SIGKILL)
        }
        let marker = "/tmp/vz-test-\(getpid())"
        unlink(marker)
        defer { unlink(marker) }
        // The first gnuplot leaves a file and waits to be killed; the second finds the file.
        let answer = try session.run(
            """
            if (system('test -e \(marker) && echo 1') eq '') { system 'touch \(marker)'; pause 5 }
            set print '/dev/stdout'; print 'drawn'; set print
            """)
        killer.join()
        #expect(String(decoding: answer.output, as: UTF8.self) == "drawn\n")
        #expect(session.restarts == 1)
        session.close()
    }

    @Test func oneThatAlwaysDiesIsAnError() throws {
        let session = GnuplotSession(program: "false")
        let error = #expect(throws: Failure.self) { try session.run("x = 1") }
        #expect(error?.kind == .io)
        session.close()
    }

    @Test func aMissingGnuplotSaysHowToGetIt() throws {
        let session = GnuplotSession(program: "no-such-gnuplot")
        let error = #expect(throws: Failure.self) { try session.run("x = 1") }
        #expect(error?.hint?.contains("apt install") == true)
    }

    @Test func waitingHonoursTheCancelFlagAndTheClock() throws {
        let session = GnuplotSession()
        let flag = CancelFlag()
        let stopper = Thread {
            usleep(100_000); flag.request()
        }
        let error = #expect(throws: Failure.self) { try session.run("pause 20", cancel: flag) }
        stopper.join()
        #expect(error == .interrupted)
        let late = #expect(throws: Failure.self) { try session.run("pause 20", patience: 0.3) }
        #expect(late?.kind == .io)
        // And the session goes on.
        #expect(try session.run("x = 1").complaints.isEmpty)
        session.close()
    }

    @Test func nothingIsLeftAfterClose() throws {
        let session = GnuplotSession()
        _ = try session.run("x = 1")
        let pid = try #require(session.processID)
        session.close()
        #expect(Self.state(of: pid) == nil)
        #expect(session.processID == nil)
    }

    @Test func aStoppedGnuplotDoesNotStopUs() throws {
        let session = GnuplotSession()
        _ = try session.run("x = 1")
        let pid = try #require(session.processID)
        kill(pid, SIGSTOP)
        // More than any pipe holds, to a process that reads nothing.
        let long = String(repeating: "# nothing\n", count: 400_000)
        #expect(throws: Failure.self) { try session.run(long, patience: 0.5) }
        #expect(Self.state(of: pid) == nil)
        session.close()
    }

    @Test func aFloodOfOutputIsDrained() throws {
        let session = GnuplotSession()
        let answer = try session.run("set print '/dev/stdout'\ndo for [i=1:200000] { print i }\nset print")
        #expect(answer.output.split(separator: 10).count == 200_000)
        session.close()
    }
}

/// A thread of the system, joined by hand.
final class Thread {
    private var handle = pthread_t()
    private let body: Unmanaged<Box>

    final class Box { let run: () -> Void; init(_ run: @escaping () -> Void) { self.run = run } }

    init(_ run: @escaping () -> Void) {
        body = Unmanaged.passRetained(Box(run))
        pthread_create(
            &handle, nil,
            { raw in
                guard let raw else { return nil }
                Unmanaged<Box>.fromOpaque(raw).takeRetainedValue().run()
                return nil
            }, body.toOpaque())
    }

    func join() { pthread_join(handle, nil) }
}
