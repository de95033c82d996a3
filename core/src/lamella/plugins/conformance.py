"""How far a plugin is proved: the report of the conformance kit that it ships beside its spec."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamella.system.logs import logger_of

if TYPE_CHECKING:
    from lamella.plugins.plugin import Plugin

__all__ = ["FILE_NAME", "ConformanceReport", "report_of"]

FILE_NAME = "conformance.json"
"""The name of the report within the package of the plugin."""

_log = logger_of(__name__)


@dataclass(frozen=True, slots=True)
class ConformanceReport:
    """What a report says.

    Parameters
    ----------
    level
        The level that was reached, 0 to 4; None if not even the first was.
    name
        What that level is called.
    version
        The version of the plugin that was checked.
    report
        Everything.
    """

    level: int | None
    name: str | None
    version: str | None
    report: Mapping[str, Any]

    def text(self, version: str | None) -> str:
        """Give the level as people read it, for the ``version`` that is installed."""
        shown = "none" if self.level is None else f"{self.level} {self.name or ''}".rstrip()
        return shown if version == self.version else f"{shown} (version {self.version})"


def report_of(plugin: Plugin) -> ConformanceReport | None:
    """Give the report that a plugin ships, without importing it; None if it ships none."""
    if plugin.spec is None:
        return None
    package = plugin.spec.reader.partition(":")[0].partition(".")[0]
    try:
        found = importlib.util.find_spec(package)
        places = (found.submodule_search_locations or ()) if found is not None else ()
        texts = [Path(place, FILE_NAME).read_text(encoding="utf-8") for place in places]
        report = json.loads(texts[0])
        level, name, version = report["level"], report["level_name"], report["version"]
    except FileNotFoundError:
        return None
    except Exception as error:  # whatever a stranger ships
        _log.info("the conformance report of %s cannot be read: %s", plugin.name, error)
        return None
    return ConformanceReport(level if isinstance(level, int) else None, name, version, report)
