"""Reading mapped files that may be cut meanwhile: zeros and a note instead of the end of the process.

Who touches a mapping behind the end of its file gets the signal SIGBUS, which ends a process. No look at the size of
the file prevents that, because it may be cut a moment later. So a handler takes the signal: where the address belongs
to a mapping that is watched, it puts zeros there, from that page to the end of the mapping, and notes it. The
instruction is done again, and the reader asks for notes before anybody sees what was computed.

The handler is machine code (`lamella.kernels.guardcode`): the thread may hold the GIL, wait for it, or
know nothing of Python. It is put in place together with the first compiled kernel, because it needs the same compiler;
`lamella.kernels.compilequeue` does that. A signal that is about something else goes on to the handler that was there
before.

The table has one 64-bit number for each mapping, so that it is never seen half written, in whichever thread the handler
runs. A mapping is in it from before it is touched until it is about to be unmapped, so no other memory is taken for it.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import struct
import sys
import threading
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from lamella.system.logs import logger_of

__all__ = ["Watch", "can_watch", "install", "is_installed", "is_made"]

_log = logger_of(__name__)

_SLOTS = 4096
_UNIT_BITS, _LENGTH_BITS = 12, 28
_LONGEST = 1 << (_UNIT_BITS + _LENGTH_BITS)
"""What the table can hold: up to a terabyte for each mapping [bytes], at addresses below `_HIGHEST`."""
_HIGHEST = 1 << (64 - _LENGTH_BITS + _UNIT_BITS)

_words = array("Q", bytes(8 * _SLOTS))
_lost = array("Q", bytes(8 * _SLOTS))
_free = deque(range(_SLOTS))


@dataclass(frozen=True, slots=True)
class _System:
    """How an operating system lays things out: a `struct` format, flags, an offset [bytes], a name."""

    sigaction: str
    flags: int
    address_offset: int
    errno_location: str


# Handler, mask, flags (and what the C library adds); flags are SA_SIGINFO, SA_ONSTACK and SA_RESTART.
_LINUX = _System("Q128si4xQ", 0x4 | 0x08000000 | 0x10000000, 16, "__errno_location")
_MACOS = _System("QIi", 0x40 | 0x1 | 0x2, 24, "__error")
_MAP_FIXED = 0x10


def _system() -> _System | None:
    """Give the layout of this system, or None where it is not known."""
    if sys.maxsize < 1 << 62 or not hasattr(os, "uname"):
        return None
    machine = os.uname().machine
    if sys.platform == "linux" and machine in ("x86_64", "aarch64"):
        return _LINUX
    return _MACOS if sys.platform == "darwin" and machine in ("x86_64", "arm64") else None


class Watch:
    """A mapping in the table; release it before it is unmapped.

    Parameters
    ----------
    start, nbytes
        Address and length of the mapping [bytes].

    Raises
    ------
    ValueError
        If the table cannot hold it.
    """

    __slots__ = ("_noted", "_slot")

    def __init__(self, start: int, nbytes: int) -> None:
        self._noted = 0
        self._slot: int | None = None
        if not can_watch(nbytes) or start + nbytes > _HIGHEST:
            raise ValueError(f"a mapping of {nbytes} bytes at {start:#x} cannot be watched")
        try:
            slot = _free.popleft()
        except IndexError:
            raise ValueError(f"{_SLOTS} mappings are watched already") from None
        _lost[slot] = 0
        self._slot = slot
        pages = -(-nbytes // mmap.PAGESIZE)
        _words[slot] = start >> _UNIT_BITS << _LENGTH_BITS | pages * mmap.PAGESIZE >> _UNIT_BITS

    @property
    def lost(self) -> int | None:
        """From where on the mapping shows zeros instead of the file [bytes], or None if all of it is there."""
        slot = self._slot
        noted = self._noted if slot is None else _lost[slot]
        return noted - 1 if noted else None

    def release(self) -> None:
        """Take the mapping out of the table; what was noted stays known."""
        slot, self._slot = self._slot, None
        if slot is not None:
            self._noted = _lost[slot]
            _words[slot] = 0
            _free.append(slot)


def can_watch(nbytes: int) -> bool:
    """Whether a mapping of that length [bytes] fits into the table."""
    return nbytes <= _LONGEST - mmap.PAGESIZE


_Struct = ctypes.c_uint64 * 32
"""Room for a ``struct sigaction`` of any system; its first member is the handler."""
_NUMBER = int(getattr(signal, "SIGBUS", 0))

_handler = 0
_before = _Struct()
_lock = threading.Lock()


def _after_fork() -> None:
    """Go on in a process that was forked: it has handler, table and mappings, and another thread may hold the lock."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def is_made() -> bool:
    """Whether the handler was put in place once; at no cost."""
    return _handler != 0


def is_installed() -> bool:
    """Whether the handler is in place now; somebody may have installed another one meanwhile.

    Where nothing is in its place but the default, as after `faulthandler.disable`, it is put there again.
    """
    if not _handler:
        return False
    current = _current()
    return current == _handler or (current == 0 and install())


def install() -> bool:
    """Put the handler in place, if this system is known; gives whether it is there.

    May be called from any thread and more than once. Over a handler that came after this one it is not put again: each
    would hand on to the other.
    """
    global _handler
    system = _system()
    if system is None:
        return False
    with _lock:
        try:
            if not _handler:
                _handler = _made(system)
                return _put(system)
            current = _current()
            return current == _handler or (current == 0 and _put(system))
        except Exception as error:  # no compiler, or a system that lets nobody make code
            _log.info("files are not mapped: a handler for SIGBUS cannot be made (%s: %s)", type(error).__name__, error)
            return False


def _made(system: _System) -> int:
    from lamella.kernels.guardcode import HandlerFacts, handler_code

    return handler_code(
        HandlerFacts(
            mmap=_address("mmap"),
            sigaction=_address("sigaction"),
            raise_signal=_address("raise"),
            errno_location=_address(system.errno_location),
            words=_words.buffer_info()[0],
            lost=_lost.buffer_info()[0],
            slots=_SLOTS,
            before=ctypes.addressof(_before),
            address_offset=system.address_offset,
            page=mmap.PAGESIZE,
            unit_bits=_UNIT_BITS,
            length_bits=_LENGTH_BITS,
            map_flags=mmap.MAP_PRIVATE | mmap.MAP_ANON | _MAP_FIXED,
        )
    )


def _put(system: _System) -> bool:
    """Put the handler in place of the present one, which is kept."""
    values = (_handler, b"", system.flags, 0) if system is _LINUX else (_handler, 0, system.flags)
    wanted = _Struct.from_buffer_copy(struct.pack(system.sigaction, *values).ljust(ctypes.sizeof(_Struct), b"\0"))
    if _sigaction()(_NUMBER, None, _before) or _sigaction()(_NUMBER, wanted, None):
        return False
    return _current() == _handler


def _current() -> int:
    """Give the address of the present handler; 0 is the default."""
    found = _Struct()
    _sigaction()(_NUMBER, None, found)
    return int(found[0])


@cache
def _sigaction() -> Callable[..., int]:
    function: Callable[..., int] = _library().sigaction
    return function


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _address(name: str) -> int:
    """Give the address of a function of the C library."""
    address = ctypes.cast(getattr(_library(), name), ctypes.c_void_p).value
    assert address is not None
    return address
