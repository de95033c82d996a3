"""Loads and stores at addresses, for compiled decoders: sixteen bytes in one go where an array gives them one by one.

Nothing here checks anything: callers know that the addresses lie inside of their arrays.
"""

# Numba looks at the parameters of intrinsics by name, and compiles the functions that they give.
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, njit, types

__all__ = ["bounds", "byte_at", "copy8", "copy16", "copy64", "fill64", "pair_at", "put_byte", "put_word", "word_at"]

_intrinsic: Any = extending.intrinsic
_BYTE, _PAIR, _WORD = ir.IntType(8), ir.IntType(16), ir.IntType(64)
_BYTES = ir.VectorType(_BYTE, 16)
_WORDS = ir.VectorType(_WORD, 8)


def _load(builder: Any, address: Any, kind: Any) -> Any:
    return builder.load(builder.inttoptr(address, kind.as_pointer()), align=1)


def _store(context: Any, builder: Any, address: Any, value: Any) -> Any:
    builder.store(value, builder.inttoptr(address, value.type.as_pointer()), align=1)
    return context.get_dummy_value()


@njit(nogil=True, cache=True)
def bounds(array):
    """Give the addresses of the first byte of an array of bytes and of its end."""
    first = np.int64(array.ctypes.data)
    return first, first + array.size


@_intrinsic
def byte_at(typing_context, address):
    """Give a byte."""

    def build(context, builder, signature, arguments):
        return builder.zext(_load(builder, arguments[0], _BYTE), _WORD)

    return types.int64(address), build


@_intrinsic
def pair_at(typing_context, address):
    """Give two bytes as a number, the first one lowest on the machines that numba knows."""

    def build(context, builder, signature, arguments):
        return builder.zext(_load(builder, arguments[0], _PAIR), _WORD)

    return types.int64(address), build


@_intrinsic
def word_at(typing_context, address):
    """Give eight bytes as a number, the first one lowest on the machines that numba knows."""

    def build(context, builder, signature, arguments):
        return _load(builder, arguments[0], _WORD)

    return types.uint64(address), build


@_intrinsic
def put_byte(typing_context, address, value):
    """Write a byte."""

    def build(context, builder, signature, arguments):
        return _store(context, builder, arguments[0], builder.trunc(arguments[1], _BYTE))

    return types.void(address, value), build


@_intrinsic
def put_word(typing_context, address, value):
    """Write eight bytes."""

    def build(context, builder, signature, arguments):
        return _store(context, builder, *arguments)

    return types.void(address, types.uint64), build


def _copier(kind):
    """Give a compiled function ``(target, source)`` that copies as many bytes as a value of a kind has."""

    @_intrinsic
    def copy(typing_context, target, source):
        def build(context, builder, signature, arguments):
            return _store(context, builder, arguments[0], _load(builder, arguments[1], kind))

        return types.void(target, source), build

    return copy


copy8, copy16, copy64 = _copier(_WORD), _copier(_BYTES), _copier(_WORDS)


@_intrinsic
def fill64(typing_context, target, value):
    """Write the same eight bytes eight times."""

    def build(context, builder, signature, arguments):
        words = ir.Constant(_WORDS, ir.Undefined)
        for i in range(_WORDS.count):
            words = builder.insert_element(words, arguments[1], ir.Constant(ir.IntType(32), i))
        return _store(context, builder, arguments[0], words)

    return types.void(target, types.uint64), build
