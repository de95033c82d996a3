"""Starts every child process of Lamella, so that all of them are started with the same care.

A child is a fresh interpreter. It is started only where there is a Python to start, never imports from the working
directory before everything else, and carries a mark in its environment.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from io import RawIOBase
from pathlib import Path
from typing import IO, Any

__all__ = [
    "NoPythonError",
    "Pipes",
    "import_path",
    "is_child",
    "leave_to_parent",
    "parent_pipes",
    "python_executable",
    "start",
]

_MARK = "LAMELLA_CHILD"
_PYTHON = re.compile(r"(python|pypy|graalpy)w?[\d.]*t?(_?d)?([-.][\w.-]+)?", re.IGNORECASE)
_SAY_VERSION = "import sys; print(sys.version_info[:2])"
_BOOT = """
import sys
from json import loads
line = sys.stdin.buffer.readline()
if not line.endswith(b"\\n"):
    sys.exit()  # the parent is gone
path, last, module, name, arguments = loads(line)
sys.path[:] = path
if last:
    from lamella.system.lastimports import search_last
    search_last(last)
from importlib import import_module
getattr(import_module(module), name)(*arguments)
"""
_UNWANTED = ("PYTHONINSPECT", "PYTHONSTARTUP")
"""Variables that would let a child read its pipe as a program."""
_LENGTH = 8
_LAST_WAIT = 1.0
"""How long a child that was killed is waited for [s]."""


class NoPythonError(OSError):
    """There is no Python executable with which a child could be started."""

    def __init__(self) -> None:
        super().__init__(
            f"{sys.executable or 'this program'} is not a Python executable, so no child process can be started; an "
            "application names one by multiprocessing.set_executable"
        )


def is_child() -> bool:
    """Whether this process was started by `start`, or by a process that was."""
    return _MARK in os.environ


def python_executable() -> str | None:
    """Give the Python with which children are started, or None if there is none.

    A program that embeds Python, or was frozen into one file, would start itself. So its executable counts only if it
    is a Python by name, its own or that of the file it links to. An application that called
    `multiprocessing.set_executable` is believed, if that Python has the same version as this one.
    """
    from multiprocessing.spawn import get_executable  # costs milliseconds

    path = os.fsdecode(get_executable() or "")
    if not path or not Path(path).is_file():
        return None
    given = path not in (sys.executable, getattr(sys, "_base_executable", None))
    if not given and (getattr(sys, "frozen", False) or not _is_python(path)):
        return None
    embedded = not sys.orig_argv
    return path if not (given or embedded) or _has_our_version(path) else None


def _is_python(path: str) -> bool:
    names = (Path(path).name, Path(path).resolve().name)
    return any(_PYTHON.fullmatch(name.lower().removesuffix(".exe")) for name in names)


@cache
def _has_our_version(path: str) -> bool:
    try:
        done = subprocess.run([path, "-I", "-S", "-c", _SAY_VERSION], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.stdout.strip() == str(tuple(sys.version_info[:2]))


def import_path() -> tuple[list[str], list[str]]:
    """Give `sys.path` for a child, and folders that it looks at last.

    These are the entries that follow the working directory, such as ``""`` of a prompt or a notebook: a module there
    is found, but never instead of one of Python, of Lamella, or of an installed package.
    """
    path: list[str] = []
    last: list[str] = []
    for entry in (entry for entry in sys.path if isinstance(entry, str)):
        if Path(entry).is_absolute():
            path.append(entry)
            continue
        with contextlib.suppress(OSError):  # the working directory may be gone
            place = os.path.abspath(entry)
            if Path(place).exists():
                last.append(place)
            else:
                path.append(entry)  # the name of a path hook
    return list(dict.fromkeys(path)), list(dict.fromkeys(last))


def start(
    target: str,
    *arguments: str | int,
    answers: bool = False,
    errors: int | IO[bytes] | None = None,
    inherit: Sequence[int] = (),
    background: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a child that calls a function.

    Parameters
    ----------
    target
        ``"module:function"``.
    arguments
        What it is called with.
    answers
        Connect its standard output to a pipe; the child calls `parent_pipes`.
    errors
        Where its standard error goes, as for `subprocess.Popen`.
    inherit
        Handles of this process that the child inherits: descriptors, or handles of Windows.
    background
        Give it a low priority, where the system sets that from outside.

    Returns
    -------
    Popen
        The process, which does not hear Ctrl-C. ``stdin`` is a pipe to it, whose content the child reads after it has
        started.

    Raises
    ------
    NoPythonError
        If there is no Python to start.
    OSError
        If it cannot be started.
    """
    executable = python_executable()
    if executable is None:
        raise NoPythonError
    with _deaf_to_interrupts():
        process = _Child(
            [executable, *_flags(), "-c", _BOOT],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if answers else None,
            stderr=errors,
            env=_environment(),
            **_platform_options(inherit, background),
        )
    module, _, name = target.partition(":")
    first = json.dumps([*import_path(), module, name, arguments]).encode() + b"\n"
    assert process.stdin is not None
    with contextlib.suppress(OSError):  # a child that is gone is noticed when its answer does not come
        _write(process.stdin, first)
    return process


class _Child(subprocess.Popen[bytes]):
    """A child that is ended when nobody has it any more, for instance because Ctrl-C came while it was started."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._parent = os.getpid()
        super().__init__(*arguments, **options)

    def __del__(self) -> None:
        if getattr(self, "_child_created", False) and self.returncode is None and self._parent == os.getpid():
            with contextlib.suppress(Exception):
                self.kill()
                self.wait(_LAST_WAIT)
        super().__del__()


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Let children that are started here not hear Ctrl-C, from their first moment: the parent decides what it means.

    On Windows they have no console to hear it from.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _flags() -> list[str]:
    """Give the options of this interpreter that say where modules come from, and -P."""
    flags = sys.flags
    chosen = {"-I": flags.isolated, "-E": flags.ignore_environment, "-s": flags.no_user_site, "-P": True}
    chosen["-B"] = sys.dont_write_bytecode
    return [*(flag for flag, is_set in chosen.items() if is_set), *(["-Xutf8"] if flags.utf8_mode else [])]


def _environment() -> dict[str, str]:
    """Give the environment of a child: without relative entries of PYTHONPATH, which would come before Python's own."""
    environment = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    absolute = [entry for entry in environment.pop("PYTHONPATH", "").split(os.pathsep) if Path(entry).is_absolute()]
    if absolute:
        environment["PYTHONPATH"] = os.pathsep.join(absolute)
    return {**environment, _MARK: "1"}


def _platform_options(inherit: Sequence[int], background: bool) -> dict[str, Any]:
    if sys.platform != "win32":
        return {"pass_fds": tuple(inherit)}
    for handle in inherit:
        os.set_handle_inheritable(handle, True)
    low = subprocess.BELOW_NORMAL_PRIORITY_CLASS if background else 0
    options: dict[str, Any] = {"creationflags": subprocess.CREATE_NO_WINDOW | low}
    if inherit:
        options["startupinfo"] = subprocess.STARTUPINFO(lpAttributeList={"handle_list": list(inherit)})
    return options


def leave_to_parent(process: subprocess.Popen[bytes], pipes: Pipes) -> None:
    """Release a child of the parent, in a process that was forked."""
    process.returncode = 0  # it is nobody's child here: there is nothing to wait for
    pipes.close()


class Pipes:
    """Messages through two pipes: the length in eight bytes, then the content."""

    def __init__(self, reader: IO[bytes] | RawIOBase, writer: IO[bytes] | RawIOBase) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    def to(cls, process: subprocess.Popen[bytes]) -> Pipes:
        """Give the pipes to a child that was started with ``answers``."""
        assert process.stdin is not None
        assert process.stdout is not None
        return cls(process.stdout, process.stdin)

    def send(self, content: bytes) -> None:
        """Send a message.

        Raises
        ------
        OSError
            If the other side is gone.
        """
        _write(self._writer, len(content).to_bytes(_LENGTH, "little") + content)

    def receive(self, most: int | None = None) -> bytes:
        """Wait for a message.

        Parameters
        ----------
        most
            How long it may be [bytes].

        Raises
        ------
        EOFError
            If the other side is gone, also in the middle of a message.
        ValueError
            If it is longer.
        """
        length = int.from_bytes(self._exactly(_LENGTH), "little")
        if most is not None and length > most:
            raise ValueError(f"a message of {length} bytes, where at most {most} are expected")
        return self._exactly(length)

    def close(self) -> None:
        """Close both pipes."""
        for pipe in (self._writer, self._reader):
            with contextlib.suppress(OSError):
                pipe.close()

    def _exactly(self, n: int) -> bytes:
        content = bytearray()
        while len(content) < n:
            piece = self._reader.read(min(n - len(content), 1 << 20))
            if not piece:
                raise EOFError("the process at the other end of the pipe is gone")
            content += piece
        return bytes(content)


def _write(pipe: IO[bytes] | RawIOBase, content: bytes) -> None:
    """Write all of it; a pipe without a buffer may take a part at a time."""
    left = memoryview(content)
    while left:
        left = left[pipe.write(left) or 0 :]
    pipe.flush()


def parent_pipes() -> Pipes:
    """Give, in a child that was started with ``answers``, the pipes to its parent.

    What anything prints from now on goes to standard error, and not between the messages.
    """
    writer = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return Pipes(sys.stdin.buffer, writer)
