"""Machine code of the handler of `lamella.kernels.guard`, made by LLVM.

It may run at any instruction that reads a mapping, in any thread, with or without the GIL, so it calls
nothing but the system: no Python, and no code that Python compiles for itself. All addresses are constants in it, so
nothing is looked up either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llvmlite import binding, ir

__all__ = ["HandlerFacts", "handler_code"]

_I32, _I64 = ir.IntType(32), ir.IntType(64)
_POINTER = ir.IntType(8).as_pointer()
_HIGHEST_CODE = 0xFFFF
"""Codes of faults are between 0 and this; others say that somebody sent the signal."""


@dataclass(frozen=True, slots=True)
class HandlerFacts:
    """What the handler knows: addresses of functions and memory, and numbers that differ between systems.

    Parameters
    ----------
    mmap, sigaction, raise_signal, errno_location
        Addresses of functions of the C library.
    words, lost
        Addresses of the table of mappings, and of what became of them.
    slots
        Entries of the table.
    before
        Address of what `sigaction` said of the handler that was there before.
    address_offset
        Where ``siginfo_t`` has the address of the fault [bytes].
    page
        Size of a page [bytes].
    unit_bits, length_bits
        How an entry holds a mapping: ``start >> unit_bits << length_bits | length >> unit_bits``.
    map_flags
        For `mmap`: private, anonymous and fixed.
    """

    mmap: int
    sigaction: int
    raise_signal: int
    errno_location: int
    words: int
    lost: int
    slots: int
    before: int
    address_offset: int
    page: int
    unit_bits: int
    length_bits: int
    map_flags: int


def handler_code(facts: HandlerFacts) -> int:
    """Make the handler for ``SA_SIGINFO``, which stays as long as the process; gives its address."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    module = ir.Module("lamella_guard")
    module.triple = binding.get_process_triple()
    name = "lamella_guard_handler"
    _write_handler(ir.Function(module, ir.FunctionType(ir.VoidType(), [_I32, _I64, _I64]), name), facts)
    parsed = binding.parse_assembly(str(module))
    parsed.verify()
    machine = binding.Target.from_default_triple().create_target_machine(opt=2)
    engine = binding.create_mcjit_compiler(parsed, machine)
    engine.finalize_object()
    address = int(engine.get_function_address(name))
    engine.detach()  # threads may read mappings while the interpreter ends
    return address


def _write_handler(function: ir.Function, facts: HandlerFacts) -> None:
    """Write ``handler(signal, info, context)``."""
    number, info, context = function.args
    blocks = {
        name: function.append_basic_block(name)
        for name in ("entry", "fault", "next", "compare", "found", "foreign", "call", "default", "send", "end")
    }
    build = ir.IRBuilder(blocks["entry"])
    unit, bits = _I64(facts.unit_bits), _I64(facts.length_bits)

    errno = build.call(_function(build, facts.errno_location, _I32.as_pointer(), []), [])
    errno_before = build.load(errno)
    code = build.load(build.inttoptr(build.add(info, _I64(8)), _I32.as_pointer()))
    is_fault = build.and_(build.icmp_signed(">", code, _I32(0)), build.icmp_signed("<=", code, _I32(_HIGHEST_CODE)))
    build.cbranch(is_fault, blocks["fault"], blocks["foreign"])

    build.position_at_end(blocks["fault"])
    address = build.load(build.inttoptr(build.add(info, _I64(facts.address_offset)), _I64.as_pointer()))
    build.branch(blocks["next"])

    build.position_at_end(blocks["next"])
    slot = build.phi(_I64)
    slot.add_incoming(_I64(0), blocks["fault"])
    build.cbranch(build.icmp_unsigned("<", slot, _I64(facts.slots)), blocks["compare"], blocks["foreign"])

    build.position_at_end(blocks["compare"])
    place = build.shl(slot, _I64(3))
    word = build.load_atomic(_cell(build, facts.words, place), "monotonic", 8)
    start = build.shl(build.lshr(word, bits), unit)
    length = build.shl(build.and_(word, _I64((1 << facts.length_bits) - 1)), unit)
    slot.add_incoming(build.add(slot, _I64(1)), blocks["compare"])
    inside = build.icmp_unsigned("<", build.sub(address, start), length)
    build.cbranch(inside, blocks["found"], blocks["next"])

    # The note comes first: who sees zeros must see the note as well.
    build.position_at_end(blocks["found"])
    page = build.and_(address, _I64(-facts.page))
    offset = build.sub(page, start)
    build.store_atomic(build.add(offset, _I64(1)), _cell(build, facts.lost, place), "seq_cst", 8)
    rest = build.sub(length, offset)
    kind = [_I64, _I64, _I32, _I32, _I32, _I64]
    arguments = [page, rest, _I32(1), _I32(facts.map_flags), _I32(-1), _I64(0)]
    mapped = build.call(_function(build, facts.mmap, _I64, kind), arguments)
    build.cbranch(build.icmp_unsigned("==", mapped, page), blocks["end"], blocks["foreign"])

    build.position_at_end(blocks["foreign"])
    earlier = build.load(_cell(build, facts.before, _I64(0)))
    build.cbranch(build.icmp_unsigned(">", earlier, _I64(1)), blocks["call"], blocks["default"])

    build.position_at_end(blocks["call"])
    kind = [_I32, _I64, _I64]
    taken_over = build.inttoptr(earlier, ir.FunctionType(ir.VoidType(), kind).as_pointer())
    build.call(taken_over, [number, info, context])
    build.branch(blocks["end"])

    # Nobody was there before: the fault happens again, and ends the process as it would have without this handler. A
    # signal that somebody sent does not come again by itself.
    build.position_at_end(blocks["default"])
    kind = [_I32, _POINTER, _POINTER]
    before = build.inttoptr(_I64(facts.before), _POINTER)
    build.call(_function(build, facts.sigaction, _I32, kind), [number, before, ir.Constant(_POINTER, None)])
    build.cbranch(is_fault, blocks["end"], blocks["send"])

    build.position_at_end(blocks["send"])
    build.call(_function(build, facts.raise_signal, _I32, [_I32]), [number])
    build.branch(blocks["end"])

    build.position_at_end(blocks["end"])
    build.store(errno_before, errno)
    build.ret_void()


def _function(build: ir.IRBuilder, address: int, result: Any, arguments: list[Any]) -> Any:
    return build.inttoptr(_I64(address), ir.FunctionType(result, arguments).as_pointer())


def _cell(build: ir.IRBuilder, table: int, place: Any) -> Any:
    """Give the 64-bit number at some bytes from the begin of a table."""
    return build.inttoptr(build.add(_I64(table), place), _I64.as_pointer())
