import CKernels
import Foundation
import Testing

/// Waiting threads must sleep soon (`waiting.c`): the program begins anew with libgomp's setting.
#if os(Linux)
    @Suite struct WaitingTests {
        /// As the process began, before anything changed its environment.
        private func settings() throws -> [Substring] {
            try String(contentsOfFile: "/proc/self/environ", encoding: .utf8).split(separator: "\0")
        }

        @Test func libgompWasToldToSpinBriefly() throws {
            let begun = try settings()
            #expect(begun.contains { $0.hasPrefix("GOMP_SPINCOUNT=") || $0.hasPrefix("OMP_WAIT_POLICY=") })
        }

        @Test func programsStartedFromHereDoNotInheritTheSetting() throws {
            let begun = try settings()
            // Without this the setting is its user's own and stays.
            guard begun.contains(where: { $0.hasPrefix("VZSH_WAITING=") }) else { return }
            #expect(getenv("GOMP_SPINCOUNT") == nil && getenv("VZSH_WAITING") == nil)
        }
    }
#endif
