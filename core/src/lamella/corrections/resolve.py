"""Which corrections apply: those that belong to the files, measured when they are first needed, the user's, or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from lamella.corrections.corrections import Corrections
from lamella.errors import CorruptError, LamellaError, ParameterError

__all__ = ["FileCorrections", "choose", "fact", "measured", "reshaped"]

FileCorrections: TypeAlias = "Corrections | Callable[[], Corrections | None] | None"
"""What a reader gives: corrections, or a picklable function for those that take reading more than a header."""


def measured(given: FileCorrections, path: str | None = None) -> Corrections | None:
    """Give the corrections of a file; measures them now if the reader left that for later.

    Raises
    ------
    FormatError
        If the files that hold them are damaged.
    """
    if given is None or isinstance(given, Corrections):
        return given
    try:
        return given()
    except (LamellaError, MemoryError):
        raise
    except Exception as error:
        where = getattr(error, "filename", None) or path
        raise CorruptError(
            f"the corrections cannot be read ({type(error).__name__}: {error})",
            path=where,
            remedy="Give corrections=False to compute without them",
        ) from error


def reshaped(given: FileCorrections, sig_shape: Sequence[int]) -> FileCorrections:
    """Give the same for frames presented in another shape, without measuring anything now."""
    if given is None or isinstance(given, Corrections):
        return given and given.reshape(sig_shape)
    return partial(_reshape_later, given, tuple(sig_shape))


def _reshape_later(given: FileCorrections, sig_shape: tuple[int, ...]) -> Corrections | None:
    found = measured(given)
    return found and found.reshape(sig_shape)


def choose(asked: object, own: Callable[[], Corrections | None], sig_shape: Sequence[int]) -> Corrections | None:
    """Give the corrections to apply to frames of ``sig_shape``, None if there is nothing to correct.

    Parameters
    ----------
    asked
        True for those that ``own`` gives, False or None for none, or `Corrections` to use instead.
    own
        Gives those that belong to the data; called only if they are wanted.
    sig_shape
        Shape of the frames.

    Raises
    ------
    ParameterError
        If it is something else, or the shape does not fit.
    """
    if asked is None or asked is False:
        return None
    chosen = own() if asked is True else asked
    if chosen is None:
        return None
    if not isinstance(chosen, Corrections):
        raise ParameterError(
            f"expected True, False or Corrections, found {type(chosen).__name__}. "
            "lamella.corrections.Corrections.of(ds.shape.sig, dark=…, gain=…, excluded=…) makes them from arrays",
            field="corrections",
        )
    return chosen.checked(sig_shape) or None


def fact(value: object) -> str:
    """Give a text that tells values of a parameter apart."""
    return value.digest if isinstance(value, Corrections) else repr(value)
