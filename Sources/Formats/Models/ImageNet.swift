import Glibc
import Support

/// The thousand classes of ImageNet's challenge (Russakovsky et al. 2015), in the order that all
/// published networks share. Their names are not part of vzsh: they come with `fetch`, or from a file.
public enum ImageNet {
    /// The list that Keras publishes: {"0": ["n01440764", "tench"], …}.
    static let file = "imagenet_class_index.json"

    /// The names where the list was fetched, nil where it was not.
    public static func knownClasses() -> [String]? {
        let path = "\(ModelFile.cacheFolder)/\(file)"
        guard access(path, R_OK) == 0 else { return nil }
        return try? classes(path)
    }

    /// Names of classes out of a file: Keras' JSON, a JSON list, or lines ("index, id, name" or the
    /// name alone). Throws a file failure where it holds none.
    public static func classes(_ path: String) throws -> [String] {
        guard let bytes = try TextFile.bytes(path, atMost: 1 << 24) else {
            throw Failure(
                .file, "there is no file '\(path)'",
                hint: "look at the spelling and at the folder you are in"
            )
        }
        if let first = bytes.first(where: { $0 > 32 }),
            first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
        {
            return try listed(JSON(parsing: bytes), path)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.file, "'\(path)' is no text")
        }
        let lines = text.split(whereSeparator: \.isNewline).filter { !$0.allSatisfy(\.isWhitespace) }
        let names = lines.enumerated().map { i, line in name(line, i) }
        guard !names.isEmpty else { throw Failure(.file, "'\(path)' names no classes") }
        return names
    }

    private static func listed(_ json: JSON, _ path: String) throws -> [String] {
        func text(_ value: JSON) -> String? { value.string ?? value.array?.last?.string }
        let names: [String?]
        if let list = json.array {
            names = list.map(text)
        } else {
            let members = json.members ?? []
            let byIndex = Dictionary(
                members.compactMap { m in Int(m.key).map { ($0, m.value) } },
                uniquingKeysWith: { a, _ in a })
            guard byIndex.count == members.count else {
                throw Failure(.file, "'\(path)' is no list of classes")
            }
            names = members.indices.map { byIndex[$0].flatMap(text) }
        }
        let known = names.compactMap { $0 }.map { $0.replacing("_", with: " ") }
        guard !known.isEmpty, known.count == names.count else {
            throw Failure(.file, "'\(path)' is no list of classes")
        }
        return known
    }

    /// "0 n01440764 tench", "0\tn01440764\ttench, Tinca tinca", "n01440764 tench" and "tench" alike.
    private static func name(_ line: Substring, _ index: Int) -> String {
        var rest = line.drop(while: \.isWhitespace)
        func skip(_ isIt: (Substring) -> Bool) {
            let word = rest.prefix { !$0.isWhitespace && $0 != "," && $0 != ":" }
            let behind = rest[word.endIndex...].drop { $0.isWhitespace || $0 == "," || $0 == ":" }
            if isIt(word), !behind.isEmpty { rest = behind }
        }
        skip { Int($0) == index || Int($0) == index + 1 }
        skip { $0.count == 9 && $0.first == "n" && $0.dropFirst().allSatisfy(\.isNumber) }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
