"""What can be done to the files of an input, by name; each step is one small function on a folder."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lamella_testkit.fuzz.recipe import OUTSIDE, Step
from lamella_testkit.mutate import Change

if TYPE_CHECKING:
    from lamella_testkit.fuzz.bases import Bases

__all__ = ["LARGEST", "STEPS", "apply"]

LARGEST = 32 << 20
"""Bytes that a file may grow to."""

_Action = Callable[[Path, Step, "Bases"], None]


def apply(folder: Path, step: Step, bases: Bases) -> None:
    """Do one step to the files in a folder; one that has become impossible does nothing."""
    path = folder / step.file
    with contextlib.suppress(OSError):
        STEPS[step.do](path, step, bases)


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() and not path.is_symlink() else b""


def _replace(path: Path, step: Step, bases: Bases) -> None:
    content = _content(path)
    begin = min(step.begin, len(content))
    _write(path, Change(begin, min(max(begin, step.end), len(content)), step.new).apply(content))


def _cut(path: Path, step: Step, bases: Bases) -> None:
    _write(path, _content(path)[: step.end])


def _repeat(path: Path, step: Step, bases: Bases) -> None:
    """Put the bytes from `begin` to `end` in again at `at`."""
    content = _content(path)
    _write(path, content[: step.at] + content[step.begin : step.end] + content[step.at :])


def _swap(path: Path, step: Step, bases: Bases) -> None:
    """Exchange the stretches from `begin` to `at` and from `at` to `end`."""
    content = _content(path)
    first, second = content[step.begin : step.at], content[step.at : step.end]
    _write(path, content[: step.begin] + second + first + content[max(step.begin, step.end) :])


def _splice(path: Path, step: Step, bases: Bases) -> None:
    """Continue with the file of another base: this one up to `at`, the other one from `begin`."""
    assert step.other is not None
    other = bases.sample(step.other)
    found = [one for one in other.files if one.suffix == path.suffix] or [other.path]
    _write(path, _content(path)[: step.at] + found[0].read_bytes()[step.begin :])


def _name(path: Path, step: Step, bases: Bases) -> None:
    """Put a name in for the bytes from `begin` to `end`; one that ends with two zeros is UTF-16."""
    outside = path.parent.resolve().parent
    name, wide = (step.name[:-2], True) if step.name.endswith("\0\0") else (step.name, False)
    text = name.replace(OUTSIDE, str(outside)).encode("utf-16-le" if wide else "utf-8", "surrogateescape")
    content = _content(path)
    _write(path, Change(step.begin, step.end, text).apply(content))


def _remove(path: Path, step: Step, bases: Bases) -> None:
    _clear(path)


def _folder(path: Path, step: Step, bases: Bases) -> None:
    _clear(path)
    path.mkdir()


def _link(path: Path, step: Step, bases: Bases) -> None:
    """Make the file a link."""
    _clear(path)
    path.symlink_to(step.name.replace(OUTSIDE, str(path.parent.resolve().parent)))


def _fifo(path: Path, step: Step, bases: Bases) -> None:
    """Make the file a pipe with a name, where there are such; opening it would wait for a writer."""
    if hasattr(os, "mkfifo"):
        _clear(path)
        os.mkfifo(path)


def _copy(path: Path, step: Step, bases: Bases) -> None:
    """Put a copy of the file beside it."""
    target = path.with_name(Path(step.name).name)
    if path.is_file() and not target.exists():
        shutil.copyfile(path, target)


def _hdf5(path: Path, step: Step, bases: Bases) -> None:
    """Put something hostile into an HDF5 file that is intact."""
    from lamella_testkit.fuzz.hdf5 import add_feature

    add_feature(path, step.name, step.at)


def _clear(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    if path.is_dir() or path.is_symlink() or (path.exists() and not path.is_file()):
        return
    path.write_bytes(content[:LARGEST])


STEPS: dict[str, _Action] = {
    "replace": _replace,
    "cut": _cut,
    "repeat": _repeat,
    "swap": _swap,
    "splice": _splice,
    "name": _name,
    "remove": _remove,
    "folder": _folder,
    "link": _link,
    "fifo": _fifo,
    "copy": _copy,
    "hdf5": _hdf5,
}
