"""Judging what an entry point gives, whatever it is: first the plugin API, then the declaration, then what it needs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lamella.format import FormatSpec, is_api_version
from lamella.plugins.compatibility import api_mismatch, stated_api
from lamella.plugins.entrypoints import distribution_of
from lamella.plugins.plugin import Plugin, Status
from lamella.plugins.remedies import absent_module, remedy_for, root, tell_authors, told
from lamella.system.logs import logger_of

if TYPE_CHECKING:
    from importlib_metadata import EntryPoint

    from lamella.plugins.kinds import Kind
    from lamella.plugins.switches import Switches

__all__ = ["examine", "judge"]

_log = logger_of(__name__)
_SLOW = 1.0  # seconds


def examine(entry_point: EntryPoint, kind: Kind, switches: Switches) -> Plugin:
    """Load what an entry point names, whatever happens, and judge it; one that is switched off is not imported."""
    distribution, version = distribution_of(entry_point)
    origin = f"{entry_point.name} = {entry_point.value}"
    plugin = Plugin(entry_point.name, Status.ok, None, distribution, version, origin, kind=kind)
    kept_out = switches.verdict(plugin.name)
    if kept_out is not None:
        return _judged(plugin, Status.disabled, *kept_out)
    began = time.perf_counter()
    try:
        plugin = judge(plugin, entry_point.load(), _module(entry_point))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # importing a plugin may even call sys.exit
        return _failed(plugin, error, entry_point.value)
    took = time.perf_counter() - began
    if took > _SLOW:
        hint = f"LAMELLA_DISABLE_PLUGINS={plugin.name} leaves it out"
        _log.warning("plugin %s took %.2f s to declare itself; %s", plugin.name, took, hint)
    return plugin


def _module(entry_point: EntryPoint) -> str:
    """Give the module that an entry point names; empty if it names none."""
    return entry_point.value.partition(":")[0].strip()


def judge(plugin: Plugin, declared: object, module: str = "") -> Plugin:
    """Judge what a plugin declares.

    Parameters
    ----------
    plugin
        What is known of it; is completed and given back.
    declared
        What its entry point gives.
    module
        The module that the entry point names: where ``api`` may stand as well.
    """
    api = stated_api(declared, module)
    mismatch = api_mismatch(api, plugin.distribution or plugin.name)
    if mismatch is not None:
        if isinstance(declared, FormatSpec) and not any(declared.malformed()):
            plugin.declared = declared  # title and signatures help to say what the plugin would be good for
        return _judged(plugin, Status.incompatible, *mismatch)
    problems = [] if is_api_version(api) else [f"api {api!r} is not (major, minor)"]
    problems = list(dict.fromkeys([*problems, *plugin.kind.problems(plugin.kind, plugin.name, declared)]))
    if problems:
        return _judged(
            plugin, Status.invalid, "; ".join(problems), tell_authors(plugin.distribution, plugin.entry_point)
        )
    plugin.declared = declared
    required = declared.requires if isinstance(declared, FormatSpec) else ()
    absent = [name for name in required if not _is_importable(name)]
    if absent:
        reason = f"needs {', '.join(absent)}, which cannot be imported"
        return _judged(plugin, Status.missing_dependency, reason, f"pip install {' '.join(absent)}")
    return plugin


def _judged(plugin: Plugin, status: Status, reason: str, remedy: str) -> Plugin:
    plugin.status, plugin.reason, plugin.remedy = status, reason, remedy
    return plugin


def _failed(plugin: Plugin, error: BaseException, reference: str) -> Plugin:
    own, absent = root(reference), absent_module(error)
    remedy = remedy_for(error, plugin.name, plugin.distribution, own)
    if absent == "lamella":
        return _judged(plugin, Status.incompatible, f"needs another version of Lamella: {told(error)}", remedy)
    if isinstance(error, ModuleNotFoundError) and absent not in ("", own):
        reason = f"needs {absent}, which cannot be imported"
        return _judged(plugin, Status.missing_dependency, reason, remedy)
    return _judged(plugin, Status.broken, f"fails while it is imported: {told(error)}", remedy)


def _is_importable(module: str) -> bool:
    from importlib.util import find_spec

    try:
        return find_spec(module.partition(".")[0]) is not None
    except (ImportError, ValueError, AttributeError):
        return False
