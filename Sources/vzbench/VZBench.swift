import ArgumentParser
import CKernels
import Engine
import Foundation
import Support

/// Measures the engine: whole steps of the networks it is made for.
@main
struct VZBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vzbench", abstract: "Measure vzsh's engine.",
        subcommands: [Maximization.self, Training.self, Convolution.self, Startup.self])
}

struct Options: ParsableArguments {
    @Option(help: "Steps to measure.") var reps = 15
    @Option(help: "Steps before measuring.") var warmup = 3
    @Option(help: "Threads; 0 for one a core.") var threads = 0
    @Flag(help: "Round the inputs of convolutions and products to bfloat16.") var bf16 = false
    @Flag(help: "Print one JSON object instead of a table.") var json = false
    @Flag(help: "Show where the time of a step goes.") var profile = false
    @Flag(help: "Step once for each line read; answer each with a line of JSON.") var worker = false
}

struct Maximization: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "am-vgg16", abstract: "One step of activation maximization on a VGG16-shaped network.")
    @Argument(help: "conv (the first filter of block5_conv1) or logit.") var target = "conv"
    @OptionGroup var options: Options

    func validate() throws {
        if target != "conv" && target != "logit" {
            throw ValidationError("the target is conv or logit, not '\(target)'")
        }
    }
    func run() throws { try measure(options) { try Workloads.maximization(logit: target == "logit") } }
}

struct Training: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "One Adam step of a raw-waveform network: a, b (channel 32) or c (channel 128).")
    @Argument(help: "a, b or c.") var network: String
    @Argument(help: "Clips in a batch.") var batch: Int
    @OptionGroup var options: Options

    func validate() throws {
        if !Workloads.architectures.keys.contains(network) {
            throw ValidationError("no network '\(network)': choose a, b or c")
        }
        if batch < 1 || batch > 10_000 {
            throw ValidationError("a batch has 1 to 10,000 clips, not \(batch)")
        }
    }
    func run() throws { try measure(options) { try Workloads.training(network, batch: batch) } }
}

struct Convolution: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conv", abstract: "One convolution with bias: forward with ReLU, and both gradients.")
    @Argument(help: "The input, such as 32x16000x64 or 1x224x224x3 (batch, lengths, channels).") var input:
        String
    @Argument(help: "The window, such as 5 or 3x3.") var window: String
    @Argument(help: "Filters.") var filters: Int
    @Option(help: "Stride.") var stride = 1
    @OptionGroup var options: Options

    private func lengths(_ text: String) throws -> [Int] {
        let numbers = text.split(separator: "x").map { Int($0) ?? 0 }
        guard !numbers.isEmpty, numbers.allSatisfy({ 1...1_000_000 ~= $0 }) else {
            throw ValidationError("'\(text)' is not a row of lengths such as 32x16000x64")
        }
        return numbers
    }
    func validate() throws {
        let (shape, window) = (try lengths(input), try lengths(window))
        guard 1...2 ~= window.count, shape.count == window.count + 2 else {
            throw ValidationError("a window of \(window.count) needs an input of \(window.count + 2) numbers")
        }
        guard 1...1_000_000 ~= filters, 1...1000 ~= stride else {
            throw ValidationError("filters are 1 to 1,000,000, a stride 1 to 1,000")
        }
    }
    func run() throws {
        let (shape, window) = (try lengths(input), try lengths(window))
        if options.worker { throw ValidationError("conv measures three things and is no worker") }
        for direction in Workloads.Direction.allCases {
            try measure(options) {
                try Workloads.convolution(
                    direction, input: shape, window: window, filters: filters, stride: stride)
            }
        }
    }
}

private func seconds(_ body: () throws -> Void) rethrows -> Double {
    let (s, a) = try ContinuousClock().measure(body).components
    return Double(s) + Double(a) * 1e-18
}

/// Peak resident memory of this process in MB.
private func peakMemory() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return Double(usage.ru_maxrss) / 1024
}

private func measure(_ options: Options, _ make: () throws -> Workload) throws {
    if options.bf16 { Effort.allowBFloat16() }
    if options.threads > 0 { vz_set_threads(Int32(clamping: options.threads)) }
    var workload: Workload?
    let build = try seconds { workload = try make() }
    guard let workload else { return }
    if options.worker { return try work(workload, build) }
    var loss = 0.0
    for i in 0..<max(options.warmup, 1) { loss = try workload.step(i) }
    var times: [Double] = []
    for i in 0..<max(options.reps, 1) {
        times.append(try seconds { loss = try workload.step(max(options.warmup, 1) + i) })
    }
    times.sort()
    let median = times[times.count / 2]
    if options.json {
        print(
            "{\"name\": \"\(workload.name)\", \"median_s\": \(median), \"min_s\": \(times[0]), \"max_s\": \(times[times.count - 1]), \"gflops\": \(workload.flops / median / 1e9), \"peak_mb\": \(peakMemory()), \"loss\": \(loss)}"
        )
    } else {
        let ms = [median, times[0], times[times.count - 1]].map { String(format: "%.1f", $0 * 1e3) }
        let rate = String(format: "%.0f", workload.flops / median / 1e9)
        print(
            "\(workload.name): median \(ms[0]) ms, min \(ms[1]), max \(ms[2]); \(rate) GFLOP/s; peak \(Int(peakMemory())) MB; loss \(loss)"
        )
    }
    if options.profile { try showProfile(workload) }
}

private func showProfile(_ workload: Workload) throws {
    var totals: [String: Double] = [:]
    for (label, seconds) in try workload.plan.profile(workload.inputs(99)) {
        totals[label, default: 0] += seconds
    }
    for (label, seconds) in totals.sorted(by: { $0.value > $1.value }) {
        print(String(format: "  %8.2f ms  ", seconds * 1e3) + label)
    }
}

/// One line at once, whatever standard output is.
private func answer(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

/// The line protocol under which several engines are stepped in turn.
private func work(_ workload: Workload, _ build: Double) throws {
    var loss = 0.0
    let first = try seconds { loss = try workload.step(0) }
    answer(
        "{\"ver\": \"vzsh\", \"params\": \(workload.parameters), \"build_s\": \(build), \"first_step_s\": \(first), \"loss0\": \(loss)}"
    )
    var number = 0
    while readLine() != nil {
        number += 1
        let time = try seconds { loss = try workload.step(number) }
        answer("{\"t\": \(time), \"loss\": \(loss), \"rss\": \(Int(peakMemory()))}")
    }
}
