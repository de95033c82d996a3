"""The samplers of the installed plugins, found by their entry points."""

from __future__ import annotations

from collections.abc import Iterator

from lamella.plugins.entrypoints import load_named, named_entry_points
from lamella.system.logs import logger_of
from lamella_testkit.sampler import Sampler

__all__ = ["GROUP", "other_samplers", "sampler_named"]

GROUP = "lamella.conformance"
"""The entry-point group in which plugins declare their samplers."""

_log = logger_of(__name__)


def sampler_named(name: str) -> type[Sampler]:
    """Give the sampler of an installed format.

    Raises
    ------
    PluginError
        If its distribution declares none, or it cannot be imported.
    TypeError
        If what is declared is no sampler.
    """
    sampler = load_named(GROUP, name)
    if not (isinstance(sampler, type) and issubclass(sampler, Sampler)):
        raise TypeError(f"the entry point {name!r} in {GROUP} names {sampler!r}, expected a subclass of Sampler")
    return sampler


def other_samplers(name: str) -> Iterator[Sampler]:
    """Give the samplers of all other installed formats; those that fail are left out."""
    for other in sorted(named_entry_points(GROUP)):
        if other == name:
            continue
        try:
            yield sampler_named(other)()
        except Exception as error:
            _log.info("the sampler of %s cannot be used: %s", other, error)
