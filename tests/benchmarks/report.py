"""Figures as a table: medians side by side, ratios, processor time, and the share of what memory can deliver."""

from __future__ import annotations

from collections import defaultdict

from figures import Figures, Row
from plan import CANDIDATES
from startup import TITLES


def table(figures: Figures) -> str:
    """Give the table as text."""
    groups: dict[tuple[str, str, str], dict[str, Row]] = defaultdict(dict)
    for row in figures.rows.values():
        groups[row.file, row.job, row.state][row.candidate] = row
    lines = [
        "medians; x: how many times better Lamella is; CPU: processor time; limit: share of the rate at which as many",
        "threads read memory; state memory: peak of a fresh process without what belongs to files",
    ]
    for (file, job, state), rows in groups.items():
        lines += ["", f"{file}, {TITLES.get(job, job)}, {state}"]
        lines += [_line(row, figures) for _, row in sorted(rows.items(), key=_rank)]
    return "\n".join(lines)


def _rank(item: tuple[str, Row]) -> int:
    names = list(CANDIDATES)
    return names.index(item[0]) if item[0] in names else len(names)


def _line(row: Row, figures: Figures) -> str:
    name = f"  {row.candidate:17}"
    if row.value is None:
        return f"{name} {row.reason}"
    ratio = figures.ratio(row.file, row.job, row.state, row.candidate)
    faster = f"{ratio:6.1f}x" if ratio is not None and row.candidate != "lamella" else " " * 7
    share = f"  {row.value / row.limit:4.0%} limit" if row.limit and row.unit == "GB/s" else ""
    spread = f"({_plain(row.lowest)} to {_plain(row.highest)})"
    cpu = "" if row.cpu is None else f"  CPU {row.cpu:.4f} s"
    return f"{name} {_plain(row.value):>8} {row.unit:7} {spread:22} {faster}{cpu}{share}"


def _plain(value: float | None) -> str:
    """Give a number with three digits that count."""
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
