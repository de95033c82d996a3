"""Work in a child process that may crash, hang or take all memory without harm to this one."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from lamella.reader.childprocess import Call
from lamella.reader.warmchild import warm_child

__all__ = ["in_child"]


def in_child(
    function: Callable[..., Any],
    *arguments: Any,
    seconds: float = 10.0,
    memory: int | None = None,
    group: str | None = None,
) -> Any:
    """Call a function in a child process, and wait for its result.

    The child has none of the state of this process. It may crash, hang or run out of memory: that becomes an error
    here. Use it for libraries that do so on damaged files.

    Parameters
    ----------
    function
        A function at the top of a module that can be imported.
    *arguments
        What it is called with; they are pickled.
    seconds
        How long it may take [s]. Starting the child and importing the module of the function do not count.
    memory
        How much more memory it may take than after the import [bytes]; unlimited if None, and where the system has no
        such limit (only Linux has).
    group
        Whose files may share a process, such as the folder of the file; by default each call has a fresh one. On Linux
        each call has a fresh one anyway: it is forked from a child that has imported the module of the function, and
        touches no file. Elsewhere, a child that answered a call of a group is kept for some seconds, and asked again
        by the next call of the same group with the same limit of memory, 100 times at most. A child that served one
        group is never asked for another, and one that gave anything but a result is never asked again. Where a kept
        child ends during a call, a fresh one is asked instead, so that no file is refused for what an earlier one did;
        the function must not mind to be called twice. It leaves no file open, and no state that changes later results.

    Returns
    -------
    object
        The result, which must be None, or consist of bools, numbers, strings, lists, and dicts with strings as keys,
        16 MiB at most: nothing from the child is unpickled, because the file may have taken it over.

    Raises
    ------
    ChildError
        If the child ends without a result, takes too long, or the function raises an exception; ``found`` says which,
        and ``raised`` is true for an exception. Also if no child can be started.
    ValueError
        If the function cannot be imported by another process.

    Examples
    --------
    >>> from math import gcd
    >>> in_child(gcd, 12, 18)
    6
    """
    name = function.__qualname__
    if "<" in name or function.__module__ == "__main__":
        raise ValueError(f"{name} cannot be imported by another process; define it at the top of a module")
    call = Call(function.__module__, name, pickle.dumps(arguments), float(seconds), memory)
    return warm_child.ask(call, group)
