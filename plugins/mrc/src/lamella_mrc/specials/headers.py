"""Headers that contradict themselves, calibrations, volumes, and recordings that continue."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lamella.reader import Axis
from lamella_mrc.writer import header_bytes
from lamella_testkit import SampleData, Special

__all__ = ["other_headers"]


def other_headers(path: Path, data: SampleData) -> Iterator[Special]:
    """Headers that contradict themselves, calibrations, volumes, and recordings that continue."""
    n, (height, width) = data.n_frames, data.sig_shape
    size, pixels = (width, height, n), data.tobytes()
    wrong = header_bytes(size, 6, stamp=b"\x11\x11\0\0")
    path.write_bytes(wrong + pixels)
    yield Special("a stamp of the other byte order", {"path": path}, pixels=data.frames, notes=1)
    keywords = {"path": path, "byte_order": "little"}
    yield Special("a byte order from the user", keywords, pixels=data.frames, notes=0)
    big = data.frames.astype(">u2").tobytes()
    path.write_bytes(header_bytes(size, 6, ">", stamp=b"\x44\x44\0\0") + big)
    keywords = {"path": path, "byte_order": "big"}
    yield Special("another byte order from the user", keywords, pixels=data.frames, notes=0)
    path.write_bytes(header_bytes(size, 6, stamp=b"\x44\x41\0\0") + pixels)
    yield Special("the other stamp of little-endian files", {"path": path}, pixels=data.frames, notes=0)
    path.write_bytes(header_bytes(size, 6, marker=bytes(4), stamp=bytes(4)) + pixels)
    yield Special("an old file without mark and stamp", {"path": path}, pixels=data.frames, notes=0, confidence=60)
    yield from _old_files(path, data)
    path.write_bytes(header_bytes((width, height, 0), 6) + pixels)
    yield Special("a recording that continues", {"path": path}, pixels=data.frames, notes=1)
    tail = b"records of another program"
    path.write_bytes(header_bytes((width, height, 0), 6, extended=tail, extended_type=b"SERI") + pixels)
    yield Special("a recording that continues, with an extended header", {"path": path}, pixels=data.frames, notes=1)
    path.write_bytes(header_bytes((width, height, 1), 6) + data.frames[0].tobytes())
    yield Special("one section", {"path": path}, pixels=data.frames[:1], notes=0)
    path.write_bytes(header_bytes((width, height, 1), 6, extended_nbytes=5000) + data.frames[0].tobytes())
    yield Special("one section without its extended header", {"path": path}, pixels=data.frames[:1], notes=1)
    path.write_bytes(header_bytes((1, height, n), 6) + data.frames[..., :1].tobytes())
    yield Special("sections of one column", {"path": path}, pixels=data.frames[..., :1], notes=0)
    path.write_bytes(header_bytes(size, 6, extended_nbytes=5000) + pixels)
    yield Special("an extended header that is not there", {"path": path}, pixels=data.frames, notes=1)
    tension = data.frames.copy()
    tension.reshape(-1)[28:30] = np.asarray([200e3], "<f4").view("<u2")  # where records of the older kind have it
    path.write_bytes(header_bytes(size, 6, extended_nbytes=1024 * 128) + tension.tobytes())
    known: dict[str, object] = {"beam_energy": None}
    yield Special("records that are not there", {"path": path}, pixels=tension, metadata=known, notes=1)
    path.write_bytes(header_bytes(size, 6) + pixels[:-7])
    yield Special("a section that was cut", {"path": path}, pixels=data.frames[:-1], notes=1)
    cell = (30.0 * width, 20.0 * height, 40.0 * n)
    axes = [Axis("ky", 2.0, 0.0, "nm"), Axis("kx", 3.0, 0.0, "nm")]
    path.write_bytes(header_bytes(size, 6, cell=cell) + pixels)
    yield Special("a stack of images with a cell", {"path": path}, axes=[Axis("frame"), *axes], notes=0)
    path.write_bytes(header_bytes(size, 6, cell=cell, space_group=1) + pixels)
    volume = [Axis("z", 4.0, 0.0, "nm"), Axis("y", 2.0, 0.0, "nm"), Axis("x", 3.0, 0.0, "nm")]
    yield Special("a volume", {"path": path}, pixels=data.frames, axes=volume, notes=0)
    turned = (cell[1] * width / height, cell[0] * height / width, cell[2])
    path.write_bytes(
        header_bytes(size, 6, cell=turned, axes=(2, 1, 3), grid=(width, height, n), space_group=1) + pixels
    )
    swapped = [volume[0], Axis("y", turned[0] / width / 10, 0.0, "nm"), Axis("x", turned[1] / height / 10, 0.0, "nm")]
    yield Special("a volume whose columns run along y", {"path": path}, axes=swapped, notes=0)
    path.write_bytes(header_bytes(size, 6, cell=cell, space_group=1, axes=(1, 1, 1)) + pixels)
    yield Special("a volume without an order of axes", {"path": path}, axes=volume, notes=0)
    path.write_bytes(header_bytes((width, height, 1), 6, cell=(0.0, 0.0, 40.0), space_group=1) + pixels)
    thin = [volume[0], Axis("y"), Axis("x")]
    yield Special("a volume of one section", {"path": path}, axes=thin, notes=1)
    for orders, confidence in (((0, 0, 0), None), ((1, 2, 4), 70), ((-1, 2, 3), 70)):
        path.write_bytes(header_bytes(size, 6, cell=cell, space_group=1, axes=orders) + pixels)
        yield Special(f"axes {orders}", {"path": path}, pixels=data.frames, axes=volume, confidence=confidence)
    odd = (-1.0, math.inf, math.nan)
    path.write_bytes(header_bytes(size, 6, cell=odd, space_group=1) + pixels)
    yield Special("a cell of nonsense", {"path": path}, axes=[Axis(name) for name in ("frame", "y", "x")], notes=0)
    grid = (width, height, n // 3)
    path.write_bytes(header_bytes(size, 6, cell=(0.0, 0.0, 10.0 * (n // 3)), space_group=401, grid=grid) + pixels)
    several = data.frames.reshape(3, n // 3, height, width)
    axes = [Axis("volume"), Axis("z", 1.0, 0.0, "nm"), Axis("y"), Axis("x")]
    yield Special("a stack of volumes", {"path": path}, pixels=several, axes=axes, notes=0)
    for depth in (n - 1, n + 1, n, 2 * n, 0, -3):
        path.write_bytes(header_bytes(size, 6, space_group=401, grid=(width, height, depth)) + pixels)
        yield Special(f"volumes of {depth} sections in a stack of {n}", {"path": path}, pixels=data.frames, notes=0)
    path.write_bytes(header_bytes(size, 6, space_group=401, grid=(width, height, 1)) + pixels)
    yield Special("volumes of one section", {"path": path}, pixels=data.frames[:, np.newaxis], notes=0)
    for group, shown in ((400, data.frames), (401, several), (630, several), (631, data.frames)):
        path.write_bytes(header_bytes(size, 6, space_group=group, grid=grid) + pixels)
        yield Special(f"space group {group}", {"path": path}, pixels=shown, notes=0)


def _old_files(path: Path, data: SampleData) -> Iterator[Special]:
    """Files that lack the mark, the stamp or both, and are recognised by the sense that their header makes."""
    n, (height, width) = data.n_frames, data.sig_shape
    size, nothing, given = (width, height, n), bytes(4), {"path": path}
    for order in "<>":
        stored = data.frames.astype(f"{order}u2").tobytes()
        for text, marker, stamp, confidence in (
            ("neither mark nor stamp", nothing, nothing, 60),
            ("a stamp alone", nothing, None, None),
            ("a mark alone", b"MAP ", nothing, None),
        ):
            path.write_bytes(header_bytes(size, 6, order, marker=marker, stamp=stamp) + stored)
            yield Special(f"{text}, {order}", given, pixels=data.frames, notes=0, confidence=confidence)
            path.write_bytes(header_bytes(size, 6, order, marker=marker, stamp=stamp) + stored + b"more")
            less = {60: 0, None: None if marker == b"MAP " else 60}[confidence]
            yield Special(f"{text}, and bytes after it, {order}", given, pixels=data.frames, confidence=less)
        octets = data.frames.astype(np.int8)
        path.write_bytes(header_bytes(size, 0, order, marker=nothing, stamp=nothing) + octets.tobytes())
        yield Special(f"bytes with neither mark nor stamp, {order}", given, pixels=octets, confidence=60)
