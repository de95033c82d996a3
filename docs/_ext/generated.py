"""Tables of the reference, made from what plugins and commands declare.

A page says ``<!-- generated: NAME -->`` where it wants one; see `TEXTS` for the names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import conformance_tables
import first_look_pictures
import format_pages
import layers

from lamella.cli.app import BUILTIN, parser_of
from lamella.params.schema import docs_table
from lamella.params.validate import CommonParams
from lamella.plugins.registry import default_registry
from lamella_testkit.checking import LEVELS
from lamella_testkit.scaffold import new_format

_MARK = re.compile(r"<!-- generated: (?P<name>[a-z0-9_ ]+) -->")


def common_parameters() -> str:
    """Give the parameters that every format takes."""
    return docs_table(CommonParams)


def features() -> str:
    """Give each feature that a format may have, with its meaning and the formats that have it."""
    rows = ["| feature | meaning | formats |", "|---|---|---|"]
    for name, meaning in format_pages.CAPABILITIES.items():
        having = [one.name for one in default_registry().usable() if one.spec and name in one.spec.capabilities]
        shown = ", ".join(f"`{one}`" for one in having) or "none of those installed"
        rows.append(f"| `{name}` | {meaning} | {shown} |")
    return "\n".join(rows)


def levels_for_users() -> str:
    """Give what each level of conformance means for a user."""
    rows = ["| level | name | what it means for you |", "|---|---|---|"]
    rows += [f"| {i} | {name} | {format_pages.LEVELS[name]} |" for i, name in enumerate(LEVELS)]
    return "\n".join(rows)


def more_guides() -> str:
    """Give a list of the guides that no group of the index names; an empty text if there is none."""
    folder = Path(__file__).parents[1] / "how-to"
    named = set((folder / "index.md").read_text(encoding="utf-8").split())
    others = sorted(page.stem for page in folder.glob("*.md") if page.stem not in {*named, "index"})
    if not others:
        return ""
    return "\n".join(["## More guides", "", "```{toctree}", ":maxdepth: 1", "", *others, "```"])


def workflow(name: str) -> str:
    """Give a workflow file of a new plugin that is called tern."""
    with TemporaryDirectory() as folder:
        new_format("tern", Path(folder))
        text = Path(folder, ".github", "workflows", f"{name}.yml").read_text(encoding="utf-8")
    return f"```yaml\n{text}```"


def commands() -> str:
    """Give the help of each command."""
    helps = {command.name: parser_of(command).format_help().strip() for command in BUILTIN}
    return "\n\n".join(f"## lamella {name}\n\n```text\n{text}\n```" for name, text in helps.items())


TEXTS: Mapping[str, Callable[[], str]] = {
    "formats overview": partial(format_pages.overview, ""),
    "formats on the first page": partial(format_pages.overview, "formats/"),
    "features": features,
    "more guides": more_guides,
    "levels for users": levels_for_users,
    "common parameters": common_parameters,
    "commands": commands,
    "conformance levels": conformance_tables.levels,
    "conformance checks": conformance_tables.checks,
    "wrong readers": conformance_tables.wrong_readers,
    "workflow test": partial(workflow, "test"),
    "workflow publish": partial(workflow, "publish"),
    "layers picture": layers.picture,
    "layers table": layers.table,
    **{f"look at {name}": partial(first_look_pictures.picture, name) for name in (*first_look_pictures.SCENES, "scan")},
}


def filled(text: str) -> str:
    """Give the text of a page with every mark replaced."""
    return _MARK.sub(lambda mark: _text_of(mark["name"]), text)


def _text_of(name: str) -> str:
    return format_pages.page(name.removeprefix("format ")) if name.startswith("format ") else TEXTS[name]()


def _fill(app: Any, name: str, source: list[str]) -> None:
    source[0] = filled(source[0])


def setup(app: Any) -> dict[str, bool]:
    """Take part in the build of the site."""
    os.environ["COLUMNS"] = "100"  # of the help texts
    app.connect("source-read", _fill)
    return {"parallel_read_safe": True}
