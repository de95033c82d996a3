"""What runs in a fresh interpreter to see what the import of a declaration costs. It imports as little as it can."""

from __future__ import annotations

import importlib
import json
import os
import sys
import time

__all__ = ["look"]


def look(module: str, attribute: str) -> None:
    """Import a declaration, and write what that took and imported to standard output."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the module prints is not an answer
    import lamella.format  # noqa: F401

    before = set(sys.modules)
    began = time.perf_counter()
    imported = importlib.import_module(module)
    took = time.perf_counter() - began
    spec = getattr(imported, attribute, None)
    json.dump({"seconds": took, "modules": sorted(set(sys.modules) - before), "spec": repr(spec)}, answer)
    answer.close()
