"""List the installed formats, or show one: which files it reads, its parameters, and where it comes from.

`lamella formats` lists all formats, and then the other plugins: executors, I/O backends, exporters, analyses and
packages with hooks. `lamella formats mib` shows one format.
"""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any

from lamella.cli.console import plain
from lamella.cli.parser import UsageError
from lamella.errors import PluginError
from lamella.params.fields import ParameterInfo, describe
from lamella.params.schema import json_schema
from lamella.params.validate import CommonParams
from lamella.plugins.conformance import report_of
from lamella.plugins.kinds import KINDS
from lamella.plugins.known import CATALOGUE
from lamella.plugins.plugin import Plugin, Status, advice
from lamella.plugins.registry import default_registry

if TYPE_CHECKING:
    from lamella.cli.console import Console

__all__ = ["configure", "run"]

_TYPES = {"bool": "yes/no", "int": "integer", "float": "number", "str": "text", "tuple": "list", "object": "name"}
_DEFAULTS = {"None": "", "True": "yes", "False": "no"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the name of a format, with or without ``show`` before it."""
    parser.add_argument("what", nargs="?", default="list", metavar="NAME", help="the format to show; all by default")
    parser.add_argument("name", nargs="?", help=argparse.SUPPRESS)  # after the word show


def run(args: argparse.Namespace, console: Console) -> int:
    """List all formats or show one."""
    if args.what == "list" and args.name is None:
        return _list(console)
    if args.what == "show" and args.name is None:
        raise UsageError("which format? For instance: lamella formats blo", see="lamella formats --help")
    if args.what != "show" and args.name is not None:
        raise UsageError(f"one name is expected, found {args.what} {args.name}", see="lamella formats --help")
    return _show(args.what if args.name is None else args.name, console)


def _list(console: Console) -> int:
    plugins = default_registry().plugins()
    installed = {plugin.name for plugin in plugins}
    others = [plugin for kind in KINDS[1:] for plugin in default_registry().plugins(kind) if not plugin.is_builtin]
    offered = {name: known for name, known in CATALOGUE.items() if name not in installed}
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
    known = plugin.spec or CATALOGUE.get(plugin.name)
    return known.title if known is not None else ""


def _extensions(plugin: Plugin) -> tuple[str, ...]:
    return plugin.spec.extensions if plugin.spec is not None else ()


def _source(plugin: Plugin) -> str:
    return f"{plugin.distribution or 'unknown'} {plugin.version or ''}".rstrip()
