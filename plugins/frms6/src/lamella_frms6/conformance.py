"""Writes acquisitions of a pnCCD camera, without help from the reader, so that the conformance kit can compare."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lamella_testkit import SampleData, Sampler, Special

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Frms6Sampler", "folded", "header_text", "part_bytes"]

_HEADER, _FRAME_HEADER = 1024, 64
_BASE = "C16_15_24_151203_019"  # the digits at the end belong to the name
_DARK_FRAMES = 2


class Frms6Sampler(Sampler):
    """Acquisitions of one and of two parts, with and without dark frames, with binned rows, and with older headers."""

    format = "frms6"
    dtypes = ("<u2",)
    nav_ranks = (2, 1)
    variants = ("two parts", "dark", "binned", "old", "no header")
    floor = 0.25  # every pixel moves
    unreached: ClassVar[Mapping[str, str]] = (
        {} if find_spec("scipy") is not None else {"gain._from_matlab": "SciPy is not installed"}
    )

    def fit(self, data: SampleData) -> SampleData:
        """Give images with an even number of rows; without a header file, a scan is a series."""
        height, width = data.sig_shape
        nav = (data.n_frames,) if data.variant == "no header" else data.nav_shape
        return data.but(sig_shape=(height + height % 2, width), nav_shape=nav)

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write the header and the parts; part 001 has one frame less than half of them where there are two."""
        base, frames = directory / _BASE, folded(data.frames)
        first = _first_part(data)
        old = data.variant == "old"
        if data.variant == "dark":
            # Dark frames of zeros, so that what is computed equals what was written.
            _part(base, 0).write_bytes(part_bytes(np.zeros_like(frames[:_DARK_FRAMES])))
        for number, piece in enumerate(filter(len, (frames[:first], frames[first:])), start=1):
            _part(base, number).write_bytes(part_bytes(piece, announce=not old))
        if data.variant == "no header":
            return {"path": _part(base, 1), "binning": 1}
        keywords = {"unbin": False} if data.variant == "binned" else {}
        header = directory / f"{_BASE}.hdr"
        scan = data.nav_shape if len(data.nav_shape) == 2 else None
        dark = len(frames[:_DARK_FRAMES]) if data.variant == "dark" else 0
        binning = 2 if data.variant == "binned" else 1
        header.write_text(header_text(data.n_frames, scan, binning=binning, dark_frames=dark))
        return {"path": _part(base, 1), **keywords}

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give the time of the first frame and what the header file says."""
        known = {"acquired": "2015-12-03T12:00:00+00:00", "detector": "PNDetector pnCCD", "title": "synthetic"}
        return known if data.variant == "no header" else {**known, "dwell_time": 0.000625}

    def raw_metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give the header file, and the header and the first frame header of each part."""
        first = _first_part(data)
        height, width = data.sig_shape[0] // 2, 2 * data.sig_shape[1]
        counts = {1: first, 2: data.n_frames - first}
        if data.variant == "dark":
            counts = {0: min(_DARK_FRAMES, data.n_frames), **counts}
        parts = {
            _part(Path(_BASE), number).name: _fields(width, height, 0 if data.variant == "old" and number else count)
            for number, count in counts.items()
            if count
        }
        return {"hdr": {} if data.variant == "no header" else _sections(data), "parts": parts}

    def per_frame(self, data: SampleData) -> Mapping[str, object]:
        """Give what the header of each frame counts, from 0 in each part."""
        first = _first_part(data)
        return _per_frame(data, np.concatenate([np.arange(first), np.arange(data.n_frames - first)]))

    def corrections(self, data: SampleData) -> Mapping[str, object]:
        """Give the dark frame of zeros."""
        return {"dark": np.zeros(data.sig_shape)} if data.variant == "dark" else {}

    def expects_notes(self, data: SampleData) -> int:
        """Say that these files are as they should be."""
        return 0

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        """Write dark frames and gain maps, other headers, and acquisitions that are not complete."""
        wide = data.but(sig_shape=(6, 4))  # not square
        if data.variant == "dark":
            yield from _corrected(directory, wide)
            yield from _other_dark_frames(directory, wide)
        if data.variant == "two parts":
            yield from _other_headers(directory, wide)
            yield from _incomplete(directory, wide)
        if data.variant == "no header":
            yield from _alone(directory, wide)

    def write_wrong(self, directory: Path, data: SampleData) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Write parts of other versions and kinds, parts that do not fit together, and wrong header files."""
        data = data.but(variant="binned")  # one part, so that no other contradicts it
        keywords = self.write(directory, data)
        path, header = _part(directory / _BASE, 1), directory / f"{_BASE}.hdr"
        frames, content = folded(data.frames), path.read_bytes()
        for text, changed in (
            ("version 5", part_bytes(frames, version=5)),
            ("packed frames", part_bytes(frames, flags=2)),
            ("windows", part_bytes(frames, lines=frames.shape[1] - 1)),
            ("an odd number of columns", _file_header(7, 3, 1) + _frame_header(0, 0, 3) + bytes(2 * 7 * 3)),
            ("no lines", _file_header(4, 0, 1) + _frame_header(0, 0, 0)),
            ("a longer header", content[:2] + b"\x50" + content[3:]),
        ):
            path.write_bytes(changed)
            yield text, keywords
        path.write_bytes(content)
        table, matrix = directory / "gain.csv", directory / "gain.mat"
        for text, lines in (("lines of different lengths", "1;2\n1\n"), ("no number", "a;b\n"), ("no line", "\n")):
            table.write_text(lines)
            yield f"a gain map with {text}", {**keywords, "gain_map": str(table)}
        for text, matlab in (
            ("another name", _matrix(b"Gain", np.ones(data.sig_shape))),
            ("text", _matrix(b"GainMap", np.ones(data.sig_shape), kind=1)),
            ("one number that is not finite", _matrix(b"GainMap", np.full(data.sig_shape, np.inf))),
            ("another shape", _matrix(b"GainMap", np.ones((2, 3)))),
        ):
            matrix.write_bytes(matlab)
            yield f"a matrix with {text}", {**keywords, "gain_map": str(matrix)}
        yield "a gain map that is not there", {**keywords, "gain_map": str(directory / "none.csv")}
        yield "a gain map of another kind", {**keywords, "gain_map": str(path)}
        right = header.read_text()
        for old, new in (
            ("[measurementInfo]", "[other]"),
            ("SignalFrames = ", "SignalFrames = -"),
            ("darkframes=", "darkframes=some"),
            ("bin: ", "bin: 9"),
            ("bin: ", "bin: 0, windowing: 1 x 1; "),
            ("windowing", "window"),
            ("stemimagesize = ", "stemimagesize = 0x"),
            (f"stemimagesize = {data.nav_shape[0]}", "stemimagesize = 0"),
            ("dwelltimemicroseconds = 625", "dwelltimemicroseconds = 0.5"),
            ("gain = 1", "gain"),
        ):
            if old in right:
                header.write_text(right.replace(old, new))
                yield f"{new!r} in the header", keywords
        header.write_text(right)
        _part(directory / _BASE, 3).write_bytes(content)
        _part(directory / _BASE, 2).unlink(missing_ok=True)
        yield "a part that is missing", keywords
        _part(directory / _BASE, 3).unlink()
        _part(directory / _BASE, 2).write_bytes(part_bytes(frames[:, :, :-2]))
        yield "a part of other frames", keywords
        _part(directory / _BASE, 2).unlink()
        _part(directory / _BASE, 0).write_bytes(part_bytes(frames[:, :, :-2]))
        yield "dark frames of another size", keywords
        _part(directory / _BASE, 0).write_bytes(_file_header(frames.shape[2], frames.shape[1], 0))
        yield "no dark frame", keywords
        _part(directory / _BASE, 0).write_bytes(part_bytes(frames))
        path.unlink()
        yield "dark frames only", {"path": _part(directory / _BASE, 0)}

    def promised(self, data: SampleData) -> Sequence[str]:
        """Give the part with dark frames, and the parts behind the first, whose frames the header counts."""
        names = {"dark": [f"{_BASE}_000.frms6"], "two parts": [f"{_BASE}_002.frms6"]}
        return names.get(data.variant, [])

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give the ends of the file header, of the first frame header, and of the first frames."""
        stride = _FRAME_HEADER + data.nbytes // data.n_frames
        first = [_HEADER + _FRAME_HEADER, *(_HEADER + i * stride for i in range(3))]
        return {f"{_BASE}_001.frms6": [8, 90, 92, 1020, *sorted(first)]}

    def write_sparse(self, directory: Path, nbytes: int) -> Special:
        """Write a part with a hole instead of frames, and what the header and the last line of the last one hold."""
        stride = _FRAME_HEADER + 2 * 528 * 132
        count = max(1, (nbytes - _HEADER) // stride)
        path = directory / "huge_001.frms6"
        end = np.arange(1, 265, dtype="<u2")[np.newaxis]
        with path.open("wb") as file:
            file.write(_file_header(528, 132, count))
            file.seek(_HEADER + (count - 1) * stride)
            file.write(_frame_header(count - 1, 0, 132))
            file.seek(2 * 264, 1)
            file.write(end[:, ::-1].tobytes())  # the lower half is turned around
            file.truncate(_HEADER + count * stride)
        last = {"frame number": [count - 1], "trigger": [count + 6], "auxiliary": [count + 99]}
        return Special("a large file", {"path": path}, end=end, per_frame=last)


def _sections(data: SampleData) -> dict[str, dict[str, str]]:
    """Give the header file as it is read: names in lower case."""
    info = {
        "signalframes": str(data.n_frames),
        "darkframes": str(min(_DARK_FRAMES, data.n_frames) if data.variant == "dark" else 0),
        "gain": "1",
    }
    if len(data.nav_shape) == 2:
        info["stemimagesize"] = "{}x{}".format(*data.nav_shape)
    info["readoutmode"] = f'"bin: {2 if data.variant == "binned" else 1}, windowing: 132 x 264"'
    return {"measurementInfo": {**info, "dwelltimemicroseconds": "625"}}


def _fields(width: int, height: int, announced: int) -> dict[str, object]:
    """Give the fields of a part, and those of its first frame."""
    zeros = dict.fromkeys(("width_v5", "max_height_v5"), 0)
    sizes = {"header_nbytes": _HEADER, "frame_header_nbytes": _FRAME_HEADER, "n_ccds": 1, "version": 6}
    frame = {
        **dict.fromkeys(("start_line_v5", "flags", "height_v5", "microseconds", "index", "start_line"), 0),
        "ccd": 1,
        "seconds": 1_449_144_000,
        "temperature": -1.25,
        "lines": height,
        "trigger": 7,
        "auxiliary": 100,
    }
    known = {"dataset_id": "synthetic", "width": width, "height": height, "n_frames": announced}
    return {**zeros, **sizes, **known, "first frame": frame}


def _per_frame(data: SampleData, steps: NDArray[Any], flags: int = 0) -> dict[str, object]:
    """Give the fields of frame headers that count these steps."""
    n = len(steps)
    same = {"flags": flags, "incomplete": flags != 0, "temperature": -1.25, "start line": 0}
    return {
        "frame number": steps,
        "trigger": steps + 7,
        "auxiliary": steps + 100,
        "time": 1e-3 * steps,
        "acquired": (1_449_144_000_000 + steps).astype("M8[ms]").astype("M8[ns]"),
        "lines": np.full(n, data.sig_shape[0] // 2),
        **{name: np.full(n, value) for name, value in same.items()},
    }


def _acquisition(
    directory: Path, name: str, data: SampleData, dark: NDArray[Any] | None = None, text: str | None = None
) -> tuple[Path, dict[str, Any]]:
    """Write an acquisition of two parts into a folder of its own; give its name without number, and its keywords."""
    folder = directory / name
    folder.mkdir()
    base, frames = folder / "a", folded(data.frames)
    half = data.n_frames // 2
    _part(base, 1).write_bytes(part_bytes(frames[:half]))
    _part(base, 2).write_bytes(part_bytes(frames[half:], first=half))
    if dark is not None:
        _part(base, 0).write_bytes(part_bytes(folded(dark)))
    known = header_text(data.n_frames, data.nav_shape, dark_frames=0 if dark is None else len(dark))
    base.with_name("a.hdr").write_text(known if text is None else text)
    return base, {"path": _part(base, 1)}


def _dark_frames(data: SampleData) -> NDArray[np.uint16]:
    ramp = np.arange(np.prod(data.sig_shape), dtype=np.uint16).reshape(data.sig_shape)
    return np.stack([ramp, 3 * ramp, 65535 - ramp])


def _corrected(directory: Path, data: SampleData) -> Iterator[Special]:
    """Dark frames, gain maps, and rows that were binned."""
    darks = _dark_frames(data)
    mean = darks.astype(np.float64).mean(axis=0)
    text = header_text(data.n_frames, data.nav_shape, binning=2, dark_frames=3)
    _, plain = _acquisition(directory, "plain", data, darks)
    _, binned = _acquisition(directory, "binned", data, darks, text)
    folder = directory / "binned"
    rows = np.repeat(data.pixels, 2, axis=-2)
    gain = 1 + np.arange(rows[0, 0].size, dtype=np.float64).reshape(rows.shape[-2:]) / 8
    small = gain[: data.sig_shape[0]]
    table, short = folder / "gain.csv", folder / "short.CSV"
    table.write_text("\n".join("".join(f"{value};" for value in column) for column in gain.T) + "\n\n")
    short.write_text("\ufeff" + "\n".join(";".join(map(str, column)) for column in small.T), encoding="utf-8")
    yield Special("dark frames", plain, pixels=data.pixels, corrections={"dark": mean}, notes=0)
    yield Special("dark frames that are not wanted", {**plain, "subtract_dark": False}, corrections={}, notes=0)
    only = {**plain, "subtract_dark": False, "gain_map": str(short)}
    yield Special("a gain map", only, pixels=data.pixels, corrections={"gain": small}, notes=0)
    twice = np.repeat(mean, 2, axis=0)
    yield Special("repeated rows", binned, pixels=rows, corrections={"dark": twice}, notes=0)
    scaled = {"dark": twice, "gain": np.full_like(twice, 0.5)}
    yield Special("rows that share their counts", {**binned, "unbin": "scale"}, pixels=rows, corrections=scaled)
    both = {"dark": twice, "gain": gain / 2}
    yield Special("the same, and a gain map", {**binned, "unbin": "scale", "gain_map": str(table)}, corrections=both)
    stored = {**binned, "unbin": False}
    yield Special("rows as they were stored", stored, pixels=data.pixels, corrections={"dark": mean}, notes=0)
    once = {**binned, "binning": 1}
    yield Special("binning of the user", once, pixels=data.pixels, corrections={"dark": mean}, notes=0)
    if find_spec("scipy") is not None:
        matrix = folder / "gain.mat"
        matrix.write_bytes(_matrix(b"GainMap", small))
        yield Special("a gain map of MATLAB", {**only, "gain_map": str(matrix)}, corrections={"gain": small})


def _matrix(name: bytes, values: NDArray[Any], *, kind: int = 0) -> bytes:
    """Give a file of MATLAB, version 4; kind 0 are numbers, 1 is text."""
    head = struct.pack("<5I", kind, *values.shape, 0, len(name) + 1)
    return head + name + b"\0" + values.astype("<f8").tobytes(order="F")


def _other_dark_frames(directory: Path, data: SampleData) -> Iterator[Special]:
    """Other numbers of dark frames than the header states."""
    darks = _dark_frames(data)
    mean = darks.astype(np.float64).mean(axis=0)
    n, nav = data.n_frames, data.nav_shape
    for stated, notes in ((4, 1), (3, 0), (2, 0)):
        _, keywords = _acquisition(directory, f"stated {stated}", data, darks, header_text(n, nav, dark_frames=stated))
        yield Special(f"3 of {stated} dark frames", keywords, corrections={"dark": mean}, notes=notes)
    large = SampleData((1, 2), (264, 264), "<u2")
    many = np.broadcast_to(np.arange(264, dtype=np.uint16)[:, np.newaxis], (64, 264, 264)).copy()  # more than 8 MiB
    many[-1] += 64
    _, keywords = _acquisition(directory, "many", large, many)
    yield Special("many dark frames", keywords, corrections={"dark": many.mean(axis=0)}, notes=0)
    _, keywords = _acquisition(directory, "none", data, None, header_text(n, nav, dark_frames=2))
    yield Special("no dark frames, but the header counts some", keywords, corrections={}, notes=1)
    yield Special("no dark frames, and none wanted", {**keywords, "subtract_dark": False}, corrections={}, notes=0)
    silent = header_text(n, nav).replace("darkframes=0\r\n", "")
    _, keywords = _acquisition(directory, "silent", data, None, silent)
    yield Special("no dark frames beside several parts", keywords, pixels=data.pixels, corrections={}, notes=1)


def _other_headers(directory: Path, data: SampleData) -> Iterator[Special]:
    """Header files that say little, count otherwise, or are named themselves."""
    n, nav, flat = data.n_frames, data.nav_shape, data.frames
    base, keywords = _acquisition(directory, "named", data)
    yield Special("the header file is named", {"path": base.with_name("a.hdr")}, pixels=data.pixels, notes=0)
    base.with_name("a.hdr").rename(base.with_name("a.HDR"))
    yield Special("a header file in capitals", keywords, pixels=data.pixels, notes=0)
    for stated in (n + 1, n - 1):
        _, keywords = _acquisition(directory, f"counts {stated}", data, None, header_text(stated, nav))
        yield Special(f"{stated} signal frames are stated", keywords, pixels=data.pixels, notes=1)
    digits = header_text(n, nav).replace(f"SignalFrames = {n}", f"SignalFrames = {n:018d}")
    base, _ = _acquisition(directory, "digits", data, None, digits)
    for number in (1, 2):
        part = _part(base, number)
        part.rename(part.with_suffix(".FRMS6"))
    capitals = {"path": _part(base, 1).with_suffix(".FRMS6")}
    yield Special("parts in capitals, and a number of 18 digits", capitals, pixels=data.pixels, notes=0)
    silent = "[measurementInfo]\r\ndarkframes = 0\r\n"
    _, keywords = _acquisition(directory, "silent", data, None, silent)
    yield Special("a header that says little", keywords, pixels=flat, metadata={"dwell_time": None}, notes=1)
    _, keywords = _acquisition(
        directory, "times", data, None, header_text(n, nav).replace(f"{nav[0]}x", f"{nav[0]} × ")
    )
    yield Special("another sign between rows and columns", keywords, pixels=data.pixels, notes=0)


def _incomplete(directory: Path, data: SampleData) -> Iterator[Special]:
    """Acquisitions that were cut, and frames that are not complete."""
    n, half = data.n_frames, data.n_frames // 2
    steps = np.concatenate([np.arange(half), np.arange(half, n)])
    base, keywords = _acquisition(directory, "cut", data)
    second = _part(base, 2)
    content = second.read_bytes()
    second.write_bytes(content[:-3])
    valid = (np.arange(n) < n - 1).reshape(data.nav_shape)
    cut = _per_frame(data, steps[:-1])
    yield Special("the last frame was cut", keywords, pixels=data.pixels, valid=valid, per_frame=cut, notes=2)
    second.write_bytes(content[: _HEADER + 10])
    valid = (np.arange(n) < half).reshape(data.nav_shape)
    yield Special("no frame in the second part", keywords, pixels=data.pixels, valid=valid, notes=2)
    base, keywords = _acquisition(directory, "flags", data)
    second = _part(base, 2)
    second.write_bytes(part_bytes(folded(data.frames[half:]), first=half, flags=4))
    flagged = {"incomplete": steps >= half, "flags": 4 * (steps >= half)}
    yield Special("frames that are not complete", keywords, pixels=data.pixels, per_frame=flagged, notes=1)
    second.write_bytes(part_bytes(folded(data.frames[half:]), first=half, flags=16, lines=0))
    flagged = {"incomplete": steps < 0, "flags": 16 * (steps >= half), "lines": np.where(steps < half, 3, 0)}
    yield Special("other flags, and no number of lines", keywords, pixels=data.pixels, per_frame=flagged, notes=0)
    more = part_bytes(folded(data.frames[half:]), first=half, announce=2)
    second.write_bytes(more)
    valid = (np.arange(n) < half + 2).reshape(data.nav_shape)
    yield Special("more frames than announced", keywords, pixels=data.pixels, valid=valid)


def _alone(directory: Path, data: SampleData) -> Iterator[Special]:
    """Parts without the others, and under other names."""
    content = part_bytes(folded(data.frames))
    flat = data.frames
    for name in ("alone.frms6", "taken_003.frms6"):
        folder = directory / name
        folder.mkdir()
        (folder / name).write_bytes(content)
        yield Special(f"a part called {name}", {"path": folder / name}, pixels=flat, notes=1)
    for binning in (1, 2, 4):
        whole = SampleData((1,), (264 // binning, 264), "<u2")
        path = directory / f"rows{binning}.frms6"
        path.write_bytes(part_bytes(folded(whole.frames)))
        rows = np.repeat(whole.pixels, binning, axis=1)
        yield Special(f"binning of {binning}, by the number of rows", {"path": path}, pixels=rows, notes=0)


def _first_part(data: SampleData) -> int:
    """Give the number of frames in part 001."""
    return max(1, data.n_frames // 2) if data.variant == "two parts" else data.n_frames


def folded(frames: NDArray[Any]) -> NDArray[np.uint16]:
    """Give frames as the camera stores them: the lower half turned around and placed beside the upper half."""
    n, height, width = frames.shape
    stored = np.empty((n, height // 2, 2 * width), dtype="<u2")
    for y in range(height // 2):
        for x in range(width):
            stored[:, y, x] = frames[:, y, x]
            stored[:, y, width + x] = frames[:, height - 1 - y, width - 1 - x]
    return stored


def part_bytes(
    stored: NDArray[Any],
    *,
    announce: bool | int = True,
    version: int = 6,
    flags: int = 0,
    lines: int | None = None,
    first: int = 0,
) -> bytes:
    """Give a part.

    Parameters
    ----------
    stored
        Folded frames, shape ``(n, height, width)``.
    announce
        Whether the header states the number of frames, or which number it states.
    version
        Version of the format.
    flags, lines
        What the header of each frame says about it; the height of the frames if None.
    first
        Number of the first frame, which also counts its milliseconds.
    """
    n, height, width = stored.shape
    stated = (n if announce else 0) if isinstance(announce, bool) else announce
    pieces = [_file_header(width, height, stated, version=version)]
    for i, frame in enumerate(stored, start=first):
        pieces.append(_frame_header(i, flags, height if lines is None else lines))
        pieces.append(frame.astype("<u2").tobytes())
    return b"".join(pieces)


def header_text(
    signal_frames: int,
    scan: Sequence[int] | None,
    *,
    binning: int = 1,
    window: tuple[int, int] = (132, 264),
    dark_frames: int = 0,
) -> str:
    """Give a header file."""
    lines = ["[measurementInfo]", f"SignalFrames = {signal_frames}", f"darkframes={dark_frames}", "gain = 1"]
    if scan is not None:
        lines.append("stemimagesize = {}x{}".format(*scan))
    lines.append(f'readoutmode = "bin: {binning}, windowing: {window[0]} x {window[1]}"')
    lines.append("dwelltimemicroseconds = 625")
    return "\r\n".join(lines) + "\r\n"


def _part(base: Path, number: int) -> Path:
    return base.with_name(f"{base.name}_{number:03d}.frms6")


def _file_header(width: int, height: int, n_frames: int, *, version: int = 6) -> bytes:
    head = struct.pack("<HHBBBB80sHH", _HEADER, _FRAME_HEADER, 1, 0, 0, version, b"synthetic", width, height)
    return head.ljust(_HEADER - 4, b"\0") + struct.pack("<I", n_frames)


def _frame_header(i: int, flags: int, lines: int) -> bytes:
    # 2015-12-03 12:00 UTC, a frame each millisecond
    head = struct.pack("<BBBBIII", 0, flags, 1, 0, 1_449_144_000 + i // 1000, i % 1000 * 1000, i)
    return (head + struct.pack("<dHHIQ", -1.25, 0, lines, 7 + i, 100 + i)).ljust(_FRAME_HEADER, b"\0")
