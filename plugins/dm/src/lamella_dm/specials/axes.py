"""Scans whose fast axes are those of the scan, or not, and calibrations that are none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lamella.reader import Axis
from lamella_dm.specials.writing import axes_of, named, plain_axes
from lamella_dm.writer import SWAPPED, File, Image, number
from lamella_testkit import SampleData, Special

__all__ = ["orders_of_axes"]


def orders_of_axes(path: Path, data: SampleData) -> Iterator[Special]:
    """Scans whose fast axes are those of the scan, or not, and calibrations that are none."""
    pixels = data.pixels
    turned = pixels.transpose(2, 3, 0, 1)
    steps = [(8.0, 0.5, "1/nm"), (4.0, 0.25, "1/nm"), (0.0, 2.0, "nm"), (-1.0, 3.0, "µm")]
    stored = axes_of(
        ("y", 3.0, 3.0, "µm"), ("x", 2.0, 0.0, "nm"), ("ky", 0.25, -1.0, "1/nm"), ("kx", 0.5, -4.0, "1/nm")
    )
    turned_axes = axes_of(
        ("y", 0.25, -1.0, "1/nm"), ("x", 0.5, -4.0, "1/nm"), ("ky", 3.0, 3.0, "µm"), ("kx", 2.0, 0.0, "nm")
    )
    for what, tags, keywords, swapped in (
        ("a scan with a fast detector", SWAPPED, {}, True),
        ("a scan with fast steps", [], {}, False),
        ("a scan with fast steps, named", named("Diffraction image", **{"Data Order Swapped": 0}), {}, False),
        ("a scan with a fast detector, as the user says", [], {"force_c_order": True}, True),
    ):
        File([Image(pixels, "", steps, tags)]).write(path)
        axes = stored if swapped else turned_axes
        yield Special(what, {"path": path, **keywords}, pixels=pixels if swapped else turned, axes=axes, notes=0)
    several = pixels.reshape(1, *pixels.shape)
    File([Image(several, tags=SWAPPED)]).write(path)
    yield Special("several scans", {"path": path}, pixels=several, axes=plain_axes("nav0", "nav1", "nav2", "ky", "kx"))
    n = data.n_frames
    for calibrations, sides in (
        ([(1.0, 0.5, "eV"), (2.0, 0.25, "")], [Axis("y"), Axis("x", 0.5, -0.5, "eV")]),
        ([(1.0, 0.0, "nm"), (2.0, 0.25, "mrad")], [Axis("y", 0.25, -0.5, "mrad"), Axis("x")]),
        ([(1.0, 0.5, "mrad"), (2.0, 0.25, "mrad")], [Axis("ky", 0.25, -0.5, "mrad"), Axis("kx", 0.5, -0.5, "mrad")]),
        ([(0.0, 2.0, "nm")], [Axis("y"), Axis("x", 2.0, 0.0, "nm")]),
    ):
        File([Image(data.frames, "", calibrations)]).write(path)
        axes = [Axis("frame"), *sides]
        yield Special(f"images with {calibrations}", {"path": path}, pixels=data.frames, axes=axes, notes=0)
    ny, nx = data.nav_shape
    for rows, columns in ((ny, nx), (ny, nx + 1)):
        shape = [("Scan shape X", number("f4", columns)), ("Scan shape Y", number("f4", rows))]
        File([Image(data.frames, tags=[("4D STEM Tags", shape)])]).write(path)
        shown = pixels if rows * columns == n else data.frames
        yield Special(f"a stack of a scan of {rows} x {columns}", {"path": path}, pixels=shown, notes=0)
