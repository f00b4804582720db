// swift-tools-version: 6.1
// vzsh: a shell and a small language over its own tensor engine, for people who study
// convolutional networks. The targets are the rooms of the house; dependencies point one way.
import PackageDescription

/// C and C++ kernels are optimised in every configuration: a debug build must still be able to
/// run a network. Contraction to fused multiply-add is on, the rest of IEEE arithmetic is kept.
let kernelFlags = ["-O3", "-fno-math-errno", "-ffp-contract=fast"]

let package = Package(
    name: "vzsh",
    products: [
        .executable(name: "vzsh", targets: ["vzsh"]),
        .executable(name: "vzbench", targets: ["vzbench"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0")
    ],
    targets: [
        // Thin doors to C and C++ libraries: no logic.
        .target(name: "CReadline", linkerSettings: [.linkedLibrary("readline")]),
        .systemLibrary(name: "CSndFile", pkgConfig: "sndfile", providers: [.apt(["libsndfile1-dev"])]),
        .systemLibrary(
            name: "CSampleRate", pkgConfig: "samplerate", providers: [.apt(["libsamplerate0-dev"])]),
        .systemLibrary(name: "CFFTW", pkgConfig: "fftw3f", providers: [.apt(["libfftw3-dev"])]),
        .systemLibrary(name: "CZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .target(name: "CFetch", cSettings: [.unsafeFlags(["-O2"])]),
        .target(name: "CHDF5", cSettings: [.unsafeFlags(["-O2", "-I/usr/include/hdf5/serial"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "CPictures", cSettings: [.unsafeFlags(["-O2"])],
            linkerSettings: [.linkedLibrary("png"), .linkedLibrary("jpeg")]),
        .target(
            name: "CGnuplot", cxxSettings: [.unsafeFlags(["-O2"])],
            linkerSettings: [
                .linkedLibrary("boost_iostreams"), .linkedLibrary("boost_filesystem"),
                .linkedLibrary("boost_system"),
            ]),
        .target(
            name: "COneDNN", cxxSettings: [.unsafeFlags(kernelFlags)],
            linkerSettings: [.linkedLibrary("dnnl")]),
        .target(
            name: "CKernels", cSettings: [.unsafeFlags(kernelFlags)],
            cxxSettings: [.unsafeFlags(kernelFlags)],
            linkerSettings: [.linkedLibrary("m"), .linkedLibrary("gomp")]),

        // The floor: failures, cancellation, progress, atomic files, spelling.
        .target(name: "Support"),

        // Numbers.
        .target(name: "Tensor", dependencies: ["Support", "CKernels"]),
        .target(name: "Graph", dependencies: ["Support", "Tensor"]),
        .target(
            name: "Engine",
            dependencies: ["Support", "Tensor", "Graph", "CKernels", "COneDNN", "CFFTW"]),

        // Networks and what they have learned.
        .target(name: "Network", dependencies: ["Support", "Tensor", "Graph", "Engine"]),
        .target(name: "Lens", dependencies: ["Support", "Tensor", "Graph", "Engine", "Network"]),

        // The world outside: files, sound, pictures, figures.
        .target(
            name: "Formats",
            dependencies: [
                "Support", "Tensor", "Network", "CZlib", "CZip", "CCrypto", "CFetch", "CHDF5",
            ]),
        .target(name: "Media", dependencies: ["Support", "Tensor", "CSndFile", "CSampleRate", "CPictures"]),
        .target(name: "Plot", dependencies: ["Support", "Tensor", "Media", "CGnuplot", "CFFTW"]),

        // The language knows nothing of networks; the builtins know both.
        // Its machine reads and writes its own stack through pointers; checking every access for a
        // second one at the same time costs a tenth of its speed.
        .target(
            name: "Language", dependencies: ["Support"], exclude: ["SPEC.md"],
            swiftSettings: [.unsafeFlags(["-enforce-exclusivity=unchecked"])]),
        .target(
            name: "Builtins",
            dependencies: [
                "Support", "Tensor", "Graph", "Engine", "Network", "Lens", "Formats", "Media", "Plot",
                "Language",
            ]),
        .target(name: "Shell", dependencies: ["Support", "Language", "Builtins", "CReadline"]),
        .executableTarget(
            name: "vzsh",
            dependencies: [
                "Shell", "Builtins", "Engine", "Support",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            // Data that ships beside the program, found by Folders.resource.
            exclude: ["Resources"]),
        .executableTarget(
            name: "vzbench",
            dependencies: [
                "Support", "Tensor", "Graph", "Engine", "CKernels",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        // What the two programs below share: numbered inputs, watched for crashes, hangs and memory.
        .target(
            name: "Fuzzing",
            dependencies: [.product(name: "ArgumentParser", package: "swift-argument-parser")]),
        // Throws random and mutated texts at the language: `vzfuzz --count 1000000 Tests/Golden/*.vz`.
        .executableTarget(name: "vzfuzz", dependencies: ["Fuzzing", "Support", "Language", "Builtins"]),
        // Throws broken files at the readers: `vzmutate --count 1000000 good.onnx`.
        .executableTarget(name: "vzmutate", dependencies: ["Fuzzing", "Support", "Formats", "Media"]),

        .testTarget(name: "SupportTests", dependencies: ["Support"]),
        .testTarget(name: "TensorTests", dependencies: ["Tensor", "Support"]),
        .testTarget(name: "GraphTests", dependencies: ["Graph", "Tensor", "Support"]),
        .testTarget(
            name: "EngineTests",
            dependencies: ["Engine", "COneDNN", "CKernels", "Graph", "Tensor", "Support"],
            exclude: ["Fixtures", "make_fixtures.py"]),
        .testTarget(name: "NetworkTests", dependencies: ["Network", "Engine", "Graph", "Tensor", "Support"]),
        .testTarget(
            name: "LensTests",
            dependencies: ["Lens", "Network", "Engine", "Graph", "Tensor", "Support", "Formats"],
            exclude: ["make_maximizations.py"]),
        .testTarget(
            name: "FormatsTests",
            dependencies: ["Formats", "Network", "Graph", "Engine", "Tensor", "Support"]),
        .testTarget(name: "MediaTests", dependencies: ["Media", "Tensor", "Support"]),
        .testTarget(name: "PlotTests", dependencies: ["Plot"]),
        .testTarget(name: "LanguageTests", dependencies: ["Language"]),
        .testTarget(name: "BuiltinsTests", dependencies: ["Builtins"]),
        .testTarget(name: "ShellTests", dependencies: ["Shell", "Language", "Support", "CReadline"]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11,
    cxxLanguageStandard: .cxx17
)
