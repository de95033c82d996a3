"""The chart of speed: how many times as fast as LiberTEM, made from the tables of the performance page.

Every cell of these tables that has a ratio becomes a dot. Run it after a new measurement, and commit what it writes::

    uv run python docs/_ext/speed_chart.py
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from math import log
from pathlib import Path
from statistics import median

DOCS = Path(__file__).parents[1]
PAGE = DOCS / "development" / "performance.md"
CHART = DOCS / "_static" / "speed.svg"

_WIDTH, _TOP, _ROW, _BOTTOM = 860, 78, 30, 92
_LEFT, _RIGHT = 190, 830
_LOWEST, _HIGHEST = 0.4, 30.0
_TICKS = (0.5, 1, 2, 5, 10, 20)
_FONT = "font-family='system-ui, sans-serif'"
_CELL = re.compile(r"[\d.]+ \((?P<later>[\d.]+) / [\d.]+\)")


def table(text: str, name: str) -> Iterator[list[str]]:
    """Give the rows of a table of the page: cells of each line, headers and empty lines included."""
    inside = re.search(rf"<!-- figures: {name} -->\n(.*?)<!-- end -->", text, re.DOTALL)
    if inside is None:
        raise ValueError(f"the page has no table {name!r}")
    for line in inside[1].splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not set(cells[0]) <= {"-"}:
            yield cells


def ratios(text: str) -> Mapping[str, Sequence[float]]:
    """Give, for each job, how many times as fast as LiberTEM each file was on later passes."""
    found: dict[str, list[float]] = {}
    for job, *cells in table(text, "field"):
        if job == "job":
            continue
        matches = (_CELL.fullmatch(cell) for cell in cells)
        found.setdefault(job, []).extend(float(match["later"]) for match in matches if match)
    return {job: values for job, values in found.items() if values}


def conditions(text: str) -> Mapping[str, str]:
    """Give what the page says about the measurement: machine, versions, date."""
    return {cells[0]: cells[1] for cells in table(text, "conditions") if len(cells) == 2}


def svg(text: str) -> str:
    """Draw the chart of a page."""
    jobs, said = ratios(text), conditions(text)
    foot = _TOP + _ROW * len(jobs)
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {foot + _BOTTOM}' role='img' "
        "aria-label='Speed of Lamella as a multiple of LiberTEM, for ten computations'>",
        f"<rect width='{_WIDTH}' height='{foot + _BOTTOM}' fill='white'/>",
        _text(20, 28, "Speed of Lamella as a multiple of LiberTEM", size=17, weight="bold"),
        _text(20, 50, "Each dot is one kind of file. The bar is the median. Right of the line, Lamella is faster."),
    ]
    for tick in _TICKS:
        x = _place(tick)
        colour, width = ("#444", 1.6) if tick == 1 else ("#ddd", 1)
        parts.append(f"<path d='M{x:.1f} {_TOP - 8}V{foot}' stroke='{colour}' stroke-width='{width}'/>")
        parts.append(_text(x, foot + 18, f"{tick:g}x" + (" (equal)" if tick == 1 else ""), anchor="middle"))
    for row, (job, values) in enumerate(jobs.items()):
        y = _TOP + _ROW * (row + 0.5)
        parts.append(_text(_LEFT - 12, y + 5, job, anchor="end"))
        parts += [
            f"<circle cx='{_place(one):.1f}' cy='{y:.1f}' r='4.5' fill='{'#b5532a' if one < 1 else '#2a6f97'}' "
            "fill-opacity='0.55'/>"
            for one in values
        ]
        x = _place(median(values))
        parts.append(f"<path d='M{x:.1f} {y - 10:.1f}V{y + 10:.1f}' stroke='#12344a' stroke-width='3'/>")
    notes = (
        f"Files in the page cache, later passes. {said['versions']}.",
        f"{said['machine']}; {said['system'].partition('-')[0]}; {said['workers']} workers; "
        f"files of {said['files']}; measured {said['measured']}.",
    )
    parts += [_text(20, foot + 48 + 20 * i, note, size=12, colour="#555") for i, note in enumerate(notes)]
    return "\n".join([*parts, "</svg>\n"])


def _place(ratio: float) -> float:
    share = log(min(max(ratio, _LOWEST), _HIGHEST) / _LOWEST) / log(_HIGHEST / _LOWEST)
    return _LEFT + share * (_RIGHT - _LEFT)


def _text(
    x: float,
    y: float,
    text: str,
    *,
    size: int = 13,
    anchor: str = "start",
    weight: str = "normal",
    colour: str = "#111",
) -> str:
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' {_FONT} font-size='{size}' font-weight='{weight}' fill='{colour}' "
        f"text-anchor='{anchor}'>{escape(text)}</text>"
    )


if __name__ == "__main__":
    CHART.write_text(svg(PAGE.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
