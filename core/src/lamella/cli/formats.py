"""List the installed formats, show one, or search one: which files it reads, its parameters, its package.

`lamella formats` lists all formats, and then the other plugins: executors, I/O backends, exporters, analyses and
packages with hooks. `lamella formats mib` shows one format. `lamella formats search merlin` searches names, cameras,
programs and extensions, also of formats that are not installed but known, and says how to install them.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lamella.cli.console import plain
from lamella.cli.parser import UsageError
from lamella.errors import PluginError
from lamella.params.fields import ParameterInfo, describe
from lamella.params.schema import json_schema
from lamella.params.validate import CommonParams
from lamella.plugins.conformance import report_of
from lamella.plugins.kinds import KINDS
from lamella.plugins.known import catalogue
from lamella.plugins.plugin import Plugin, Status, advice
from lamella.plugins.registry import default_registry
from lamella.plugins.search import Found, search

if TYPE_CHECKING:
    from lamella.cli.console import Console

__all__ = ["configure", "run"]

_TYPES = {"bool": "yes/no", "int": "integer", "float": "number", "str": "text", "tuple": "list", "object": "name"}
_HELP = "lamella formats --help"
_DEFAULTS = {"None": "", "True": "yes", "False": "no"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the name of a format, with or without ``show`` before it, or ``search`` with words."""
    parser.usage = f"{parser.prog} [-h] [--json] [--traceback] [NAME | search WORD ...]"
    parser.add_argument("what", nargs="?", default="list", metavar="NAME", help="the format to show; all by default")
    parser.add_argument(
        "words",
        nargs="*",
        metavar="search WORD",
        help="the formats that fit all words, such as a camera, a program, a part of a title, or an extension",
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """List all formats, show one, or search."""
    what, words = args.what, args.words
    if what == "search":
        if not words:
            raise UsageError("search for what? For instance: lamella formats search merlin", see=_HELP)
        return _search(words, console)
    if what == "list" and not words:
        return _list(console)
    if what == "show" and not words:
        raise UsageError("which format? For instance: lamella formats blo", see=_HELP)
    names = words if what == "show" else [what, *words]
    if len(names) != 1:
        raise UsageError(f"one name is expected, found {' '.join(names)}", see=_HELP)
    return _show(names[0], console)


def _list(console: Console) -> int:
    plugins = default_registry().plugins()
    installed = {plugin.name for plugin in plugins}
    others = [plugin for kind in KINDS[1:] for plugin in default_registry().plugins(kind) if not plugin.is_builtin]
    offered = {name: known for name, known in catalogue().items() if name not in installed}
    console.emit(
        {
            "formats": [_entry(plugin) for plugin in plugins],
            "plugins": [_common(plugin) | {"kind": plugin.kind.noun, "group": plugin.kind.group} for plugin in others],
            "not_installed": [
                {"name": name, "title": known.title, "install": known.install} for name, known in offered.items()
            ],
        }
    )
    rows = [
        (
            plugin.name,
            plugin.status,
            _proved(plugin),
            _title(plugin),
            ", ".join(f".{extension}" for extension in _extensions(plugin)),
            _source(plugin),
        )
        for plugin in plugins
    ]
    console.table(("format", "status", "conformance", "title", "files", "from"), rows)
    if others:
        console.say("", "other plugins")
        listed = [(plugin.name, plugin.status, plugin.kind.noun, _source(plugin)) for plugin in others]
        console.table(("name", "status", "kind", "from"), listed)
    for plugin in (*plugins, *others):
        if plugin.status is not Status.ok:
            console.say("", f"{plugin.kind.noun} {plugin.name} is {plugin.status}: {advice(plugin)}")
    if offered:
        console.say("", "not installed:")
        console.facts([(f"  {name}", f"{known.title}: {known.install}") for name, known in offered.items()])
    return 0


def _search(words: Sequence[str], console: Console) -> int:
    results = search(words, default_registry())
    console.emit({"words": list(words), "found": [_result(found) for found in results]})
    if not results:
        console.say(
            f"no known format fits {' '.join(words)!r}",
            "`lamella formats` lists all formats. `lamella probe FILE` says what a file is.",
        )
        return 0
    rows = [
        (
            found.name,
            found.title,
            ", ".join(f".{extension}" for extension in found.extensions),
            found.known.written_by if found.known is not None else "",
            _state(found),
        )
        for found in results
    ]
    console.table(("format", "title", "files", "data from", "status"), rows)
    return 0


def _result(found: Found) -> dict[str, Any]:
    return {
        "name": found.name,
        "title": found.title,
        "extensions": list(found.extensions),
        "distribution": found.distribution,
        "authors": None if found.known is None else found.known.authors,
        "written_by": None if found.known is None else found.known.written_by,
        "homepage": None if found.known is None else found.known.homepage,
        "status": None if found.plugin is None else str(found.plugin.status),
        "install": found.known.install if found.plugin is None and found.known is not None else None,
    }


def _state(found: Found) -> str:
    """Say whether a format can be used, and if not, what to do."""
    if found.plugin is None:
        return found.known.install if found.known is not None else ""
    return "installed" if found.plugin.status is Status.ok else f"{found.plugin.status}: {advice(found.plugin)}"


def _show(name: str, console: Console) -> int:
    plugin = default_registry().get(name)
    spec = plugin.spec
    if spec is None:
        raise PluginError(f"format {name!r} declares nothing")
    cls = plugin.params_class()
    console.emit(
        _entry(plugin) | {"url": spec.url, "parameters": json_schema(cls), "common": json_schema(CommonParams)}
    )
    signatures = [f"{signature.magic!r} at byte {signature.offset}" for signature in spec.signatures]
    facts = [
        ("format", f"{spec.name}: {spec.title}"),
        ("files", ", ".join(f".{extension}" for extension in spec.extensions) or "objects in memory"),
        ("signatures", ", ".join(signatures)),
        ("can", ", ".join(sorted(spec.capabilities))),
        ("needs", ", ".join(spec.requires)),
        ("plugin", f"{_source(plugin)}, plugin API {spec.api[0]}.{spec.api[1]}"),
        ("conformance", f"level {_proved(plugin) or 'unknown'}, edition {spec.edition}"),
        ("described at", spec.url or ""),
    ]
    console.facts([(title, text) for title, text in facts if text])
    own = describe(cls)
    if own:
        console.say("", "parameters of this format")
        _parameters(own, console)
    console.say("", "parameters of every format")
    _parameters([info for info in describe(CommonParams) if info.name not in {i.name for i in own}], console)
    return 0


def _parameters(described: Any, console: Console) -> None:
    rows = [
        (
            info.name,
            "--" + info.name.replace("_", "-") if info.param.cli else "",
            _type(info),
            "required" if info.required else _default(info),
            _meaning(info),
        )
        for info in described
    ]
    console.table(("name", "option", "type", "default", "meaning"), rows)


def _type(info: ParameterInfo) -> str:
    """Give the type as people write values of it in a shell."""
    return re.sub(r"\w+", lambda word: _TYPES.get(word[0], word[0]), info.type.removesuffix(" or None"))


def _default(info: ParameterInfo) -> str:
    return _DEFAULTS.get(info.default, info.default.strip("'\""))


def _meaning(info: ParameterInfo) -> str:
    return f"{info.param.doc} [{info.param.unit}]" if info.param.unit else info.param.doc


def _entry(plugin: Plugin) -> dict[str, Any]:
    spec = plugin.spec
    entry = _common(plugin) | {"title": _title(plugin), "extensions": list(_extensions(plugin))}
    if spec is not None:
        entry |= {
            "api": list(spec.api),
            "capabilities": sorted(plain(spec.capabilities)),
            "target": spec.target,
            "edition": spec.edition,
        }
    report = report_of(plugin)
    entry["conformance"] = None if report is None else {"level": report.level, "version": report.version}
    return entry


def _common(plugin: Plugin) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "status": str(plugin.status),
        "reason": plugin.reason,
        "remedy": plugin.remedy,
        "distribution": plugin.distribution,
        "version": plugin.version,
    }


def _proved(plugin: Plugin) -> str:
    report = report_of(plugin)
    return "" if report is None else report.text(plugin.version)


def _title(plugin: Plugin) -> str:
    known = plugin.spec or catalogue().get(plugin.name)
    return known.title if known is not None else ""


def _extensions(plugin: Plugin) -> tuple[str, ...]:
    return plugin.spec.extensions if plugin.spec is not None else ()


def _source(plugin: Plugin) -> str:
    return f"{plugin.distribution or 'unknown'} {plugin.version or ''}".rstrip()
