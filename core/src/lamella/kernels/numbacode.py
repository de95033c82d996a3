"""What numba makes of a kernel, as bytes for another process that has numba."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

__all__ = ["dump", "load"]

_loaded: list[Any] = []
"""What keeps the code of functions in memory."""


def dump(result: Any) -> bytes | None:
    """Give what numba's compiler made of a kernel; None where it refers to something of this process."""
    if result is None or result.library.has_dynamic_globals or any(not one.can_cache for one in result.lifted):
        return None
    from numba.core.serialize import dumps

    code: bytes = dumps(result._reduce())
    return code


def load(dispatcher: Any, code: bytes) -> Callable[..., None]:
    """Give the function of what `dump` gave.

    The dispatcher itself would first prepare for compiling, which costs forty times as much as loading does.
    """
    from numba.core.compiler import CompileResult
    from numba.core.runtime import rtsys  # type: ignore[attr-defined]

    rtsys.initialize(dispatcher.targetctx)  # what compiled code calls to get memory
    found = CompileResult._rebuild(dispatcher.targetctx, *pickle.loads(code))
    _loaded.append(found)
    function: Callable[..., None] = found.entry_point
    return function
