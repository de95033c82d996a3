"""Put the figures into docs/development/performance.md: `python tests/benchmarks/page.py figures.json`."""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "workers")]

from figures import Figures, Row, read  # noqa: E402
from plan import ALONE, CANDIDATES, JOBS, OTHERS, SPECIAL  # noqa: E402
from startup import FILE as STARTUP, TITLES  # noqa: E402
from targets import TARGETS, WHOLE, Target, against_libertem  # noqa: E402

PAGE = HERE.parents[1] / "docs" / "development" / "performance.md"
_STREAMS = [job for job in JOBS if job not in SPECIAL]
_CHUNKED = ("hdf_plain", "hdf_gzip", "hdf_bits", "hdf_grid", "csr")
_FILES = (
    ("raw_u1", "raw_u2", "raw_f4", "npy_u2", "blo_u1"),
    tuple(name for name in WHOLE if name[0] in "mfk"),
    _CHUNKED,
)
_COLUMNS = [CANDIDATES[name] for name in ("lamella", *OTHERS)]
_QUIET = 4  # processes that want to run: two workers of one candidate, and what else a system does
_BUSY = """

**The machine did other work while these figures were measured.** They show ratios, and no rate that it can reach."""
_WAITING = ("frame", "pick", "roi", "open", "firsttile", "tiles", "export")


def main() -> int:
    """Fill the tables of the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", type=Path, help="what `python tests/benchmarks --json` wrote")
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args()
    figures = read(options.figures)
    if not figures.rows:
        parser.error(f"{options.figures} holds no figures")
    text = options.page.read_text(encoding="utf-8")
    options.page.write_text(filled(text, figures), encoding="utf-8")
    return 0


def filled(text: str, figures: Figures) -> str:
    """Give the page with its tables made from figures; each stands between two comments."""
    for name, table in TABLES.items():
        mark = re.compile(rf"(<!-- figures: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        before, *inside = mark.split(text)
        if len(inside) != 3:
            raise ValueError(f"the page has {len(inside) // 3} places for the table {name!r}")
        text = f"{before}{inside[0]}\n{table(figures)}\n\n{inside[1]}{inside[2]}"
    return text


def _conditions(figures: Figures) -> str:
    machine, rows = figures.conditions["machine"], figures.rows.values()
    loads = [row.load for row in rows if row.load is not None]
    limits = [row.limit for row in rows if row.limit is not None and row.candidate != ALONE]
    alone = [row.limit for row in rows if row.limit is not None and row.candidate == ALONE]
    sizes = [row.mb for row in rows if row.mb and row.file == "raw_u2" and row.state == "later"]
    versions = {name: one for each in figures.conditions["versions"].values() for name, one in each.items()}
    days = sorted(row.when[:10] for row in rows if row.when)
    facts = [
        ("measured", f"{days[0]} to {days[-1]}" if days[0] != days[-1] else days[0]),
        ("machine", f"{machine['processor']}, {machine['processors']} processors, {machine['memory_gb']} GB"),
        ("system", f"{machine['system']}, Python {machine['python']}"),
        ("versions", ", ".join(f"{name} {one}" for name, one in sorted(versions.items()))),
        ("workers", str(figures.conditions["workers"])),
        ("files", f"{sizes[0]:.0f} MB" if sizes else "–"),
        ("memory-read limit", _spread(limits, "GB/s")),
        ("memory-read limit, one thread", _spread(alone, "GB/s")),
        ("load of the machine", _spread(loads, "processes") + "; two are these measurements"),
    ]
    return _markdown(["", ""], facts) + (_BUSY if loads and statistics.median(loads) > _QUIET else "")


def _targets(figures: Figures) -> str:
    lines = [_target(target, dict(target.cases(figures))) for target in TARGETS]
    return _markdown(["what", "target", "measured: median (range)", "reached", "not reached"], lines)


def _target(target: Target, cases: dict[str, float]) -> list[str]:
    sign = "<=" if target.most else ">="
    goal = f"{sign} {target.bound:g} {target.unit}".replace(" x", "x").replace(" %", " %")
    if not cases:
        return [target.what, goal, "not measured", "", ""]
    missed = {name: value for name, value in cases.items() if not target.reached(value)}
    worst = sorted(missed.items(), key=lambda item: item[1], reverse=target.most)
    shown = ", ".join(f"{name} {_short(value)}" for name, value in worst[:6])
    more = f" and {len(worst) - 6} more" if len(worst) > 6 else ""
    reached = f"{len(cases) - len(missed)} of {len(cases)}"
    return [target.what, goal, _spread(cases.values(), target.unit), reached, shown + more]


def _field(figures: Figures) -> str:
    tables = []
    for names in _FILES:
        files = [file for file in names if any(_cell(figures, file, job) for job in _STREAMS)]
        lines = [[JOBS[job].title, *(_cell(figures, file, job) for file in files)] for job in _STREAMS]
        tables.append(_markdown(["job", *files], _with_figures(lines, 1)) if files else "")
    return "\n\n".join(filter(None, tables))


def _with_figures(lines: Iterable[list[str]], named: int) -> list[list[str]]:
    """Give the lines that have a figure behind their first ``named`` cells."""
    return [line for line in lines if any(cell not in ("", "–") for cell in line[named:])]


def _cell(figures: Figures, file: str, job: str) -> str:
    row = figures.get(file, job, "later", "lamella")
    if row is None or row.value is None:
        return ""
    ratios = [against_libertem(figures, file, job, state) for state in ("later", "first")]
    shown = " / ".join("–" if ratio is None else _short(ratio) for ratio in ratios)
    return f"{_short(row.value)} ({shown})"


def _others(figures: Figures) -> str:
    lines = []
    for file in ("raw_u2", "raw_f4", "mib_u2", "mib_r12", "blo_u1"):
        for job in ("sum", "mask1", "com", "user"):
            ratios = [figures.ratio(file, job, "later", name) for name in OTHERS]
            lines.append([file, JOBS[job].title, *("–" if ratio is None else f"{_short(ratio)}x" for ratio in ratios)])
    return _markdown(["file", "job", *(CANDIDATES[name] for name in OTHERS)], _with_figures(lines, 2))


def _waiting(figures: Figures) -> str:
    lines = []
    for job in _WAITING:
        files = sorted({row.file for row in figures.rows.values() if row.job == job})
        lines += [[JOBS[job].title, file, *_values(figures, file, job, "later")] for file in files]
    scripts = [job for job in TITLES if job != "bare"]
    lines += [[TITLES[job], STARTUP, *_values(figures, STARTUP, job, "fresh")] for job in scripts]
    bare = figures.get(STARTUP, "bare", "fresh", "python")
    note = (
        ""
        if bare is None
        else f"\n\nA Python that does nothing takes {_short(bare.value or 0)} ms; it is part of the rows of scripts."
    )
    return _markdown(["what", "file", *_COLUMNS], _with_figures(lines, 2)) + note


def _cold(figures: Figures) -> str:
    files = sorted({row.file for row in figures.rows.values() if row.state == "cold"})
    lines = [[file, JOBS[job].title, *_values(figures, file, job, "cold")] for file in files for job in ("sum", "com")]
    reasons = {row.reason for row in figures.rows.values() if row.state == "cold" and row.reason}
    return _markdown(["file", "job", *_COLUMNS], lines) + "".join(f"\n\nNot measured: {one}." for one in reasons)


def _memory(figures: Figures) -> str:
    keys = sorted({(row.file, row.job) for row in figures.rows.values() if row.state == "memory"})
    lines = [[file, JOBS[job].title, *_values(figures, file, job, "memory")] for file, job in keys]
    return _markdown(["file", "job", *_COLUMNS], lines)


def _reasons(figures: Figures) -> str:
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in figures.rows.values():
        if row.reason and row.state == "later":
            found[CANDIDATES.get(row.candidate, row.candidate), row.reason].add(_subject(row))
    lines = [
        [name, reason.replace("|", "/"), ", ".join(sorted(what))] for (name, reason), what in sorted(found.items())
    ]
    return _markdown(["candidate", "reason", "where"], lines)


def _subject(row: Row) -> str:
    return row.job if row.job in SPECIAL else row.file


def _values(figures: Figures, file: str, job: str, state: str) -> list[str]:
    rows = [figures.get(file, job, state, name) for name in ("lamella", *OTHERS)]
    return ["–" if row is None or row.value is None else f"{_short(row.value)} {row.unit}" for row in rows]


def _spread(values: Iterable[float], unit: str) -> str:
    found = list(values)
    if not found:
        return "–"
    middle = _short(statistics.median(found))
    inner = "" if len(found) == 1 else f" ({_short(min(found))} to {_short(max(found))})"
    return f"{middle}{inner} {unit}".replace(" x", "x")


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.2g}"


def _markdown(head: list[str], lines: Iterable[Iterable[str]]) -> str:
    rows = [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *lines)]
    return "\n".join(rows)


TABLES: dict[str, Callable[[Figures], str]] = {
    "conditions": _conditions,
    "targets": _targets,
    "field": _field,
    "others": _others,
    "waiting": _waiting,
    "cold": _cold,
    "memory": _memory,
    "reasons": _reasons,
}

if __name__ == "__main__":
    raise SystemExit(main())
