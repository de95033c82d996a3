"""From two arrays that should be equal to one sentence that says how they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_testkit.outcomes import Broken

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["expect_equal", "same"]

_Change = Callable[["NDArray[Any]"], "NDArray[Any]"]


def same(found: NDArray[Any], expected: NDArray[Any]) -> bool:
    """Whether two arrays hold the same values, whatever their byte order; NaN equals NaN of the same bits."""
    if found.shape != expected.shape:
        return False
    native = expected.astype(expected.dtype.newbyteorder("="), copy=False)
    if found.dtype != native.dtype:
        return False
    return np.array_equal(_bits(found), _bits(native))


def _bits(array: NDArray[Any]) -> NDArray[Any]:
    packed = np.ascontiguousarray(array)
    return packed.reshape(-1).view(np.uint8)


def expect_equal(found: Any, expected: NDArray[Any], what: str, *, sig_dims: int = 0) -> None:
    """Raise `Broken` with the first difference, and with what it looks like, unless the arrays are the same.

    Parameters
    ----------
    found, expected
        What was read and what the sampler wrote.
    what
        What was read, as the beginning of a sentence.
    sig_dims
        Number of detector axes, the last ones.
    """
    found = np.asarray(found)
    native = expected.astype(expected.dtype.newbyteorder("="), copy=False)
    if found.dtype != native.dtype:
        raise Broken(f"{what} has dtype {found.dtype}, expected {native.dtype}")
    if found.shape != native.shape:
        raise Broken(f"{what} has shape {found.shape}, expected {native.shape}")
    if same(found, native):
        return
    wrong = np.flatnonzero((_bits(found) != _bits(native)).reshape(native.size, -1).any(axis=1))
    where = tuple(int(i) for i in np.unravel_index(int(wrong[0]), native.shape)) if native.ndim else ()
    text = (
        f"{what} differs in {wrong.size} of {native.size} pixels, first at {where}: "
        f"expected {native[where]!r}, found {found[where]!r}"
    )
    for likely, array, hint in _suspects(native, sig_dims):
        if same(found, array):
            raise Broken(f"{text}. It looks as if {likely}", hint=hint)
    raise Broken(text)


def _suspects(expected: NDArray[Any], sig_dims: int) -> Iterator[tuple[str, NDArray[Any], str]]:
    """Give what the pixels would be after each of the usual mistakes, and where to look for each."""
    sig = expected.shape[expected.ndim - sig_dims :] if sig_dims else ()
    frames = expected.reshape(-1, *sig)
    yield "nothing was read: all pixels are zero", np.zeros_like(expected), _UNREAD
    if expected.dtype.itemsize > 1:
        swapped = expected.byteswap()
        yield "the byte order was swapped", swapped, _ORDER
    if expected.dtype.kind in "iu":
        other = expected.view(f"{'u' if expected.dtype.kind == 'i' else 'i'}{expected.dtype.itemsize}")
        yield "signed numbers were taken for unsigned ones", other.astype(expected.dtype), _SIGN
    for i in range(sig_dims):
        axis = expected.ndim - sig_dims + i
        yield f"detector axis {i} was reversed", np.flip(expected, axis), _FLIP
        for step in (1, -1):
            yield f"detector axis {i} is off by one", np.roll(expected, step, axis), _OFFSET
    if sig_dims == 2 and sig[0] == sig[1]:
        yield "detector x and y were swapped", np.swapaxes(expected, -1, -2), _AXES
    if sig_dims == 2:
        swapped_sig = frames.swapaxes(-1, -2).reshape(expected.shape)
        yield "frames were stored or read in Fortran order", swapped_sig, _AXES
    yield "the order of frames was reversed", frames[::-1].reshape(expected.shape), _FLIP
    for step in (1, -1):
        yield "frames are off by one", np.roll(frames, step, axis=0).reshape(expected.shape), _STRIDE
    yield (
        "the first frame was returned for all",
        np.broadcast_to(frames[:1], frames.shape).reshape(expected.shape),
        _STRIDE,
    )
    nav_dims = expected.ndim - sig_dims
    if sig_dims and nav_dims == 2:
        turned = np.swapaxes(expected, 0, 1).reshape(expected.shape)
        yield "scan x and y were swapped", turned, _SCAN
    yield "pixels are off by one", np.roll(expected.reshape(-1), 1).reshape(expected.shape), _OFFSET
    yield "pixels are off by one", np.roll(expected.reshape(-1), -1).reshape(expected.shape), _OFFSET


_UNREAD = "Look at where frames begin: an offset after the pixels gives zeros, as does a buffer that nothing fills."
_ORDER = "Name the byte order in the dtype of the encoding, `>u2` or `<u2`, as the header says or as the format has it."
_SIGN = "Look at the table from codes of the header to dtypes: `i2` and `u2` have the same size."
_FLIP = "The format stores this from its end: let the encoding or the codec turn it around, or do not, if they do now."
_OFFSET = "Look at the length of headers: pixels begin some bytes earlier or later than the reader says."
_AXES = (
    "NumPy's shape is (height, width) of pixels that are stored line by line: exchange them, or the order of storage."
)
_SCAN = "NumPy's shape is (rows, columns) of the scan, the slow axis first: exchange them where the header is read."
_STRIDE = "Look at the distance between frames, with their headers and footers, and at how frames are counted: from 0."
