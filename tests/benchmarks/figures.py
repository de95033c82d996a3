"""Figures: one row for each file, job, state of the caches and candidate; kept as JSON, a row to a line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Row:
    """The median of some rounds, or the reason why there is none.

    ``value`` is in ``unit``: more is better for GB/s, less for the others. ``cpu`` is processor time [s];
    ``deviation`` how far the result is off; ``limit`` the rate [GB/s] at which the same number of threads reads memory;
    ``mb`` the size of the file; ``load`` how busy the machine was.
    """

    file: str
    job: str
    state: str
    candidate: str
    unit: str
    value: float | None = None
    lowest: float | None = None
    highest: float | None = None
    rounds: int = 0
    cpu: float | None = None
    deviation: float | None = None
    limit: float | None = None
    mb: float | None = None
    load: float | None = None
    when: str = ""
    reason: str | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Give what there is one row of."""
        return self.file, self.job, self.state, self.candidate


@dataclass
class Figures:
    """Rows, and the conditions under which they were measured."""

    conditions: dict[str, Any] = field(default_factory=dict)
    rows: dict[tuple[str, str, str, str], Row] = field(default_factory=dict)

    def add(self, rows: Iterable[Row]) -> None:
        """Put rows in, in place of older ones of the same thing."""
        for row in rows:
            self.rows[row.key] = row

    def get(self, file: str, job: str, state: str, candidate: str) -> Row | None:
        """Give a row that has a value."""
        row = self.rows.get((file, job, state, candidate))
        return row if row is not None and row.value is not None else None

    def ratio(self, file: str, job: str, state: str, candidate: str) -> float | None:
        """Give how many times better Lamella is than a candidate."""
        ours, theirs = self.get(file, job, state, "lamella"), self.get(file, job, state, candidate)
        if ours is None or theirs is None or not ours.value or not theirs.value:
            return None
        return ours.value / theirs.value if ours.unit == "GB/s" else theirs.value / ours.value

    def write(self, path: Path) -> None:
        """Write them, a row to a line."""
        lines = [json.dumps({name: _short(value) for name, value in asdict(row).items()}) for row in self.rows.values()]
        rows = ",\n".join(lines)
        path.write_text(f'{{"conditions": {json.dumps(self.conditions)},\n"rows": [\n{rows}\n]}}\n', encoding="utf-8")


def read(path: Path) -> Figures:
    """Read what `Figures.write` wrote; no figures if there is no file."""
    if not path.exists():
        return Figures()
    stored = json.loads(path.read_text(encoding="utf-8"))
    figures = Figures(stored["conditions"])
    figures.add(Row(**row) for row in stored["rows"])
    return figures


def _short(value: Any) -> Any:
    return float(f"{value:.5g}") if isinstance(value, float) else value
