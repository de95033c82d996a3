"""What a sampler states about a file, compared with what the reader found in it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.corrections.resolve import measured
from lamella_testkit.outcomes import Broken

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader import Axis, FileCorrections, SourceInfo

__all__ = [
    "correction_arrays",
    "expect_axes",
    "expect_corrections",
    "expect_details",
    "expect_metadata",
    "expect_notes",
    "expect_numbers",
    "expect_per_frame",
    "expect_raw_metadata",
]

_CLOSE = 1e-5


def expect_metadata(info: SourceInfo, expected: Mapping[str, object]) -> None:
    """Compare entries of the typed metadata; numbers may differ a little."""
    for name, value in expected.items():
        found = getattr(info.metadata, name)
        if not (found == value or _is_close(found, value)):
            raise Broken(f"{name} is {found!r}, expected {value!r}")


def expect_raw_metadata(info: SourceInfo, expected: Mapping[str, object]) -> None:
    """Compare entries of the raw metadata."""
    for name, value in expected.items():
        if name not in info.raw_metadata:
            raise Broken(f"{name!r} is missing")
        found = info.raw_metadata[name]
        if found != value:
            raise Broken(f"{name!r} is {found!r}, expected {value!r}")


def expect_details(info: SourceInfo, expected: Mapping[str, object]) -> None:
    """Compare entries of the details; numbers may differ a little."""
    for name, value in expected.items():
        if name not in info.details:
            raise Broken(f"there is no detail {name!r}: {', '.join(info.details) or 'there are none'}")
        found = info.details[name]
        if not (found == value or _is_close(found, value)):
            raise Broken(f"the detail {name!r} is {found!r}, expected {value!r}")


def _is_close(found: object, value: object) -> bool:
    numbers = isinstance(found, (int, float)) and isinstance(value, (int, float))
    return numbers and math.isclose(found, value, rel_tol=_CLOSE)  # type: ignore[arg-type]


def expect_axes(found: Sequence[Axis], expected: Sequence[Axis], *, named: bool = False) -> None:
    """Compare scale, offset and units of axes, and names if they are stated as well."""
    if len(found) != len(expected):
        raise Broken(f"there are {len(found)} axes, expected {len(expected)}")
    for one, other in zip(found, expected, strict=True):
        close = (
            one.units == other.units
            and (one.name == other.name or not named)
            and math.isclose(one.scale, other.scale, rel_tol=_CLOSE)
            and math.isclose(one.offset, other.offset, rel_tol=_CLOSE, abs_tol=_CLOSE * abs(other.scale))
        )
        if not close:
            raise Broken(f"axis {one.name!r} is {one}, expected {other}")


def expect_per_frame(info: SourceInfo, expected: Mapping[str, object]) -> None:
    """Compare arrays with one entry per stored frame; where None is stated, there must be no array."""
    for name, array in expected.items():
        if array is None:
            if name in info.per_frame:
                raise Broken(f"there is an array {name!r}, but not one entry for each frame was written")
            continue
        if name not in info.per_frame:
            raise Broken(f"no array is called {name!r}: {', '.join(info.per_frame) or 'none is'}")
        expect_numbers(info.per_frame[name](), array, name)


def expect_notes(info: SourceInfo, expected: int) -> None:
    """Compare the number of notes, or whether there are any."""
    if not expected and info.notes:
        raise Broken(f"it says {info.notes[:1]}, but there is no problem")
    if expected and not info.notes:
        raise Broken("it says nothing")
    if not isinstance(expected, bool) and len(info.notes) != expected:
        raise Broken(f"there are {len(info.notes)} notes, expected {expected}: {info.notes}")


def correction_arrays(given: FileCorrections) -> dict[str, NDArray[Any]]:
    """Give the arrays of the corrections that belong to a file."""
    found = measured(given)
    arrays = {} if not found else {name: getattr(found, name) for name in ("dark", "gain", "excluded")}
    return {name: np.asarray(array) for name, array in arrays.items() if array is not None}


def expect_corrections(given: FileCorrections, expected: Any) -> None:
    """Compare corrections, array by array."""
    found = correction_arrays(given)
    wanted = {name: np.asarray(array) for name, array in expected.items() if array is not None}
    for name in sorted({*found, *wanted}):
        if name not in found:
            raise Broken(f"there is no {_WORDS[name]}")
        if name not in wanted:
            raise Broken(f"there is a {_WORDS[name]}, but none was written")
        expect_numbers(found[name], wanted[name], f"the {_WORDS[name]}")


_WORDS = {"dark": "dark frame", "gain": "gain map", "excluded": "mask of excluded pixels"}


def expect_numbers(found: Any, expected: Any, what: str) -> None:
    """Compare arrays; numbers may differ a little, times and texts may not."""
    one, other = np.asarray(found), np.asarray(expected)
    if one.shape != other.shape:
        raise Broken(f"{what} has shape {one.shape}, expected {other.shape}")
    close = _are_close(one, other)
    if not close.all():
        at = tuple(int(i) for i in np.argwhere(~close)[0])
        place = f" at {at[0] if len(at) == 1 else at}" if at else ""
        raise Broken(f"{what} is {one[at]!s}{place}, expected {other[at]!s}: {_row(one)}, expected {_row(other)}")


def _are_close(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    if one.dtype.kind in "biufc" and other.dtype.kind in "biufc":
        return np.asarray(np.isclose(one, other, rtol=_CLOSE, equal_nan=True))
    equal = np.asarray(one == other)
    if one.dtype.kind == other.dtype.kind == "M":
        equal = equal | (np.isnat(one) & np.isnat(other))
    return np.broadcast_to(equal, one.shape)


def _row(array: NDArray[Any]) -> str:
    return np.array2string(array.reshape(-1), threshold=12, edgeitems=5, separator=", ").replace("\n", "")
