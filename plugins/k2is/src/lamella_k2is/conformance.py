"""Writes recordings of a K2 IS camera, without help from the reader, so that the conformance kit can compare."""

from __future__ import annotations

import contextlib
import math
import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

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
    unreached: ClassVar[Mapping[str, str]] = {
        "return None": "blocks are looked for where they are complete; a file that is cut meanwhile reaches it"
    }

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
        known: dict[str, object] = {"exposure_time": 0.0025, "detector": "Gatan K2 IS", "counter_depth": 12}
        if data.variant == "series":
            return {**known, "dwell_time": None, "beam_energy": None}
        known["dwell_time"] = 0.0025
        return {**known, "beam_energy": 300e3, "camera_length": 0.8, "instrument": "Titan ß", "scan_rotation": 12.5}

    def per_frame(self, data: SampleData) -> Mapping[str, object]:
        """Give what the headers of each frame say."""
        steps = np.arange(data.n_frames)
        return {"frame id": _FIRST_ID + steps, "shutter": steps >= (data.variant == "scan")}

    def raw_metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give the tags."""
        return {"tags": {} if data.variant == "series" else _tags(data.nav_shape)}

    def expects_notes(self, data: SampleData) -> int:
        """Count the note that there are no tags."""
        return int(data.variant == "series")

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        """Write recordings that begin, end and lose blocks elsewhere, and other tags."""
        if data.n_frames < 3:
            return
        if data.variant == "scan":
            yield from _with_parameters(directory, data)
            yield from _with_other_tags(directory)
            yield from _with_lost_blocks(directory, data)
        else:
            yield from _with_other_flags(directory, data)

    def write_wrong(self, directory: Path, data: SampleData) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Write sectors that do not fit together, and tags that make no sense."""
        keywords = self.write(directory, data)
        tags, last = directory / f"{_BASE}.gtg", directory / f"{_BASE}8.bin"
        right, content = gtg_bytes(data.nav_shape), last.read_bytes()
        for text, wrong in (
            ("tags of version 5", struct.pack(">I", 5) + right[4:]),
            ("tags that were cut", right[: len(right) // 2]),
            ("a scan without lines", gtg_bytes((0, 3))),
            ("a scan without columns", gtg_bytes((3, 0))),
            ("a tag of no kind", gtg_bytes(data.nav_shape, more={"nothing": _described([], b"", "I")})),
        ):
            tags.write_bytes(wrong)
            yield text, keywords
        tags.write_bytes(right)
        yield "no flyback columns to drop", {**keywords, "drop_flyback": True}
        frames = data.frames[:, :, 1792:]
        flagged = range(1, data.n_frames)
        for text, sector in (
            ("a sector of another time", sector_bytes(frames, flagged=flagged, count=_FIRST_COUNT + 320_000)),
            ("a sector that begins frames elsewhere", sector_bytes(frames, flagged=flagged, count=_FIRST_COUNT + 5)),
            ("a sector of other frames", sector_bytes(frames, flagged=flagged, frame_id=_FIRST_ID + 1)),
            ("a sector of zeros", bytes(len(content))),
            ("less than a block", content[: _BLOCK - 1]),
        ):
            last.write_bytes(sector)
            yield text, keywords
        last.write_bytes(content)
        stranger = directory / f"{_BASE}.dat"
        stranger.write_bytes(content[:_BLOCK])
        yield "a file that is called like the tags and is none", {"path": stranger}
        last.unlink()
        yield "a sector that is missing", keywords

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give the beginning and the end of some headers."""
        marks = [block * _BLOCK + at for block in (0, 1, 15, 16, 31, 32) for at in (0, 40)]
        return {f"{_BASE}{number}.bin": marks for number in range(1, 9)}


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
        ("tags named", {"path": folder / f"{_BASE}.gtg"}, (0, 1, 2), (1, 3)),
        ("a series in spite of its tags", {"mode": "series"}, (1, 2), (2,)),
        ("a scan that began before", {"first_frame": -1}, (-1, 0, 1), (1, 3)),
        ("a scan that began later", {"first_frame": 1}, (1, 2, -1), (1, 3)),
        ("no flyback", {"drop_flyback": True}, (0, 1), (1, 2)),
        ("no flyback, and a later beginning", {"drop_flyback": True, "first_frame": 2}, (2, -1), (1, 2)),
        ("no flyback, and an earlier one", {"drop_flyback": True, "first_frame": -1}, (-1, 0), (1, 2)),
        ("a later series", {"mode": "series", "first_frame": 2}, (2,), (1,)),
    ):
        pixels, valid = _shown(frames, steps, nav)
        yield Special(text, {"path": path, **more}, pixels=pixels, valid=valid, notes=0)
    cropped = frames[:, :1792, :1920].reshape(1, 3, 1792, 1920)
    yield Special("active pixels", {"path": path, "crop_active": True}, pixels=cropped, notes=0)
    (folder / f"{_BASE}.gtg").write_bytes(gtg_bytes((2, 2)))
    pixels, valid = _shown(frames, (0, 2), (2, 1))
    yield Special("two lines", {"path": path, "drop_flyback": True}, pixels=pixels, valid=valid, notes=0)
    with contextlib.suppress(OSError):  # where links are not allowed
        (folder / f"{_BASE}3.BIN").symlink_to(directory.parent / "elsewhere.bin")
    pixels, valid = _shown(frames, (0, 1, 2, -1), (2, 2))
    yield Special("a link beside it that leads elsewhere", {"path": path}, pixels=pixels, valid=valid, notes=0)


def _with_other_tags(directory: Path) -> Iterator[Special]:
    """Tags of other versions, byte orders and kinds."""
    folder = directory / "parameters"
    path, tags = folder / f"{_BASE}1.bin", folder / f"{_BASE}.gtg"
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
            "9": 7,
        }
        text = f"tags of version {version}, {'little' if little else 'big'}-endian"
        yield Special(text, {"path": path}, metadata=known, raw_metadata={"tags": raw}, notes=0)
    tags.write_bytes(gtg_bytes(None))
    known = {"dwell_time": None, "beam_energy": 300e3}
    yield Special("tags of a series", {"path": path}, metadata=known, raw_metadata={"tags": _tags(None)}, notes=0)
    other = tags.rename(folder / f"{_BASE}.Gtg")
    yield Special("tags with a name in other letters", {"path": other}, metadata=known, notes=0)


def _odd_values(version: int, little: bool) -> dict[str, bytes]:
    """Give values of other kinds than the usual ones, by their names."""
    code, order = ("I" if version == 3 else "Q"), ("<" if little else ">")
    encoding = "utf-16-le" if little else "utf-16-be"
    return {
        "text": _described([18, 5], "Größe".encode(encoding), code),
        "pair": _described([15, 0, 2, 0, 2, 0, 6], struct.pack(f"{order}hf", 3, 0.5), code),
        "none": _described([7], struct.pack(f"{order}d", math.nan), code),
        "many": _described([20, 3, 3], struct.pack(f"{order}3i", 1, 2, 3), code),
        "records": _described([20, 15, 0, 2, 0, 2, 0, 3, 2], bytes(12), code),
        "long": _described([20, 2, 5000], bytes(10_000), code),
        "words": _described([20, 4, 2], "µm".encode(encoding), code),
        "": _described([2], struct.pack(f"{order}h", 7), code),
    }


def _with_lost_blocks(directory: Path, data: SampleData) -> Iterator[Special]:
    """Blocks that were not written, and one whose header is damaged."""
    folder, frames = directory / "lost", data.frames
    folder.mkdir()
    path = write_recording(folder, frames, flagged_from=1, gtg=gtg_bytes((1, 3)), lost={4: [40, 41], 6: [50]})
    left = frames.copy()
    left[1, :930, 864:896] = 0  # blocks 8 and 9 of frame 1 in sector 4, from right to left
    left[1, 930:, 1488:1504] = 0  # block 18 in sector 6
    pixels, valid = _shown(frames, (0, -1, 2), (1, 3))
    yield Special("blocks that were lost", {"path": path}, pixels=pixels, valid=valid, notes=1)
    zeros = {"path": path, "lost_blocks": "zero"}
    yield Special("zeros for blocks that were lost", zeros, pixels=left.reshape(1, 3, 1860, 2048), notes=1)
    cropped = left[:, :1792, :1920].reshape(1, 3, 1792, 1920)
    yield Special("the same, without reference pixels", {**zeros, "crop_active": True}, pixels=cropped, notes=1)
    pixels, valid = _shown(frames, (0, -1), (1, 2))
    yield Special("lost blocks, no flyback", {"path": path, "drop_flyback": True}, pixels=pixels, valid=valid, notes=1)
    write_recording(folder, frames, flagged_from=1)
    with (folder / f"{_BASE}2.bin").open("r+b") as file:
        file.seek(40 * _BLOCK)
        file.write(bytes(4))
    left = frames.copy()
    left[1, :930, 368:384] = 0
    yield Special("zeros for a damaged block", zeros, pixels=left.reshape(1, 3, 1860, 2048))


def _with_other_flags(directory: Path, data: SampleData) -> Iterator[Special]:
    """Shutters that open never, at once, and close before the end."""
    folder, frames = directory / "flags", data.frames
    folder.mkdir()
    path = write_recording(folder, frames)
    pixels, valid = _shown(frames, (-1, 0, 1, 2), (4,))
    yield Special("an open shutter", {"path": path, "mode": "stem"}, pixels=pixels, valid=valid, notes=1)
    write_recording(folder, frames, flagged_from=1, flagged_to=2)
    flags = {"shutter": [False, True, False], "frame id": _FIRST_ID + np.arange(3)}
    yield Special("a shutter that closed", {"path": path}, pixels=frames[1:2], per_frame=flags, notes=1)
    stem = {"path": path, "mode": "stem"}
    known = {"dwell_time": 0.0025}
    yield Special("a scan without tags", stem, pixels=frames[:2], per_frame=flags, metadata=known, notes=0)
    write_recording(folder, frames, flagged_from=3)
    yield Special("a shutter that never opened", {"path": path}, pixels=frames, notes=2)
    sector = folder / f"{_BASE}2.bin"
    right = sector.read_bytes()
    for text, at, wrong, left in (
        ("a first block without its mark", 0, bytes(4), frames[1:]),
        ("a first block beside its sector", 28, b"\1\0", frames[1:]),
        ("a last block of another count", 95 * _BLOCK + 16, b"\0\0\0\1", frames[:2]),
    ):
        sector.write_bytes(right[:at] + wrong + right[at + len(wrong) :])
        yield Special(text, {"path": path}, pixels=left, notes=2)


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


def _tags(scan: Sequence[int] | None, flyback: int = 1) -> dict[str, Any]:
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
    tags = {**_tags(scan, flyback), **more}
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
