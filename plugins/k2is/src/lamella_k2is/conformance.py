"""Writes recordings of a K2 IS camera, without help from the reader, so that the conformance kit can compare."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_testkit import SampleData, Sampler, Special

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["K2isSampler", "gtg_bytes", "sector_bytes", "write_recording"]

_BLOCK = 22360
_FIRST_COUNT, _FIRST_ID = 70_016, 59
_BASE = "Capture52_"


class K2isSampler(Sampler):
    """Scans with tags, and time series without, with parts of other frames around them."""

    format = "k2is"
    dtypes = ("<u2",)
    bits = 12
    nav_ranks = (2, 1)
    variants = ("scan", "series")
    floor = 0.1  # every pixel is unpacked
    largest = 128 << 20

    def fit(self, data: SampleData) -> SampleData:
        """Give up to three frames of the one size that the camera has; a time series has one scan axis."""
        variant = data.variant if len(data.nav_shape) == 2 else "series"
        nav = data.nav_shape
        if variant == "series":
            nav = (min(3, data.n_frames),)
        elif data.n_frames > 3:
            nav = (3, 1) if nav[0] >= 3 else (1, 3)
        return data.but(nav_shape=nav, sig_shape=(1860, 2048), variant=variant)

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write eight sectors and, for scans, tags."""
        if data.variant == "scan":
            # The flag comes one frame late.
            write_recording(directory, data.frames, flagged_from=1, gtg=gtg_bytes(data.nav_shape))
            return {"path": directory / f"{_BASE}1.bin"}
        write_recording(
            directory,
            data.frames,
            before=[(3 * i) % 8 for i in range(8)],
            behind=[(5 * i) % 8 for i in range(8)],
            partial=[(7000 * i) % _BLOCK for i in range(8)],
        )
        return {"path": directory / f"{_BASE}1.bin"}

    def write_sparse(self, directory: Path, nbytes: int) -> Special:
        """Write the headers of the first and the last frame of a time series, and the last block of pixels."""
        n_blocks = 32 * (nbytes // (8 * 32 * _BLOCK))
        for number in range(1, 9):
            with (directory / f"{_BASE}{number}.bin").open("wb") as file:
                file.truncate(n_blocks * _BLOCK)
                for at in (*range(32), *range(n_blocks - 32, n_blocks)):
                    file.seek(at * _BLOCK)
                    file.write(_header(at, True, _FIRST_COUNT, _FIRST_ID))
        end = np.arange(930 * 16, dtype=np.uint16).reshape(930, 16) % 4096
        with (directory / f"{_BASE}8.bin").open("r+b") as file:
            file.seek((n_blocks - 16) * _BLOCK + 40)
            file.write(_packed(end))
        return Special("large files", {"path": directory / f"{_BASE}1.bin"}, end=end)

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give what the tags say."""
        known: dict[str, object] = {"exposure_time": 0.0025, "detector": "Gatan K2 IS"}
        if data.variant == "series":
            return known
        return {**known, "beam_energy": 300e3, "camera_length": 0.8, "instrument": "Titan ß", "scan_rotation": 12.5}

    def per_frame(self, data: SampleData) -> Mapping[str, object]:
        """Give what the headers of each frame say."""
        steps = np.arange(data.n_frames)
        return {"frame id": _FIRST_ID + steps, "shutter": steps >= (data.variant == "scan")}

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give the beginning and the end of some headers."""
        marks = [block * _BLOCK + at for block in (0, 1, 15, 16, 31, 32) for at in (0, 40)]
        return {f"{_BASE}{number}.bin": marks for number in range(1, 9)}


def write_recording(
    directory: Path,
    frames: NDArray[Any],
    *,
    base: str = _BASE,
    flagged_from: int = 0,
    flagged_to: int | None = None,
    before: Sequence[int] = (0,) * 8,
    behind: Sequence[int] = (0,) * 8,
    partial: Sequence[int] = (0,) * 8,
    lost: Mapping[int, Collection[int]] | None = None,
    counts: Sequence[int] = (_FIRST_COUNT,) * 8,
    ids: Sequence[int] = (_FIRST_ID,) * 8,
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
        lead = b"\xff\xff\x00\x55".join([b"\xa5" * 100] * 300)[:_BLOCK]
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
    count: int = _FIRST_COUNT,
    frame_id: int = _FIRST_ID,
) -> bytes:
    """Give the content of one sector; see `write_recording`."""
    return b"".join(_blocks(pixels, flagged, range(-before, 32 * len(pixels) + behind), lost, count, frame_id))


def gtg_bytes(
    scan: Sequence[int] | None, *, version: int = 3, little: bool = True, flyback: int = 1, more: Mapping[str, Any] = {}
) -> bytes:
    """Give a file of tags for a scan, ``(y, x)`` with its flyback columns, or for a time series."""
    sizes = {} if scan is None else {"SI Dimensions": {"Size X": int(scan[1]), "Size Y": int(scan[0])}}
    sampling = {} if scan is None else {"Height (pixels)": int(scan[0]), "Width (pixels)": int(scan[1]) - flyback}
    acquisition = {"SI": {"Acquisition": {"Spatial Sampling": sampling}}}
    microscope = {"Voltage": 300e3, "STEM Camera Length": 800.0, "Microscope": "Titan ß"}
    tags = {
        **sizes,
        "SI Image Tags": {**acquisition, "Microscope Info": microscope, "DigiScan": {"Rotation": 12.5}},
        **more,
    }
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
        yield _header(at, frame in flagged, count, frame_id)
        inside = 0 <= frame < len(pixels)
        yield _packed(pixels[frame, y : y + 930, x : x + 16]) if inside else b"\x5a" * (_BLOCK - 40)


def _header(at: int, flagged: bool, count: int, frame_id: int) -> bytes:
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
        _BLOCK,
    )


def _packed(pixels: NDArray[Any]) -> bytes:
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
        return _described([20, 4, len(value)], text, code)
    if isinstance(value, float):
        return _described([7], struct.pack(f"{order}d", value), code)
    return _described([3], struct.pack(f"{order}i", value), code)


def _described(description: Sequence[int], content: bytes, code: str) -> bytes:
    return b"%%%%" + struct.pack(f">{len(description) + 1}{code}", len(description), *description) + content
