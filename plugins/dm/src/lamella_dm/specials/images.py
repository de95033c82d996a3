"""Files of more than one image, with and without thumbnails."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lamella_dm.specials.writing import picture
from lamella_dm.writer import SWAPPED, File, Image
from lamella_testkit import SampleData, Special

__all__ = ["several_images"]


def several_images(path: Path, data: SampleData) -> Iterator[Special]:
    """Files of more than one image, with and without thumbnails."""
    survey = (np.arange(600, dtype="<f4") / 7).reshape(20, 30)
    pattern = data.frames[0].astype("<i4")
    thumbnail = picture((50, 60))
    images = [thumbnail, Image(survey, "survey"), Image(data.pixels, "scan", tags=SWAPPED), Image(pattern, "pattern")]
    File(images, thumbnails=[0]).write(path)
    for index, title, pixels in ((None, "scan", data.pixels), (1, "survey", survey[np.newaxis]), (3, "pattern", None)):
        keywords = {} if index is None else {"dataset_index": index}
        shown = pattern[np.newaxis] if pixels is None else pixels
        known = {"title": title}
        yield Special(f"image {index} of several", {"path": path, **keywords}, pixels=shown, metadata=known, notes=1)
    colours = np.zeros((1, 50, 60, 4), np.uint8)
    yield Special("a thumbnail", {"path": path, "dataset_index": 0}, pixels=colours, notes=2)
    small, large = Image(data.frames[0, :2, :2], "small"), Image(data.frames[0], "large")
    for what, listed, title, notes in (
        ("a smaller image, and a larger one", [small, large], "large", 1),
        ("a larger image, and a smaller one", [large, small], "large", 1),
        ("a picture without a tag, and an image", [thumbnail, small], "small", 0),
        ("a picture without a tag, and images", [thumbnail, Image(data.frames[:1], "large")], "large", 0),
        ("an image, and a picture", [small, thumbnail], "small", 1),
        ("an image, and a larger transform", [small, Image(survey.astype("c8"), "", data_type=27, dims=(20, 58))],
         "small", 1),
        ("an image, and one that cannot be read", [small, Image(survey.astype("c8"), data_type=5)], "small", 1),
    ):  # fmt: skip
        File(listed).write(path)
        pixels = data.frames[:1] if title == "large" else data.frames[:1, :2, :2]
        yield Special(what, {"path": path}, pixels=pixels, metadata={"title": title}, notes=notes)
    stack = Image(np.zeros((2, 3, 4), "<i4"), "pictures", data_type=23)
    File([stack, Image(stack.pixels, "others", data_type=23)]).write(path)
    yield Special("two stacks of pictures", {"path": path}, pixels=np.zeros((2, 3, 4, 4), np.uint8), notes=2)
    File([picture((3, 4))]).write(path)
    yield Special("a picture", {"path": path}, pixels=np.zeros((1, 3, 4, 4), np.uint8), notes=1)
    content = File([large]).tobytes()
    path.write_bytes(content[:4] + struct.pack(">Q", 12345) + content[12:])
    yield Special("a header that does not know the size", {"path": path}, pixels=data.frames[:1], notes=0)
