"""Check the installation: versions, plugins, I/O, caches and the machine; say what to do about problems."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import lamella
from lamella.cli.kernelstate import kernel_findings
from lamella.dataset.repr import size_text
from lamella.plugins.hooks import hooks
from lamella.plugins.hookspecs import Finding
from lamella.plugins.kinds import FORMATS, IO_BACKENDS, KINDS
from lamella.plugins.plugin import Plugin, Status
from lamella.plugins.registry import default_registry

if TYPE_CHECKING:
    from lamella.cli.console import Console

__all__ = ["configure", "findings", "run"]

_PACKAGES = ("numpy", "pluggy", "rich")
_OPTIONAL = {
    "numba": "kernels that are several times faster",
    "matplotlib": "pictures",
    "tqdm": "progress in scripts",
    "h5py": "HDF5",
    "dask": "clusters",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add nothing."""


def run(args: argparse.Namespace, console: Console) -> int:
    """Show all findings; fails if one of them is an error."""
    found = list(findings())
    failed = any(finding.level == "error" for finding in found)
    console.emit({"ok": not failed, "findings": found})
    rows = [(finding.level, finding.subject, finding.message, finding.remedy) for finding in found]
    console.table(("", "subject", "finding", "what to do"), rows)
    console.say("", "Something is broken." if failed else "No problem was found.")
    return 1 if failed else 0


def findings() -> Iterator[Finding]:
    """Look at everything; the findings of packages come last."""
    yield from _versions()
    yield from _plugins()
    yield from _io()
    yield from kernel_findings()
    yield from _machine()
    yield from _unfinished()
    yield from hooks().lamella_doctor()


def _versions() -> Iterator[Finding]:
    yield Finding("lamella", "ok", f"{lamella.__version__}, plugin API {'.'.join(map(str, lamella.API_VERSION))}")
    yield Finding("python", "ok", f"{platform.python_version()} on {platform.platform()}")
    for name in _PACKAGES:
        found = _installed(name)
        if found is None:
            yield Finding(name, "error", "not installed", f"pip install {name}")
        else:
            yield Finding(name, "ok", found)
    for name, use in _OPTIONAL.items():
        found = _installed(name)
        hint = None if found else f"for {use}: pip install {name}"
        yield Finding(name, "ok" if found else "info", found or "not installed", hint)


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _plugins() -> Iterator[Finding]:
    registry = default_registry()
    if not registry.usable(FORMATS):
        yield Finding("formats", "error", "no format can be used", 'pip install "lamella[all]"')
    for kind in KINDS:
        yield from (_plugin(plugin) for plugin in registry.plugins(kind) if not plugin.is_builtin)


def _plugin(plugin: Plugin) -> Finding:
    subject = f"{plugin.kind.noun} {plugin.name}"
    if plugin.status is Status.ok:
        try:
            _ = plugin.spec and (plugin.reader(), plugin.params_class())
        except lamella.LamellaError as error:  # says what to do as well
            return Finding(subject, "error", f"broken: {error}")
        return Finding(subject, "ok", f"{plugin.distribution} {plugin.version or ''}".rstrip())
    level: Literal["info", "error"] = "info" if plugin.status is Status.disabled else "error"
    return Finding(subject, level, f"{plugin.status}: {plugin.reason}", plugin.remedy)


def _io() -> Iterator[Finding]:
    from lamella.io.choose import choose_backend
    from lamella.reader.resource import Resource

    sample = [Resource.of(__file__)]
    for name in [plugin.name for plugin in default_registry().usable(IO_BACKENDS)]:
        try:
            choose_backend(name, sample)
        except lamella.LamellaError as error:
            yield Finding(f"I/O {name}", "info", str(error))
        except Exception as error:  # whatever a plugin does
            yield Finding(f"I/O {name}", "error", f"fails: {type(error).__name__}: {error}")
        else:
            yield Finding(f"I/O {name}", "ok", "can be used")


def _machine() -> Iterator[Finding]:
    from lamella.system.memory import memory_size
    from lamella.system.processors import available_cpus
    from lamella.system.spawn import NoPythonError, python_executable

    if python_executable() is None:
        yield Finding("child processes", "warning", str(NoPythonError()), "without one, use the executor 'threads'")
    yield Finding("cores", "ok", f"{available_cpus()} of {os.cpu_count()} may be used")
    memory = memory_size()
    if memory < sys.maxsize:
        yield Finding("memory", "ok", f"{size_text(memory)} may be used")


def _unfinished() -> Iterator[Finding]:
    """Remove what killed exports left behind, here and wherever processes of this user wrote; tell of the rest."""
    from lamella.export.parts import parts_in, parts_known, remove_abandoned

    folders = [part.parent for part in parts_known()]
    with suppress(FileNotFoundError):  # a working directory that was removed
        folders.insert(0, Path.cwd())
    for folder in dict.fromkeys(folders):
        removed = remove_abandoned(folder)
        if removed:
            names = ", ".join(path.name for path in removed)
            yield Finding("exports", "ok", f"removed what exports that are gone left behind in {folder}: {names}")
        for part in parts_in(folder):
            writer = f"process {part.writer.pid} of {part.writer.host}"
            remedy = f"if that process is gone, remove it and {part.path.name}.writer"
            yield Finding("exports", "info", f"{part.path} is being written by {writer}", remedy)
