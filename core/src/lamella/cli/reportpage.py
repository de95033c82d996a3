"""The page of a report: what a scan is, its first look, what is odd, and how to make the pictures again."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import lamella
from lamella.cli.info import facts_of, sections_of
from lamella.dataset.repr import axis_text, shown_notes, size_text
from lamella.plot.html import PANEL_STYLE, panel_html, thumbnail_html
from lamella.system.text import VALUE, html_text
from lamella.system.words import counted, shape_text

if TYPE_CHECKING:
    from lamella.cli.withoutpaths import WithoutPaths
    from lamella.dataset.dataset import DataSet
    from lamella.firstlook.look import FirstLook
    from lamella.plot.panels import Panel

__all__ = ["GENERATOR", "Row", "folder_page", "row_of", "scan_page"]

GENERATOR = "Lamella report"
_MOST_ENTRIES = 2000
_NAME = 60
_LONGEST_LINE = 20_000  # of code, which is not to be cut
_DEEPEST = 8
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = f"""
:root {{ color-scheme: light; }}
body {{ font: 15px/1.45 system-ui, sans-serif; color: #111; background: #fff; margin: 2rem auto; padding: 0 1.5rem;
  max-width: 80rem; }}
h1 {{ font-size: 1.5rem; margin: 0 0 .2rem; overflow-wrap: anywhere; }}
h2 {{ font-size: 1.1rem; margin: 1.8rem 0 .6rem; border-bottom: 1px solid #ccc; }}
.what {{ color: #444; margin: 0; }}
.panels {{ display: flex; flex-wrap: wrap; gap: 1.2rem 1.6rem; }}
table.facts td, table.facts th {{ text-align: left; vertical-align: top; padding: .15rem 1rem .15rem 0;
  border-bottom: 1px solid #e4e4e4; overflow-wrap: anywhere; }}
table.facts th {{ font-weight: normal; color: #444; white-space: nowrap; }}
table.scans {{ border-collapse: collapse; width: 100%; }}
table.scans td, table.scans th {{ text-align: left; vertical-align: middle; padding: .4rem 1rem .4rem 0;
  border-bottom: 1px solid #ddd; overflow-wrap: anywhere; }}
table.scans tr {{ break-inside: avoid; }}
table.scans td, table.scans th {{ white-space: nowrap; }}
table.scans td:nth-child(2), table.scans td.error {{ white-space: normal; width: 60%; }}
table.scans img {{ image-rendering: pixelated; display: block; }}
.error {{ color: #a40000; }}
details {{ margin: .2rem 0 .2rem .2rem; }}
details details {{ margin-left: 1.2rem; }}
summary {{ cursor: pointer; }}
ul.odd {{ margin: 0; padding-left: 1.2rem; }}
pre {{ background: #f5f5f5; padding: .7rem .9rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem; }}
footer {{ margin-top: 2rem; color: #666; font-size: .8rem; }}
@media print {{
  body {{ margin: 0; max-width: none; font-size: 10pt; }}
  h2 {{ break-after: avoid; }}
  .panels figure.panel {{ width: 47%; }}
  .panels figure.panel svg {{ width: 100%; }}
  * {{ print-color-adjust: exact; -webkit-print-color-adjust: exact; }}
}}
{PANEL_STYLE}
""".strip()


@dataclass(frozen=True, slots=True)
class Row:
    """A file of a contact sheet as HTML: a small picture, cells of a table, and whether it was opened."""

    picture: str
    cells: tuple[str, ...]
    is_scan: bool = True


def scan_page(
    dataset: DataSet, name: str, look: FirstLook | Exception, warnings: Sequence[str], source: str, show: WithoutPaths
) -> str:
    """Give the page of one scan.

    Parameters
    ----------
    dataset
        The scan.
    name
        How it is called.
    look
        Its first look, or why there is none.
    warnings
        What was told while it was opened and looked at.
    source
        A text that is the same for each report of this scan; see `lamella.cli.report`.
    show
        Makes HTML of a text.
    """
    nav, sig = shape_text(dataset.shape.nav), shape_text(dataset.shape.sig)
    kind = f"{look.kind}, " if not isinstance(look, Exception) else ""
    what = f"{kind}scan {nav}, detector {sig}, {dataset.dtype}, {size_text(dataset.nbytes)}; {dataset.title}"
    axes = [(axis.name, axis_text(axis, n)) for axis, n in zip(dataset.axes, dataset.shape, strict=True)]
    sections = dict(sections_of(dataset))
    body = [
        f'<h1>{show(name)}</h1><p class="what">{show(what)}</p>',
        *_look(look, show),
        _section("Axes", _facts(axes, show)),
        _section("How it was recognised", _facts(_recognised(dataset), show)),
        _section("Missing or odd", _odd(dataset, look, warnings, show)),
        _section("Metadata", _metadata(dataset, sections, show)),
        *_script(look, show),
    ]
    return _page(name, "".join(body), source)


def folder_page(name: str, rows: Sequence[Row], lines: Sequence[str], source: str, show: WithoutPaths) -> str:
    """Give the contact sheet of a folder: a row for each scan, and lines about what else lies there."""
    head = "".join(f"<th>{title}</th>" for title in ("", "file", "format", "scan", "detector", "size"))
    table = "".join(f"<tr><td>{row.picture}</td>{''.join(row.cells)}</tr>" for row in rows)
    notes = "".join(f"<p>{show(line)}</p>" for line in lines if line)
    scans = sum(row.is_scan for row in rows)
    count = counted(scans, "scan", zero="no")
    count += f", {len(rows) - scans} not opened" if scans < len(rows) else ""
    body = f'<h1>{show(name)}</h1><p class="what">{count}</p><table class="scans"><tr>{head}</tr>{table}</table>{notes}'
    return _page(name, body, source)


def row_of(file: str, dataset: DataSet, panels: Sequence[Panel], show: WithoutPaths) -> Row:
    """Give the row of a scan in a contact sheet."""
    texts = (
        file,
        dataset.format,
        shape_text(dataset.shape.nav),
        f"{shape_text(dataset.shape.sig)}, {dataset.dtype}",
        size_text(dataset.nbytes),
    )
    return Row(
        thumbnail_html(panels[0]) if panels else "", tuple(f'<td dir="auto">{show(text)}</td>' for text in texts)
    )


def _page(name: str, body: str, source: str) -> str:
    from datetime import UTC, datetime

    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="generator" content="{GENERATOR}"><meta name="lamella-source" content="{source}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{html_text(name)}</title><style>{_STYLE}</style></head><body>{body}"
        f"<footer>Made on {made} with Lamella {html_text(lamella.__version__)}.</footer></body></html>\n"
    )


def _section(title: str, content: str) -> str:
    return f"<section><h2>{html_text(title)}</h2>{content}</section>" if content else ""


def _facts(pairs: Iterable[tuple[str, object]], show: WithoutPaths) -> str:
    rows = "".join(
        f'<tr><th>{show(name, _NAME)}</th><td dir="auto">{show(value, VALUE)}</td></tr>' for name, value in pairs
    )
    return f'<table class="facts">{rows}</table>' if rows else ""


def _recognised(dataset: DataSet) -> list[tuple[str, object]]:
    return [(name, value) for name, value in facts_of(dataset) if name != "missing"]


def _look(look: FirstLook | Exception, show: WithoutPaths) -> list[str]:
    if isinstance(look, Exception):
        return [_section("First look", f'<p class="error">There is no picture: {show(look)}</p>')]
    letters = [*string.ascii_lowercase] if len(look) > 1 else []
    panels = "".join(panel_html(panel, letters[i] if i < len(letters) else "") for i, panel in enumerate(look))
    return [_section("First look", f'<div class="panels">{panels}</div>')]


def _odd(dataset: DataSet, look: FirstLook | Exception, warnings: Sequence[str], show: WithoutPaths) -> str:
    counts = dataset.frame_map.counts
    lines: list[str] = []
    if dataset.missing_count:
        lines.append(f"{dataset.missing_count} of {dataset.shape.nav.size} scan positions have no frame")
    if counts.skipped_start or counts.ignored_end:
        skipped = counted(counts.skipped_start, "frame")
        lines.append(f"{skipped} at the start and {counts.ignored_end} at the end are not shown")
    lines += [*warnings, *shown_notes(dataset.info.notes), *(() if isinstance(look, Exception) else look.notes)]
    if not lines:
        return "<p>Nothing.</p>"
    return f'<ul class="odd">{"".join(f"<li>{show(line)}</li>" for line in dict.fromkeys(lines))}</ul>'


def _metadata(dataset: DataSet, sections: Mapping[str, Sequence[tuple[str, object]]], show: WithoutPaths) -> str:
    shown = [
        f"<details open><summary>{title}</summary>{_facts(sections[key], show)}</details>"
        for key, title in (
            ("metadata", "Microscope and detector"),
            ("parameters", "Parameters"),
            ("diagnostics", "Diagnostics"),
        )
        if sections.get(key)
    ]
    raw = dataset.raw_metadata
    if raw:
        tree = "".join(_Tree(show).branch(raw, 0))
        shown.append(f"<details open><summary>All that the file says</summary>{tree}</details>")
    return "".join(shown)


class _Tree:
    """Mappings and lists as elements that open and close, at most so many."""

    def __init__(self, show: WithoutPaths) -> None:
        self._show = show
        self._left = _MOST_ENTRIES

    def branch(self, value: Mapping[str, Any] | Sequence[Any], depth: int) -> list[str]:
        """Give what lies in a mapping or a list: leaves as a table, further mappings and lists below it."""
        items = value.items() if isinstance(value, Mapping) else ((str(i), item) for i, item in enumerate(value))
        leaves: list[tuple[str, object]] = []
        branches: list[str] = []
        for done, (key, item) in enumerate(items):
            if self._left <= 0:
                leaves.append(("…", f"and {len(value) - done} more"))
                break
            self._left -= 1
            if not _is_branch(item):
                leaves.append((key, item))
            elif depth + 1 < _DEEPEST:
                inner = "".join(self.branch(item, depth + 1))
                branches.append(f"<details open><summary>{self._show(key, _NAME)}</summary>{inner}</details>")
            else:
                leaves.append((key, f"{len(item)} entries"))
        return [_facts(leaves, self._show), *branches]


def _is_branch(value: object) -> bool:
    """Tell whether a value has entries that are shown one by one; short lists of numbers and texts are one line."""
    if isinstance(value, Mapping):
        return bool(value)
    return isinstance(value, list | tuple) and any(isinstance(item, Mapping | list | tuple) for item in value)


def _script(look: FirstLook | Exception, show: WithoutPaths) -> list[str]:
    if isinstance(look, Exception):
        return []
    return [
        _section(title, f"<pre><code>{chr(10).join(show(line, _LONGEST_LINE) for line in lines)}</code></pre>")
        for title, lines in (("The same in Python", look.script.python), ("On the command line", look.script.command))
        if lines
    ]
