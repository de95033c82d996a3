"""Whether this core understands the plugin API that a plugin was written for."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from lamella.format import SUPPORTED_APIS, is_api_version

__all__ = ["api_mismatch", "stated_api"]


def stated_api(declared: object, module: str) -> object:
    """Give what a plugin says about its API: its attribute ``api``, else that of its module, else ``(1, 0)``."""
    for place in (declared, sys.modules.get(module)):
        stated = getattr(place, "api", None)
        if stated is not None:
            return stated
    return (1, 0)


def api_mismatch(api: object, package: str, supported: Mapping[int, int] | None = None) -> tuple[str, str] | None:
    """Give reason and remedy for a plugin API that is not understood; None for one that is, and for rubbish.

    Parameters
    ----------
    api
        What the plugin states.
    package
        The distribution of the plugin, for the remedy.
    supported
        Highest minor version of each major version that is understood; `lamella.format.SUPPORTED_APIS` by default.
    """
    supported = SUPPORTED_APIS if supported is None else supported
    if not is_api_version(api):
        return None
    major, minor = api
    if minor <= supported.get(major, -1):
        return None
    ours = " and ".join(f"{known}.{highest}" for known, highest in sorted(supported.items()))
    is_older = major < max(supported) and major not in supported
    outdated = package if is_older else "lamella"
    return f"needs plugin API {major}.{minor}; this Lamella has {ours}", f"pip install --upgrade {outdated}"
