"""A page for each format, made from what its plugin declares, its README, and its conformance report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from lamella.params.schema import docs_table
from lamella.plugins.conformance import report_of
from lamella.plugins.plugin import Plugin
from lamella.plugins.registry import default_registry

PLUGINS = Path(__file__).parents[2] / "plugins"
SECTIONS = (
    "Files",
    "What is detected",
    "Orientation, gaps and order",
    "Metadata",
    "Limits",
    "Tested with",
)
"""Sections that the README of every format has; others may stand between them."""
WRITTEN_BY = re.compile(r"^Written by (?P<who>.+)\.$", re.MULTILINE)
CAPABILITIES: Mapping[str, str] = {
    "io-backends": "You can choose the [I/O backend](../explanation/io-backends.md) with `io_backend=`.",
    "zero-copy": "Frames that are stored as they are computed are not copied.",
    "sig-reshape": "`sig_shape=` can present the frames in another shape of the same size.",
    "truncated": "A file that was cut opens with its complete frames.",
    "multi-file": "A data set can consist of several files.",
    "file-list": "A list of files can be opened as one data set.",
    "directory": "A folder can be opened as one data set.",
    "url": "A URL can be opened.",
    "corrections": "Files can contain a dark frame, a gain map or excluded pixels. Computations apply them.",
    "metadata": "Files contain metadata.",
}
"""What each capability means for a user."""
LEVELS: Mapping[str, str] = {
    "declared": "Lamella finds the plugin, and its declaration is valid.",
    "readable": "Every pixel, axis and missing position is what was written into the file.",
    "tiled": "Any part of the data, read in any way, by any backend, by any executor, gives the same pixels.",
    "robust": "Damaged and hostile files give an error that names the problem. They do not crash or hang the process.",
    "fast": "Opening takes constant time and memory, and reading costs no more than a fixed share above a plain read.",
}
"""What each level of conformance means for a user."""


def sections(readme: str) -> Mapping[str, str]:
    """Give the text below each second-level heading of a README."""
    parts = re.split(r"^## (.+)$", readme, flags=re.MULTILINE)
    return dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))


def readme_of(plugin: Plugin) -> str:
    """Give the README of a plugin of this repository, an empty text for others."""
    path = PLUGINS / plugin.name / "README.md"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def written_by(plugin: Plugin) -> str:
    """Give the cameras and programs that write a format, as its README says it."""
    found = WRITTEN_BY.search(readme_of(plugin))
    who = found["who"].removeprefix("the ") if found else ""
    return who[:1].upper() + who[1:]


def overview(folder: str) -> str:
    """Give a row for each format, with the names that users know; links lead to pages in a folder."""
    rows = ["| Data from | Files | Format |", "|---|---|---|"]
    for plugin in default_registry().usable():
        assert plugin.spec is not None
        files = ", ".join(f"`.{extension}`" for extension in plugin.spec.extensions) or "none"
        who = written_by(plugin) or plugin.spec.title
        who = "NumPy, Zarr, HDF5 and sparse arrays in memory" if who.startswith("No program") else who
        rows.append(f"| {who} | {files} | [{plugin.spec.title}]({folder}{plugin.name}.md) |")
    return "\n".join(rows)


def page(name: str) -> str:
    """Give the page of a format."""
    plugin = default_registry().get(name)
    spec = plugin.spec
    assert spec is not None
    own = sections(readme_of(plugin))
    files = " ".join(f"`.{extension}`" for extension in spec.extensions) or "none"
    signs = ", ".join(f"`{_shown(sign.magic)}` at byte {sign.offset}" for sign in spec.signatures)
    parts = [
        f"# {spec.title}",
        "| | |\n|---|---|\n"
        f"| Format name | `{spec.name}` |\n| File extensions | {files} |\n"
        f"| Signature | {signs or 'none; the reader looks at the content'} |\n"
        f'| Install | `pip install "lamella[{spec.name}]"` |\n'
        f"| Conformance level | {level(plugin)} |\n"
        f"| Specification | {f'<{spec.url}>' if spec.url else 'none that is public'} |",
    ]
    for title, text in own.items():
        if title != "Tested with":
            parts += [f"## {title}", text]
    table = docs_table(plugin.params_class())
    parts += ["## Parameters", table if table.count("\n") > 2 else "This format has no parameters of its own."]
    parts += ["Every format also takes the [parameters of all formats](index.md#parameters-of-every-format)."]
    parts += ["## Features", "\n".join(f"- {CAPABILITIES.get(one, one)}" for one in sorted(spec.capabilities))]
    parts += ["## How it was tested", own.get("Tested with", ""), tested(plugin)]
    return "\n\n".join(part for part in parts if part)


def level(plugin: Plugin) -> str:
    """Give the conformance level as a number and a word."""
    proof = report_of(plugin)
    return "not tested" if proof is None else proof.text(proof.version)


def tested(plugin: Plugin) -> str:
    """Say what the report of a plugin says: level, meaning, number of checks, where it was run."""
    proof = report_of(plugin)
    if proof is None:
        return "The plugin contains no conformance report."
    report = proof.report
    passed = sum(one["status"] == "passed" for one in report["checks"])
    excused = [one["check"] for one in report["checks"] if one["status"] == "excused"]
    where = report["platform"]
    lines = [
        f"Version {report['version']} passed {passed} checks of the conformance kit and reached "
        f"[level {level(plugin)}](../reference/conformance.md). {LEVELS.get(report['level_name'], '')}",
        f"The checks ran on {where['system']} ({where['machine']}) with Python {where['python']}, profile "
        f"`{report['kit']['profile']}`.",
    ]
    if excused:
        lines.append("Known exceptions: " + ", ".join(f"`{one}`" for one in excused) + ".")
    return "\n".join(lines)


def _shown(magic: bytes) -> str:
    return repr(magic)[2:-1].replace("|", r"\|")
