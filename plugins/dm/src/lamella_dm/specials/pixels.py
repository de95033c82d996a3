"""Numbers that scans seldom have, pictures, and halves of Fourier transforms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.reader import Axis
from lamella_dm.specials.writing import axes_of, plain_axes
from lamella_dm.writer import File, Image
from lamella_testkit import SampleData, Special

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["kinds_of_pixels"]


def kinds_of_pixels(path: Path, data: SampleData) -> Iterator[Special]:
    """Numbers that scans seldom have, pictures, and halves of Fourier transforms."""
    height, width = data.sig_shape
    for kind, values in (("i8", data.frames), ("u8", data.frames), ("b1", data.frames % 3 == 0)):
        pixels = values.astype(kind)
        File([Image(pixels)]).write(path)
        yield Special(
            f"pixels of type {kind}", {"path": path}, pixels=pixels, axes=plain_axes("frame", "y", "x"), notes=0
        )
    shades = np.arange(4 * data.pixels.size, dtype="<u4").astype(np.uint8).reshape(*data.pixels.shape, 4)
    for little, order in ((True, [2, 1, 0, 3]), (False, [3, 0, 1, 2])):
        for code, rgba in ((8, shades[:1, 0]), (23, shades[0]), (23, shades)):
            words = np.ascontiguousarray(rgba[..., order]).view("<i4" if little else ">i4")[..., 0]
            if not little:
                words = np.ascontiguousarray(rgba[..., [3, 0, 1, 2]]).view(">i4")[..., 0]
            shown = words[0] if code == 8 else words
            sides = [(0.0, 0.5, "nm"), (4.0, 0.25, "nm")]
            File([Image(shown, calibrations=sides, data_type=code)], 4, little).write(path)
            names = ("frame",) if rgba.ndim == 4 else ("y", "x")
            sig = ("ky", "kx") if rgba.ndim == 5 else ("y", "x")
            calibrated = axes_of((sig[0], 0.25, -1.0, "nm"), (sig[1], 0.5, 0.0, "nm"))
            yield Special(
                f"pictures of type {code}, {rgba.shape}, little-endian: {little}",
                {"path": path},
                pixels=rgba,
                axes=[*plain_axes(*names), *calibrated, Axis("rgba")],
                notes=1,
            )
    numbers = (data.frames + 1j * (data.frames[::-1] % 77)).astype("c8")
    for code, kind in ((27, "c8"), (28, "c16")):
        for columns in (width, width - 1):
            for little in (True, False):
                half = np.ascontiguousarray(numbers[..., : columns // 2 + 1]).astype(kind)
                File([Image(half, data_type=code, dims=(len(half), height, columns))], 3, little).write(path)
                text_of = f"halves of transforms of {kind}, {columns} columns, little-endian: {little}"
                yield Special(text_of, {"path": path}, pixels=_whole(half, columns), notes=1)
    plane = numbers[0, :, : width // 2 + 1]
    File([Image(plane, data_type=27, dims=(height, width))]).write(path)
    yield Special("half of a transform", {"path": path}, pixels=_whole(plane[np.newaxis], width), notes=1)


def _whole(half: NDArray[Any], width: int) -> NDArray[Any]:
    """Give whole transforms, frequency by frequency: what is stored belongs to x = 0, -1, -2 ..."""
    n, height, _ = half.shape
    whole = np.zeros((n, height, width), half.dtype)
    for row in range(height):
        for column in range(width):
            y, x = row - height // 2, column - width // 2
            if x <= 0:
                whole[:, row, column] = half[:, row, -x]
            else:
                whole[:, row, column] = half[:, (height // 2 - y) % height, x].conj()
    return whole
