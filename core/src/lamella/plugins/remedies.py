"""What to do about a plugin that fails."""

from __future__ import annotations

__all__ = ["absent_module", "remedy_for", "root", "tell_authors", "told"]


def remedy_for(error: BaseException, name: str, distribution: str | None, own: str) -> str:
    """Say what to do about an error of a plugin.

    Parameters
    ----------
    error
        What it raised while it was imported or made.
    name, distribution
        What it is called, and where it comes from.
    own
        The top-level module of the plugin.
    """
    absent = absent_module(error)
    if absent == "lamella":
        return "pip install --upgrade lamella"
    if isinstance(error, ModuleNotFoundError) and absent not in ("", own):
        return f"pip install {absent}"
    silence = f"set LAMELLA_DISABLE_PLUGINS={name} to leave it out"
    if distribution is None:
        return silence[0].upper() + silence[1:]
    return f"pip install --upgrade --force-reinstall {distribution}, or {silence}"


def tell_authors(distribution: str | None, entry_point: str) -> str:
    """Say what to do about a declaration that is wrong."""
    return f"pip install --upgrade {distribution}, or tell its authors" if distribution else f"Correct {entry_point}"


def absent_module(error: BaseException) -> str:
    """Give the top-level module that an import missed; empty for other errors."""
    return root(error.name or "") if isinstance(error, ImportError) else ""


def told(error: BaseException) -> str:
    """Give an error as one line."""
    if isinstance(error, SystemExit):
        return f"it calls sys.exit({error.code!r})"
    text = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def root(reference: str) -> str:
    """Give the top-level module of ``"module:attribute"``."""
    return reference.partition(":")[0].partition(".")[0].strip()
