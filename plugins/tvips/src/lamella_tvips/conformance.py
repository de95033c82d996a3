"""Writes streams, without help from the reader, so that the conformance kit can compare."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lamella.reader import Axis
from lamella_testkit import Recorded, SampleData, Sampler, Special, recorded_files

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TvipsSampler", "frame_headers", "stream_parts"]

_LONGEST = 108
_SECONDS = 1_592_899_357
_FIELDS = {
    "counter": "<u4",
    "lut_index": "<u4",
    "faraday_cup": "<f4",
    "magnification": "<u4",
    "mode": "<u4",
    "stage_x": "<f4",
    "stage_y": "<f4",
    "stage_z": "<f4",
    "stage_alpha": "<f4",
    "stage_beta": "<f4",
    "rotator": "<u4",
    "temperature": "<f4",
    "temperature_setpoint": "<f4",
    "heating_power": "<f4",
    "objective_current": "<f4",
    "scan_x": "<f4",
    "scan_y": "<f4",
    "bias_u_setpoint": "<f4",
    "bias_u": "<f4",
    "bias_i_setpoint": "<f4",
    "bias_i": "<f4",
    "bias_e_setpoint": "<f4",
    "bias_r": "<f4",
    "compliance_u": "<f4",
    "compliance_i": "<f4",
}
"""What follows in a frame header, 4 bytes each; the time comes after the first."""

RECORDED = {
    "test_tvips_2345_split/test_tvips_2345_split_000.tvips": (
        "8cff1d6a4806ef44b7357037e0982707e302cd3e3f81d93a396a121a584aa235"
    ),
}
"""Real files below ``LAMELLA_SAMPLES``, with their checksums."""


class TvipsSampler(Sampler):
    """Streams of both versions, in one part or several, with and without a scan in the headers of the frames."""

    format = "tvips"
    dtypes = ("<u2", "|u1", "<u4", "<u8")
    nav_ranks = (2, 1)
    variants = ("parts", "version 1", "positions", "rotator")
    unreached: ClassVar[Mapping[str, str]] = {
        "reader._scan_headers": "it is for streams of more than 65 536 frames; tests lower that number"
    }

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write ``rec_000.tvips`` and further parts."""
        shape = data.nav_shape
        headers = frame_headers(data.n_frames, nbytes=_nbytes(data), **_positions(data))
        parts = stream_parts(
            data.frames,
            headers,
            version=1 if data.variant == "version 1" else 2,
            largest=_largest(data) if data.variant == "parts" else None,
        )
        for number, part in enumerate(parts):
            (directory / f"rec_{number:03d}.tvips").write_bytes(part)
        told = (data.variant == "positions" and len(shape) == 2 and min(shape) > 1) or (
            data.variant == "rotator" and len(shape) == 2 and shape[0] == shape[1] > 1
        )
        return {"path": directory / "rec_000.tvips", **({} if told else {"nav_shape": shape})}

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give what the series header and the first frame say."""
        known = {"beam_energy": 200e3, "detector_pixel_pitch": 15.5e-6, "acquired": "2020-06-23T08:02:37.250000+00:00"}
        known["detector"] = "TVIPS"
        return known if data.variant == "version 1" else {**known, "mode": "diffraction"}

    def raw_metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give the series header, and the header of the first frame."""
        version = 1 if data.variant == "version 1" else 2
        series = {
            "header_size": 256,
            "version": version,
            "width": data.sig_shape[1],
            "height": data.sig_shape[0],
            "bits_per_pixel": 8 * data.stored_dtype.itemsize,
            "offset_x": 10,
            "offset_y": 20,
            "binning_x": 2,
            "binning_y": 2,
            "pixel_size": 15500,
            "high_tension": 200,
            "magnification": 80,
            "frame_header_nbytes": 0 if version == 1 else _nbytes(data),
            "filler": ("TVIPS " * 34).strip(),
        }
        first = {name: array[0].item() for name, array in _per_frame(data).items()}
        return {"series_header": series, "first_frame": {**first, "seconds": _SECONDS, "milliseconds": 250}}

    def per_frame(self, data: SampleData) -> Mapping[str, object]:
        """Give the times of the frames, and every field of their headers."""
        return {**_times(data.n_frames), **_per_frame(data)}

    def axes(self, data: SampleData) -> Sequence[Axis]:
        """Say that the files calibrate nothing."""
        return [Axis(f"axis{i}") for i in range(len(data.nav_shape) + len(data.sig_shape))]

    def expects_notes(self, data: SampleData) -> int | None:
        """Say that these files are as they should be; another scan that is possible is told where one is given."""
        return None if data.variant in ("positions", "rotator") else 0

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        """Write streams whose frames do not follow the scan, with parts that lack frames, and other series headers."""
        if data.variant == "positions":
            yield from _odd_positions(directory / "rec_000.tvips", data)
            yield from _as_the_user_says(directory / "rec_000.tvips", data)
            yield from _other_headers(directory / "rec_000.tvips", data)
        if data.variant == "rotator":
            yield from _rotators(directory / "rec_000.tvips", data)
        if data.variant == "parts":
            yield from _odd_parts(directory, data)

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give the ends of the series header, and of header and pixels of the first frames of each part."""
        stride = _stride(data)
        ends = [_nbytes(data), stride, stride + _nbytes(data), 2 * stride]
        boundaries = {"rec_000.tvips": [4, 52, 256, *(256 + end for end in ends)]}
        if data.variant == "parts":
            boundaries |= {f"rec_{number:03d}.tvips": ends for number in (1, 2, 3)}
        return boundaries

    def write_sparse(self, directory: Path, nbytes: int) -> Special:
        """Write a series header, frames that are a hole, and what the header and the last line of the last one hold."""
        path, edge, header = directory / "rec_000.tvips", 512, 76
        stride = header + 2 * edge * edge
        n, end = max(1, nbytes // stride), np.arange(1, 513, dtype="<u2")[np.newaxis]
        with path.open("wb") as file:
            file.write(_series_header(2, (edge, edge), 16, header))
            file.seek(256 + (n - 1) * stride)
            file.write(frame_headers(1, counter=n - 1)[0])
            file.seek(2 * edge * edge - end.nbytes, 1)
            file.write(end.tobytes())
        return Special("a large file", {"path": path}, end=end, per_frame={"counter": [n - 1]})

    def recorded(self) -> Iterable[Recorded]:
        """Give real files with what other readers found in them."""
        return recorded_files(self.format, RECORDED)


def frame_headers(
    n_frames: int,
    *,
    nbytes: int = 76,
    counter: int = 0,
    seconds: int = _SECONDS,
    mode: int = 2,
    rotator: Sequence[int] | NDArray[Any] = (),
    scan_x: Sequence[float] | NDArray[Any] = (),
    scan_y: Sequence[float] | NDArray[Any] = (),
) -> list[bytes]:
    """Give headers of ``nbytes`` for some frames, one every 10 ms; what is not given is zero."""
    headers = []
    for i in range(n_frames):
        stage = (1.5, -2.5, 3.5, 10.0, -20.0)
        place = [values[i] if len(values) else 0 for values in (rotator, scan_x, scan_y)]
        head = struct.pack("<IIIIfII", counter + i, seconds + i // 100, 250 + i % 100 * 10 % 1000, 0, 0.5, 80, mode)
        head += struct.pack("<5fI", *stage, int(place[0]))
        head += struct.pack("<6f", 20.0, 25.0, 0.0, 1.25, *place[1:])
        headers.append(head.ljust(_LONGEST, b"\0").ljust(nbytes, b"\xee")[:nbytes])
    return headers


def stream_parts(
    frames: NDArray[Any],
    headers: Sequence[bytes],
    *,
    version: int = 2,
    largest: int | None = None,
    pixel_size: int = 15500,
    writer: bytes = b"TVIPS ",
) -> Iterator[bytes]:
    """Give the parts of a stream, none larger than ``largest`` bytes.

    Parameters
    ----------
    frames
        Pixels, shape ``(n_frames, height, width)``.
    headers
        Header of each frame, all of one length.
    version
        1, whose frame headers must have 12 bytes, or 2.
    largest
        Size that no part may exceed; there is one part if None.
    pixel_size
        What the series header says of the size of pixels.
    writer
        What fills the series header.
    """
    stored = frames.astype(frames.dtype.newbyteorder("<"))
    bits, first = 8 * frames.dtype.itemsize, headers[0]
    part = bytearray(_series_header(version, frames.shape[1:], bits, len(first), pixel_size, writer))
    for header, frame in zip(headers, stored, strict=True):
        record = header + frame.tobytes()
        if largest is not None and len(part) + len(record) > largest:
            yield bytes(part)
            part = bytearray()
        part += record
    yield bytes(part)


def _series_header(
    version: int,
    shape: Sequence[int],
    bits: int,
    frame_header: int,
    pixel_size: int = 15500,
    writer: bytes = b"TVIPS ",
) -> bytes:
    told = 0 if version == 1 else frame_header
    fields = (256, version, shape[1], shape[0], bits, 10, 20, 2, 2, pixel_size, 200, 80, told)
    return struct.pack("<13i", *fields) + (writer * 204)[:204]


def _nbytes(data: SampleData) -> int:
    """Give the length of a frame header."""
    return {"version 1": 12, "rotator": 60, "parts": 120}.get(data.variant, 76)


def _stride(data: SampleData) -> int:
    return _nbytes(data) + data.nbytes // data.n_frames


def _largest(data: SampleData) -> int:
    """Give the size of parts that leaves about three of them, the first with the series header."""
    return 256 + (data.n_frames // 3 + 1) * _stride(data)


def _positions(data: SampleData) -> dict[str, Any]:
    """Give what the headers of a variant say about the scan."""
    rows, columns = np.divmod(np.arange(data.n_frames), data.nav_shape[-1])
    if data.variant == "positions":
        return {"scan_x": columns, "scan_y": rows}
    return {"rotator": np.arange(1, data.n_frames + 1)} if data.variant == "rotator" else {}


def _per_frame(data: SampleData) -> dict[str, NDArray[Any]]:
    """Give the fields of the frame headers, as far as these reach."""
    n = data.n_frames
    known: dict[str, Any] = {"counter": np.arange(n), "faraday_cup": 0.5, "magnification": 80, "mode": 2}
    known |= {"stage_x": 1.5, "stage_y": -2.5, "stage_z": 3.5, "stage_alpha": 10, "stage_beta": -20}
    known |= {"temperature": 20, "temperature_setpoint": 25, "objective_current": 1.25, **_positions(data)}
    places = dict(zip(_FIELDS, (0, *range(12, _LONGEST, 4)), strict=True))
    names = [name for name, place in places.items() if place + 4 <= _nbytes(data)]
    return {name: np.broadcast_to(np.asarray(known.get(name, 0), _FIELDS[name]), (n,)) for name in names}


def _times(n: int) -> dict[str, object]:
    ns = np.arange(n, dtype=np.int64) * 10_000_000
    return {"time": ns * 1e-9, "acquired": (ns + (_SECONDS * 1000 + 250) * 1_000_000).view("M8[ns]")}


def _write(path: Path, data: SampleData, steps: Sequence[int], **known: Any) -> None:
    """Write a stream whose frames show these steps of a scan; -1 is a dark frame."""
    options = {name: known.pop(name) for name in ("pixel_size", "writer") if name in known}
    frames = np.stack([data.frames[step] if step >= 0 else np.zeros_like(data.frames[0]) for step in steps])
    headers = frame_headers(len(frames), **{"nbytes": _nbytes(data), **known})
    (content,) = stream_parts(frames, headers, **options)
    path.write_bytes(content)


def _odd_positions(path: Path, data: SampleData) -> Iterator[Special]:
    """Frames before and behind the scan, lost ones, and several at one position."""
    n, width = data.n_frames, data.nav_shape[-1]
    every = list(range(n))
    lost = [step for step in every if step != 5]
    for text, steps, places, known, notes in (
        ("frames before the scan", [-1, -1, -1, *every], [0, 0, 0, *every], {}, 0),
        ("frames before and behind the scan", [-1, *every, -1, -1], [0, *every, -1, -1], {}, 0),
        ("a lost frame", lost, lost, {}, 1),
        ("a lost frame, filled", lost, lost, {"fill": "nearest"}, 1),
        ("two frames at one position", [0, 1, 2, 7, *every[3:]], [0, 1, 2, 2, *every[3:]], {}, 1),
        (
            "two frames, and the last is wanted",
            [0, 1, 2, 7, *every[3:]],
            [0, 1, 2, 2, *every[3:]],
            {"repeat": "last"},
            1,
        ),
    ):
        rows, columns = np.divmod(np.asarray(places), width)
        columns = np.where(np.asarray(places) < 0, 0.5, columns)
        _write(path, data, steps, scan_x=columns, scan_y=np.where(rows < 0, 0, rows))
        shown = data.frames.copy()
        valid = np.ones(n, np.bool_)
        if "lost" in text:
            shown[5], valid[5] = shown[4], "fill" in known
        if "repeat" in known:
            shown[2] = data.frames[7]
        yield Special(
            text,
            {"path": path, **known},
            pixels=shown.reshape(data.pixels.shape),
            valid=valid.reshape(data.nav_shape),
            per_frame=_times(len(steps)),
            notes=notes,
        )
    _write(path, data, every, scan_x=[0] * n, scan_y=[0] * n)
    yield Special("positions that stay at zero", {"path": path}, pixels=data.frames, notes=0)
    far = np.asarray(every) * 1000.0
    far[1] = 1
    _write(path, data, every, scan_x=far, scan_y=[0] * n)
    yield Special("positions far apart", {"path": path}, pixels=data.frames, notes=0)
    _write(path, data, every, scan_x=every, scan_y=[0] * n)
    keywords = {"path": path, "scan": "positions"}
    yield Special("positions of one line", keywords, pixels=data.frames, notes=0)


def _as_the_user_says(path: Path, data: SampleData) -> Iterator[Special]:
    """What the parameters make of a stream."""
    n, shape = data.n_frames, data.nav_shape
    waiting = [0, 0, *range(n)]
    rows, columns = np.divmod(waiting, shape[-1])
    _write(path, data, waiting, scan_x=columns, scan_y=rows)
    shorter = {"path": path, "nav_shape": (n - 1,)}
    yield Special("another shape from where the scan begins", shorter, pixels=data.frames[:-1], notes=1)
    _write(path, data, range(n), **_positions(data))
    later = np.concatenate([data.frames[2:], data.frames[:2]]).reshape(data.pixels.shape)
    valid = (np.arange(n) < n - 2).reshape(shape)
    scan = {"path": path, "nav_shape": shape}
    yield Special("a scan from frame 2", {**scan, "first_frame": 2}, pixels=later, valid=valid, notes=0)
    yield Special("frames from 2 on", {"path": path, "first_frame": 2}, pixels=data.frames[2:], notes=0)
    yield Special("frames in their order", {"path": path, "scan": "none"}, pixels=data.frames, notes=0)
    turned = np.concatenate([data.frames, data.frames]).reshape(2 * shape[0], *data.pixels.shape[1:])
    known = (np.arange(2 * n) < n).reshape(2 * shape[0], shape[1])
    yield Special(
        "a scan of more lines", {"path": path, "nav_shape": known.shape, "scan": "none"}, pixels=turned, valid=known
    )
    for winding, rolled in (("x", 0), ("x", 1), ("y", 0), ("y", -1)):
        wound = data.pixels.copy()
        lines, stored = (wound, data.pixels) if winding == "x" else (wound.swapaxes(0, 1), data.pixels.swapaxes(0, 1))
        for line in range(0, len(lines), 2):
            for place in range(lines.shape[1]):
                lines[line, (lines.shape[1] - 1 - place + rolled) % lines.shape[1]] = stored[line, place]
        given = {"winding": winding, **({"hysteresis": rolled} if rolled else {})}
        yield Special(f"lines that wind, {given}", {"path": path, **given}, pixels=wound)
    lost = [step for step in range(n) if step != 5]
    rows, columns = np.divmod(np.asarray(lost), shape[-1])
    _write(path, data, lost, scan_x=columns, scan_y=rows)
    wound = data.pixels.copy()
    wound[::2] = data.pixels[::2, ::-1]
    known = np.ones(shape, np.bool_)
    known.reshape(-1)[5] = False
    yield Special("lines that wind, and a lost frame", {"path": path, "winding": "x"}, pixels=wound, valid=known)


def _rotators(path: Path, data: SampleData) -> Iterator[Special]:
    """Rotator indices before, behind and within the scan."""
    n = data.n_frames
    points = list(range(1, n + 1))
    keywords = {"path": path, "scan": "rotator"}
    _write(path, data, [-1, -1, *range(n), -1], rotator=[0, 0, *points, n])
    yield Special("rotator indices, and frames around the scan", keywords, pixels=data.frames)
    shown = {**keywords, "nav_shape": data.nav_shape}
    yield Special("rotator indices of a scan that is given", shown, pixels=data.pixels)
    _write(path, data, range(9), rotator=points[:9])
    pixels = data.frames[:9].reshape(3, 3, *data.sig_shape)
    yield Special("rotator indices of a square", {"path": path}, pixels=pixels)
    _write(path, data, range(n), rotator=[*points[:-1], 1000])
    yield Special("rotator indices far apart", {"path": path}, pixels=data.frames)


def _other_headers(path: Path, data: SampleData) -> Iterator[Special]:
    """Other facts in the headers."""
    every = range(data.n_frames)
    plain = [Axis("y"), Axis("x")]
    scan = _positions(data)
    _write(path, data, every, mode=1, **scan)
    metadata = {"mode": "imaging", "magnification": 80.0, "detector_pixel_pitch": 15.5e-6}
    yield Special("imaging", {"path": path}, metadata=metadata, axes=[*plain, Axis("dy"), Axis("dx")])
    _write(path, data, every, mode=1, writer=b"HYPERSPY ", pixel_size=3, **scan)
    axes = [*plain, Axis("dy", 3.0, 0.0, "nm"), Axis("dx", 3.0, 0.0, "nm")]
    yield Special("imaging, calibrated", {"path": path}, axes=axes, metadata={"detector_pixel_pitch": None})
    _write(path, data, every, writer=b"HYPERSPY ", pixel_size=3, **scan)
    axes = [*plain, Axis("ky", 3.0, 0.0, "1/nm"), Axis("kx", 3.0, 0.0, "1/nm")]
    yield Special("diffraction, calibrated", {"path": path}, axes=axes, metadata={"magnification": None})
    _write(path, data, every, mode=7, seconds=0, **scan)
    yield Special("an unknown mode and time", {"path": path}, metadata={"mode": None, "acquired": None})


def _odd_parts(directory: Path, data: SampleData) -> Iterator[Special]:
    """Streams that were cut, and parts that lack frames."""
    n, stride = data.n_frames, _stride(data)
    path = directory / "rec_000.tvips"
    _write(path, data, range(n))
    content = path.read_bytes()
    for name, confidence in (("cut.tvips", None), ("cut.dat", 40)):
        cut = directory / name
        cut.write_bytes(content[:-10])
        text, shown = f"a stream that was cut, {name}", {"path": cut}
        yield Special(text, shown, pixels=data.frames[:-1], notes=1, confidence=confidence)
    lost = [*range(4), *range(5, n)]
    headers = frame_headers(n, nbytes=_nbytes(data))
    (content,) = stream_parts(data.frames[lost], [headers[i] for i in lost])
    path.write_bytes(content)
    yield Special("a frame that the camera lost", {"path": path}, pixels=data.frames[lost], notes=1)
    first = 256 + 4 * stride
    path.write_bytes(content[:first])
    (directory / "rec_001.tvips").write_bytes(content[first:])
    keywords = {"path": path, "trust_parts": True}
    yield Special("a frame lost between two parts", keywords, pixels=data.frames[lost], notes=1, confidence=20)
    path.write_bytes(content[: 256 + stride])
    (directory / "rec_001.tvips").write_bytes(content[256 + stride : 256 + stride + 20])
    yield Special("a second part without a frame", {"path": path}, pixels=data.frames[:1], notes=1)
