import Glibc

/// The C library's functions of numbers, for places where a member of the same name hides them.
enum TensorMath {
    static func log(_ x: Double) -> Double { Glibc.log(x) }
    static func pow(_ x: Double, _ y: Double) -> Double { Glibc.pow(x, y) }
}
