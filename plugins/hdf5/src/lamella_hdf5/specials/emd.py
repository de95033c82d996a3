"""EMD files: NCEM, and py4DSTEM in its old and new ways."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from lamella.reader import Axis
from lamella_hdf5.specials.writing import saved, stored
from lamella_testkit import Special

if TYPE_CHECKING:
    from lamella_testkit import SampleData

__all__ = ["special_files"]


def special_files(folder: Path, data: SampleData) -> Iterator[Special]:
    """Write them."""
    yield from _ncem(folder, data)
    yield from _py4dstem(folder, data)


def _ncem(folder: Path, data: SampleData) -> Iterator[Special]:
    pixels = data.pixels
    axes = (Axis("y", 0.5, 3.0, "nm"), Axis("x", 0.5, 3.0, "µm"), Axis("ky", 0.5, 3.0, "1/nm"), Axis("kx"))

    def write(file: Any, first: int = 1) -> None:
        group = file.create_group("data/scan")
        group.attrs["emd_group_type"] = 1
        group["data"] = pixels
        for i, (axis, units) in enumerate(zip(axes, ("[n_m]", "[u_m]", "[n_m^-1]", "[]"), strict=True)):
            group[f"dim{i + first}"] = 3.0 + 0.5 * np.arange(pixels.shape[i])
            group[f"dim{i + first}"].attrs.update({"name": axis.name, "units": units})
        file.create_group("microscope").attrs.update({"voltage": 300e3, "microscope name": "TEAM"})
        file.create_group("user").attrs["name"] = "Ada"

    known = {"beam_energy": 300e3, "instrument": "TEAM", "operator": "Ada"}
    for first in (0, 1):
        keywords = saved(folder / f"dim{first}.emd", partial(write, first=first))
        text = f"an EMD file whose axes count from {first}"
        yield Special(text, keywords, pixels=pixels, axes=axes, metadata=known, notes=0)
    named = {"path": folder / "dim0.emd", "ds_path": "data/scan/data"}
    yield Special("an EMD group that is named", named, pixels=pixels, axes=axes)

    def odd(file: Any) -> None:
        write(file, 0)
        group = file["data/scan"]
        for name, values in (("dim0", b"no numbers"), ("dim1", [1.0]), ("dim2", [2.0, 2.0]), ("dim3", [0.0, np.nan])):
            del group[name]
            group[name] = values

    bare = [Axis(f"dim{i}") for i in range(4)]
    yield Special("axes that are none", saved(folder / "odd.emd", odd), pixels=pixels, axes=bare)
    stored(folder / "vector.h5", 3.0 + np.arange(3.0))

    def elsewhere(file: Any) -> None:
        write(file, 0)
        group = file["data/scan"]
        layout = h5py.VirtualLayout((3,), "f8")
        layout[:] = h5py.VirtualSource("vector.h5", "data", (3,))
        del group["dim0"]
        group.create_virtual_dataset("dim0", layout)
        file["microscope/voltage"] = [[80e3], [90e3]]
        del file["microscope"].attrs["voltage"]

    some = (Axis("dim0"), *axes[1:])
    keywords = saved(folder / "elsewhere.emd", elsewhere)
    known = {"beam_energy": 80e3}
    yield Special("an axis in another file", keywords, pixels=pixels, axes=some, metadata=known)


def _py4dstem(folder: Path, data: SampleData) -> Iterator[Special]:
    def write(file: Any, *others: str) -> None:
        for name in ("gold", *others):
            cube = file.create_group(f"4DSTEM_experiment/data/datacubes/{name}")
            if name != "empty":
                cube["data"] = data.pixels if name == "gold" else data.pixels[:1]
        file["other"] = np.zeros((9, 9, 90), data.native_dtype)

    keywords = saved(folder / "one.h5", write)
    yield Special("a cube of py4DSTEM", keywords, pixels=data.pixels, notes=0)
    keywords = saved(folder / "two.h5", lambda file: write(file, "silver", "empty"))
    yield Special("two cubes, and an empty one", keywords, pixels=data.pixels, notes=2, warnings=2)

    def new(file: Any) -> None:
        root = file.create_group("root")
        root.attrs.update({"emd_group_type": "root", "python_class": "Root"})
        cube = root.create_group("cube")
        cube.attrs.update({"emd_group_type": "array", "python_class": "DataCube"})
        cube["data"] = data.pixels
        image = root.create_group("image")
        image.attrs.update({"emd_group_type": "array", "python_class": "VirtualImage"})
        image["data"] = np.zeros((300, 400))

    yield Special("a cube beside a larger image", saved(folder / "new.h5", new), pixels=data.pixels)
