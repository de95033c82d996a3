"""NeXus files: plots, what they say about their axes, detectors, and plots that cannot be shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from lamella.reader import Axis
from lamella_hdf5.specials.writing import create, saved
from lamella_testkit import Special

if TYPE_CHECKING:
    from lamella_testkit import SampleData

__all__ = ["special_files"]


def special_files(folder: Path, data: SampleData) -> Iterator[Special]:
    """Write them."""
    yield from _plots(folder, data)
    yield from _without_a_plot(folder, data)


def _plot(file: Any, name: str, **attributes: Any) -> Any:
    group = file.create_group(name)
    group.attrs.update({"NX_class": "NXdata", **attributes})
    return group


def _plots(folder: Path, data: SampleData) -> Iterator[Special]:
    """A scan among other plots, some of which are damaged or of another kind."""
    axes = [Axis("y", 0.5, 3.0, "nm"), Axis("nav1"), Axis("ky"), Axis("kx")]

    def write(file: Any) -> None:
        survey = _plot(file, "entry/survey", signal="data")
        survey["data"] = data.frames[0]
        scan = _plot(file, "entry/scan", signal="frames", axes=["y", ".", "absent", "."], y_indices=[0])
        scan["frames"] = data.pixels
        scan["y"] = 3.0 + 0.5 * np.arange(data.nav_shape[0])
        scan["y"].attrs["units"] = "nm"
        _plot(file, "entry/empty")
        _plot(file, "entry/curve", signal="data")["data"] = np.arange(9.0)

    keywords = saved(folder / "plots.nxs", write)
    yield Special("the largest of some plots", keywords, pixels=data.pixels, axes=axes, notes=0)
    named = {**keywords, "ds_path": "entry/scan/frames"}
    yield Special("a plot that is named", named, pixels=data.pixels, axes=axes)

    def damaged(file: Any) -> None:
        write(file)
        file.attrs["default"] = "gone"
        _plot(file, "entry/lost", signal="data")
        _plot(file, "entry/elsewhere", signal="data")["data"] = h5py.ExternalLink("missing.h5", "/data")
        moments = _plot(file, "entry/moments", signal="data")
        create(moments, "data", (3, 4, 5), h5py.h5t.UNIX_D32LE)
        for number in range(12):
            file[f"entry/values/{number}"] = np.arange(3)

    keywords = saved(folder / "damaged.nxs", damaged)
    yield Special("plots without what they show", keywords, pixels=data.pixels, notes=4, warnings=4)

    def smaller(file: Any) -> None:
        write(file)
        file.attrs["default"] = "entry"
        file["entry"].attrs["default"] = "some"
        _plot(file, "entry/some", signal="data")["data"] = data.pixels[:2]

    keywords = saved(folder / "smaller.nxs", smaller)
    yield Special("a plot that is smaller than others, but wanted", keywords, pixels=data.pixels[:2], notes=0)

    def old(file: Any) -> None:
        file.attrs["default"] = "entry"
        file.create_group("entry").attrs["default"] = "scan"
        scan = _plot(file, "entry/scan")
        scan["counts"] = data.pixels
        scan["counts"].attrs.update({"signal": 1, "interpretation": "spectrum"})
        scan.attrs["NX_class"] = ["NXdata"]

    keywords = saved(folder / "old.nxs", old)
    yield Special("a signal that is marked, of spectra", keywords, pixels=data.pixels, notes=0)


def _without_a_plot(folder: Path, data: SampleData) -> Iterator[Special]:
    """A detector, whose frames no plot shows."""

    def write(file: Any) -> None:
        file["larger"] = np.zeros((99, 99, 9))
        detector = file.create_group("entry/instrument/camera")
        detector.attrs["NX_class"] = "NXdetector"
        detector["data"] = data.pixels

    yield Special("the frames of a detector", saved(folder / "detector.nxs", write), pixels=data.pixels)
