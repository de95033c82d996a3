"""Files of no convention: several data sets, and the parameters that choose among them and among their axes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from lamella_hdf5.specials.writing import create, saved
from lamella_testkit import Special

if TYPE_CHECKING:
    from lamella_testkit import SampleData

__all__ = ["special_files"]


def special_files(folder: Path, data: SampleData) -> Iterator[Special]:
    """Write them."""
    yield from _parameters(folder, data)
    yield from _beside_others(folder, data)
    yield from _very_many(folder, data)


def _parameters(folder: Path, data: SampleData) -> Iterator[Special]:
    """A file with several data sets."""
    pixels = data.pixels

    def write(file: Any) -> None:
        file["scan/small"] = pixels[:2]
        file["scan/large"] = pixels
        file["scan/link"] = h5py.SoftLink("/scan/small")
        file["thumbnail"] = np.zeros((3, 4, 3), np.uint8)
        file["scan/small"].attrs["note"] = "the smaller one"
        for number in range(16):
            file[f"chain/{number}"] = h5py.SoftLink(f"/chain/{number + 1}" if number < 15 else "/scan/large")

    keywords = saved(folder / "several.h5", write)
    for text, more, expected in (
        ("the largest data set", {}, pixels),
        ("a named one", {"ds_path": "/scan/small"}, pixels[:2]),
        ("one behind a link", {"ds_path": "scan/link"}, pixels[:2]),
        ("one behind many links", {"ds_path": "/chain/0"}, pixels),
        ("other detector axes", {"sig_axes": (0, 1)}, pixels.transpose(2, 3, 0, 1)),
        ("axes in reverse order", {"reverse_axes": True}, pixels.T),
        ("one detector axis", {"sig_dims": 1}, pixels),
        ("tried in a child process", {"isolate": "always"}, pixels),
    ):
        notes = int("ds_path" not in more)  # that there is another data set
        yield Special(text, {**keywords, **more}, pixels=expected, notes=notes, warnings=notes)


def _beside_others(folder: Path, data: SampleData) -> Iterator[Special]:
    """A scan beside larger things that are none."""
    larger = (30, *data.frames.shape[1:])

    def write(file: Any) -> None:
        file["scan"] = data.pixels
        file["scan errors"] = np.zeros(larger)
        file["metadata/image"] = np.zeros(larger)
        file["positions"] = np.zeros((900, 2))
        file["vector"] = np.arange(900.0)
        file["picture"] = np.zeros(larger, np.uint8)
        file["picture"].attrs.update({"CLASS": np.bytes_("IMAGE"), "IMAGE_SUBCLASS": np.bytes_("IMAGE_TRUECOLOR")})
        file["kind"] = np.dtype(np.uint16)
        create(file, "moments", (3, 4, 5), h5py.h5t.UNIX_D32LE)  # a type that NumPy does not have
        file["Experiments"] = h5py.SoftLink("/Experiments")
        log = file.create_group("log")
        log.attrs["NX_class"] = "NXlog"
        log["value"] = np.zeros(larger)
        plot = file.create_group("curve")
        plot.attrs.update({"NX_class": "NXdata", "axes": ["x", "."], "grid_indices": 0})
        plot["x"], plot["grid"] = np.zeros((900, 9)), np.zeros(larger)

    keywords = saved(folder / "others.h5", write)
    yield Special("a scan beside what is none", keywords, pixels=data.pixels, notes=0)

    def image(file: Any) -> None:
        file["image"] = data.frames[0]
        file["axis"] = np.zeros((900, 900))

    yield Special("one image", saved(folder / "image.h5", image), pixels=data.frames[:1], notes=0)


def _very_many(folder: Path, data: SampleData) -> Iterator[Special]:
    """More groups than anybody looks at, and paths that are longer than anybody reads."""

    def write(file: Any) -> None:
        file["a scan"] = data.pixels
        for number in range(9):
            file.create_group("/".join([f"{number}".ljust(1000, "n")] * 31))
        file["n" * 1100] = np.zeros((99, *data.sig_shape))

    yield Special("groups with very long names", saved(folder / "long.h5", write), pixels=data.pixels)
