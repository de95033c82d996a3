"""How many processors this process may use."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

__all__ = ["available_cpus", "group_quota"]


def available_cpus() -> int:
    """Give the number of processors that this process may use.

    A number that the user chose for Python, by ``PYTHON_CPU_COUNT`` or ``-X cpu_count``, is taken as it is, also where
    Python is too old to know it. Else it is what the affinity of the process and the quotas of its control groups, as
    containers and batch systems set them, leave; a part of a processor counts as one.
    """
    chosen = _chosen()
    if chosen is not None:
        return chosen
    quota = _quota()
    allowed = _affinity()
    return allowed if quota is None else max(1, min(allowed, math.ceil(quota)))


def _chosen() -> int | None:
    by_variable = None if sys.flags.ignore_environment else os.environ.get("PYTHON_CPU_COUNT")
    for text in (sys._xoptions.get("cpu_count"), by_variable):
        if isinstance(text, str) and text.isdecimal() and int(text) > 0:
            return int(text)
    return None


def _affinity() -> int:
    if hasattr(os, "process_cpu_count"):
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def _quota() -> float | None:
    """Give the quota of this process, looked up once: it belongs to the container, or the job, that holds it."""
    return group_quota() if sys.platform == "linux" else None


def group_quota(root: Path = Path("/")) -> float | None:
    """Give how many processors the control groups of this process leave it.

    Parameters
    ----------
    root
        The folder in which ``proc`` is, and to which mounts are relative.

    Returns
    -------
    float or None
        The smallest quota of its groups and of those around them, in processors; None if there is none.
    """
    try:
        groups = (root / "proc/self/cgroup").read_text(errors="replace")
        mounts = (root / "proc/self/mountinfo").read_text(errors="replace")
    except OSError:
        return None
    paths = dict(_groups(groups))
    quotas = [
        quota
        for kind, mounted, place in _mounts(mounts)
        if kind in paths
        for folder in _folders(paths[kind], mounted, place)
        if (quota := _quota_in(root / folder.relative_to("/"), kind)) is not None
    ]
    return min(quotas, default=None)


def _groups(text: str) -> Iterator[tuple[str, PurePosixPath]]:
    """Give the group of each hierarchy that can limit processors: ``"v2"``, ``"v1"``."""
    for line in text.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            yield "v2", PurePosixPath(path)
        elif "cpu" in controllers.split(","):
            yield "v1", PurePosixPath(path)


def _mounts(text: str) -> Iterator[tuple[str, PurePosixPath, PurePosixPath]]:
    """Give where these hierarchies are mounted: kind, which group is mounted, and where."""
    for line in text.splitlines():
        first, _, second = line.partition(" - ")
        fields, about = first.split(), second.split()
        if len(fields) < 5 or len(about) < 3:
            continue
        if about[0] == "cgroup2":
            yield "v2", PurePosixPath(fields[3]), PurePosixPath(_plain(fields[4]))
        elif about[0] == "cgroup" and "cpu" in about[2].split(","):
            yield "v1", PurePosixPath(fields[3]), PurePosixPath(_plain(fields[4]))


def _plain(text: str) -> str:
    """Give a path of the table of mounts without its escapes."""
    for code, letter in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, letter)
    return text


def _folders(group: PurePosixPath, mounted: PurePosixPath, place: PurePosixPath) -> Iterator[PurePosixPath]:
    """Give the folders of a group and of those around it, as far as they are mounted."""
    inner = group.relative_to(mounted) if group.is_relative_to(mounted) else PurePosixPath()
    if ".." in inner.parts:  # outside of what this name space shows
        inner = PurePosixPath()
    yield place / inner
    yield from (place / part for part in inner.parents)


def _quota_in(folder: Path, kind: str) -> float | None:
    """Give the quota of one group, in processors; None if it has none, or cannot be read."""
    try:
        if kind == "v2":
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text().strip()
            period = (folder / "cpu.cfs_period_us").read_text().strip()
        return int(quota) / int(period) if quota != "max" and int(quota) > 0 and int(period) > 0 else None
    except (OSError, ValueError):
        return None
