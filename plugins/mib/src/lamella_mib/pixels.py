"""How the payload of a record holds the pixels of a frame.

``U08``, ``U16``, ``U32`` are assembled images of big-endian integers, whatever the layout of the chips. ``R64`` is what
the chips send: 64-bit words in which the first pixel is the least significant, in containers of 1, 8 or 16 bits for
counters of 1, 6 and 12 bits. 24-bit counters come as two 12-bit images, the high bits first. Four chips come as rows of
chip 4, 3, 2 and 1; see `lamella.codecs.QuadCodec`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lamella.codecs import Codec, GapCodec, HighLowCodec, QuadCodec, WordCodec
from lamella.errors import CorruptError, ParameterError, UnsupportedError
from lamella.reader import Corrections, Encoding
from lamella_mib.header import FrameHeader

__all__ = ["Pixels", "find_pixels"]

CHIP = 256
"""Pixels per row of a chip."""

_CONTAINERS: dict[int, Literal[1, 8, 16]] = {1: 1, 6: 8, 12: 16, 24: 16}
_SAVE_ASSEMBLED = "Merlin software can save assembled frames (U08, U16, U32) instead, which are supported"


@dataclass(frozen=True, slots=True)
class Pixels:
    """The payload of a frame: its size [bytes], how it is decoded, and the depth of the counters [bit]."""

    nbytes: int
    encoding: Encoding
    depth: int | None
    notes: tuple[str, ...] = ()

    @property
    def corrections(self) -> Corrections | None:
        """The pixels of an inserted gap as excluded pixels."""
        codec = self.encoding.codec
        if not isinstance(codec, GapCodec):
            return None
        return Corrections(excluded=codec.gap_mask(self.encoding.sig_shape), allow_empty=True)


def find_pixels(
    header: FrameHeader,
    path: str,
    *,
    follows: Callable[[int], bool],
    depth: int | None = None,
    sidecar_depth: int | None = None,
    gap: int | None = None,
) -> Pixels:
    """Decide how frames are decoded.

    Parameters
    ----------
    header, path
        The first header, and the file it comes from.
    follows
        Whether another record, or the end of the file, follows a payload of so many bytes.
    depth, sidecar_depth
        Depth of the counters as the user and the sidecar say it.
    gap
        Width of the cross to insert between raw chips [px].

    Raises
    ------
    UnsupportedError
        If the variant is unknown.
    CorruptError
        If the header contradicts itself.
    ParameterError
        If a gap is asked for where there is none.
    """
    if header.pixel_type != "R64":
        if gap is not None:
            raise ParameterError(
                f"gap applies to raw quads; these frames are {header.pixel_type}", field="gap", subject=path
            )
        return _assembled(header, path)
    chosen, notes = _depth(header, path, depth, sidecar_depth, follows)
    if header.chips == 1:
        if gap is not None:
            raise ParameterError("gap applies to raw quads; these frames are from one chip", field="gap", subject=path)
        return _one_chip(header, path, chosen, follows, notes)
    if header.chips == 4 and header.layout.startswith("2x2") and header.width in (4 * CHIP, 8 * CHIP):
        return _quad(header, path, chosen, gap, notes)
    raise UnsupportedError(
        f"raw frames of {header.chips} chips with layout {header.layout}",
        path=path,
        expected="one chip, or four chips 2x2 side by side",
        found=f"{header.width} x {header.height} px, chip select {header.chip_select}",
        remedy=_SAVE_ASSEMBLED,
    )


def _assembled(header: FrameHeader, path: str) -> Pixels:
    sizes = {"U08": 1, "U16": 2, "U32": 4, "U64": 8}
    if header.pixel_type not in sizes:
        raise UnsupportedError(
            "unknown type of pixels",
            path=path,
            expected=f"{', '.join(sizes)} or R64",
            found=repr(header.pixel_type),
            remedy=_SAVE_ASSEMBLED,
        )
    dtype = np.dtype(f">u{sizes[header.pixel_type]}")
    return Pixels(
        nbytes=header.width * header.height * dtype.itemsize,
        encoding=Encoding(dtype, (header.height, header.width)),
        depth=header.depth,
    )


def _depth(
    header: FrameHeader,
    path: str,
    asked: int | None,
    sidecar: int | None,
    follows: Callable[[int], bool],
) -> tuple[int, tuple[str, ...]]:
    """Give the depth of the counters from the user, the header, the sidecar, or the distance of records."""
    stated = asked or header.depth or sidecar
    if stated in _CONTAINERS:
        note = f"the counter depth, {stated} bit, comes from the sidecar" if not (asked or header.depth) else None
        return stated, (note,) if note else ()
    fitting = [depth for depth in _CONTAINERS if follows(_payload(header, depth))]
    if stated is None and len(fitting) == 1:
        return fitting[0], (f"guess: the distance of records means a counter depth of {fitting[0]} bit",)
    raise UnsupportedError(
        "the counter depth of raw frames is unknown",
        path=path,
        expected="1, 6, 12 or 24 bit",
        found=f"{'no statement' if stated is None else stated}, {header.layout}, {header.width} x {header.height} px",
        remedy=f"Give counter_depth=; or in future: {_SAVE_ASSEMBLED}",
    )


def _payload(header: FrameHeader, depth: int) -> int:
    images = 2 if depth == 24 and not _width_is_doubled(header) else 1
    return images * header.width * header.height * _CONTAINERS[depth] // 8


def _width_is_doubled(header: FrameHeader) -> bool:
    return header.width == (2 * CHIP if header.chips == 1 else 8 * CHIP)


def _one_chip(
    header: FrameHeader, path: str, depth: int, follows: Callable[[int], bool], notes: tuple[str, ...]
) -> Pixels:
    container = _CONTAINERS[depth]
    if header.width * container % 64:
        raise CorruptError(
            "raw rows are no whole number of 64-bit words",
            path=path,
            expected=f"a width that is a multiple of {64 // container}",
            found=header.width,
        )
    words = WordCodec(container)
    if depth < 24:
        return _coded(words, header.height, header.width, depth, notes)
    # Headers of 24-bit frames have been described with the width of both images together.
    wide = _coded(HighLowCodec(words), header.height, header.width, depth, notes)
    if not _width_is_doubled(header):
        return wide
    narrow = _coded(HighLowCodec(words), header.height, header.width // 2, depth, notes)
    return wide if follows(wide.nbytes) and not follows(narrow.nbytes) else narrow


def _quad(header: FrameHeader, path: str, depth: int, gap: int | None, notes: tuple[str, ...]) -> Pixels:
    if _width_is_doubled(header) and depth != 24:
        raise CorruptError("rows of a raw quad are too long", path=path, expected=4 * CHIP, found=header.width)
    codec: Codec = QuadCodec(_CONTAINERS[depth])
    if depth == 24:
        codec = HighLowCodec(codec)
        notes = (*notes, "raw 24-bit quads are read as two 12-bit frames; no file by the vendor was seen so far")
    height, width = 2 * header.height, 2 * CHIP
    if gap is not None:
        codec, height, width = GapCodec(codec, gap), height + gap, width + gap
    return _coded(codec, height, width, depth, notes)


def _coded(codec: Codec, height: int, width: int, depth: int, notes: tuple[str, ...]) -> Pixels:
    dtype = np.dtype({1: np.uint8, 6: np.uint8, 12: np.uint16, 24: np.uint32}[depth])
    encoding = Encoding(dtype, (height, width), codec)
    return Pixels(codec.stored_nbytes((height, width)), encoding, depth, notes)
