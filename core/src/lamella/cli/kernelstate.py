"""What ``lamella doctor`` says about compiled kernels: where they are, which are there, and what loading costs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from lamella.cli.commoncalls import common_calls, version_text
from lamella.kernels import compiler
from lamella.kernels.cachefolder import VARIABLE, cache_folder, candidate_folders
from lamella.kernels.library import Kernel
from lamella.plugins.hookspecs import Finding

__all__ = ["kernel_findings"]


def kernel_findings() -> Iterator[Finding]:
    """Look at the folders, and load each kernel that is on disk."""
    if not compiler.is_installed():
        yield Finding("compiled kernels", "warning", compiler.WITHOUT.partition(":")[0], compiler.REMEDY)
        return
    yield _folder()
    calls: dict[str, list[tuple[Kernel, tuple[Any, ...]]]] = {}
    for kernel, arguments in common_calls():
        calls.setdefault(kernel.compiled.partition(":")[2], []).append((kernel, arguments))
    for name, versions in calls.items():
        yield _kernel(name, versions)


def _folder() -> Finding:
    folders, folder = candidate_folders(), cache_folder()
    read = ", ".join(str(one) for one in folders if one != folder and one.is_dir())
    if folder is not None:
        also = f", and also loaded from {read}" if read else ""
        return Finding("compiled kernels", "ok", f"are kept in {folder}{also}")
    return Finding(
        "compiled kernels",
        "ok" if read else "warning",
        f"{' and '.join(map(str, folders))} cannot be written, so what is not there is compiled again in every process",
        f"set {VARIABLE} to a folder that you can write to",
    )


def _kernel(name: str, versions: list[tuple[Kernel, tuple[Any, ...]]]) -> Finding:
    there, missing, how, seconds = [], [], set(), []
    for kernel, arguments in versions:
        text = version_text(arguments)
        begin = time.perf_counter()
        if Kernel(kernel.compiled, kernel.fallback).load_for(*arguments):
            seconds.append(time.perf_counter() - begin)
            there.append(text)
            how.add(kernel.look_for(*arguments).removeprefix("."))
        else:
            missing.append(text)
    parts = []
    if there:
        cost = f"{1000 * sum(seconds) / len(seconds):.0f} ms each"
        parts.append(f"on disk for {_listed(there)} ({' and '.join(sorted(how))} code, loaded in {cost})")
    if missing:
        parts.append(f"not on disk for {_listed(missing)}")
    remedy = "lamella warm" if missing else None
    return Finding(f"kernel {name}", "info" if missing else "ok", "; ".join(parts), remedy)


def _listed(versions: list[str]) -> str:
    return ", ".join(dict.fromkeys(versions))
