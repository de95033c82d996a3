"""Merlin files: big-endian integers, and the counters of the chip as they come, 12, 6 and 1 bit deep."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Kind, Pixels, Shape

_SIG = (256, 256)
_SMALL = (8, 8)
_HEADER = 384
_PIXELS = math.prod(_SIG)


def _header(sig: Shape, kind: str, depth: int) -> bytes:
    chips = "3RX," + ",".join(["100"] * 27) + ","
    text = (
        f"MQ1,000000,00384,01,{sig[1]:04d},{sig[0]:04d},{kind},   1x1,01,2021-05-07 16:51:10.905800,"
        f"0.001000,0,0,0,{'1.000000E+1,' * 8}{chips}MQ1A,2021-05-07T16:51:10.905800928Z,1000000ns,{depth},"
    )
    return text.encode().ljust(_HEADER, b"\0")


def _numbered(header: bytes, first: int, count: int) -> np.ndarray[Any, Any]:
    """Give headers with sequence numbers from ``first``, shape ``(count, 384)``."""
    rows = np.tile(np.frombuffer(header, dtype=np.uint8), (count, 1))
    numbers = np.arange(first, first + count)
    for place in range(6):
        rows[:, 9 - place] = ord("0") + numbers // 10**place % 10
    return rows


def _stored(batch: np.ndarray[Any, Any], kind: str, depth: int) -> np.ndarray[Any, Any]:
    """Give the bytes of frames, shape ``(n, bytes)``."""
    n = len(batch)
    if kind == "U16":
        words = batch.astype(">u2")
    elif depth == 12:
        words = np.ascontiguousarray(batch.astype(">u2").reshape(-1, 4)[:, ::-1])
    elif depth == 6:
        words = np.ascontiguousarray(batch.astype("u1").reshape(-1, 8)[:, ::-1])
    else:
        packed = np.packbits(batch.astype("u1").reshape(-1, 8), axis=1, bitorder="little")
        words = np.ascontiguousarray(packed.reshape(-1, 8)[:, ::-1])
    return words.view(np.uint8).reshape(n, -1)


def _writer(kind: str, depth: int, sig: Shape = _SIG) -> Callable[[Path, Shape, Pixels], None]:
    def write(path: Path, nav: Shape, pixels: Pixels) -> None:
        index = 1
        with path.open("wb") as file:
            for batch in pixels:
                headers = _numbered(_header(sig, kind, depth), index, len(batch))
                file.write(np.hstack([headers, _stored(batch, kind, depth)]).tobytes())
                index += len(batch)

    return write


def _kind(kind: str, depth: int, high: int, nbytes: int, **more: Any) -> Kind:
    write = _writer(kind, depth, more.get("sig", _SIG))
    return Kind("mib", ".mib", "<u2", high, nbytes + _HEADER, write, **more)


KINDS = {
    "mib_u2": _kind("U16", 12, 1000, 2 * _PIXELS, layout=lambda nav: {"dtype": ">u2", "offset": 0, "gap": _HEADER}),
    "mib_r12": _kind("R64", 12, 1000, 2 * _PIXELS),
    "mib_r6": _kind("R64", 6, 63, _PIXELS),
    "mib_r1": _kind("R64", 1, 1, _PIXELS // 8, share=0.25),
    "many_mib": _kind(
        "R64",
        12,
        1000,
        2 * math.prod(_SMALL),
        sig=_SMALL,
        count=1_000_000,
        jobs=("open", "firsttile", "frame", "sum", "sumsig"),
    ),
}
