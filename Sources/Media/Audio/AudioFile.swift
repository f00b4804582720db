import CSndFile
import Glibc
import Support

/// Sound files in and out through libsndfile: wav, flac, ogg (Vorbis, Opus), mp3, aiff, au and more.
public enum AudioFile {
    /// Endings that count as sound when a folder is searched.
    public static let endings: Set<String> = [
        "wav", "flac", "ogg", "oga", "opus", "mp3", "aif", "aiff", "aifc", "au", "snd", "w64", "caf",
    ]

    /// The most samples read from one file: more is a mistake or an attack.
    static let maximumLength = 1 << 28

    /// Read a file, its channels averaged to one.
    /// - Parameters:
    ///   - rate: samples per second wanted; nil keeps the file's own.
    ///   - length: samples wanted at that rate: longer files are cropped, shorter padded with silence; nil keeps all.
    ///   - placement: which part is kept; with `.start` no more than needed is decoded.
    /// Throws a file failure that names the file and what is wrong with it.
    public static func read(
        _ path: String, rate: Int? = nil, length: Int? = nil, placement: Audio.Placement = .start
    ) throws -> Audio {
        if let rate { try Resampler.check(rate) }
        if let length, !(0...maximumLength).contains(length) {
            throw Failure(.value, "a clip of \(length) samples is not possible")
        }
        let handle = try SoundHandle(reading: path)
        var needed = maximumLength
        if let length, placement == .start {
            // The resampler looks ahead a little: a filter's half length more than the ratio asks for.
            let ratio = Double(handle.rate) / Double(rate ?? handle.rate)
            needed = min(Int(Double(length) * ratio) + Int(256 * max(ratio, 1)) + 1, maximumLength)
        }
        var audio = try handle.readMono(atMost: needed)
        if let rate { audio = try Resampler.resample(audio, to: rate) }
        if let length { audio = audio.fitted(to: length, placement) }
        return audio
    }

    /// Read from bytes in memory, such as an archive's part. `name` is for messages.
    public static func decode(_ bytes: UnsafeRawBufferPointer, name: String) throws -> Audio {
        let memory = MemoryFile(reading: bytes)
        return try SoundHandle(reading: memory, name: name).readMono(atMost: maximumLength)
    }

    /// Write a file whole or not at all; the ending chooses the format: wav and flac with 16 bits,
    /// ogg (Vorbis), opus, mp3, aiff.
    /// - Parameter guarded: scale down what would clip and fade the ends (`Audio.guarded`).
    /// Throws a file failure for an unknown ending, an io failure where it cannot be written.
    public static func write(_ audio: Audio, to path: String, guarded: Bool = true) throws {
        let bytes = try encode(audio, ending: ending(of: path), guarded: guarded)
        try AtomicFile.write(bytes, to: path)
    }

    /// The bytes of such a file.
    public static func encode(_ audio: Audio, ending: String, guarded: Bool = true) throws -> [UInt8] {
        guard let format = formats[ending] else {
            throw Failure(
                .file,
                ending.isEmpty
                    ? "a sound file needs an ending" : "'.\(ending)' is no sound format that can be written",
                hint: "use " + formats.keys.sorted().map { "." + $0 }.joined(separator: ", "))
        }
        try Resampler.check(audio.rate)
        let ready = guarded ? try audio.guarded() : audio
        let memory = MemoryFile(writing: ready.samples.count)
        try SoundHandle.write(ready, format: format, to: memory)
        return memory.bytes
    }

    private static let formats: [String: Int32] = [
        "wav": Int32(SF_FORMAT_WAV | SF_FORMAT_PCM_16),
        "flac": Int32(SF_FORMAT_FLAC | SF_FORMAT_PCM_16),
        "aiff": Int32(SF_FORMAT_AIFF | SF_FORMAT_PCM_16),
        "ogg": Int32(SF_FORMAT_OGG | SF_FORMAT_VORBIS),
        "opus": Int32(SF_FORMAT_OGG | SF_FORMAT_OPUS),
        "mp3": Int32(SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III),
    ]

    /// The part of a file's name behind its last dot, in lower case.
    public static func ending(of path: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return "" }
        return name[name.index(after: dot)...].lowercased()
    }
}

/// An open libsndfile stream.
final class SoundHandle {
    private let file: OpaquePointer
    private let info: SF_INFO
    private let name: String
    // Kept as long as the stream reads from it.
    private let memory: MemoryFile?

    var rate: Int { Int(info.samplerate) }

    init(reading path: String) throws {
        // Not blocking: a named pipe would be waited for without end.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw Failure(.file, "cannot read '\(path)': \(String(cString: strerror(errno)))")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw Failure(.file, "'\(path)' is not a file of sound")
        }
        guard status.st_size > 0 else {
            close(descriptor)
            throw Failure(.file, "'\(path)' is empty")
        }
        var info = SF_INFO()
        guard let file = sf_open_fd(descriptor, Int32(SFM_READ), &info, 1) else {
            throw Failure(
                .file, "'\(path)' is not a sound file that can be read: \(Self.reason(nil))",
                hint: "wav, flac, ogg, opus, mp3 and aiff are read")
        }
        (self.file, self.info, name, memory) = (file, info, path, nil)
        try checkClaims()
    }

    init(reading memory: MemoryFile, name: String) throws {
        var info = SF_INFO()
        guard let file = memory.open(mode: Int32(SFM_READ), &info) else {
            throw Failure(.file, "'\(name)' is not a sound file that can be read: \(Self.reason(nil))")
        }
        (self.file, self.info, self.name, self.memory) = (file, info, name, memory)
        try checkClaims()
    }

    deinit { sf_close(file) }

    private func checkClaims() throws(Failure) {
        guard (1...256).contains(info.channels), Resampler.rates.contains(rate) else {
            throw Failure(
                .file, "'\(name)' claims \(info.channels) channels at \(info.samplerate) Hz and is not read")
        }
    }

    /// The channels' average, at most `limit` samples of it. The header's own count of frames is
    /// not believed: memory grows with what is really there.
    func readMono(atMost limit: Int) throws -> Audio {
        let channels = Int(info.channels)
        let framesPerPiece = max(16_384 / channels, 64)
        var piece = [Float](repeating: 0, count: framesPerPiece * channels)
        var samples: [Float] = []
        samples.reserveCapacity(min(limit, min(max(Int(info.frames), 0), 1 << 20)))
        while samples.count < limit {
            let wanted = min(framesPerPiece, limit - samples.count)
            let got = Int(sf_readf_float(file, &piece, Int64(wanted)))
            if got <= 0 { break }
            let scale = 1 / Float(channels)
            for frame in 0..<min(got, wanted) {
                var sum: Float = 0
                for c in 0..<channels { sum += piece[frame * channels + c] }
                samples.append(sum * scale)
            }
        }
        if samples.isEmpty {
            throw Failure(.file, "'\(name)' holds no sound: \(Self.reason(file))")
        }
        guard samples.allSatisfy(\.isFinite) else {
            throw Failure(.file, "'\(name)' holds samples that are not finite")
        }
        return Audio(samples: samples, rate: rate)
    }

    static func write(_ audio: Audio, format: Int32, to memory: MemoryFile) throws {
        var info = SF_INFO()
        info.samplerate = Int32(audio.rate)
        info.channels = 1
        info.format = format
        guard sf_format_check(&info) != 0, let file = memory.open(mode: Int32(SFM_WRITE), &info) else {
            throw Failure(
                .file, "this format does not take a sound at \(audio.rate) Hz",
                hint: "opus takes 8000, 12000, 16000, 24000 and 48000 Hz; wav and flac take all")
        }
        // libsndfile would scale by 32767 what it reads back by 32768.
        let isInteger = format & Int32(SF_FORMAT_SUBMASK) == Int32(SF_FORMAT_PCM_16)
        let steps = isInteger ? Audio.steps(audio.samples) : []
        var done = 0
        // Small pieces: the Vorbis encoder keeps what it is given at once on the stack.
        while done < audio.samples.count {
            let n = min(audio.samples.count - done, 4096)
            let written =
                isInteger
                ? steps.withUnsafeBufferPointer { p in
                    p.baseAddress.map { Int(sf_write_short(file, $0 + done, Int64(n))) } ?? 0
                }
                : audio.samples.withUnsafeBufferPointer { p in
                    p.baseAddress.map { Int(sf_write_float(file, $0 + done, Int64(n))) } ?? 0
                }
            if written != n { break }
            done += n
        }
        let reason = Self.reason(file)
        guard sf_close(file) == 0, done == audio.samples.count else {
            throw Failure(.io, "the sound could not be encoded: \(reason)")
        }
    }

    private static func reason(_ file: OpaquePointer?) -> String {
        guard let text = sf_strerror(file) else { return "unknown reason" }
        return String(cString: text)
    }
}
