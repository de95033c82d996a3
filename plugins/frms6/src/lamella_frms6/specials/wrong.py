"""Parts of other versions and kinds, parts that do not fit together, wrong header files and gain maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lamella_frms6.writer import BASE, file_header, folded, frame_header, matrix_bytes, part_bytes, part_of
from lamella_testkit import SampleData

__all__ = ["wrong_files"]


def wrong_files(
    directory: Path, data: SampleData, keywords: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Change the one part and the header file that were written, one after the other."""
    path, header = part_of(directory / BASE, 1), directory / f"{BASE}.hdr"
    frames, content = folded(data.frames), path.read_bytes()
    for text, changed in (
        ("version 5", part_bytes(frames, version=5)),
        ("packed frames", part_bytes(frames, flags=2)),
        ("windows", part_bytes(frames, lines=frames.shape[1] - 1)),
        ("an odd number of columns", file_header(7, 3, 1) + frame_header(0, 0, 3) + bytes(2 * 7 * 3)),
        ("no lines", file_header(4, 0, 1) + frame_header(0, 0, 0)),
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
        ("another name", matrix_bytes(b"Gain", np.ones(data.sig_shape))),
        ("text", matrix_bytes(b"GainMap", np.ones(data.sig_shape), kind=1)),
        ("one number that is not finite", matrix_bytes(b"GainMap", np.full(data.sig_shape, np.inf))),
        ("another shape", matrix_bytes(b"GainMap", np.ones((2, 3)))),
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
    part_of(directory / BASE, 3).write_bytes(content)
    part_of(directory / BASE, 2).unlink(missing_ok=True)
    yield "a part that is missing", keywords
    part_of(directory / BASE, 3).unlink()
    part_of(directory / BASE, 2).write_bytes(part_bytes(frames[:, :, :-2]))
    yield "a part of other frames", keywords
    part_of(directory / BASE, 2).unlink()
    part_of(directory / BASE, 0).write_bytes(part_bytes(frames[:, :, :-2]))
    yield "dark frames of another size", keywords
    part_of(directory / BASE, 0).write_bytes(file_header(frames.shape[2], frames.shape[1], 0))
    yield "no dark frame", keywords
    part_of(directory / BASE, 0).write_bytes(part_bytes(frames))
    path.unlink()
    yield "dark frames only", {"path": part_of(directory / BASE, 0)}
