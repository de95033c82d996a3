"""Tables of the reference, made from what plugins and commands declare.

A page says ``<!-- generated: NAME -->`` where it wants one; see `TEXTS` for the names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import conformance_tables
import first_look_pictures
import layers

from lamella.cli.app import BUILTIN, parser_of
from lamella.params.schema import docs_table
from lamella.params.validate import CommonParams
from lamella.plugins.plugin import Plugin
from lamella.plugins.registry import default_registry

_MARK = re.compile(r"<!-- generated: (?P<name>[a-z ]+) -->")


def formats_overview() -> str:
    """Give one row for each installed format."""
    rows = ["| format | what it is | files | recognised by | promises |", "|---|---|---|---|---|"]
    for plugin in default_registry().usable():
        spec = plugin.spec
        assert spec is not None
        files = ", ".join(f"`.{extension}`" for extension in spec.extensions) or "objects in memory"
        signs = ", ".join(f"`{_shown(sign.magic)}` at byte {sign.offset}" for sign in spec.signatures)
        promises = ", ".join(sorted(spec.capabilities))
        name = f"[`{spec.name}`](#format-{spec.name.replace('_', '-')})"
        rows.append(f"| {name} | {spec.title} | {files} | {signs or 'its content'} | {promises} |")
    return "\n".join(rows)


def formats_in_detail() -> str:
    """Give a section with the parameters of each installed format."""
    return "\n\n".join(_format_section(plugin) for plugin in default_registry().usable())


def common_parameters() -> str:
    """Give the parameters that every format takes."""
    return docs_table(CommonParams)


def commands() -> str:
    """Give the help of each command."""
    helps = {command.name: parser_of(command).format_help().strip() for command in BUILTIN}
    return "\n\n".join(f"## lamella {name}\n\n```text\n{text}\n```" for name, text in helps.items())


TEXTS: Mapping[str, Callable[[], str]] = {
    "formats overview": formats_overview,
    "formats in detail": formats_in_detail,
    "common parameters": common_parameters,
    "commands": commands,
    "conformance levels": conformance_tables.levels,
    "conformance checks": conformance_tables.checks,
    "wrong readers": conformance_tables.wrong_readers,
    "layers picture": layers.picture,
    "layers table": layers.table,
    **{f"look at {name}": partial(first_look_pictures.picture, name) for name in (*first_look_pictures.SCENES, "scan")},
}


def filled(text: str) -> str:
    """Give the text of a page with every mark replaced."""
    return _MARK.sub(lambda mark: TEXTS[mark["name"]](), text)


def _format_section(plugin: Plugin) -> str:
    spec = plugin.spec
    assert spec is not None
    lines = [f"(format-{spec.name.replace('_', '-')})=", f"### {spec.name}: {spec.title}", ""]
    lines.append(f"`pip install {plugin.distribution}`" + (f"; described at <{spec.url}>." if spec.url else "."))
    table = docs_table(plugin.params_class())
    has_own = table.count("\n") > 2
    return "\n".join([*lines, "", table if has_own else "No parameters of its own."])


def _shown(magic: bytes) -> str:
    return repr(magic)[2:-1].replace("|", r"\|")


def _fill(app: Any, name: str, source: list[str]) -> None:
    source[0] = filled(source[0])


def setup(app: Any) -> dict[str, bool]:
    """Take part in the build of the site."""
    os.environ["COLUMNS"] = "100"  # of the help texts
    app.connect("source-read", _fill)
    return {"parallel_read_safe": True}
