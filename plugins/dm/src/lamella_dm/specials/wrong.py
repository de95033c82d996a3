"""Headers, tags and images that contradict themselves, or that nobody can read."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lamella.errors import FormatError, TruncatedError, UnsupportedError
from lamella_dm.specials.writing import picture
from lamella_dm.writer import CODES, SWAPPED, File, Image, Tree, dm_bytes, number
from lamella_testkit import SampleData, Wrong

__all__ = ["wrong_files"]


def wrong_files(path: Path, data: SampleData) -> Iterator[Wrong | tuple[str, Mapping[str, Any]]]:
    """Write headers, tags and images that contradict themselves, or that nobody can read."""
    given = {"path": path}
    image = Image(data.frames)
    right = File([image]).tobytes()
    for what, place, wrong in (
        ("version 5", 0, b"\0\0\0\5"),
        ("an unknown byte order", 12, b"\0\0\0\2"),
        ("an entry that is neither a group nor a value", 26, b"\x16"),
    ):
        path.write_bytes(right[:place] + wrong + right[place + len(wrong) :])
        yield what, given
    path.write_bytes(right.replace(b"%%%%", b"%%!%", 1))
    yield "a value without its mark", given
    words = struct.pack(">4Q", 3, 20, CODES["u2"], data.frames.size)
    for what, others in (
        ("a type without words", struct.pack(">Q", 0)),
        ("an unknown type of numbers", struct.pack(">4Q", 3, 20, 99, data.frames.size)),
        ("structs without fields", struct.pack(">4Q", 5, 20, 15, 0) + struct.pack(">2Q", 0, 7)),
        ("structs of fewer words than fields", struct.pack(">4Q", 7, 20, 15, 0) + struct.pack(">4Q", 2, 0, 4, 7)),
    ):
        path.write_bytes(right.replace(words, others, 1))
        yield what, given
    for code in (5, 4, 24):
        File([Image(data.frames, data_type=code)]).write(path)
        yield f"pixels of type {code}", given
    for what, wrong_image in (
        ("pixels that are too few for their type", Image(data.frames, data_type=11)),
        ("pixels that are too few for a picture", Image(data.frames, data_type=23)),
        ("pixels that are too few for half of a transform", Image(data.frames, data_type=27)),
        ("an axis of length zero", Image(data.frames, dims=(0, *data.frames.shape))),
        ("no axis", Image(data.frames[:0, :0, :0], dims=())),
    ):
        File([wrong_image]).write(path)
        yield what, given
    path.write_bytes(dm_bytes([("some", [("tag", number("u4", 1))])]))
    yield Wrong("tags without an image", given, FormatError)
    for what, content, error in (
        ("the version of another format and no more", b"\0\0\0\5", UnsupportedError),
        ("less than a version", b"\0\0\0", TruncatedError),
        ("less than a header", right[:15], TruncatedError),
    ):
        path.write_bytes(content)
        yield Wrong(what, given, error)
    deep: Tree = []
    for _ in range(80):
        deep = [("in", deep)]
    path.write_bytes(dm_bytes([("deep", deep), *_root(image)]))
    yield "groups that lie too deep in each other", given
    File([picture(data.sig_shape)], thumbnails=[0]).write(path)
    yield "nothing but a thumbnail", given
    File([Image(data.pixels, tags=SWAPPED)]).write(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"ImageTags")])
    yield "a scan whose order of axes was cut off", given
    File([picture(data.sig_shape), Image(data.frames)]).write(path)
    path.write_bytes(path.read_bytes()[: path.read_bytes().index(b"ImageTags")])
    yield "a picture, and what it may be a thumbnail of was cut off", given
    path.write_bytes(right[: right.index(data.tobytes()) + 9])
    yield Wrong("a file that was cut within its pixels", given, TruncatedError)
    path.write_bytes(right[: right.index(b"ImageData")])
    yield Wrong("a file that was cut before its pixels", given, TruncatedError)


def _root(image: Image) -> Tree:
    return [("ImageList", [("", image.tree())])]
