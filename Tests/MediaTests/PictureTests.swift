import Foundation
import Media
import Support
import Tensor
import Testing

/// Small files written by Pillow, all of the same four by three colours unless named otherwise.
private let files: [String: String] = [
    "png": """
    iVBORw0KGgoAAAANSUhEUgAAAAQAAAADCAIAAAA7ljmRAAAAGklEQVR4nGNkYGAIYNCAIBaGCg0GBihC4QAATGIDor\
    /BMx4AAAAASUVORK5CYII=
    """,
    "palpng": """
    iVBORw0KGgoAAAANSUhEUgAAAAQAAAADBAMAAABG2rP1AAAAJFBMVEXw8Mig8KBQ8HjweKCgeHhQeFAA8FAAeCjwAH\
    igAFBQACgAAADm+sUWAAAAEUlEQVR4nGPcdY9l9zmmt2cBFZgE47/mkBUAAAAASUVORK5CYII=
    """,
    "bmp24": """
    Qk1aAAAAAAAAADYAAAAoAAAABAAAAAMAAAABABgAAAAAACQAAADEDgAAxA4AAAAAAAAAAAAAUPAAePBQoPCgyPDwKH\
    gAUHhQeHigoHjwAAAAKABQUACgeADw
    """,
    "bmp8": """
    Qk1yAAAAAAAAAGYAAAAoAAAABAAAAAMAAAABAAgAAAAAAAwAAADEDgAAxA4AAAwAAAAMAAAAyPDwAKDwoAB48FAAoH\
    jwAHh4oABQeFAAUPAAACh4AAB4APAAUACgACgAUAAAAAAABgIBAAcFBAMLCgkI
    """,
    "gif": """
    R0lGODdhBAADAIMAAPDwyKDwoFDwePB4oKB4eFB4UADwUAB4KPAAeKAAUFAAKAAAAAAAAAAAAAAAAAAAACwAAAAABA\
    ADAAAIEAAXKEiA4EABAgMMCAgAICAAOw==
    """,
    "ppm": """
    UDYKNCAzCjI1NQoAAABQACigAFDwAHgAeChQeFCgeHjweKAA8FBQ8Hig8KDw8Mg=
    """,
    "grey16": """
    iVBORw0KGgoAAAANSUhEUgAAAAMAAAACEAAAAADoj+WFAAAAFklEQVR4nGNkYDA6YXyCYUbEaYW/LwAd0wW3NkhYFg\
    AAAABJRU5ErkJggg==
    """,
    "rgba": """
    iVBORw0KGgoAAAANSUhEUgAAAAQAAAADCAYAAAC09K7GAAAAJElEQVR4nGNgYGD4H8CgwbCAIaDhA0PFfxaGCg0GBg\
    YExhAAAAFkB4fLY8X1AAAAAElFTkSuQmCC
    """,
    "jpgexif": """
    /9j/4AAQSkZJRgABAQAAAQABAAD/4QAiRXhpZgAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAD/2wBDAAYEBQYFBA\
    YGBQYHBwYIChAKCgkJChQODwwQFxQYGBcUFhYaHSUfGhsjHBYWICwgIyYnKSopGR8tMC0oMCUoKSj/2wBDAQcHBwoI\
    ChMKChMoGhYaKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCj/wAARCAAQAC\
    ADASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQID\
    AAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1\
    hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW\
    19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBA\
    QDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5\
    OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uL\
    m6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwDzqiiivjj+kTgKKKK/sI/l\
    Y//Z
    """,
    "cmyk": """
    /9j/7gAOQWRvYmUAZAAAAAAA/9sAQwADAgIDAgIDAwMDBAMDBAUIBQUEBAUKBwcGCAwKDAwLCgsLDQ4SEA0OEQ4LCx\
    AWEBETFBUVFQwPFxgWFBgSFBUU/8AAFAgACAAIBEMRAE0RAFkRAEsRAP/EAB8AAAEFAQEBAQEBAAAAAAAAAAABAgME\
    BQYHCAkKC//EALUQAAIBAwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQcicRQygZGhCCNCscEVUtHwJDNicoIJCh\
    YXGBkaJSYnKCkqNDU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqi\
    o6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+v/aAA4EQwBNAFkASw\
    AAPwD9U6/Kqvyqr9U6/9k=
    """,
]

private func picture(_ name: String) throws -> Picture {
    let data = try #require(Data(base64Encoded: files[name] ?? ""))
    return try PictureFile.decode([UInt8](data), name: name)
}

private let colours: [Float] = [
    0, 0, 0, 80, 0, 40, 160, 0, 80, 240, 0, 120, 0, 120, 40, 80, 120, 80, 160, 120, 120, 240, 120, 160, 0,
    240, 80, 80, 240, 120, 160, 240, 160, 240, 240, 200,
]

@Suite struct PictureTests {
    @Test(arguments: ["png", "palpng", "bmp24", "bmp8", "gif", "ppm"])
    func readsWhatPillowWrote(name: String) throws {
        let read = try picture(name)
        #expect(read.height == 3 && read.width == 4)
        #expect(read.pixels == colours)
    }

    @Test func greyAlphaAndInk() throws {
        let grey = try picture("grey16")
        let wanted = (0..<6).flatMap { i -> [Float] in
            Array(repeating: (Float(i) * 13000 / 257).rounded(), count: 3)
        }
        #expect(zip(grey.pixels, wanted).allSatisfy { abs($0 - $1) <= 1 })
        // What is transparent shows white.
        let clear = try picture("rgba")
        #expect(Array(clear.pixels[3..<6]) == [255, 255, 255] && Array(clear.pixels[..<3]) == [0, 0, 0])
        #expect(abs(clear.pixels[6] - (160 * 128 + 255 * 127) / 255) < 0.01)
        let red = try picture("cmyk")
        #expect(red.pixels[0] > 240 && red.pixels[1] < 15 && red.pixels[2] < 15)
    }

    @Test func exifTurnsThePicture() throws {
        // Stored red beside blue, 16 by 32; to be turned right: red above blue.
        let turned = try picture("jpgexif")
        #expect(turned.height == 32 && turned.width == 16)
        #expect(turned.pixels[0] > 200 && turned.pixels[2] < 50)
        let last = turned.pixels.count - 3
        #expect(turned.pixels[last] < 50 && turned.pixels[last + 2] > 200)
    }

    @Test func orientations() throws {
        func grey(_ h: Int, _ w: Int, _ v: [Float]) throws -> Picture {
            try Picture(height: h, width: w, pixels: v.flatMap { [$0, $0, $0] })
        }
        // 1 2 3 over 4 5 6.
        let upright = try grey(2, 3, [1, 2, 3, 4, 5, 6])
        let shown: [Int: (Int, Int, [Float])] = [
            1: (2, 3, [1, 2, 3, 4, 5, 6]), 2: (2, 3, [3, 2, 1, 6, 5, 4]), 3: (2, 3, [6, 5, 4, 3, 2, 1]),
            4: (2, 3, [4, 5, 6, 1, 2, 3]), 5: (3, 2, [1, 4, 2, 5, 3, 6]), 6: (3, 2, [4, 1, 5, 2, 6, 3]),
            7: (3, 2, [6, 3, 5, 2, 4, 1]), 8: (3, 2, [3, 6, 2, 5, 1, 4]),
        ]
        for (orientation, (h, w, v)) in shown {
            #expect(try upright.oriented(orientation) == grey(h, w, v), "orientation \(orientation)")
        }
    }

    @Test func writesAndReadsBack() throws {
        let scratch = try Scratch()
        let original = try Picture(height: 3, width: 4, pixels: colours)
        try PictureFile.write(original, to: scratch.file("a.png"))
        #expect(try PictureFile.read(scratch.file("a.png")) == original)
        var ramp: [Float] = []
        for i in 0..<32 * 48 {
            let pixel: [Float] = [Float(i % 48 * 5), Float(i / 48 * 7), 100]
            ramp += pixel
        }
        let smooth = try Picture(height: 32, width: 48, pixels: ramp)
        try PictureFile.write(smooth, to: scratch.file("b.jpg"))
        let back = try PictureFile.read(scratch.file("b.jpg"))
        #expect(zip(back.pixels, smooth.pixels).allSatisfy { abs($0 - $1) < 12 })
        // Values beyond 0 to 255 are clamped; what is no number is refused.
        try PictureFile.write(
            Picture(height: 1, width: 1, pixels: [-5, 300, 7.6]), to: scratch.file("c.png"))
        #expect(try PictureFile.read(scratch.file("c.png")).pixels == [0, 255, 8])
        #expect(throws: Failure.self) {
            try PictureFile.write(
                Picture(height: 1, width: 1, pixels: [.nan, 0, 0]), to: scratch.file("d.png"))
        }
        #expect(throws: Failure.self) { try PictureFile.write(original, to: scratch.file("d.tiff")) }
        #expect(throws: Failure.self) { try PictureFile.read(scratch.file("none.png")) }
    }

    @Test func tensorsOfAllShapes() throws {
        let grey = try Picture(Tensor([1, 2] as [Float], shape: [1, 2]))
        #expect(grey.pixels == [1, 1, 1, 2, 2, 2])
        #expect(try Picture(Tensor([1, 2, 3] as [Float], shape: [1, 1, 1, 3])).pixels == [1, 2, 3])
        #expect(throws: Failure.self) { try Picture(Tensor([1, 2] as [Float], shape: [1, 1, 2])) }
        #expect(throws: Failure.self) { try Picture(Tensor([] as [Float], shape: [0, 3])) }
        #expect(try grey.tensor().shape == [1, 2, 3])
    }

    /// Against Pillow's BICUBIC and BOX on a 7 by 5 picture.
    @Test func resizesAsPillowDoes() throws {
        let values = (0..<5).flatMap { y in (0..<7).map { x in Float((x * 37 + y * 91) % 256) } }
        let source = try Picture(height: 5, width: 7, pixels: values.flatMap { [$0, $0, $0] })
        func check(_ w: Int, _ h: Int, _ filter: Picture.Filter, _ wanted: [Float]) throws {
            let made = try source.resized(height: h, width: w, filter)
            for i in wanted.indices { #expect(abs(made.pixels[i * 3] - min(max(wanted[i], 0), 255)) < 0.02) }
        }
        try check(3, 2, .bicubic, [94.33, 129.89, 133.2, 109.71, 115.46, 126.46])
        try check(
            14, 9, .bicubic,
            [
                -10.67, -1.2, 18.86, 38.84, 57.34, 75.84, 94.34, 112.36, 129.88, 154.08, 184.95, 210.6,
                229.68, 238.7, 18.7, 27.98, 47.63, 70.01, 93.75, 114.66, 132.75, 152.9, 175.13, 171.9, 143.23,
                141.62, 165.39, 176.61, 76.69, 85.92, 105.45, 128.47, 153.61, 175.16, 193.14, 217.17, 247.26,
                198.15, 69.83, 22.6, 54.23, 69.12, 142.23, 154.43, 180.3, 166.49, 111.18, 95.69, 120.01,
                145.26, 171.41, 145.26, 66.81, 42.4, 70.1, 83.15, 178.74, 193.82, 225.85, 176.25, 42.75,
                -8.75, 21.75, 46.25, 64.75, 83.25, 101.75, 121.73, 141.79, 151.26, 83.56, 95.76, 121.63,
                107.82, 52.51, 36.61, 60.11, 86, 114.26, 141.4, 167.42, 190.81, 210.21, 219.38, 13.61, 22.84,
                42.37, 65.39, 90.53, 112.55, 131.46, 144.26, 150.94, 163.99, 183.43, 203.88, 223.93, 233.41,
                73.94, 83.22, 102.87, 125.25, 148.99, 174.25, 201.03, 168.63, 77.06, 44.87, 72.06, 96.39,
                116.44, 125.92, 112.14, 121.62, 141.67, 161.66, 180.16, 205.15, 236.62, 179.42, 33.55, -23.65,
                7.83, 34.3, 54.36, 63.83,
            ])
        let area = try source.resized(height: 2, width: 3, .area)
        let sums = stride(from: 0, to: area.pixels.count, by: 3).reduce(Float(0)) { $0 + area.pixels[$1] }
        #expect(abs(sums / 6 - values.reduce(0, +) / 35) < 0.01)
        let one = try source.resized(height: 1, width: 1, .area)
        #expect(abs(one.pixels[0] - values.reduce(0, +) / 35) < 0.01)
        #expect(throws: Failure.self) { try source.resized(height: 0, width: 5) }
        #expect(try source.squared(4).height == 4 && source.squared(4, shorter: 6).width == 4)
    }

    @Test func brokenBytesAreFailures() throws {
        var generator = SystemRandomNumberGenerator()
        for name in files.keys.sorted() {
            let good = [UInt8](try #require(Data(base64Encoded: files[name] ?? "")))
            for trial in 0..<300 {
                var bytes = good
                if trial % 3 == 0 {
                    bytes.removeLast(Int.random(in: 1...bytes.count, using: &generator))
                } else {
                    for _ in 0..<(trial % 3 * 3) {
                        bytes[.random(in: 0..<bytes.count, using: &generator)] = .random(
                            in: 0...255, using: &generator)
                    }
                }
                do {
                    let read = try PictureFile.decode(bytes, name: name)
                    #expect(read.pixels.count == read.width * read.height * 3)
                } catch {
                    #expect(error is Failure, "\(name): \(error)")
                }
            }
        }
        #expect(throws: Failure.self) { try PictureFile.decode([], name: "empty") }
        // A picture that claims to be huge takes no memory.
        #expect(throws: Failure.self) {
            try PictureFile.decode(Array("P6 1000000 1000000 255\n".utf8), name: "huge")
        }
        #expect(throws: Failure.self) {
            try PictureFile.decode(Array("P6 8000 8000 255\n".utf8), name: "claims")
        }
    }

    @Test(.enabled(if: realData("photos") != nil, "needs the real photos beside the checkout"))
    func realPhotos() throws {
        let folder = try #require(realData("photos"))
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter {
            $0.hasSuffix(".jpg")
        }
        #expect(!names.isEmpty)
        for name in names.sorted().prefix(3) {
            let photo = try PictureFile.read(folder + "/" + name)
            let square = try photo.squared(224, shorter: 256)
            #expect(square.height == 224 && square.width == 224)
            let mean = square.pixels.reduce(0, +) / Float(square.pixels.count)
            #expect(mean > 10 && mean < 245)
        }
    }
}
