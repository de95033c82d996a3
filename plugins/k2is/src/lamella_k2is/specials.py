"""Right recordings that begin, end and lose blocks elsewhere, other tags, and wrong files of all kinds."""

from __future__ import annotations

import contextlib
import math
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, FormatError, ParameterError, TruncatedError
from lamella_k2is.writer import (
    BASE,
    BLOCK,
    FIRST_COUNT,
    FIRST_ID,
    described,
    gtg_bytes,
    header_bytes,
    sector_bytes,
    stored_tags,
    write_recording,
)
from lamella_testkit import Special, Wrong

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella_testkit import SampleData

__all__ = ["special_files", "wrong_files"]


def special_files(directory: Path, data: SampleData) -> Iterator[Special]:
    """Write right recordings that are not a whole scan with its tags, frame after frame."""
    if data.n_frames < 3:
        return
    if data.variant == "scan":
        yield from _with_parameters(directory, data)
        yield from _with_other_tags(directory)
        yield from _with_lost_blocks(directory, data)
    else:
        yield from _with_other_flags(directory, data)
        yield from _with_other_ends(directory, data)
        yield from _long(directory)


def _shown(frames: NDArray[Any], steps: Sequence[int], nav: tuple[int, ...]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Give what steps show that have these frames, -1 for none."""
    places = np.asarray(steps)
    return frames[places].reshape(*nav, *frames.shape[1:]), (places >= 0).reshape(nav)


def _with_parameters(directory: Path, data: SampleData) -> Iterator[Special]:
    """One recording, opened in other ways; its tags count three columns, of which one is flyback."""
    folder, frames = directory / "parameters", data.frames
    folder.mkdir()
    path = write_recording(folder, frames, flagged_from=1, gtg=gtg_bytes((1, 3)))
    for text, more, steps, nav in (
        ("tags named", {"path": folder / f"{BASE}.gtg"}, (0, 1, 2), (1, 3)),
        ("a series in spite of its tags", {"mode": "series"}, (1, 2), (2,)),
        ("a scan that began before", {"first_frame": -1}, (-1, 0, 1), (1, 3)),
        ("a scan that began later", {"first_frame": 1}, (1, 2, -1), (1, 3)),
        ("no flyback", {"drop_flyback": True}, (0, 1), (1, 2)),
        ("no flyback, and a later beginning", {"drop_flyback": True, "first_frame": 2}, (2, -1), (1, 2)),
        ("no flyback, and an earlier one", {"drop_flyback": True, "first_frame": -1}, (-1, 0), (1, 2)),
        ("a later series", {"mode": "series", "first_frame": 2}, (2,), (1,)),
        ("an earlier series", {"mode": "series", "first_frame": -1}, (-1, 0, 1, 2), (4,)),
    ):
        pixels, valid = _shown(frames, steps, nav)
        others = [(2, 2)] if nav == (4,) else []
        told = {
            "mode": "time series" if "mode" in more else "scan",
            "scan without flyback": [1, 2],
            "first frame with the shutter flag": 1,
            "frames with the shutter flag": 2,
            "frames that lost blocks": 0,
            "first block count": FIRST_COUNT,
        }
        yield Special(
            text, {"path": path, **more}, pixels=pixels, valid=valid, notes=0, details=told, alternatives=others
        )
    cropped = frames[:, :1792, :1920].reshape(1, 3, 1792, 1920)
    yield Special("active pixels", {"path": path, "crop_active": True}, pixels=cropped, notes=0)
    (folder / f"{BASE}.gtg").write_bytes(gtg_bytes((2, 2)))
    pixels, valid = _shown(frames, (0, 2), (2, 1))
    yield Special("two lines", {"path": path, "drop_flyback": True}, pixels=pixels, valid=valid, notes=0)
    for text, scan, flyback, steps, nav in (
        ("lines that were not recorded", (4, 2), 1, (0, 2, -1, -1), (4, 1)),
        ("no columns of flyback", (1, 3), 0, (0, 1, 2), (1, 3)),
        ("two columns of flyback", (1, 3), 2, (0,), (1, 1)),
    ):
        (folder / f"{BASE}.gtg").write_bytes(gtg_bytes(scan, flyback=flyback))
        pixels, valid = _shown(frames, steps, nav)
        yield Special(text, {"path": path, "drop_flyback": True}, pixels=pixels, valid=valid, notes=0)
    (folder / f"{BASE}.gtg").write_bytes(gtg_bytes((2, 2)))
    with contextlib.suppress(OSError):  # where links are not allowed
        (folder / f"{BASE}3.BIN").symlink_to(directory.parent / "elsewhere.bin")
    pixels, valid = _shown(frames, (0, 1, 2, -1), (2, 2))
    yield Special("a link beside it that leads elsewhere", {"path": path}, pixels=pixels, valid=valid, notes=0)


def _with_other_tags(directory: Path) -> Iterator[Special]:
    """Tags of other versions, byte orders and kinds."""
    folder = directory / "parameters"
    path, tags = folder / f"{BASE}1.bin", folder / f"{BASE}.gtg"
    microscope = {
        "Voltage": 0.0,
        "STEM Camera Length": 1500,
        "Microscope": " ",
        "Operator": "Ada ",
        "Operation Mode": "SCANNING",
        "Indicated Magnification": 20e3,
    }
    known = {
        "instrument": None,
        "operator": "Ada",
        "mode": "SCANNING",
        "beam_energy": None,
        "camera_length": 1.5,
        "magnification": 20e3,
        "scan_rotation": None,
    }
    for version, little in ((3, True), (3, False), (4, True), (4, False)):
        more = {"SI Image Tags": {"Microscope Info": microscope}, **_odd_values(version, little)}
        tags.write_bytes(gtg_bytes((1, 3), version=version, little=little, more=more))
        raw = {
            "SI Dimensions": {"Size X": 3, "Size Y": 1},
            "SI Image Tags": {"Microscope Info": microscope},
            "text": "Größe",
            "pair": [3, 0.5],
            "none": None,
            "many": [1, 2, 3],
            "records": "2 items of 6 bytes",
            "long": "5000 items of 2 bytes",
            "words": "µm",
            "numbers": [65_535, 4_294_967_295, 0.1, True, -5, 250, -(1 << 40), (1 << 64) - 1, -70_000],
            "small": [1, 2, 250],
            "pages": "a" * 4096,
            "12": 7,
        }
        text = f"tags of version {version}, {'little' if little else 'big'}-endian"
        yield Special(text, {"path": path}, metadata=known, raw_metadata={"tags": raw}, notes=0)
    microscope = {"Microscope Info": 5, "DigiScan": 7}
    tags.write_bytes(gtg_bytes((1, 3), more={"SI Image Tags": microscope}))
    known = {"instrument": None, "beam_energy": None, "camera_length": None, "scan_rotation": None}
    yield Special("numbers in the place of groups", {"path": path}, metadata=known, notes=0)
    tags.write_bytes(gtg_bytes(None))
    known = {"dwell_time": None, "beam_energy": 300e3}
    yield Special("tags of a series", {"path": path}, metadata=known, raw_metadata={"tags": stored_tags(None)}, notes=0)
    other = tags.rename(folder / f"{BASE}.Gtg")
    yield Special("tags with a name in other letters", {"path": other}, metadata=known, notes=0)


def _odd_values(version: int, little: bool) -> dict[str, bytes]:
    """Give values of other kinds than the usual ones, by their names."""
    code, order = ("I" if version == 3 else "Q"), ("<" if little else ">")
    encoding = "utf-16-le" if little else "utf-16-be"
    return {
        "text": described([18, 5], "Größe".encode(encoding), code),
        "pair": described([15, 0, 2, 0, 2, 0, 6], struct.pack(f"{order}hf", 3, 0.5), code),
        "none": described([7], struct.pack(f"{order}d", math.nan), code),
        "many": described([20, 3, 3], struct.pack(f"{order}3i", 1, 2, 3), code),
        "records": described([20, 15, 0, 2, 0, 2, 0, 3, 2], bytes(12), code),
        "long": described([20, 2, 5000], bytes(10_000), code),
        "words": described([20, 4, 2], "µm".encode(encoding), code),
        "numbers": described(
            [15, 0, 9, *(word for kind in (4, 5, 7, 8, 9, 10, 11, 12, 3) for word in (0, kind))],
            struct.pack(
                f"{order}HId?bBqQi", 65_535, 4_294_967_295, 0.1, True, -5, 250, -(1 << 40), (1 << 64) - 1, -70_000
            ),
            code,
        ),
        "small": described([20, 10, 3], bytes([1, 2, 250]), code),
        "pages": described([20, 4, 5000], ("a" * 5000).encode(encoding), code),
        "": described([2], struct.pack(f"{order}h", 7), code),
    }


def _with_lost_blocks(directory: Path, data: SampleData) -> Iterator[Special]:
    """Blocks that were not written, and one whose header is damaged."""
    folder, frames = directory / "lost", data.frames
    folder.mkdir()
    path = write_recording(folder, frames, flagged_from=1, gtg=gtg_bytes((1, 3)), lost={4: [40, 41], 6: [50]})
    left = _without(frames, {4: [40, 41], 6: [50]})
    pixels, valid = _shown(frames, (0, -1, 2), (1, 3))
    told = {"frames that lost blocks": 1, "sectors": _sectors({4: 2, 6: 1})}
    yield Special(
        "blocks that were lost", {"path": path}, pixels=pixels, valid=valid, notes=1, warnings=1, details=told
    )
    zeros = {"path": path, "lost_blocks": "zero"}
    yield Special("zeros for blocks that were lost", zeros, pixels=left.reshape(1, 3, 1860, 2048), notes=1)
    cropped = left[:, :1792, :1920].reshape(1, 3, 1792, 1920)
    yield Special("the same, without reference pixels", {**zeros, "crop_active": True}, pixels=cropped, notes=1)
    pixels, valid = _shown(frames, (0, -1), (1, 2))
    yield Special("lost blocks, no flyback", {"path": path, "drop_flyback": True}, pixels=pixels, valid=valid, notes=1)
    many = {1: [32, 33], 3: [31], 5: [5, 20, 40, 70, 90], 8: [64]}
    write_recording(folder, frames, flagged_from=1, lost=many)
    left = _without(frames, many).reshape(1, 3, 1860, 2048)
    told = {"frames that lost blocks": 3, "sectors": _sectors({key: len(value) for key, value in many.items()})}
    per_frame = {"shutter": [False, True, True], "frame id": FIRST_ID + np.arange(3)}
    yield Special("blocks that were lost in every frame", zeros, pixels=left, per_frame=per_frame, details=told)
    yield from _with_odd_blocks(folder, frames)


def _with_odd_blocks(folder: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Blocks without their mark, of another count, and between others."""
    path = write_recording(folder, frames, flagged_from=1)
    sector = folder / f"{BASE}2.bin"
    right = sector.read_bytes()
    left = _without(frames, {2: [40]}).reshape(1, 3, 1860, 2048)
    zeros = {"path": path, "lost_blocks": "zero"}
    for text, at, wrong in (
        ("zeros for a damaged block", 0, bytes(4)),
        ("zeros for a block of a count that follows", 16, struct.pack(">I", FIRST_COUNT + 43)),
        ("zeros for a block of a count from before", 16, struct.pack(">I", FIRST_COUNT + 7)),
    ):
        begin = 40 * BLOCK + at
        sector.write_bytes(right[:begin] + wrong + right[begin + len(wrong) :])
        yield Special(text, zeros, pixels=left)
    sector.write_bytes(right[: 40 * BLOCK] + bytes(BLOCK) + right[40 * BLOCK :])
    yield Special("zeros between blocks", {"path": path}, pixels=frames.reshape(1, 3, 1860, 2048), notes=0)


def _without(frames: NDArray[Any], lost: Mapping[int, Sequence[int]]) -> NDArray[Any]:
    """Give frames with zeros for blocks of some sectors, by their places."""
    left = frames.copy()
    for number, places in lost.items():
        for at in places:
            frame, k = divmod(at, 32)
            x, y = 256 * (number - 1) + 16 * (15 - k % 16), 930 * (k // 16)
            left[frame, y : y + 930, x : x + 16] = 0
    return left


def _sectors(lost: Mapping[int, int], before: int = 0) -> list[dict[str, int]]:
    """Give what the details say about the sectors of three frames, of which some lost blocks."""
    return [
        {
            "first block": FIRST_COUNT - before,
            "last block": FIRST_COUNT + 95,
            "blocks before the first frame": before,
            "blocks lost": lost.get(number, 0),
            "bytes before the first block": 0,
        }
        for number in range(1, 9)
    ]


def _with_other_flags(directory: Path, data: SampleData) -> Iterator[Special]:
    """Shutters that open never, at once, and close before the end."""
    folder, frames = directory / "flags", data.frames
    folder.mkdir()
    path = write_recording(folder, frames)
    pixels, valid = _shown(frames, (-1, 0, 1, 2), (4,))
    stem = {"path": path, "mode": "stem"}
    yield Special("an open shutter", stem, pixels=pixels, valid=valid, notes=1, alternatives=[(2, 2)])
    more = {**stem, "first_frame": 1}
    yield Special("an open shutter, and a later beginning", more, pixels=frames[1:], notes=1)
    write_recording(folder, frames, flagged_from=1, flagged_to=2)
    flags = {"shutter": [False, True, False], "frame id": FIRST_ID + np.arange(3)}
    yield Special("a shutter that closed", {"path": path}, pixels=frames[1:2], per_frame=flags, notes=1)
    known = {"dwell_time": 0.0025}
    yield Special("a scan without tags", stem, pixels=frames[:2], per_frame=flags, metadata=known, notes=0)
    write_recording(folder, frames, flagged_from=3)
    told = {"first frame with the shutter flag": None, "frames with the shutter flag": 0}
    yield Special("a shutter that never opened", {"path": path}, pixels=frames, notes=2, details=told)
    yield Special("a scan whose shutter never opened", stem, pixels=frames, notes=1)
    sector = folder / f"{BASE}2.bin"
    right = sector.read_bytes()
    for text, at, wrong, left in (
        ("a first block without its mark", 0, bytes(4), frames[1:]),
        ("a first block beside its sector", 28, b"\1\0", frames[1:]),
        ("a first block between columns", 28, b"\0\x08", frames[1:]),
        ("a first block between rows", 30, b"\0\x08", frames[1:]),
        ("a first block of a wider sector", 20, b"\1\1", frames[1:]),
        ("a first block of a lower sector", 22, b"\7\x43", frames[1:]),
        ("a first block of another size", 36, b"\0\0\xc0\x28", frames[1:]),
        ("a first block of another count", 16, b"\0\x10\0\0", frames[1:]),
        ("a last block of another count", 95 * BLOCK + 16, b"\0\0\0\1", frames[:2]),
    ):
        sector.write_bytes(right[:at] + wrong + right[at + len(wrong) :])
        yield Special(text, {"path": path}, pixels=left, notes=2)


def _with_other_ends(directory: Path, data: SampleData) -> Iterator[Special]:
    """Blocks that were lost before the first complete frame, and sectors that end in the middle of a frame."""
    folder, frames = directory / "ends", data.frames
    folder.mkdir()
    path = write_recording(folder, frames, before=(8,) * 8, lost={2: [-3]})
    told = {"frames that lost blocks": 0, "first block count": FIRST_COUNT, "sectors": _sectors({2: 1}, before=8)}
    yield Special("a block that was lost before the first frame", {"path": path}, pixels=frames, notes=1, details=told)
    for text, number, count in (("a sector that lacks its last block", 5, 95), ("a sector of two frames", 8, 64)):
        write_recording(folder, frames)
        with (folder / f"{BASE}{number}.bin").open("r+b") as file:
            file.truncate(count * BLOCK)
        yield Special(text, {"path": path}, pixels=frames[:2], notes=1)


def _long(directory: Path) -> Iterator[Special]:
    """Write the headers that tell the shutter of more frames than are looked at first, and no pixels."""
    if os.name == "nt":  # where a file takes room for what was not written
        return
    folder, n = directory / "long", 260
    folder.mkdir()
    path = folder / f"{BASE}1.bin"
    ends = (0, 31, 32 * n - 32, 32 * n - 1)
    for number in range(1, 9):
        with (folder / f"{BASE}{number}.bin").open("wb") as file:
            file.truncate(32 * n * BLOCK)
            for at in ends:
                file.seek(at * BLOCK)
                file.write(header_bytes(at, False, FIRST_COUNT, FIRST_ID))
    for text, opened, closed in (
        ("a shutter that opened and closed", 37, 182),
        ("a shutter that opened late", 200, n),
        ("a shutter that closed early", 0, 3),
        ("a shutter that was open for two frames", n - 3, n - 1),
    ):
        steps = np.arange(n)
        flags = (opened <= steps) & (steps < closed)
        with path.open("r+b") as file:
            for at in sorted({*range(0, 32 * n, 32), *ends}):
                file.seek(at * BLOCK)
                file.write(header_bytes(at, bool(flags[at // 32]), FIRST_COUNT, FIRST_ID))
        told = {"first frame with the shutter flag": opened, "frames with the shutter flag": closed - opened}
        per_frame = {"shutter": flags, "frame id": FIRST_ID + steps}
        yield Special(text, {"path": path, "lost_blocks": "zero"}, per_frame=per_frame, details=told, notes=1)


def wrong_files(directory: Path, data: SampleData, keywords: Mapping[str, Any]) -> Iterator[Wrong]:
    """Write sectors that do not fit together, tags that make no sense, and parameters that fit nothing."""
    yield from _wrong_tags(directory, data, keywords)
    yield from _wrong_parameters(directory, data, keywords)
    yield from _wrong_sectors(directory, data, keywords)
    yield from _missing_sectors(directory, keywords)


def _wrong_tags(directory: Path, data: SampleData, keywords: Mapping[str, Any]) -> Iterator[Wrong]:
    tags = directory / f"{BASE}.gtg"
    right = tags.read_bytes()
    nested = struct.pack(">BBIBH", 1, 0, 1, 20, 0) * 2000 + struct.pack(">BBI", 1, 0, 0)
    for text, wrong in (
        ("tags of version 5", struct.pack(">I", 5) + right[4:]),
        ("tags of version 2", struct.pack(">I", 2) + right[4:]),
        ("tags that were cut", right[: len(right) // 2]),
        ("a scan without lines", gtg_bytes((0, 3))),
        ("a scan without columns", gtg_bytes((3, 0))),
        ("a tag of no kind", gtg_bytes(data.nav_shape, more={"nothing": described([], b"", "I")})),
        ("a tag of an unknown kind", gtg_bytes(data.nav_shape, more={"nothing": described([13], bytes(8), "I")})),
        (
            "a list of an unknown kind",
            gtg_bytes(data.nav_shape, more={"nothing": described([20, 13, 1], bytes(8), "I")}),
        ),
        ("a list without its length", gtg_bytes(data.nav_shape, more={"nothing": described([20, 3], bytes(8), "I")})),
        ("a value without its mark", right.replace(b"%%%%", b"%%%!", 1)),
        ("an entry of an unknown kind", right.replace(b"\x15\0\x06Size X", b"\x16\0\x06Size X")),
        ("groups without end", struct.pack(">III", 3, len(nested), 1) + nested),
    ):
        tags.write_bytes(wrong)
        yield Wrong(text, keywords, CorruptError)
    tags.write_bytes(right)


def _wrong_parameters(directory: Path, data: SampleData, keywords: Mapping[str, Any]) -> Iterator[Wrong]:
    tags = directory / f"{BASE}.gtg"
    right = tags.read_bytes()
    for text, more in (
        ("no flyback columns to drop", {"drop_flyback": True}),
        ("a series without flyback", {"drop_flyback": True, "mode": "series"}),
        ("a series behind its end", {"mode": "series", "first_frame": data.n_frames}),
        ("a series far behind its end", {"mode": "series", "first_frame": data.n_frames + 2}),
    ):
        yield Wrong(text, {**keywords, **more}, ParameterError)
    rows, columns = data.nav_shape
    for text, sampling in (
        ("no word of flyback", {}),
        ("more columns than the scan", {"Height (pixels)": rows, "Width (pixels)": columns + 1}),
        ("more rows than the scan", {"Height (pixels)": rows + 1, "Width (pixels)": columns}),
        ("no rows", {"Height (pixels)": 0, "Width (pixels)": columns}),
        ("a width with a fraction", {"Height (pixels)": rows, "Width (pixels)": float(columns)}),
    ):
        stated = {"SI Image Tags": {"SI": {"Acquisition": {"Spatial Sampling": sampling}}}}
        tags.write_bytes(gtg_bytes(data.nav_shape, more=stated))
        yield Wrong(f"{text}, and flyback is to be dropped", {**keywords, "drop_flyback": True}, ParameterError)
    tags.unlink()
    yield Wrong("flyback without tags", {**keywords, "drop_flyback": True, "mode": "stem"}, ParameterError)
    tags.write_bytes(right)


def _wrong_sectors(directory: Path, data: SampleData, keywords: Mapping[str, Any]) -> Iterator[Wrong]:
    last = directory / f"{BASE}8.bin"
    content = last.read_bytes()
    frames = data.frames[:, :, 1792:]
    flagged = range(1, data.n_frames)
    end = (32 * data.n_frames - 32) * BLOCK
    of_others = sector_bytes(frames, flagged=flagged, frame_id=FIRST_ID + 1)
    for text, sector, error in (
        ("a sector of another time", sector_bytes(frames, flagged=flagged, count=FIRST_COUNT + 320_000), CorruptError),
        ("a sector of an earlier time", sector_bytes(frames, flagged=flagged, count=FIRST_COUNT - 3200), CorruptError),
        (
            "a sector that begins frames elsewhere",
            sector_bytes(frames, flagged=flagged, count=FIRST_COUNT + 5),
            CorruptError,
        ),
        ("a sector of other frames", of_others, CorruptError),
        ("a sector whose last frame is another", content[:end] + of_others[end:], CorruptError),
        ("a sector that moves its blocks", _moved(content), CorruptError),
        ("a sector of zeros", bytes(len(content)), FormatError),
        ("a sector of an incomplete frame", content[: 31 * BLOCK], TruncatedError),
        ("less than a block", content[: BLOCK - 1], TruncatedError),
    ):
        last.write_bytes(sector)
        yield Wrong(text, keywords, error)
    last.write_bytes(content)


def _moved(content: bytes) -> bytes:
    """Let blocks stand one place further in their frame from the middle on, and count on."""
    moved = bytearray(content)
    n_blocks = len(content) // BLOCK
    for at in range(n_blocks // 2, n_blocks):
        moved[at * BLOCK + 28 : at * BLOCK + 36] = header_bytes(at + 1, False, 0, 0)[28:36]
    return bytes(moved)


def _missing_sectors(directory: Path, keywords: Mapping[str, Any]) -> Iterator[Wrong]:
    last = directory / f"{BASE}8.bin"
    content = last.read_bytes()
    stranger = directory / f"{BASE}.dat"
    stranger.write_bytes(content[:BLOCK])
    yield Wrong("a file that is called like the tags and is none", {"path": stranger}, FormatError)
    second = directory / f"{BASE}8.BIN"
    if not second.exists():  # where names differ that differ in their letters' case
        second.write_bytes(content)
        yield Wrong("two files of one sector", keywords, FormatError)
        second.unlink()
    last.unlink()
    yield Wrong("a sector that is missing", keywords, FormatError)
    yield Wrong("tags beside which a sector is missing", {"path": directory / f"{BASE}.gtg"}, FormatError)
