"""Packages that are needed for one bridge only."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from lamella.errors import PluginError

__all__ = ["library"]


def library(module: str, purpose: str, install: str) -> Any:
    """Import a module of another package.

    Parameters
    ----------
    module
        Its name.
    purpose
        What needs it, in words that begin a sentence: ``"Dask arrays"``.
    install
        What ``pip install`` is called with.

    Raises
    ------
    PluginError
        If the package is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        if error.name is not None and error.name.partition(".")[0] != package:
            raise PluginError(f"{package} cannot be imported ({error}): pip install {install}") from error
        raise PluginError(f"{purpose} need {package}: pip install {install}") from error
