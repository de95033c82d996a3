"""Headers, references, bad pixels and halves that contradict themselves or the frames."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lamella.errors import CorruptError, FormatError, ParameterError, TruncatedError, UnsupportedError
from lamella_seq.writer import Recording, halves_of, mrc_bytes, prebuffer, readout_bytes, settings_xml
from lamella_testkit import SampleData, Wrong

__all__ = ["wrong_halves", "wrong_headers", "wrong_sidecars"]


def wrong_headers(path: Path, data: SampleData) -> Iterator[Wrong]:
    """Headers of what is not read, and of sizes that cannot be."""
    given, nbytes = {"path": path}, data.frames[0].nbytes
    for changes, error in (
        ({"magic": 0xFEEE}, CorruptError),
        ({"compression": 1}, UnsupportedError),
        ({"image_format": 200}, UnsupportedError),
        ({"bit_depth": 24}, UnsupportedError),
        ({"image_size": nbytes - 1}, CorruptError),
        ({"true_size": nbytes - 1}, CorruptError),
    ):
        Recording(data.frames, changes=changes).write(path)
        yield Wrong(str(changes), given, error)
    right = Recording(data.frames).tobytes()
    for text, at in (("no columns", 548), ("no rows", 552)):
        path.write_bytes(right[:at] + bytes(4) + right[at + 4 :])
        yield Wrong(text, given, CorruptError)
    for text, end in (("less than a header", 600), ("less than a frame", 8192 + nbytes - 1)):
        path.write_bytes(right[:end])
        yield Wrong(text, given, TruncatedError)


def wrong_sidecars(directory: Path, data: SampleData) -> Iterator[Wrong]:
    """References and bad pixels that are damaged, or do not fit the frames."""
    height, width = data.sig_shape
    given = {"path": Recording(data.frames).write(directory / "a.seq")}
    dark, plane = directory / "a.seq.dark.mrc", np.zeros(data.sig_shape, "<f4")
    for text, content, error in (
        ("a reference of another mode", mrc_bytes(plane, mode=5), CorruptError),
        ("a reference of another height", mrc_bytes(plane[:-1]), CorruptError),
        ("a reference of another width", mrc_bytes(plane[:, :-1].copy()), CorruptError),
        ("a reference that was cut", mrc_bytes(plane)[:-1], TruncatedError),
        ("less than the header of a reference", mrc_bytes(plane)[:1000], TruncatedError),
    ):
        dark.write_bytes(content)
        yield Wrong(text, given, error)
    dark.unlink()
    (directory / "a.seq.metadata").write_bytes(readout_bytes(height, width, 1, 2))
    whole = f'Rows="{height + 1}" Columns="{width + 2}"'
    for text, maps in (
        ("settings that are no XML", "<"),
        ("a defect without a place", f"<BadPixelMap {whole}><Defect/></BadPixelMap>"),
        ("a defect in words", f'<BadPixelMap {whole}><Defect Row="one"/></BadPixelMap>'),
        ("a map of fewer rows", f'<BadPixelMap Rows="{height}" Columns="{width + 2}"/>'),
        ("a map of fewer columns", f'<BadPixelMap Rows="{height + 1}" Columns="{width + 1}"/>'),
    ):
        (directory / "a.seq.Config.Metadata.xml").write_text(settings_xml(maps))
        yield Wrong(text, given, CorruptError)


def wrong_halves(directory: Path, data: SampleData) -> Iterator[Wrong]:
    """Halves of which one is missing, or that are of another kind, or hold an unknown number of frames."""
    upper, lower = halves_of(data)
    top, bottom = directory / "b_Top_13-49-04.160.seq", directory / "b_Bottom_13-49-04.196.seq"
    upper.write(top)
    given = {"path": top, "prebuffer": prebuffer(data.n_frames)}
    yield Wrong("one half of two", given, FormatError)
    Recording(lower.frames[:, :-1]).write(bottom)
    yield Wrong("halves of different height", given, CorruptError)
    lower.write(bottom)
    yield Wrong("halves of an unknown number of frames", {"path": top}, ParameterError)
    yield Wrong("halves that cannot be cut into frames", {"path": top, "prebuffer": 5}, CorruptError)
