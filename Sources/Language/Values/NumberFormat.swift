import Support

/// A format in an interpolation or in `format`: `[<>^][0][width][,][.precision][f e g % d x b s]`.
public struct NumberFormat {
    public enum Alignment { case left, right, center }
    public var alignment: Alignment?
    public var padsWithZeros = false
    public var width = 0
    public var groups = false
    public var showsSign = false
    public var precision: Int?
    public var conversion: Character?

    public init?(_ text: String) {
        var rest = Substring(text)
        if let c = rest.first, let a = ["<": Alignment.left, ">": .right, "^": .center][c] {
            alignment = a
            rest.removeFirst()
        }
        if rest.first == "+" {
            showsSign = true
            rest.removeFirst()
        }
        if rest.first == "0" {
            padsWithZeros = true
            rest.removeFirst()
        }
        guard let w = Self.digits(&rest, most: 200) else { return nil }
        width = w
        if rest.first == "," {
            groups = true
            rest.removeFirst()
        }
        if rest.first == "." {
            rest.removeFirst()
            guard let first = rest.first, first.isNumber, let p = Self.digits(&rest, most: 60) else {
                return nil
            }
            precision = p
        }
        if let c = rest.first {
            guard "feEgG%dxbs".contains(c) else { return nil }
            conversion = c
            rest.removeFirst()
        }
        if !rest.isEmpty { return nil }
    }

    private static func digits(_ rest: inout Substring, most: Int) -> Int? {
        var n = 0
        while let c = rest.first, c.isASCII, let d = c.wholeNumberValue {
            n = n * 10 + d
            if n > most { return nil }
            rest.removeFirst()
        }
        return n
    }

    /// The text of `value` in this format.
    public func apply(_ value: Value) throws -> String {
        var body: String
        if case .number(let x) = value {
            body = try number(x)
            if showsSign, !body.hasPrefix("-") { body = "+" + body }
        } else {
            if let conversion, conversion != "s" {
                throw Failure(
                    .value, "the format `\(conversion)` is not for \(value.typePhrase)",
                    hint: "a text is formed by a width alone: `>10`, `<10`")
            }
            body = value.text
            if let precision { body = String(body.prefix(precision)) }
        }
        let missing = width - body.count
        if missing <= 0 { return body }
        if padsWithZeros, case .number = value {
            let signed = body.first == "-" || body.first == "+"
            return String(body.prefix(signed ? 1 : 0)) + String(repeating: "0", count: missing)
                + body.dropFirst(signed ? 1 : 0)
        }
        let isNumber = value.asNumber != nil
        let spaces = { (n: Int) in String(repeating: " ", count: n) }
        switch alignment ?? (isNumber ? .right : .left) {
        case .left: return body + spaces(missing)
        case .right: return spaces(missing) + body
        case .center: return spaces(missing / 2) + body + spaces(missing - missing / 2)
        }
    }

    /// The digits of a whole number in base 2, 10 or 16.
    private func whole(_ x: Double, _ conversion: Character) throws -> String {
        guard x == x.rounded(), x.isFinite else {
            throw Failure(
                .value, "the format `\(conversion)` is for whole numbers, not \(Numbers.text(x))",
                hint: x.isFinite ? "`.0f` rounds; so does `{round(x):\(conversion)}`" : nil)
        }
        if conversion == "d" { return Numbers.formatted(x + 0, precision: 0, conversion: "f") }
        guard let i = Int64(exactly: x) else {
            throw Failure(
                .value,
                "the format `\(conversion)` is for whole numbers below 2^63, not \(Numbers.text(x))")
        }
        return String(i, radix: conversion == "x" ? 16 : 2)
    }

    private func number(_ x: Double) throws -> String {
        var text: String
        switch conversion {
        case "%": text = Numbers.formatted(x * 100, precision: precision ?? 0, conversion: "f") + "%"
        case .some(let c) where "dxb".contains(c): text = try whole(x, c)
        case "s": text = Numbers.text(x)
        case .some(let c): text = Numbers.formatted(x, precision: precision ?? 6, conversion: c)
        case nil:
            text = precision.map { Numbers.formatted(x, precision: $0, conversion: "f") } ?? Numbers.text(x)
        }
        if groups { text = Self.grouped(text) }
        return text
    }

    /// 94768 as 94,768.
    static func grouped(_ text: String) -> String {
        let isNegative = text.hasPrefix("-")
        let body = isNegative ? text.dropFirst() : Substring(text)
        let whole = body.prefix { $0.isNumber }
        var out = ""
        for (i, c) in whole.enumerated() {
            if i > 0, (whole.count - i) % 3 == 0 { out.append(",") }
            out.append(c)
        }
        return (isNegative ? "-" : "") + out + body.dropFirst(whole.count)
    }
}
