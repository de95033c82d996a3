"""Figures as a table: medians side by side, ratios, CPU seconds, memory, and the share of what memory can deliver."""

from __future__ import annotations

import statistics
from collections import defaultdict
from typing import Any


def table(figures: list[dict[str, Any]], limit: float) -> str:
    """Give the table as text."""
    groups: dict[tuple[str, str, str], dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for figure in figures:
        groups[figure["file"], figure["job"], figure["state"]][figure["candidate"]].append(figure)
    lines = [
        f"memory read limit {limit:.1f} GB/s; medians; x: how many times faster Lamella is; share: of the limit",
        f"{'file':8} {'job':8} {'pass':6} {'Lamella GB/s':>12} {'share':>6} {'CPU s':>7} {'MB':>6}   others",
    ]
    for (file, job, state), by_candidate in groups.items():
        ours = by_candidate.pop("lamella", None)
        if ours is None:
            continue
        rate = _median(ours, "gbps")
        others = [_other(name, rows, rate) for name, rows in by_candidate.items()]
        lines.append(
            f"{file:8} {job:8} {state:6} {rate:12.2f} {rate / limit:6.0%} {_median(ours, 'cpu'):7.3f} "
            f"{_median(ours, 'peak_mb'):6.0f}   {'; '.join(others)}"
        )
    return "\n".join(lines)


def _other(name: str, rows: list[dict[str, Any]], ours: float) -> str:
    rate = _median(rows, "gbps")
    return f"{name} {rate:.2f} GB/s ({ours / rate:.1f}x, CPU {_median(rows, 'cpu'):.3f} s)"


def _median(rows: list[dict[str, Any]], key: str) -> float:
    return float(statistics.median(row[key] for row in rows))
