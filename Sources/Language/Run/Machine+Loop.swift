import Support

extension Machine {
    /// Runs until the frame that is current on entry returns.
    func execute() throws -> Value {
        let entryDepth = depth
        let handlerFloor = handlers.count
        let frames = self.frames
        var base = frames[depth].base
        var pc = frames[depth].pc
        var numbers = frames[depth].entry.pointee.numbers
        while true {
            do {
                while true {
                    let i = pc.pointee
                    pc += 1
                    switch i.op {
                    case .move: (base + i.ra).copy(base + i.rb)
                    case .loadConstant: loadConstant(base + i.ra, i.bx)
                    case .loadNumber: (base + i.ra).set(numbers[i.bx])
                    case .loadNil: (base + i.ra).pointee = .nil
                    case .loadTrue: (base + i.ra).set(true)
                    case .loadFalse: (base + i.ra).set(false)
                    case .loadHole: (base + i.ra).pointee = Hole.value
                    case .getGlobal:
                        let g = frames[depth].entry.pointee.globals[i.bx]
                        if g.high == 0 {
                            (base + i.ra).set(g.number)
                        } else {
                            try getGlobal(base + i.ra, g, i.bx)
                        }
                    case .setGlobal: setGlobal(frames[depth].entry.pointee.globals[i.bx], base + i.ra)
                    case .newCell: newCell(base + i.ra, base + i.rb)
                    case .getCell:
                        (base + i.ra).copy(
                            (base + i.rb).reference(Cell.self)._withUnsafeGuaranteedRef { $0.slot })
                    case .getCellChecked:
                        try getChecked(
                            base + i.ra,
                            (base + i.rb).reference(Cell.self)._withUnsafeGuaranteedRef { $0.slot }, pc)
                        pc += 1
                    case .setCell:
                        (base + i.ra).reference(Cell.self)._withUnsafeGuaranteedRef { $0.slot }.copy(
                            base + i.rb)
                    case .getCapture: getCapture(base + i.ra, i.rb)
                    case .getCaptureCell: (base + i.ra).copy(captureSlot(i.rb))
                    case .getCaptureCellChecked:
                        try getChecked(base + i.ra, captureSlot(i.rb), pc)
                        pc += 1
                    case .setCaptureCell: captureSlot(i.ra).copy(base + i.rb)
                    case .checkHole:
                        if (base + i.ra).high >> 60 == Tag.objectNibble { try checkHole(base + i.ra, i.bx) }
                    case .jumpIfGiven:
                        if !(base + i.ra).pointee.isHole { pc = frames[depth].entry.pointee.code + i.bx }

                    case .add:
                        let x = base + i.rb, y = base + i.rc
                        if x.high | y.high == 0 {
                            (base + i.ra).set(x.number + y.number)
                        } else {
                            try binary(.add, base + i.ra, x, y)
                        }
                    case .subtract:
                        let x = base + i.rb, y = base + i.rc
                        if x.high | y.high == 0 {
                            (base + i.ra).set(x.number - y.number)
                        } else {
                            try binary(.subtract, base + i.ra, x, y)
                        }
                    case .multiply:
                        let x = base + i.rb, y = base + i.rc
                        if x.high | y.high == 0 {
                            (base + i.ra).set(x.number * y.number)
                        } else {
                            try binary(.multiply, base + i.ra, x, y)
                        }
                    case .divide:
                        let x = base + i.rb, y = base + i.rc
                        if x.high | y.high == 0, y.number != 0 {
                            (base + i.ra).set(x.number / y.number)
                        } else {
                            try binary(.divide, base + i.ra, x, y)
                        }
                    case .floorDivide: try binary(.floorDivide, base + i.ra, base + i.rb, base + i.rc)
                    case .modulo:
                        let x = base + i.rb, y = base + i.rc
                        if x.high | y.high == 0, y.number != 0 {
                            (base + i.ra).set(Operators.modulo(x.number, y.number))
                        } else {
                            try binary(.modulo, base + i.ra, x, y)
                        }
                    case .power: try binary(.power, base + i.ra, base + i.rb, base + i.rc)
                    case .matmul: try binary(.matmul, base + i.ra, base + i.rb, base + i.rc)
                    case .addK:
                        let x = base + i.rb
                        if x.high == 0 {
                            (base + i.ra).set(x.number + numbers[i.rc])
                        } else {
                            try binaryK(.add, base + i.ra, x, numbers[i.rc])
                        }
                    case .subtractK:
                        let x = base + i.rb
                        if x.high == 0 {
                            (base + i.ra).set(x.number - numbers[i.rc])
                        } else {
                            try binaryK(.subtract, base + i.ra, x, numbers[i.rc])
                        }
                    case .multiplyK:
                        let x = base + i.rb
                        if x.high == 0 {
                            (base + i.ra).set(x.number * numbers[i.rc])
                        } else {
                            try binaryK(.multiply, base + i.ra, x, numbers[i.rc])
                        }
                    case .divideK:
                        let x = base + i.rb
                        if x.high == 0, numbers[i.rc] != 0 {
                            (base + i.ra).set(x.number / numbers[i.rc])
                        } else {
                            try binaryK(.divide, base + i.ra, x, numbers[i.rc])
                        }
                    case .floorDivideK: try binaryK(.floorDivide, base + i.ra, base + i.rb, numbers[i.rc])
                    case .moduloK:
                        let x = base + i.rb
                        if x.high == 0, numbers[i.rc] != 0 {
                            (base + i.ra).set(Operators.modulo(x.number, numbers[i.rc]))
                        } else {
                            try binaryK(.modulo, base + i.ra, x, numbers[i.rc])
                        }
                    case .powerK:
                        let x = base + i.rb
                        if x.high == 0 {
                            (base + i.ra).set(Operators.power(x.number, numbers[i.rc]))
                        } else {
                            try binaryK(.power, base + i.ra, x, numbers[i.rc])
                        }
                    case .equal:
                        let x = base + i.rb, y = base + i.rc
                        if x.high | y.high == 0 {
                            (base + i.ra).set(x.number == y.number)
                        } else {
                            try binary(.equal, base + i.ra, x, y)
                        }
                    case .notEqual:
                        let x = base + i.rb, y = base + i.rc
                        if x.high | y.high == 0 {
                            (base + i.ra).set(x.number != y.number)
                        } else {
                            try binary(.notEqual, base + i.ra, x, y)
                        }
                    case .less:
                        let x = base + i.rb, y = base + i.rc
                        if x.high | y.high == 0 {
                            (base + i.ra).set(x.number < y.number)
                        } else {
                            try binary(.less, base + i.ra, x, y)
                        }
                    case .lessEqual:
                        let x = base + i.rb, y = base + i.rc
                        if x.high | y.high == 0 {
                            (base + i.ra).set(x.number <= y.number)
                        } else {
                            try binary(.lessEqual, base + i.ra, x, y)
                        }
                    case .greater:
                        let x = base + i.rb, y = base + i.rc
                        if x.high | y.high == 0 {
                            (base + i.ra).set(x.number > y.number)
                        } else {
                            try binary(.greater, base + i.ra, x, y)
                        }
                    case .greaterEqual:
                        let x = base + i.rb, y = base + i.rc
                        if x.high | y.high == 0 {
                            (base + i.ra).set(x.number >= y.number)
                        } else {
                            try binary(.greaterEqual, base + i.ra, x, y)
                        }
                    case .negate:
                        let x = base + i.rb
                        if x.high == 0 {
                            (base + i.ra).set(-x.number)
                        } else {
                            try unary(.negate, base + i.ra, x)
                        }
                    case .plus: try unary(.plus, base + i.ra, base + i.rb)
                    case .not: try unary(.not, base + i.ra, base + i.rb)
                    case .contains: try contains(base + i.ra, base + i.rb, base + i.rc)
                    case .addTo:
                        let x = base + i.ra, y = base + i.rb
                        if x.high | y.high == 0 { x.set(x.number + y.number) } else { try add(y, to: x) }
                    case .addToGlobal:
                        try addToGlobal(frames[depth].entry.pointee.globals[i.bx], base + i.ra, i.bx)
                    case .addToCell:
                        try addToCell(
                            (base + i.ra).reference(Cell.self)._withUnsafeGuaranteedRef { $0.slot },
                            base + i.rb)
                    case .addToCaptureCell: try addToCell(captureSlot(i.ra), base + i.rb)

                    case .jump: pc = frames[depth].entry.pointee.code + i.bx
                    case .loop:
                        ticks &-= 1
                        if ticks <= 0 { try poll() }
                        pc = frames[depth].entry.pointee.code + i.bx
                    case .jumpIfFalse:
                        if try !truth(base + i.ra) { pc = frames[depth].entry.pointee.code + i.bx }
                    case .jumpIfTrue:
                        if try truth(base + i.ra) { pc = frames[depth].entry.pointee.code + i.bx }
                    case .jumpIfNotNil:
                        if (base + i.ra).high != Tag.nil { pc = frames[depth].entry.pointee.code + i.bx }
                    case .unlessEqual:
                        let x = base + i.ra, y = base + i.rb
                        let yes = x.high | y.high == 0 ? x.number == y.number : try test(.equal, x, y)
                        pc = yes ? pc + 1 : frames[depth].entry.pointee.code + pc.pointee.bx
                    case .unlessNotEqual:
                        let x = base + i.ra, y = base + i.rb
                        let yes = x.high | y.high == 0 ? x.number != y.number : try test(.notEqual, x, y)
                        pc = yes ? pc + 1 : frames[depth].entry.pointee.code + pc.pointee.bx
                    case .unlessLess:
                        let x = base + i.ra, y = base + i.rb
                        let yes = x.high | y.high == 0 ? x.number < y.number : try test(.less, x, y)
                        pc = yes ? pc + 1 : frames[depth].entry.pointee.code + pc.pointee.bx
                    case .unlessLessEqual:
                        let x = base + i.ra, y = base + i.rb
                        let yes = x.high | y.high == 0 ? x.number <= y.number : try test(.lessEqual, x, y)
                        pc = yes ? pc + 1 : frames[depth].entry.pointee.code + pc.pointee.bx
                    case .unlessGreater:
                        let x = base + i.ra, y = base + i.rb
                        let yes = x.high | y.high == 0 ? x.number > y.number : try test(.greater, x, y)
                        pc = yes ? pc + 1 : frames[depth].entry.pointee.code + pc.pointee.bx
                    case .unlessGreaterEqual:
                        let x = base + i.ra, y = base + i.rb
                        let yes = x.high | y.high == 0 ? x.number >= y.number : try test(.greaterEqual, x, y)
                        pc = yes ? pc + 1 : frames[depth].entry.pointee.code + pc.pointee.bx
                    case .unlessEqualK:
                        let x = base + i.ra, y = numbers[i.rc]
                        let yes = x.high == 0 ? x.number == y : try testK(.equal, x, y)
                        pc = yes ? pc + 1 : frames[depth].entry.pointee.code + pc.pointee.bx
                    case .unlessNotEqualK:
                        let x = base + i.ra, y = numbers[i.rc]
                        let yes = x.high == 0 ? x.number != y : try testK(.notEqual, x, y)
                        pc = yes ? pc + 1 : frames[depth].entry.pointee.code + pc.pointee.bx
                    case .unlessLessK:
                        let x = base + i.ra, y = numbers[i.rc]
                        let yes = x.high == 0 ? x.number < y : try testK(.less, x, y)
                        pc = yes ? pc + 1 : frames[depth].entry.pointee.code + pc.pointee.bx
                    case .unlessLessEqualK:
                        let x = base + i.ra, y = numbers[i.rc]
                        let yes = x.high == 0 ? x.number <= y : try testK(.lessEqual, x, y)
                        pc = yes ? pc + 1 : frames[depth].entry.pointee.code + pc.pointee.bx
                    case .unlessGreaterK:
                        let x = base + i.ra, y = numbers[i.rc]
                        let yes = x.high == 0 ? x.number > y : try testK(.greater, x, y)
                        pc = yes ? pc + 1 : frames[depth].entry.pointee.code + pc.pointee.bx
                    case .unlessGreaterEqualK:
                        let x = base + i.ra, y = numbers[i.rc]
                        let yes = x.high == 0 ? x.number >= y : try testK(.greaterEqual, x, y)
                        pc = yes ? pc + 1 : frames[depth].entry.pointee.code + pc.pointee.bx

                    case .forPrepare: try prepareLoop(base + i.ra, names: i.rb)
                    case .forNext:
                        if try nextElement(base + i.ra, base + i.rb, i.rc) {
                            pc += 1
                        } else {
                            pc = frames[depth].entry.pointee.code + pc.pointee.bx
                        }
                    case .forRangePrepare, .forRangeBelowPrepare: try prepareRange(base + i.ra)
                    case .forRangeNext:
                        let x = base + i.ra
                        let n = x.number
                        if n <= (x + 1).number {
                            (base + i.rb).set(n)
                            x.setWords((n + 1).bitPattern, 0)
                            pc += 1
                        } else {
                            pc = frames[depth].entry.pointee.code + pc.pointee.bx
                        }
                    case .forRangeBelowNext:
                        let x = base + i.ra
                        let n = x.number
                        if n < (x + 1).number {
                            (base + i.rb).set(n)
                            x.setWords((n + 1).bitPattern, 0)
                            pc += 1
                        } else {
                            pc = frames[depth].entry.pointee.code + pc.pointee.bx
                        }

                    case .newList: newList(base + i.ra, base + i.rb, i.rc)
                    case .append: try append(base + i.ra, base + i.rb)
                    case .extend: try extend(base + i.ra, base + i.rb)
                    case .newRecord: (base + i.ra).pointee = .record(Record())
                    case .setEntry: setEntry(base + i.ra, base + i.rb, i.rc)
                    case .spreadRecord: try spreadRecord(base + i.ra, base + i.rb)
                    case .range:
                        try range(base + i.ra, base + i.rb, base + i.rc, pc.pointee.ra)
                        pc += 1
                    case .wholeAxis: (base + i.ra).pointee = .range(.all)
                    case .getIndex: try getIndex(base + i.ra, base + i.rb, base + i.rc)
                    case .setIndex: try setIndex(base + i.ra, base + i.rb, base + i.rc)
                    case .getIndexMany: try getIndexMany(base + i.ra, base + i.rb, i.rc)
                    case .setIndexMany: try setIndexMany(base + i.ra, base + i.rb, i.rc)
                    case .getMember:
                        try getMember(base + i.ra, base + i.rb, i.rc, pc.pointee.bx)
                        pc += 1
                    case .setMember:
                        try setMember(base + i.ra, base + i.rb, i.rc, pc.pointee.bx)
                        pc += 1
                    case .unpack: try unpack(base + i.ra, base + i.rb, i.rc)
                    case .concatenate: try concatenate(base + i.ra, base + i.rb, i.rc)
                    case .format: try format(base + i.ra, base + i.rb, i.rc)

                    case .callGlobal:
                        let f = frames[depth].entry.pointee.globals[pc.pointee.bx]
                        if f.high == Tag.function {
                            let function = f.reference(Function.self)
                            let entry = function._withUnsafeGuaranteedRef { $0.entry }
                            if !entry.pointee.isSimple || entry.pointee.parameterCount != i.rb {
                                try arrange(function, base + i.ra, i.rb)
                            }
                            pc += 1
                            frames[depth].pc = pc
                            base += i.ra
                            do { try push(function, entry, base: base, to: i.rc, isEntry: false) } catch {
                                base = frames[depth].base
                                pc -= 1
                                throw error
                            }
                            pc = entry.pointee.code
                            numbers = entry.pointee.numbers
                            ticks &-= 1
                            if ticks <= 0 { try poll() }
                        } else {
                            if f.high >> 60 == Tag.objectNibble, f.pointee.isHole {
                                let g = pc.pointee.bx
                                pc += 1
                                throw unknownName(g)
                            }
                            frames[depth].pc = pc
                            try callOther(f.pointee, base + i.ra, i.rb, base + i.rc)
                            pc += 1
                        }
                    case .call:
                        let f = base + (i.ra - 1)
                        if f.high == Tag.function {
                            let function = f.reference(Function.self)
                            let entry = function._withUnsafeGuaranteedRef { $0.entry }
                            if !entry.pointee.isSimple || entry.pointee.parameterCount != i.rb {
                                try arrange(function, base + i.ra, i.rb)
                            }
                            frames[depth].pc = pc
                            base += i.ra
                            do { try push(function, entry, base: base, to: i.rc, isEntry: false) } catch {
                                base = frames[depth].base
                                throw error
                            }
                            pc = entry.pointee.code
                            numbers = entry.pointee.numbers
                            ticks &-= 1
                            if ticks <= 0 { try poll() }
                        } else {
                            frames[depth].pc = pc
                            try callOther(f.pointee, base + i.ra, i.rb, base + i.rc)
                        }
                    case .callShaped:
                        let f = base + (i.ra - 1)
                        frames[depth].pc = pc
                        if f.high == Tag.function {
                            let function = f.reference(Function.self)
                            try arrangeShaped(function, base + i.ra, i.rb, pc.pointee.bx)
                            pc += 1
                            frames[depth].pc = pc
                            let entry = function._withUnsafeGuaranteedRef { $0.entry }
                            base += i.ra
                            do { try push(function, entry, base: base, to: i.rc, isEntry: false) } catch {
                                base = frames[depth].base
                                throw error
                            }
                            pc = entry.pointee.code
                            numbers = entry.pointee.numbers
                        } else {
                            try callShaped(f.pointee, base + i.ra, i.rb, base + i.rc, pc.pointee.bx)
                            pc += 1
                        }
                    case .closure: closure(base + i.ra, i.bx)
                    case .returnValue, .returnNil:
                        let frame = frames + depth
                        var low: UInt64 = 0
                        var high = Tag.nil
                        if i.op == .returnValue {
                            let r = base + i.ra
                            low = r.low
                            high = r.high
                            r.setWords(0, 0)
                        }
                        if frame.pointee.entry.pointee.hasFunctionCells { releaseCycles(base) }
                        clear(base, frame.pointee.entry.pointee.registerCount)
                        depth -= 1
                        top = base
                        if frame.pointee.isEntry {
                            var result = Value.number(0)
                            withUnsafeMutablePointer(to: &result) { $0.setWords(low, high) }
                            return result
                        }
                        let caller = frames + depth
                        base = caller.pointee.base
                        pc = caller.pointee.pc
                        numbers = caller.pointee.entry.pointee.numbers
                        top = base + caller.pointee.entry.pointee.registerCount
                        let d = base + frame.pointee.destination
                        if !d.isPlain { d.deinitialize(count: 1) }
                        d.setWords(low, high)

                    case .beginTry: handlers.append(Handler(depth: depth, target: i.bx, register: i.ra))
                    case .endTry: if handlers.count > handlerFloor { handlers.removeLast() }
                    case .raise: throw raised(base + i.ra)
                    case .show: try show(base + i.ra)
                    case .statement: begin(frames[depth].entry.pointee.code, pc)
                    case .keep: interpreter.lastValue = (base + i.ra).pointee
                    case .use: try use(base + i.ra, i.bx)
                    }
                }
            } catch {
                frames[depth].pc = pc
                try recover(error, entryDepth: entryDepth, handlerFloor: handlerFloor)
                base = frames[depth].base
                pc = frames[depth].pc
                numbers = frames[depth].entry.pointee.numbers
            }
        }
    }
}
