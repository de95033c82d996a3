"""Compiled kernels as plain machine code: made once with numba, loaded without it.

Importing numba takes half a second of a process that may live for one. So a version of a kernel is kept as an object
file with the function alone: no wrapper for Python objects, and room for temporary arrays from the C library. llvmlite
links it within milliseconds, and it is called with the addresses, shapes and strides of arrays, as numba's own calling
convention has it.
"""

from __future__ import annotations

import ctypes
import pickle
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from lamella.system.logs import logger_of

__all__ = ["load_native", "make_native"]

_log = logger_of(__name__)

_MEMORY = """
declare ptr @malloc(i64)
declare void @free(ptr)

define ptr @NRT_MemInfo_alloc_aligned(i64 %size, i32 %align) {
  %unit = zext i32 %align to i64
  %more = add i64 %size, %unit
  %all = add i64 %more, 48
  %block = call ptr @malloc(i64 %all)
  %failed = icmp eq ptr %block, null
  br i1 %failed, label %none, label %good
none:
  ret ptr null
good:
  store i64 1, ptr %block
  %begin = ptrtoint ptr %block to i64
  %head = add i64 %begin, 47
  %last = add i64 %head, %unit
  %mask = sub i64 0, %unit
  %data = and i64 %last, %mask
  %to_data = getelementptr i8, ptr %block, i64 24
  store i64 %data, ptr %to_data
  %to_size = getelementptr i8, ptr %block, i64 32
  store i64 %size, ptr %to_size
  ret ptr %block
}

define void @NRT_MemInfo_call_dtor(ptr %block) {
  call void @free(ptr %block)
  ret void
}
"""
"""What numba's runtime does for temporary arrays: a count of references, the address, and the size, before the data."""


def _is_supported() -> bool:
    """Whether the layout of calls and memory was tried here, and the features of the processor are part of records."""
    return sys.platform == "linux" and platform.machine() == "x86_64"


def make_native(compiled: str, result: Any, arguments: Sequence[Any]) -> bytes | None:
    """Give the object file of a kernel, with what is needed to call it before the first end of line.

    Parameters
    ----------
    compiled
        ``"module:function"``.
    result
        What numba's compiler gave.
    arguments
        Of the right types.

    Returns
    -------
    bytes or None
        None where it has to be called by numba.
    """
    if not _is_supported() or not all(map(_is_passed, arguments)) or str(result.signature.return_type) != "none":
        return None
    import json

    import llvmlite.binding as llvm

    _, _, (_, bitcode) = result.library.serialize_using_object_code()
    module = llvm.parse_bitcode(bitcode)
    entry = result.fndesc.llvm_func_name
    memory = llvm.parse_assembly(_MEMORY)
    memory.triple, memory.data_layout = module.triple, module.data_layout
    module.link_in(memory)
    for function in module.functions:
        if not function.is_declaration:
            function.linkage = "external" if function.name == entry else "internal"
    machine = result.library.codegen._tm
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options()))
    outside = {one.name for one in module.functions if one.is_declaration and not one.name.startswith("llvm.")}
    expected = 2 + len(list(_flat(arguments)))
    if outside - {"malloc", "free"} or len(list(module.get_function(entry).arguments)) != expected:
        _log.debug("%s needs %s, so numba calls it", compiled, sorted(outside))
        return None
    code: bytes = machine.emit_object(module)
    stored: bytes = json.dumps({"function": entry, "arguments": expected}).encode() + b"\n" + code
    return stored


def _is_passed(argument: Any) -> bool:
    """Whether an argument is an array, or whole numbers of 64 bits."""
    return isinstance(argument, np.ndarray) or all(
        type(one) is int for one in (argument if isinstance(argument, tuple) else (argument,))
    )


def load_native(code: bytes) -> Callable[..., None] | None:
    """Give the function of what `make_native` gave; None if it is not for this system."""
    if not _is_supported():
        return None
    import json

    line, _, code = code.partition(b"\n")
    head = json.loads(line)
    name, count = str(head["function"]), int(head["arguments"])
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    address = engine.get_function_address(name)
    return _Native(engine, address, count) if address else None


class _Native:
    """A kernel that is called with what numba's calling convention makes of arrays; other threads work meanwhile."""

    def __init__(self, engine: Any, address: int, count: int) -> None:
        self._engine = engine  # keeps the code in memory
        pointers, numbers = 2 * [ctypes.c_void_p], (count - 2) * [ctypes.c_int64]
        self._function = ctypes.CFUNCTYPE(ctypes.c_int32, *pointers, *numbers)(address)

    def __call__(self, *arguments: Any) -> None:
        nothing, failure = ctypes.c_void_p(), ctypes.c_void_p()
        if self._function(ctypes.addressof(nothing), ctypes.addressof(failure), *_flat(arguments)):
            raise _error(failure.value)


def _error(address: int | None) -> Exception:
    """Give the exception that a kernel describes by the address and the length of a pickle."""
    if address is None:
        return RuntimeError("a compiled kernel failed, and does not say why")
    data, length = ctypes.c_void_p.from_address(address), ctypes.c_int32.from_address(address + 8)
    kind, arguments, *_ = pickle.loads(ctypes.string_at(data.value or 0, length.value))
    error: Exception = kind(*(arguments or ()))
    return error


def _flat(arguments: Sequence[Any]) -> Iterator[int]:
    """Give arguments as numba passes them; an array without owners, as size, itemsize, address, shape and strides."""
    for argument in arguments:
        if isinstance(argument, np.ndarray):
            yield from (0, 0, argument.size, argument.itemsize, argument.__array_interface__["data"][0])
            yield from argument.shape
            yield from argument.strides
        elif isinstance(argument, tuple):
            yield from argument
        else:
            yield argument
