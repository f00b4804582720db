import Glibc
import Support

/// What the world around can show: a display, colours, sixels.
package enum Display {
    /// True where a window could open: a Wayland or X server that answers, not just a variable.
    package static func isReachable(_ environment: [String: String]) -> Bool {
        if let name = environment["WAYLAND_DISPLAY"], !name.isEmpty {
            let path = name.hasPrefix("/") ? name : "\(environment["XDG_RUNTIME_DIR"] ?? "")/\(name)"
            if connects(toFile: path) { return true }
        }
        guard let display = environment["DISPLAY"], let colon = display.lastIndex(of: ":") else {
            return false
        }
        let host = String(display[..<colon])
        let digits = display[display.index(after: colon)...].prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits), number < 60_000 else { return false }
        if host.isEmpty || host == "unix" || host.hasPrefix("/") {
            return connects(toFile: "/tmp/.X11-unix/X\(number)")
                || connects(toHost: "localhost", port: 6000 + number)
        }
        return connects(toHost: host, port: 6000 + number)
    }

    /// True where Qt was told to draw into memory, or for a remote viewer.
    static var qtNeedsNone: Bool {
        guard let platform = Folders.environment("QT_QPA_PLATFORM") else { return false }
        return !platform.hasPrefix("xcb") && !platform.hasPrefix("wayland")
    }

    private static func connects(toFile path: String) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard fd >= 0 else { return false }
        defer { close(fd) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(fd, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }

    /// A forwarded display (ssh -X) listens on a port of this machine; half a second is long for it.
    private static func connects(toHost host: String, port: Int) -> Bool {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "\(port)", &hints, &found) == 0 else { return false }
        defer { freeaddrinfo(found) }
        var entry = found
        while let info = entry?.pointee {
            let kind = info.ai_socktype | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
            let fd = socket(info.ai_family, kind, info.ai_protocol)
            if fd >= 0 {
                defer { close(fd) }
                if connect(fd, info.ai_addr, info.ai_addrlen) == 0 { return true }
                var wait = pollfd(fd: fd, events: Int16(POLLOUT), revents: 0)
                var code: Int32 = 0
                var size = socklen_t(MemoryLayout<Int32>.size)
                if errno == EINPROGRESS, poll(&wait, 1, 500) == 1,
                    getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) == 0, code == 0
                {
                    return true
                }
            }
            entry = info.ai_next
        }
        return false
    }

    // MARK: The terminal

    /// Columns, rows and, where the terminal says so, pixels.
    static func size(of fd: Int32) -> (columns: Int, rows: Int, width: Int, height: Int)? {
        var size = winsize()
        guard ioctl(fd, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return nil }
        return (Int(size.ws_col), Int(size.ws_row), Int(size.ws_xpixel), Int(size.ws_ypixel))
    }

    /// How this terminal shows text, by its environment. NO_COLOR is obeyed.
    package static func style(_ environment: [String: String], isTerminal: Bool, columns: Int, rows: Int?)
        -> TextStyle
    {
        let term = environment["TERM"] ?? ""
        let depth = environment["COLORTERM"] ?? ""
        let color: TextStyle.Color =
            if !isTerminal || !(environment["NO_COLOR"] ?? "").isEmpty || term.isEmpty || term == "dumb" {
                .none
            } else if depth.contains("truecolor") || depth.contains("24bit") || term.contains("direct") {
                .full
            } else if term.contains("256") || term.hasPrefix("xterm") || term.hasPrefix("tmux")
                || term.hasPrefix("screen") || term.hasPrefix("rxvt")
            {
                .palette
            } else {
                .none
            }
        let locale =
            ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        let encoding = locale.lowercased()
        return TextStyle(
            columns: columns, rows: rows, color: color,
            isUnicode: encoding.contains("utf-8") || encoding.contains("utf8"))
    }

    /// Ask the terminal for its attributes (DA1) and look for sixel graphics (4) in the answer.
    ///
    /// Only where both ends are one terminal in whose foreground we are; a terminal that does not
    /// answer within `milliseconds` speaks no sixel. Its settings are as before afterwards.
    package static func speaksSixel(input: Int32, output: Int32, milliseconds: Int = 250) -> Bool {
        guard isatty(input) == 1, isatty(output) == 1 else { return false }
        // In the background even a look at the settings would stop us.
        guard tcgetpgrp(input) == getpgrp() else { return false }
        var before = termios()
        guard tcgetattr(input, &before) == 0 else { return false }
        var raw = before
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
        guard tcsetattr(input, TCSANOW, &raw) == 0 else { return false }
        defer { tcsetattr(input, TCSANOW, &before) }
        let question = Array("\u{1B}[c".utf8)
        guard write(output, question, question.count) == question.count else { return false }

        var answer: [UInt8] = []
        let end = monotonicSeconds() + Double(milliseconds) / 1000
        while answer.count < 256 {
            let left = Int32((end - monotonicSeconds()) * 1000)
            var wait = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
            guard left > 0, poll(&wait, 1, left) == 1 else { return false }
            var byte: UInt8 = 0
            guard read(input, &byte, 1) == 1 else { return false }
            answer.append(byte)
            if let attributes = attributes(in: answer) { return attributes.contains("4") }
        }
        return false
    }

    /// The attributes in a whole answer ESC [ ? a ; b ; … c, whatever was typed before it.
    package static func attributes(in answer: [UInt8]) -> [String]? {
        guard answer.last == UInt8(ascii: "c"), let start = answer.lastIndex(of: 0x1B) else { return nil }
        let text = String(decoding: answer[start...], as: UTF8.self)
        guard text.hasPrefix("\u{1B}[?") else { return nil }
        let body = text.dropFirst(3).dropLast()
        guard body.allSatisfy({ $0.isNumber || $0 == ";" }) else { return nil }
        return body.split(separator: ";").map(String.init)
    }
}
