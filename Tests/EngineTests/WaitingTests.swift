import CKernels
import Foundation
import Testing

/// Waiting threads must sleep soon (`waiting.c`): the program begins anew with libgomp's setting.
@Suite struct WaitingTests {
    #if os(Linux)
        @Test func libgompWasToldToSpinBriefly() throws {
            let begun = try String(contentsOfFile: "/proc/self/environ", encoding: .utf8).split(separator: "\0")
            #expect(begun.contains { $0.hasPrefix("GOMP_SPINCOUNT=") || $0.hasPrefix("OMP_WAIT_POLICY=") })
        }
    #endif

    @Test func programsStartedFromHereDoNotInheritTheSetting() throws {
        let begun = try String(contentsOfFile: "/proc/self/environ", encoding: .utf8).split(separator: "\0")
        guard begun.contains(where: { $0.hasPrefix("VZSH_WAITING=") }) else { return }  // their user's own
        #expect(getenv("GOMP_SPINCOUNT") == nil && getenv("VZSH_WAITING") == nil)
    }
}
