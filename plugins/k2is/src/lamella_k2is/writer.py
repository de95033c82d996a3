"""Writes the files of a K2 IS camera, without help from the reader."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "BASE",
    "BLOCK",
    "FIRST_COUNT",
    "FIRST_ID",
    "described",
    "gtg_bytes",
    "header_bytes",
    "packed",
    "sector_bytes",
    "stored_tags",
    "write_recording",
]

BLOCK = 22360
FIRST_COUNT, FIRST_ID = 70_016, 59
BASE = "Capture52_"


def write_recording(
    directory: Path,
    frames: NDArray[Any],
    *,
    base: str = BASE,
    flagged_from: int = 0,
    flagged_to: int | None = None,
    before: Sequence[int] = (0,) * 8,
    behind: Sequence[int] = (0,) * 8,
    partial: Sequence[int] = (0,) * 8,
    lost: Mapping[int, Collection[int]] | None = None,
    counts: Sequence[int] = (FIRST_COUNT,) * 8,
    ids: Sequence[int] = (FIRST_ID,) * 8,
    gtg: bytes | None = None,
) -> Path:
    """Write eight sectors, and tags if there are any; gives the first file.

    Parameters
    ----------
    directory, base
        Where to, and how the names begin.
    frames
        Shape ``(n, 1860, 2048)``.
    flagged_from, flagged_to
        Frames with the shutter flag.
    before, behind
        Per sector, blocks of the frames before the first and behind the last one.
    partial
        Per sector, the last bytes of a block at the beginning of the file.
    lost
        Per sector number, 1 to 8, places of blocks that are left out, counted from the first block of frame 0.
    counts, ids
        Per sector, block count and frame id of the first block of frame 0.
    gtg
        Content of the file of tags.
    """
    for i in range(8):
        content = sector_bytes(
            frames[:, :, 256 * i : 256 * i + 256],
            flagged=range(flagged_from, len(frames) if flagged_to is None else flagged_to),
            before=before[i],
            behind=behind[i],
            lost=(lost or {}).get(i + 1, ()),
            count=counts[i],
            frame_id=ids[i],
        )
        lead = b"\xff\xff\x00\x55".join([b"\xa5" * 100] * 300)[:BLOCK]
        (directory / f"{base}{i + 1}.bin").write_bytes(lead[len(lead) - partial[i] :] + content)
    if gtg is not None:
        (directory / f"{base}.gtg").write_bytes(gtg)
    return directory / f"{base}1.bin"


def sector_bytes(
    pixels: NDArray[Any],
    *,
    flagged: range,
    before: int = 0,
    behind: int = 0,
    lost: Collection[int] = (),
    count: int = FIRST_COUNT,
    frame_id: int = FIRST_ID,
) -> bytes:
    """Give the content of one sector; see `write_recording`."""
    return b"".join(_blocks(pixels, flagged, range(-before, 32 * len(pixels) + behind), lost, count, frame_id))


def stored_tags(scan: Sequence[int] | None, flyback: int = 1) -> dict[str, Any]:
    """Give the tags of a scan, ``(y, x)`` with its flyback columns, or of a time series."""
    sizes = {} if scan is None else {"SI Dimensions": {"Size X": int(scan[1]), "Size Y": int(scan[0])}}
    sampling = {} if scan is None else {"Height (pixels)": int(scan[0]), "Width (pixels)": int(scan[1]) - flyback}
    acquisition = {"SI": {"Acquisition": {"Spatial Sampling": sampling}}}
    microscope = {"Voltage": 300e3, "STEM Camera Length": 800.0, "Microscope": "Titan ß"}
    return {
        **sizes,
        "SI Image Tags": {**acquisition, "Microscope Info": microscope, "DigiScan": {"Rotation": 12.5}},
    }


def gtg_bytes(
    scan: Sequence[int] | None, *, version: int = 3, little: bool = True, flyback: int = 1, more: Mapping[str, Any] = {}
) -> bytes:
    """Give a file of tags for a scan, ``(y, x)`` with its flyback columns, or for a time series."""
    tags = {**stored_tags(scan, flyback), **more}
    code = "I" if version == 3 else "Q"
    body = _group(tags, code, "<" if little else ">")
    return struct.pack(f">I{code}I", version, len(body), int(little)) + body + bytes(8)


def _blocks(
    pixels: NDArray[Any], flagged: range, places: range, lost: Collection[int], count: int, frame_id: int
) -> Iterator[bytes]:
    for at in places:
        if at in lost:
            continue
        frame, k = divmod(at, 32)
        x, y = 16 * (15 - k % 16), 930 * (k // 16)
        yield header_bytes(at, frame in flagged, count, frame_id)
        inside = 0 <= frame < len(pixels)
        yield packed(pixels[frame, y : y + 930, x : x + 16]) if inside else b"\x5a" * (BLOCK - 40)


def header_bytes(at: int, flagged: bool, count: int, frame_id: int) -> bytes:
    """Give the header of the block at a place, counted from the first block of frame 0."""
    frame, k = divmod(at, 32)
    x, y = 16 * (15 - k % 16), 930 * (k // 16)
    return struct.pack(
        ">I4sBB6sIHHIHHHHI",
        0xFFFF0055,
        b"\x01\x02\x03\x04",
        1,
        0xA4 | flagged,  # other bits mean nothing
        b"unused",
        count + at,
        256,
        1860,
        frame_id + frame,
        x,
        y,
        x + 15,
        y + 929,
        BLOCK,
    )


def packed(pixels: NDArray[Any]) -> bytes:
    """Give pixels of 12 bits, two in three bytes."""
    even, odd = (pixels.reshape(-1)[i::2].astype(np.uint16) for i in range(2))
    return np.stack([even & 0xFF, even >> 8 | (odd & 0xF) << 4, odd >> 4], axis=1).astype(np.uint8).tobytes()


def _group(tags: Mapping[str, Any], code: str, order: str) -> bytes:
    entries = []
    for name, value in tags.items():
        kind, body = (
            (20, _group(value, code, order)) if isinstance(value, Mapping) else (21, _value(value, code, order))
        )
        length = struct.pack(">Q", len(body)) if code == "Q" else b""
        entries.append(struct.pack(">BH", kind, len(name.encode("latin-1"))) + name.encode("latin-1") + length + body)
    return struct.pack(f">BB{code}", 1, 0, len(entries)) + b"".join(entries)


def _value(value: Any, code: str, order: str) -> bytes:
    if isinstance(value, bytes):  # as it stands in the file
        return value
    if isinstance(value, str):
        text = value.encode("utf-16-le" if order == "<" else "utf-16-be")
        return described([20, 4, len(value)], text, code)
    if isinstance(value, float):
        return described([7], struct.pack(f"{order}d", value), code)
    return described([3], struct.pack(f"{order}i", value), code)


def described(description: Sequence[int], content: bytes, code: str) -> bytes:
    """Give a value of a tag: its mark, its description in numbers of a ``code`` of `struct`, and its content."""
    return b"%%%%" + struct.pack(f">{len(description) + 1}{code}", len(description), *description) + content
