"""Merlin acquisitions that are no whole scan in usual files, and files that make no sense, for the conformance kit."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, FormatError, ParameterError, TruncatedError, UnsupportedError
from lamella.reader import Axis
from lamella_mib.writer import Merlin, sidecar_text
from lamella_testkit import SampleData, Special, Wrong

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["special_files", "wrong_files"]

CAMERA = Merlin(depth=12)
KEYS = {
    "frames": "Frames in Acquisition (Number)",
    "trigger": "Frames per Trigger (Number)",
    "x": "ScanX",
    "y": "ScanY",
    "depth": "Counter Depth (number)",
}


def special_files(directory: Path, data: SampleData) -> Iterator[Special]:
    """Write scans of every origin, interrupted ones, lost frames, parts, sidecars, headers and raw frames."""
    frames = np.ascontiguousarray(data.but(dtype="<u2").frames)
    for number, some in enumerate(
        (_shapes, _stamped, _left_out, _interrupted, _lost, _parts, _sidecars, _headers, _raw)
    ):
        folder = directory / str(number)
        folder.mkdir()
        yield from some(folder, frames)
        shutil.rmtree(folder)


def wrong_files(directory: Path, data: SampleData) -> Iterator[Wrong]:
    """Write frames that are not where they should be, raw frames that nobody can read, and scans that cannot be."""
    frames = np.ascontiguousarray(data.but(dtype="<u2").frames)
    path, sidecar = directory / "a.mib", directory / "a.hdr"
    given: dict[str, Any] = {"path": path}
    content = CAMERA.part(frames)
    stride = len(content) // len(frames)
    moved = content[:stride] + b"x" + content[stride:]
    for what, wrong, error, confidence in (
        ("a second frame that is somewhere else", moved, CorruptError, 70),
        ("two frames, the second somewhere else", moved[: 2 * stride], CorruptError, 70),
        ("nothing", b"", TruncatedError, 0),
        ("no frames", b"no frames at all" * 100, FormatError, 0),
        ("a file that ends within the first header", content[:100], TruncatedError, 70),
        ("a file that ends after the first header", content[:384], TruncatedError, 70),
        ("a file that ends within the first frame", content[: stride - 1], TruncatedError, 70),
        ("a header that breaks off", b"MQ1,000001,00384,01," + bytes(1000), TruncatedError, 70),
        (
            "a header of eight fields",
            b"MQ1,000001,00384,01,0006,0005,U16,   1x1".ljust(1000, b"\0"),
            TruncatedError,
            70,
        ),
        ("the beginning of a header", b"MQ", TruncatedError, 0),
        ("a damaged field", content.replace(b",01,", b",zz,"), CorruptError, 70),
        ("a number of thirteen digits", content.replace(b",01,", b",0000000000001,"), CorruptError, 70),
        ("no chips", content.replace(b",01,", b",00,"), CorruptError, 70),
        ("no columns", content.replace(b",0006,0005,", b",0000,0005,"), CorruptError, 70),
        ("no rows", content.replace(b",0006,0005,", b",0006,0000,"), CorruptError, 70),
        ("pixels of an unknown type", content.replace(b",U16,", b",U12,"), UnsupportedError, 70),
        (
            "raw frames of three chips",
            content.replace(b",01,", b",03,").replace(b",U16,", b",R64,"),
            UnsupportedError,
            70,
        ),
        ("raw frames of no whole words", content.replace(b",U16,", b",R64,"), CorruptError, 70),
    ):
        path.write_bytes(wrong)
        yield Wrong(what, given, error, confidence=confidence)
    quad = Merlin(raw=True, depth=12, chips=4)
    row = np.zeros((2, 2, 512), np.uint16)
    path.write_bytes(quad.part(row).replace(b",1024,", b",2048,"))
    yield Wrong("rows of a raw quad that are too long", given, CorruptError)
    path.write_bytes(quad.part(row).replace(b",1024,", b",0512,"))
    yield Wrong("rows of a raw quad that are too short", given, UnsupportedError)
    path.write_bytes(quad.part(row).replace(b"   2x2,", b"   Nx1,"))
    yield Wrong("four raw chips in a row", given, UnsupportedError)
    path.write_bytes(quad.part(row).replace(b",04,", b",02,"))
    yield Wrong("two raw chips", given, UnsupportedError)
    one = Merlin(raw=True, depth=12).part(row[..., :256])
    path.write_bytes(one)
    yield Wrong("a gap between the chips of one", {**given, "gap": 3}, ParameterError)
    path.write_bytes(Merlin(raw=True, depth=12).part(row[..., :256]).replace(b",12,\0", b",13,\0"))
    yield Wrong("counters of an unknown depth", given, UnsupportedError)
    path.write_bytes(Merlin(raw=True, depth=12, extension=False).record(row[0, :, :256], 1)[:-1] + bytes(4096))
    yield Wrong("counters whose depth nothing tells", given, UnsupportedError)
    path.write_bytes(content)
    yield Wrong("a gap between chips of assembled frames", {**given, "gap": 3}, ParameterError)
    yield Wrong("a first frame after the last", {**given, "first_frame": len(frames)}, ParameterError)
    (directory / "a1.mib").write_bytes(b"no frames at all" * 100)
    yield Wrong("a part that is none", given, CorruptError)
    (directory / "a1.mib").write_bytes(content.replace(b"MQ1,000001,", b"MQ1,00000x,", 1))
    yield Wrong("a part whose first number is damaged", given, CorruptError)
    (directory / "a1.mib").unlink()
    sidecar.write_bytes(b"[measurementInfo]\nsignalframes = 3\n")
    yield Wrong("a sidecar of another format", {"path": sidecar}, FormatError, confidence=0)
    sidecar.write_bytes(sidecar_text({}))
    path.write_bytes(b"no frames at all" * 100)
    yield Wrong("a sidecar of frames that are none", {"path": sidecar}, FormatError, confidence=70)
    path.write_bytes(content)
    yield Wrong(
        "a sidecar and one file of its frames",
        {"path": sidecar, "only_this_file": True},
        ParameterError,
        confidence=100,
    )
    path.write_bytes(b"")
    yield Wrong("a sidecar of empty parts", {"path": sidecar}, TruncatedError, confidence=70)
    path.unlink()
    yield Wrong("a sidecar without frames", {"path": sidecar}, FormatError, confidence=70)


def _write(directory: Path, pixels: NDArray[Any], camera: Merlin = CAMERA, /, **keys: int) -> Path:
    """Write frames, and a sidecar if something is to stand in it."""
    path = directory / "scan.mib"
    path.write_bytes(camera.part(pixels))
    _settings(directory, **keys)
    return path


def _settings(directory: Path, **keys: int) -> None:
    sidecar = directory / "scan.hdr"
    sidecar.unlink(missing_ok=True)
    if keys:
        sidecar.write_bytes(sidecar_text({KEYS[name]: value for name, value in keys.items()}))


def _scan(*names: str) -> list[Axis]:
    return [*(Axis(name) for name in names), Axis("ky"), Axis("kx")]


def _placed(frames: NDArray[Any], index: Sequence[int], shape: tuple[int, ...]) -> dict[str, Any]:
    """Give pixels and valid steps of a scan of which each step shows a frame, or none for -1."""
    where = np.asarray([*index, *[-1] * (int(np.prod(shape)) - len(index))]).reshape(shape)
    return {"pixels": frames[where], "valid": where >= 0}


def _shapes(directory: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Shapes from the sidecar, from the number of frames, and from the user."""
    keys: dict[str, int]
    for keys, keywords, shape, others, notes in (
        ({"x": 4, "y": 3, "frames": 12, "trigger": 6}, {}, (3, 4), [(2, 6), (12,)], 0),
        ({"frames": 12, "trigger": 6}, {}, (2, 6), [(12,)], 0),
        ({"frames": 12, "trigger": 2}, {}, (6, 2), [(12,)], 0),
        ({"frames": 12, "trigger": 1}, {}, (12,), [], 0),
        ({"frames": 12, "trigger": 12}, {}, (12,), [], 0),
        ({"frames": 12}, {}, (12,), [], 0),
        ({"x": 12}, {}, (12,), [], 0),
        ({"y": 12, "x": 0}, {}, (12,), [], 0),
        ({"x": 1, "y": 12}, {}, (12, 1), [(12,)], 0),
        ({"trigger": 6}, {"nav_shape": (3, 4)}, (3, 4), [(2, 6), (12,)], 0),
        ({"x": 4, "y": 3}, {"nav_shape": (2, 2, 3)}, (2, 2, 3), [(3, 4), (12,)], 0),
        ({"x": 3, "y": 3}, {}, (3, 3), [(12,)], 1),
        ({"x": 3, "y": 3, "frames": 12, "trigger": 4}, {}, (3, 3), [(3, 4), (12,)], 1),
        ({"x": 2, "y": 5, "frames": 12}, {}, (5, 2), [(12,)], 0),
        ({"x": 10**8, "y": 10**8, "trigger": 6}, {}, (2, 6), [(12,)], 1),
        ({"x": 10**8, "y": 10**8, "frames": 999_999_999}, {"nav_shape": (3, 4)}, (3, 4), [(12,)], 2),
    ):
        path = _write(directory, frames, **keys)
        n = int(np.prod(shape))
        names = {1: ("axis0",), 2: ("y", "x"), 3: ("nav0", "nav1", "nav2")}[len(shape)]
        yield Special(
            f"{keys}, {keywords}",
            {"path": path, **keywords},
            pixels=frames[:n].reshape(*shape, *frames.shape[1:]),
            alternatives=others,
            axes=_scan(*names) if len(shape) > 1 else None,
            notes=notes,
        )
    squares = _write(directory, frames[:9], frames=9)
    yield Special("a square", {"path": squares}, pixels=frames[:9].reshape(3, 3, 5, 6), alternatives=[(9,)], notes=0)
    one = _write(directory, frames[:1], frames=1)
    yield Special("a frame", {"path": one}, pixels=frames[:1], alternatives=[], notes=0)


def _stamped(directory: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Lines that time stamps tell, or do not tell."""
    numbers = np.arange(130, dtype=np.uint16).reshape(130, 1, 1)
    rng = np.random.default_rng(3)

    def times(lines: int, width: int, step: int, back: int, noise: int = 0) -> list[int]:
        steps = np.full(lines * width, step) + (rng.integers(-noise, noise + 1, lines * width) if noise else 0)
        steps[width::width] += back
        return [int(time) for time in np.cumsum(steps)]

    regular = times(1, 130, 1000, 0)
    uneven = [*regular[:20], *(time + 900 for time in regular[20:70]), *(time + 1800 for time in regular[70:])]
    for what, stamps, n, shape, keys in (
        ("lines of 4, 5 us back", times(3, 4, 1100, 5), 12, (3, 4), {}),
        ("lines of 4, 2 us back", times(3, 4, 1100, 2), 12, (12,), {}),
        ("lines of 2", times(6, 2, 1100, 900), 12, (6, 2), {}),
        ("lines of 4, and a longer scan", times(3, 4, 1100, 900), 12, (5, 4), {"frames": 20}),
        ("lines of 4 of which one is cut", times(3, 4, 1100, 900), 11, (3, 4), {}),
        ("lines of 3 of which one is cut", times(4, 3, 1100, 900), 11, (4, 3), {}),
        ("two lines", times(2, 6, 1100, 900), 12, (2, 6), {}),
        ("two lines of which one is cut", times(2, 6, 1100, 900), 11, (11,), {}),
        ("a jump after the first frame", [0, *times(1, 12, 1100, 0)[2:]], 11, (11,), {}),
        ("lines of 40", times(3, 40, 1000, 900), 120, (3, 40), {}),
        ("lines of 10 with noise", times(8, 10, 10_000, 5_000, 50), 80, (8, 10), {}),
        ("noise that hides lines of 10", times(8, 10, 10_000, 400, 200), 80, (80,), {}),
        ("no lines", regular, 80, (80,), {}),
        ("no lines, a square of frames", regular, 121, (11, 11), {}),
        ("jumps at unequal distances", uneven, 130, (130,), {}),
        ("slow frames with a short way back", times(3, 4, 100_000_000, 9_000), 12, (12,), {}),
    ):
        path = _write(directory, numbers[:n], replace(CAMERA, times=stamps), **keys)
        total = int(np.prod(shape))
        notes: dict[str, Any] = {"notes": 1 - bool(keys) + (total > n) + bool(keys), "warnings": int(bool(keys))}
        yield Special(what, {"path": path}, **_placed(numbers, range(min(n, total)), shape), **notes)
    for camera in (
        replace(CAMERA, line=4, flyback=300, extension=False),
        replace(CAMERA, line=4, flyback=300, extension=False, old_dates=True),
    ):
        path = _write(directory, frames, camera)
        local = np.datetime64("2021-05-07T18:51:10", "ns")
        steps = np.arange(12)
        acquired = local + (steps * 1_100_000 + steps // 4 * 300_000).astype("m8[ns]")
        yield Special(
            f"local times, with the day in front: {camera.old_dates}",
            {"path": path},
            pixels=frames.reshape(3, 4, 5, 6),
            per_frame={"acquired": acquired, "time": (acquired - local).astype(np.int64) * 1e-9},
            metadata={"acquired": "2021-05-07T18:51:10.000000", "dwell_time": 1.1e-3, "counter_depth": None},
            notes=1,
        )
    short = replace(CAMERA, line=6, flyback=400)
    path = _write(directory, frames, short)
    yield Special(
        "frames of the way back in lines from time stamps",
        {"path": path, "flyback": 2},
        **_placed(frames, [0, 1, 2, 3, 6, 7, 8, 9], (2, 4)),
        alternatives=[],
        notes=1,
    )
    later = replace(CAMERA, times=[0, 1_000, *(9_000 + time for time in times(3, 4, 1100, 900))])
    path = _write(directory, np.concatenate([frames, frames[:2]])[:14], later)
    shown = np.concatenate([frames, frames[:2]])[2:14].reshape(3, 4, 5, 6)
    left_out = {"path": path, "first_frame": 2}
    yield Special("lines after frames that are left out", left_out, pixels=shown, notes=1)
    later = replace(CAMERA, times=[0, 1_000, *(9_000 + time for time in times(2, 5, 1100, 900))])
    _write(directory, frames[:10], later)
    yield Special("a line and a part of one, after frames that are left out", left_out, pixels=frames[2:10], notes=1)


def _left_out(directory: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Frames before the scan, and frames of the way back."""
    back = [0, 1, 2, 4, 5, 6, 8, 9, 10]
    for keys, keywords, index, shape in (
        ({}, {"nav_shape": (3, 3), "flyback": 1}, back, (3, 3)),
        ({"x": 3, "y": 3}, {"flyback": 1}, back, (3, 3)),
        ({"frames": 12, "trigger": 4}, {"flyback": 1}, back, (3, 3)),
        ({"frames": 12}, {"flyback": 1}, back, (3, 3)),
        ({"frames": 12, "trigger": 4}, {"flyback": 2}, [0, 1, 4, 5, 8, 9], (3, 2)),
        ({}, {"nav_shape": (3, 3), "flyback": 1, "first_frame": 1}, [1, 2, 3, 5, 6, 7, 9, 10, 11], (3, 3)),
        ({}, {"nav_shape": (3, 3), "flyback": 1, "first_frame": 2}, [2, 3, 4, 6, 7, 8, 10, 11], (3, 3)),
        ({}, {"nav_shape": (2, 2), "flyback": 1}, [0, 1, 3, 4], (2, 2)),
        ({}, {"first_frame": 3}, [3, 4, 5, 6, 7, 8, 9, 10, 11], (3, 3)),
        ({}, {"first_frame": 5}, [5, 6, 7, 8, 9, 10, 11], (7,)),
        ({}, {"first_frame": 11}, [11], (1,)),
        ({}, {"first_frame": 8, "nav_shape": (2, 3)}, [8, 9, 10, 11], (2, 3)),
        ({"x": 4, "y": 3}, {"first_frame": 1}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], (3, 4)),
    ):
        path = _write(directory, frames, **keys)
        lines = 1 if len(shape) > 1 and len(index) < int(np.prod(shape)) else 0
        yield Special(
            f"{keys}, {keywords}",
            {"path": path, **keywords},
            **_placed(frames, index, shape),
            notes=lines + (not keys),
        )
    eleven = _write(directory, frames[:11])
    last = {"path": eleven, "nav_shape": (3, 3), "flyback": 1}
    yield Special("a last line without its way back", last, **_placed(frames, back, (3, 3)), notes=1)


def _interrupted(directory: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Fewer frames than the sidecar announces, and more."""
    path = _write(directory, frames[:10], x=4, y=3, frames=12)
    given = {"path": path}
    yield Special("interrupted", given, **_placed(frames, range(10), (3, 4)), notes=2, warnings=1)
    whole = {"path": path, "whole_lines": True}
    headers = {"sequence number": np.arange(1, 9)}
    yield Special("whole lines", whole, **_placed(frames, range(8), (2, 4)), per_frame=headers, notes=2, warnings=1)
    alone = {"path": path, "only_this_file": True}
    yield Special("interrupted, alone", alone, **_placed(frames, range(10), (3, 4)), notes=2, warnings=0)
    path = _write(directory, frames[:11], x=3, y=5, frames=20)
    keywords = {"path": path, "whole_lines": True, "flyback": 1}
    yield Special("whole lines with their way back", keywords, **_placed(frames, [0, 1, 2, 4, 5, 6, 8, 9, 10], (3, 3)))
    path = _write(directory, frames, x=4, y=3, frames=12)
    yield Special("lines that are all whole", {**whole, "path": path}, pixels=frames.reshape(3, 4, 5, 6), notes=0)
    path = _write(directory, frames[:7], frames=7)
    yield Special("a series of whole lines", {**whole, "path": path}, pixels=frames[:7], notes=0)
    path = _write(directory, frames, x=4, y=2, frames=8)
    every = {"sequence number": np.arange(1, 13)}
    first = frames[:8].reshape(2, 4, 5, 6)
    yield Special("more than announced", {"path": path}, pixels=first, per_frame=every, notes=2, warnings=0)
    keywords = {"path": path, "whole_lines": True}
    shown = {"sequence number": np.arange(1, 9)}
    yield Special("more than announced, whole lines", keywords, pixels=frames[:8].reshape(2, 4, 5, 6), per_frame=shown)
    for i, begin in enumerate((0, 3, 8)):
        (directory / f"scan{i}.mib").write_bytes(CAMERA.part(frames[begin : (3, 8, 10)[i]], first=begin + 1))
    (directory / "scan.mib").unlink()
    _settings(directory, x=4, y=3, frames=12)
    parts = {"path": directory / "scan1.mib", "whole_lines": True}
    yield Special("whole lines of parts", parts, **_placed(frames, range(8), (2, 4)), per_frame=headers)
    (directory / "scan1.mib").write_bytes(CAMERA.part(frames[3:7], first=4))
    (directory / "scan2.mib").write_bytes(CAMERA.part(frames[7:10], first=8))
    yield Special("whole lines of parts that end within one", parts, **_placed(frames, range(8), (2, 4)))


def _lost(directory: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Frames that were lost within a part, between parts, and before the first."""
    path = directory / "scan.mib"
    given: dict[str, Any] = {"path": path}
    numbers = np.arange(1, 13) + np.repeat([0, 1, 4], [2, 3, 7])
    path.write_bytes(CAMERA.part(frames, lost={2: 1, 5: 3}))
    index = [0, 1, -1, 2, 3, 4, -1, -1, -1, 5, 6, 7, 8, 9, 10, 11]
    counted = {"sequence number": numbers}
    yield Special("lost", given, **_placed(frames, index, (4, 4)), per_frame=counted, notes=2, warnings=1)
    series = {**given, "nav_shape": (18,)}
    yield Special("lost in a series", series, **_placed(frames, index, (18,)), notes=2, warnings=1)
    lines = {**given, "nav_shape": (4, 3), "flyback": 1}
    yield Special(
        "lost in lines", lines, **_placed(frames, [0, 1, -1, 3, 4, -1, -1, 5, 6, 8, 9, 10], (4, 3)), warnings=1
    )
    for keys, index_of, warnings in (({"frames": 16}, index, 1), ({"frames": 12, "x": 4, "y": 4}, index, 1)):
        _settings(directory, **keys)
        yield Special(f"lost, {keys}", given, **_placed(frames, index_of, (4, 4)), warnings=warnings)
    _settings(directory)
    closed = {**given, "lost": "close"}
    yield Special("lost, and closed", closed, pixels=frames, notes=2, warnings=0)
    path.write_bytes(CAMERA.part(frames, lost={2: 10**9}))
    yield Special("a jump that cannot be", given, pixels=frames, notes=2, warnings=1)
    most = 2 * 12 + 1000
    path.write_bytes(CAMERA.part(frames, lost={2: most + 1}))
    yield Special("too many to be lost", given, pixels=frames, notes=2, warnings=1)
    path.write_bytes(CAMERA.part(frames, lost={2: most}))
    many = [0, 1, *[-1] * most, *range(2, 12)]
    as_line = {**given, "nav_shape": (most + 12,)}
    yield Special("as many as can be lost", as_line, **_placed(frames, many, (most + 12,)), notes=2, warnings=1)
    _settings(directory, frames=most + 13)
    path.write_bytes(CAMERA.part(frames, lost={2: most + 1}))
    many = [0, 1, *[-1] * (most + 1), *range(2, 12)]
    as_line = {**given, "nav_shape": (most + 13,)}
    yield Special("lost ones that the sidecar knows of", as_line, **_placed(frames, many, (most + 13,)), notes=1)
    alone = {**as_line, "only_this_file": True}
    yield Special("the same in a part alone", alone, **_placed(frames, many, (most + 13,)), notes=1)
    _settings(directory)
    path.write_bytes(CAMERA.part(frames, first=4))
    yield Special("a later part", given, pixels=frames, notes=2, warnings=1)
    yield Special("a later part alone", {**given, "only_this_file": True}, pixels=frames, notes=2, warnings=0)
    path.write_bytes(CAMERA.part(frames, first=4, lost={6: 4}))
    index = [*range(6), -1, -1, -1, -1, *range(6, 12)]
    yield Special("a later part that lost frames", given, **_placed(frames, index, (4, 4)), notes=3, warnings=2)
    yield Special("a later part, closed", closed, pixels=frames, notes=3, warnings=1)
    _settings(directory, frames=19)
    index = [-1, -1, -1, *index]
    known = {**given, "nav_shape": (20,)}
    yield Special("the first part is missing", known, **_placed(frames, index, (20,)), warnings=1)
    _settings(directory, frames=18)
    yield Special("the sidecar knows of fewer", known, **_placed(frames, index[3:], (20,)), warnings=3)
    _settings(directory)
    long = np.arange(1200, dtype=np.uint16).reshape(1200, 1, 1)
    path.write_bytes(CAMERA.part(long, lost={600: 1, 1198: 2}))
    index = [*range(600), -1, *range(600, 1198), -1, -1, 1198, 1199]
    series = {**given, "nav_shape": (1203,)}
    facts = {"frames lost by sequence number": 3}
    yield Special("lost at the end of a long part", series, **_placed(long, index, (1203,)), details=facts, notes=2)
    path.unlink()
    _settings(directory, frames=14)
    for number, (first, some) in enumerate(((1, frames[:5]), (8, frames[5:]))):
        (directory / f"scan{number}.mib").write_bytes(CAMERA.part(some, first=first))
    index = [*range(5), -1, -1, *range(5, 12)]
    between = {"path": directory / "scan1.mib", "nav_shape": (2, 7)}
    yield Special("lost between parts", between, **_placed(frames, index, (2, 7)), notes=1, warnings=1)


def _parts(directory: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Parts in any order, empty ones, cut ones, neighbours, and very many of them."""

    def put(name: str, content: bytes) -> Path:
        path = directory / name
        path.write_bytes(content)
        return path

    def clean() -> None:
        shutil.rmtree(directory)
        directory.mkdir()

    shown: dict[str, Any] = {"pixels": frames}
    put("a1.mib", CAMERA.part(frames[7:], first=8))
    path = put("a2.mib", CAMERA.part(frames[:3], first=1))
    put("a3.mib", CAMERA.part(frames[3:7], first=4))
    facts = {"parts": 3, "frames per part": "3 to 5", "frames lost by sequence number": 0}
    yield Special("parts in the order of their sequence numbers", {"path": path}, **shown, details=facts, notes=1)
    alone = {"path": path, "only_this_file": True}
    yield Special("a part alone", alone, pixels=frames[:3], notes=1)
    put("a10.mib", CAMERA.part(frames[7:]))
    put("a9.mib", CAMERA.part(frames[3:7]))
    (directory / "a1.mib").unlink()
    (directory / "a3.mib").unlink()
    yield Special("parts that start again", {"path": path}, **shown, notes=2)
    clean()
    put("a5.mib", CAMERA.part(frames[7:]))
    path = put("a02.mib", CAMERA.part(frames[:7]))
    yield Special("parts that start again, with zeros in names", {"path": path}, **shown, notes=2)
    clean()
    path = put("a1.mib", CAMERA.part(frames[:6], first=2))
    put("a2.mib", CAMERA.part(frames[6:], first=1))
    yield Special("parts whose numbers overlap", {"path": path}, **shown, notes=2)
    clean()
    path = put("a.mib", b"".join(CAMERA.record(frame, 1) for frame in frames))
    yield Special("numbers that are all alike", {"path": path}, **shown, notes=2)
    clean()
    put("a1.mib", CAMERA.part(frames[:5]))
    path = put("a2.mib", b"")
    put("a3.mib", CAMERA.part(frames[5:], first=6))
    yield Special("an empty part", {"path": path}, **shown, notes=2, warnings=1, confidence=0)
    path = put("a2.mib", CAMERA.part(frames[:1])[:3])
    yield Special("a part of three bytes", {"path": path}, **shown, notes=2, warnings=1, confidence=0)
    path = put("a2.mib", CAMERA.part(frames[:1])[:-1])
    yield Special("a part of less than a frame", {"path": path}, **shown, notes=2, warnings=1, confidence=70)
    clean()
    camera, wide = Merlin(raw=True, depth=12, extension=False), np.arange(2 * 4 * 256, dtype=np.uint16)
    path = put("a1.mib", camera.header(wide.reshape(8, 256)[:4], 1))
    put("a2.mib", camera.part(wide.reshape(2, 4, 256)))
    raw: dict[str, Any] = {"pixels": wide.reshape(2, 4, 256), "confidence": 70}
    yield Special("a part of raw frames that ends before its pixels", {"path": path}, **raw, notes=3, warnings=1)
    clean()
    put("a2.mib", CAMERA.part(frames[:2])[:-1])
    path = put("a1.mib", CAMERA.part(frames[1:], first=2))
    again = "a frame that was cut, and written again to the next part"
    yield Special(again, {"path": path}, **shown, notes=2, warnings=1)
    clean()
    for n in range(1, 8):
        path = put("a.mib", CAMERA.part(frames[:n]) + bytes(5000))
        numbered = {"sequence number": np.arange(1, n + 1)}
        what = f"space after {n} frames"
        yield Special(what, {"path": path, "nav_shape": (n,)}, pixels=frames[:n], per_frame=numbered, warnings=1)
    clean()
    put("a1.mib", CAMERA.part(frames[:5]))
    path = put("a2.mib", CAMERA.part(frames[5:], first=6)[:-1])
    cut: dict[str, Any] = {"pixels": frames[:11], "per_frame": {"sequence number": np.arange(1, 12)}}
    yield Special("a last frame that is incomplete", {"path": path}, **cut, notes=2, warnings=1)
    path = put("a2.mib", CAMERA.part(frames[5:], first=6) + bytes(5000))
    yield Special("space after the frames", {"path": path}, **shown, notes=2, warnings=1)
    path = put("a2.mib", CAMERA.part(frames[5:6], first=6) + bytes(500))
    yield Special("space after one frame", {"path": path}, pixels=frames[:6], notes=2, warnings=1)
    clean()
    path = put("a2.mib", CAMERA.part(frames))
    put("a1.mib", CAMERA.part(frames[:, 1:], first=20))
    put("a3.mib", Merlin(depth=6).part(frames.astype(np.uint8), first=20))
    put("a4.mib", replace(CAMERA, extension=False).part(frames, first=20))
    (directory / "a5.mib").mkdir()
    yield Special("neighbours of another kind", {"path": path}, **shown, notes=2, warnings=0)
    clean()
    path = put("a1.mib", CAMERA.part(frames[:5]))
    same = CAMERA.part(frames[5:], first=6).replace(b",0006,0005,", b",   6,   5,")
    put("a2.mib", same)
    yield Special("a part that writes its numbers otherwise", {"path": path}, **shown, notes=1)
    clean()
    home = directory / "home"
    home.mkdir()
    put("home/a1.mib", CAMERA.part(frames))
    try:
        (home / "a2.mib").symlink_to(put("a2.mib", CAMERA.part(frames, first=13)))
        (home / "a3.mib").symlink_to(home / "a1.mib")
    except OSError:  # not everybody may make links on Windows
        put("home/a2.mib", CAMERA.part(frames[:, 1:]))
    else:
        with_link = {"path": home / "a1.mib"}
        yield Special("links, one of them leads elsewhere", with_link, pixels=np.concatenate([frames, frames]), notes=3)
        (home / "a2.mib").replace(home / "a0.mib")
        put("home/a1.mib", b"")
        put("home/a4.mib", CAMERA.part(frames))
        (home / "a3.mib").unlink()
        yield Special("an empty part after a link that leads elsewhere", with_link, **shown, notes=3, confidence=0)
    clean()
    put("a1.mib", CAMERA.part(frames[:1]))
    path = put("a2.dat", CAMERA.part(frames))
    yield Special("another extension", {"path": path}, **shown, notes=1)
    for name in ("ab.mib", "a1b.mib", "a-1.mib", "a1.mib.bak", "a1xmib"):
        put(name, CAMERA.part(frames[:1], first=50))
    path = put("a1.MIB", CAMERA.part(frames))
    (directory / "a1.mib").unlink()
    yield Special("names that are no parts", {"path": path}, **shown, notes=1)
    clean()
    numbers = np.arange(300, dtype=np.uint16).reshape(300, 1, 1)
    for i, frame in enumerate(numbers):
        put(f"a{i}.mib", CAMERA.part(frame[np.newaxis], first=i + 1))
    many = {"path": directory / "a7.mib", "nav_shape": (3, 100)}
    yield Special("three hundred parts", many, pixels=numbers.reshape(3, 100, 1, 1), notes=1)


def _sidecars(directory: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Sidecars with other names, of other formats, and those that cannot be read."""
    path = directory / "scan_16.mib"
    path.write_bytes(CAMERA.part(frames))
    given = {"path": path}
    sidecar = directory / "scan_16.hdr"
    sidecar.write_text("[measurementInfo]\nsignalframes = 3\n")
    unknown = {"software": None, "mode": None, "detector": "Merlin (Medipix3)"}
    yield Special("a sidecar of another format", given, pixels=frames, metadata=unknown, notes=1, warnings=1)
    sidecar.unlink()
    sidecar.mkdir()
    yield Special("a folder called like the sidecar", given, pixels=frames, metadata=unknown, notes=1, warnings=1)
    sidecar.rmdir()
    home = directory / "home"
    home.mkdir()
    (home / "scan.mib").write_bytes(CAMERA.part(frames))
    (directory / "scan.hdr").write_bytes(sidecar_text({}))
    try:
        (home / "scan.hdr").symlink_to(directory / "scan.hdr")
    except OSError:  # not everybody may make links on Windows
        pass
    else:
        linked = {"path": home / "scan.mib"}
        yield Special("a sidecar that leads elsewhere", linked, pixels=frames, metadata=unknown, notes=1, warnings=1)
    (directory / "scan.hdr").unlink()
    (directory / "scan_.hdr").write_bytes(sidecar_text({"Software Version": "0.1", "ScanX": 6, "ScanY": 2}))
    (directory / "scan_1.hdr").write_bytes(sidecar_text({"Software Version": "0.2", "ScanX": 4, "ScanY": 3}))
    longest = {"software": "0.2"}
    shown = frames.reshape(3, 4, 5, 6)
    yield Special("the sidecar with the longest name", given, pixels=shown, metadata=longest, notes=0)
    sidecar.write_bytes(
        sidecar_text({"ScanX": 3, "ScanY": 4}).replace(b"HDR,", b"HDR, more").replace(b"ScanX", b" scanx ")
    )
    yield Special("keys in other letters", given, pixels=frames.reshape(4, 3, 5, 6), notes=0)
    lines = (
        "HDR,",
        "no tab",
        "\tno key",
        "Chip Mode:\tCSM",
        "Chip Mode:\tSPM",
        "Readout System:\t",
        "End\t",
        "Gain:\tHGM",
    )
    text = "\r\n".join(lines).encode()
    sidecar.write_bytes(text)
    known = {"mode": "CSM", "detector": "Merlin (Medipix3)", "software": None}
    entries = {"Chip Mode": "CSM", "Readout System": ""}
    raw = {"sidecar": entries}
    yield Special("a short sidecar", given, pixels=frames, metadata=known, raw_metadata=raw, notes=0)
    unix = {"path": sidecar}
    sidecar.write_bytes(text.replace(b"\r\n", b"\n"))
    yield Special("a sidecar with other ends of lines", unix, pixels=frames, metadata=known, raw_metadata=raw, notes=0)


def _headers(directory: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Headers of older software, with decimal commas, and damaged ones."""
    path = directory / "a.mib"
    given = {"path": path}
    chips = "3RX," + ",".join(f"{value:03d}" for value in range(27))
    common: dict[str, object] = {
        "header size": 384,
        "chips": 1,
        "width": 6,
        "height": 5,
        "pixel type": "U16",
        "layout": "1x1",
        "counter depth": 12,
        "sequence number": 1,
        "chip select": "01",
        "start": "2021-05-07T16:51:10.000000000Z",
        "exposure": 0.001,
        "counter": 1,
        "colour mode": 2,
        "gain": "SHGM",
        "thresholds": [float(value) for value in range(1, 9)],
        "chip settings": [chips],
    }
    n = len(frames)
    kinds: Sequence[tuple[str, Merlin, Mapping[str, object]]] = (
        ("settings", replace(CAMERA, settings="1,2,3"), {}),
        ("settings that are not known", replace(CAMERA, settings="1,2,7"), {"gain": "7"}),
        (
            "settings that are missing",
            replace(CAMERA, settings=",,"),
            dict.fromkeys(("counter", "colour mode", "gain")),
        ),
        ("decimal commas", replace(CAMERA, settings="1,2,3", commas=True), {}),
        ("a longer header", replace(CAMERA, settings="1,2,3", header_size=512), {"header size": 512}),
        (
            "ten fields",
            replace(CAMERA, fields=10),
            dict.fromkeys(("exposure", "counter", "colour mode", "gain", "counter depth"))
            | {"start": "2021-05-07T18:51:10.000000", "thresholds": [], "chip settings": []},
        ),
        (
            "nine fields",
            replace(CAMERA, fields=9),
            dict.fromkeys(("start", "exposure", "counter", "colour mode", "gain", "counter depth"))
            | {"thresholds": [], "chip settings": []},
        ),
        (
            "three thresholds",
            replace(CAMERA, settings="1,2,3", fields=17, extension=False),
            {
                "thresholds": [1.0, 2.0, 3.0],
                "chip settings": [],
                "counter depth": None,
                "start": "2021-05-07T18:51:10.000000",
            },
        ),
    )
    for what, camera, changes in kinds:
        path.write_bytes(camera.part(frames))
        text = replace(camera, commas=False).header(frames[0], 1).partition(b"\0")[0].decode().replace("   1x1", "1x1")
        expected = {**common, **changes, "text": text}
        number = -1 if expected["counter"] is None else expected["counter"]
        exposure = np.nan if expected["exposure"] is None else 0.001
        yield Special(
            what,
            given,
            pixels=frames,
            raw_metadata={"frame header": expected},
            metadata={"exposure_time": expected["exposure"], "acquired": expected["start"]},
            per_frame={"counter": np.full(n, number), "exposure": np.full(n, exposure)},
            notes=1,
        )
    never = np.full(n, "NaT", "M8[ns]")
    for start, acquired, times in (
        ("2021-13-45 18:51:10.000000", None, never),
        ("07/05/2017 06:51:10 PM", None, never),
        (" ", None, never),
        ("9999-05-07 18:51:10", "9999-05-07T18:51:10", never),
        ("1677-05-07 18:51:10", "1677-05-07T18:51:10", never),
        ("1678-05-07 18:51:10", "1678-05-07T18:51:10", np.full(n, "1678-05-07T18:51:10", "M8[ns]")),
        ("2261-05-07 18:51:10", "2261-05-07T18:51:10", np.full(n, "2261-05-07T18:51:10", "M8[ns]")),
        ("2021-05-07 18:51", "2021-05-07T18:51", np.full(n, "2021-05-07T18:51", "M8[ns]")),
    ):
        path.write_bytes(replace(CAMERA, extension=False, start=start).part(frames))
        moments = {"acquired": times}
        dwell = {"acquired": acquired, "dwell_time": None}
        yield Special(f"began {start!r}", given, pixels=frames, per_frame=moments, metadata=dwell, notes=1)
    path.write_bytes(CAMERA.part(frames).replace(b",0.001000,", b",-1.00000,").replace(b",1000000ns,", b",inf      ,"))
    exposures = {"exposure": np.full(n, np.nan)}
    yield Special("exposures that cannot be", given, per_frame=exposures, metadata={"exposure_time": None}, notes=1)
    for written, exposure in ((b",1500000ns,", 1.5e-3), (b",unknown  ,", 1e-3)):
        path.write_bytes(CAMERA.part(frames).replace(b",1000000ns,", written))
        arrays = {"exposure": np.full(n, exposure)}
        yield Special(
            f"an exposure of {written!r}", given, per_frame=arrays, metadata={"exposure_time": exposure}, notes=1
        )
    content = CAMERA.part(frames)
    stride = len(content) // n
    path.write_bytes(content)
    facts = {"last frame acquired": "2021-05-07T16:51:10.012100000Z", "frames per part": 12, "parts": 1}
    yield Special("when the last frame began", given, details=facts, notes=1)
    path.write_bytes(content.replace(b"MQ1,000012,", b"MQ1,00001x,"))
    yield Special("a damaged number of the last frame", given, pixels=frames, notes=2)
    for what, which in (("the middle", 5), ("the end", n - 1)):
        begin = which * stride
        damaged = (
            content[:begin]
            + content[begin : begin + stride].replace(b",00384,", b",0x384,")
            + content[begin + stride :]
        )
        path.write_bytes(damaged)
        numbers, moments_of = np.arange(1, n + 1), np.arange(n) * 1.1e-3
        numbers[which], moments_of[which] = -1, np.nan
        counters = np.where(np.arange(n) == which, -1, 0)
        read = {"sequence number": numbers, "time": moments_of, "counter": counters}
        yield Special(f"a damaged header at {what}", given, pixels=frames, per_frame=read, notes=1)


def _raw(directory: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Raw frames whose depth stands elsewhere, and gaps between chips."""
    path = directory / "scan.mib"
    given: dict[str, Any] = {"path": path}
    wide = np.arange(3 * 4 * 256).reshape(3, 4, 256)
    sizes = {1: np.uint8, 6: np.uint8, 12: np.uint16, 24: np.uint32}
    for depth, dtype in sizes.items():
        pixels = (wide * 5471 % (1 << depth)).astype(dtype)
        camera = Merlin(raw=True, depth=depth, extension=False)
        stated = {"counter_depth": depth}
        path.write_bytes(camera.part(pixels))
        _settings(directory, depth=depth)
        yield Special(f"raw, {depth} bit from the sidecar", given, pixels=pixels, metadata=stated, notes=1)
        _settings(directory)
        said = {**given, "counter_depth": depth}
        yield Special(f"raw, {depth} bit from the user", said, pixels=pixels, metadata=stated, notes=1)
        yield Special(f"raw, {depth} bit from the distance", given, pixels=pixels, metadata=stated, notes=2)
    pixels = (wide * 5471 % (1 << 24)).astype(np.uint32)
    doubled = Merlin(raw=True, depth=24, width_doubled=True)
    path.write_bytes(doubled.part(pixels))
    yield Special("raw, 24 bit, with the width of both images", given, pixels=pixels, notes=1)
    both = np.concatenate([pixels, pixels + 1], axis=2)
    path.write_bytes(Merlin(raw=True, depth=24).part(both))
    yield Special("raw, 24 bit, of a wide chip", given, pixels=both, notes=1)
    path.write_bytes(Merlin(raw=True, depth=12, layout="2x2").part(frames_of_chip := (wide % 4096).astype(np.uint16)))
    yield Special("raw, one chip of a quad", given, pixels=frames_of_chip, notes=1)
    quad = np.arange(2 * 4 * 512, dtype=np.uint16).reshape(2, 4, 512)
    camera = Merlin(raw=True, depth=12, chips=4, layout="2x2G")
    path.write_bytes(camera.part(quad))
    yield Special("raw quads", given, pixels=quad, corrections={}, notes=1)
    deep = quad.astype(np.uint32) * 4099
    for doubled_width in (False, True):
        path.write_bytes(Merlin(raw=True, depth=24, chips=4, width_doubled=doubled_width).part(deep))
        what = f"raw quads, 24 bit, with the width of both images: {doubled_width}"
        facts = {"counter depth": 24, "chips": 4}
        yield Special(what, given, pixels=deep, details=facts, notes=2)
    path.write_bytes(camera.part(quad))
    for gap in (1, 3):
        crossed = np.zeros((2, 4 + gap, 512 + gap), np.uint16)
        excluded = np.ones(crossed.shape[1:], np.bool_)
        for rows, from_rows in ((slice(0, 2), slice(0, 2)), (slice(2 + gap, None), slice(2, None))):
            for columns, from_columns in ((slice(0, 256), slice(0, 256)), (slice(256 + gap, None), slice(256, None))):
                crossed[:, rows, columns] = quad[:, from_rows, from_columns]
                excluded[rows, columns] = False
        with_gap = {**given, "gap": gap}
        mask = {"excluded": excluded}
        yield Special(f"raw quads with a gap of {gap}", with_gap, pixels=crossed, corrections=mask, notes=1)
    long = frames.astype(np.uint64) * 0x1_0000_0001_0001
    path.write_bytes(Merlin(depth=24).part(long))
    yield Special("pixels of 64 bits", given, pixels=long, notes=1)
