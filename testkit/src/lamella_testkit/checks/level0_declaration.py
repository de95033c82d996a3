"""Level 0, declared: the spec can be read without cost, and says what it must."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from typing import Any

from lamella.format import SUPPORTED_APIS, FormatSpec
from lamella.plugins.entrypoints import named_entry_points
from lamella.plugins.plugin import Status
from lamella.system.spawn import start
from lamella_testkit.checking import check, registered
from lamella_testkit.kit import Kit
from lamella_testkit.outcomes import Broken, NotHere

_IMPORT_SECONDS = 0.030
_LEAST = 4
"""What a signature has at least [bytes]: shorter ones are found in noise, and begin files of other formats."""


def _where_declared(kit: Kit) -> tuple[str, str]:
    """Give the module and the name of the spec: as installed, or the package that holds the reader."""
    entry_point = named_entry_points("lamella.formats").get(kit.spec.name)
    if entry_point is not None and entry_point.module.partition(".")[0] == kit.package:
        return entry_point.module, entry_point.attr
    module = kit.spec.reader.partition(":")[0]
    return module.rpartition(".")[0] or module, "spec"


@cache
def _looked(module: str, attribute: str) -> dict[str, Any]:
    """Import the spec in a fresh interpreter, three times, and give the fastest."""
    looks = [_look_once(module, attribute) for _ in range(3)]
    fastest: dict[str, Any] = min(looks, key=lambda look: float(look["seconds"]))
    return fastest


def _look_once(module: str, attribute: str) -> dict[str, Any]:
    process = start("lamella_testkit.looking:look", module, attribute, answers=True, errors=subprocess.PIPE)
    answer, complaint = process.communicate(timeout=60)
    if process.returncode:
        last = complaint.decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
        raise Broken(f"importing {module} fails in a fresh interpreter: {last[0]}")
    seen: dict[str, Any] = json.loads(answer)
    return seen


@check(level=0)
def spec_loads(kit: Kit) -> None:
    """The spec can be imported alone, in a fresh interpreter, and is a FormatSpec.

    Look at the module that the entry point in `lamella.formats` names, and at what it imports.
    """
    module, attribute = _where_declared(kit)
    look = _looked(module, attribute)
    if attribute == "spec" and look["spec"] == "None" and kit.plugin.distribution is not None:
        return  # a spec that is not installed may have any name
    kit.expect(look["spec"].startswith("FormatSpec("), f"{module}:{attribute} is {look['spec']}")


@check(level=0)
def spec_import_is_quick(kit: Kit) -> None:
    """Importing the spec takes at most 30 ms more than importing the core.

    Every user pays this at every start, for every installed plugin. Import what the reader needs in the reader.
    """
    module, attribute = _where_declared(kit)
    seconds = _looked(module, attribute)["seconds"]
    kit.expect(seconds <= _IMPORT_SECONDS, f"importing {module} takes {1000 * seconds:.0f} ms")


@check(level=0)
def spec_import_is_light(kit: Kit) -> None:
    """Importing the spec imports neither the reader nor anything besides the standard library and `lamella.format`.

    The module of the spec should hold the spec only: "module:Class" names the reader without importing it.
    """
    module, attribute = _where_declared(kit)
    modules = _looked(module, attribute)["modules"]
    roots = {name.partition(".")[0] for name in modules}
    foreign = sorted(roots - set(sys.stdlib_module_names) - {kit.package, "lamella", "__mp_main__"})
    kit.expect(not foreign, f"importing {module} imports {', '.join(foreign)}")
    reader = kit.spec.reader.partition(":")[0]
    kit.expect(reader == module or reader not in modules, f"importing {module} imports the reader, {reader}")


@check(level=0)
def spec_is_valid(kit: Kit) -> None:
    """The declaration contains no contradiction, and the plugin has the status ok."""
    problems = list(kit.spec.problems())
    kit.expect(not problems, "; ".join(problems))
    kit.expect(isinstance(kit.spec, FormatSpec), f"it is a {type(kit.spec).__name__}")
    kit.expect(kit.plugin.status is Status.ok, f"its status is {kit.plugin.status}: {kit.plugin.reason}")
    kit.expect(
        kit.sampler.format == kit.spec.name,
        f"the sampler is for {kit.sampler.format!r}, the spec for {kit.spec.name!r}",
    )


@check(level=0, since="2026.2")
def signatures_tell_formats_apart(kit: Kit) -> None:
    """A signature has at least four bytes, which are not all the same: shorter ones stand in files of many kinds.

    If the format has two bytes only, declare no signature, and let `detect` compare them with the rest of the header.
    """
    for signature in kit.spec.signatures:
        magic = signature.magic
        kit.expect(len(magic) >= _LEAST, f"{magic!r} has {len(magic)} bytes, expected at least {_LEAST}")
        kit.expect(len(set(magic)) > 1, f"{magic!r} is one byte, repeated")


@check(level=0)
def api_version_is_accepted(kit: Kit) -> None:
    """The plugin was written for a plugin API that this core has."""
    major, minor = kit.spec.api
    ours = " and ".join(f"{known}.{highest}" for known, highest in sorted(SUPPORTED_APIS.items()))
    kit.expect(
        minor <= SUPPORTED_APIS.get(major, -1),
        f"the plugin wants API {major}.{minor}, this core has {ours}",
    )


@check(level=0)
def known_failures_name_checks(kit: Kit) -> None:
    """Every name in `known_failures` is the name of a check, and has a reason."""
    names = {one.name for one in registered()}
    wrong = sorted(name for name in kit.sampler.known_failures if name not in names)
    kit.expect(not wrong, f"there is no check called {', '.join(wrong)}")
    silent = sorted(name for name, reason in kit.sampler.known_failures.items() if not reason.strip())
    kit.expect(not silent, f"no reason is given for {', '.join(silent)}")


@check(level=0)
def distribution_is_complete(kit: Kit) -> None:
    """The distribution has a version, a summary, a licence, a readme, bounds on Python and on lamella, entry points.

    Look at [project] in pyproject.toml. The test kit belongs into an extra or a development group, because users of
    the format do not need it.
    """
    entry_point = named_entry_points("lamella.formats").get(kit.spec.name)
    if entry_point is None or entry_point.dist is None or entry_point.module.partition(".")[0] != kit.package:
        raise NotHere(f"format {kit.spec.name!r} is not installed as a distribution")
    distribution = entry_point.dist
    facts = distribution.metadata
    wanted = {
        "Version": ("Version",),
        "Summary": ("Summary",),
        "a licence": ("License-Expression", "License", "License-File"),
        "Requires-Python": ("Requires-Python",),
    }
    absent = [name for name, keys in wanted.items() if not any(facts.get(key) for key in keys)]
    if not (facts.get("Description") or getattr(facts, "get_payload", str)()):
        absent.append("a readme")
    kit.expect(not absent, f"the metadata of {facts['Name']} lacks {', '.join(absent)}")
    required = [line for line in distribution.requires or [] if "extra ==" not in line.replace("'", '"')]
    names = {
        line.replace("[", " ").replace(">", " ").replace("=", " ").replace("~", " ").split()[0] for line in required
    }
    kit.expect("lamella" in names, f"{facts['Name']} does not require lamella")
    kit.expect("lamella-testkit" not in names, f"{facts['Name']} requires lamella-testkit at run time")
    groups = {(point.group, point.name) for point in distribution.entry_points}
    kit.expect(
        ("lamella.conformance", kit.spec.name) in groups,
        f'{facts["Name"]} names no sampler: [project.entry-points."lamella.conformance"] {kit.spec.name} = "..."',
    )
