"""Which process wrote something: a mark that outlives it, and whether that process is gone."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

__all__ = ["ProcessMark"]

_PROC = Path("/proc")
_MACHINE = Path("/etc/machine-id")
_HIGHEST_PID = 1 << 32
_UNKNOWN = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessMark:
    """A process that cannot be taken for another one: not on another computer, and not for a later one of its number.

    Texts are empty where the system does not say them.

    Parameters
    ----------
    host
        Name of the computer.
    machine
        What tells it from others of that name.
    boot
        When it was started; another text after the next start.
    namespace
        Within which its processes have their numbers; containers have their own.
    pid
        Number of the process.
    started
        When the process was started; differs from that of every other process that ever had its number.
    """

    host: str
    machine: str
    boot: str
    namespace: str
    pid: int
    started: str

    @classmethod
    def of_this_process(cls) -> Self:
        """Give the mark of the running process."""
        pid = os.getpid()
        return cls(
            host=platform.node(),
            machine=_digest(_text(_MACHINE)),
            boot=_text(_PROC / "sys" / "kernel" / "random" / "boot_id"),
            namespace=_namespace(),
            pid=pid,
            started=_start_of(pid) or _UNKNOWN,
        )

    def to_json(self) -> dict[str, Any]:
        """Give it as a dictionary of plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, facts: object) -> Self | None:
        """Give the mark that `to_json` wrote, or None if it is none."""
        if not isinstance(facts, dict) or set(facts) != set(cls.__slots__):
            return None
        texts = [facts[name] for name in cls.__slots__ if name != "pid"]
        is_mark = all(isinstance(text, str) for text in texts) and type(facts["pid"]) is int
        return cls(**facts) if is_mark and 0 < facts["pid"] < _HIGHEST_PID else None

    def is_gone(self) -> bool:
        """Whether the process is known to have ended; false where this cannot be known, as on another computer."""
        here = type(self).of_this_process()
        if (self.host, self.machine) != (here.host, here.machine):
            return False
        if self.boot != here.boot:
            return bool(self.boot and here.boot and self.machine)
        if self.namespace != here.namespace:
            return False
        found = _start_of(self.pid)
        if found is None:
            return True
        return bool(found and self.started) and found != self.started


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return _UNKNOWN


def _digest(secret: str) -> str:
    """Give what tells machines apart, but not the identity itself: that is to stay on the machine."""
    return hashlib.sha256(f"lamella {secret}".encode()).hexdigest()[:16] if secret else _UNKNOWN


def _namespace() -> str:
    try:
        return str((_PROC / "self" / "ns" / "pid").readlink())
    except OSError:
        return _UNKNOWN


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _QUERY, _STILL_ACTIVE, _NO_SUCH_PROCESS = 0x1000, 259, 87

    def _start_of(pid: int) -> str | None:
        """Give when a process was started; empty if that is not known, None if there is no such process."""
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = wintypes.HANDLE
        kernel.OpenProcess.argtypes = (wintypes.DWORD, wintypes.BOOL, wintypes.DWORD)
        kernel.CloseHandle.argtypes = (wintypes.HANDLE,)
        kernel.GetExitCodeProcess.argtypes = (wintypes.HANDLE, ctypes.POINTER(wintypes.DWORD))
        kernel.GetProcessTimes.argtypes = (wintypes.HANDLE, *[ctypes.POINTER(wintypes.FILETIME)] * 4)
        handle = kernel.OpenProcess(_QUERY, False, pid)
        if not handle:
            return None if ctypes.get_last_error() == _NO_SUCH_PROCESS else _UNKNOWN
        try:
            code, times = wintypes.DWORD(), [wintypes.FILETIME() for _ in range(4)]
            if kernel.GetExitCodeProcess(handle, ctypes.byref(code)) and code.value != _STILL_ACTIVE:
                return None
            if not kernel.GetProcessTimes(handle, *map(ctypes.byref, times)):
                return _UNKNOWN
            return str((times[0].dwHighDateTime << 32) + times[0].dwLowDateTime)
        finally:
            kernel.CloseHandle(handle)

else:

    def _start_of(pid: int) -> str | None:
        """Give when a process was started; empty if that is not known, None if there is no such process."""
        try:
            content = (_PROC / str(pid) / "stat").read_bytes()
        except OSError:  # no Linux, no such process, or one of another user that is hidden
            return _UNKNOWN if _exists(pid) else None
        state, *numbers = content.rpartition(b")")[2].split()
        if state in (b"Z", b"X"):  # ended, and nobody has asked how
            return None
        return numbers[18].decode() if len(numbers) > 18 else _UNKNOWN

    def _exists(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except (OSError, OverflowError):  # it may not be asked
            return True
        return True
