"""Spectra, lines, images and volumes of them, told by their name or by tags and units."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lamella.reader import Axis
from lamella_dm.specials.writing import Tags, axes_of, named
from lamella_dm.writer import File, Image, number
from lamella_testkit import SampleData, Special

__all__ = ["spectra_of_all_kinds"]


def spectra_of_all_kinds(path: Path, data: SampleData) -> Iterator[Special]:
    """Spectra, lines, images and volumes of them, told by their name or by tags and units."""
    energies = (-300.0, 0.5, "eV")
    stored = data.pixels[..., 0]  # (energy, y, x)
    turned = stored.transpose(1, 2, 0)
    sides = [(0.0, 2.0, "nm"), (5.0, 3.0, "nm")]
    axes = axes_of(("y", 3.0, -15.0, "nm"), ("x", 2.0, 0.0, "nm"), ("energy", 0.5, 150.0, "eV"))
    marked: Tags = [("SI", [("some", number("u1", 1))])]
    for what, tags in (
        ("a spectrum image", named("Spectrum image")),
        ("a spectrum image by its tags", marked),
        ("a spectrum image of an older plug-in", [("spim", [])]),
    ):
        File([Image(stored, "", [*sides, energies], tags)], 3).write(path)
        yield Special(what, {"path": path}, pixels=turned, axes=axes, notes=0)
    thousands = (0.0, 0.25, "keV")
    File([Image(stored, "", [*sides, thousands], marked)]).write(path)
    in_thousands = [*axes[:2], Axis("energy", 0.25, 0.0, "keV")]
    yield Special("a spectrum image in keV", {"path": path}, pixels=turned, axes=in_thousands, notes=0)
    File([Image(stored, "", [*sides, (0.0, 0.5, "nm")], marked)]).write(path)
    frames = axes_of(("frame", 0.5, 0.0, "nm"), ("y", 3.0, -15.0, "nm"), ("x", 2.0, 0.0, "nm"))
    yield Special("a scan of images", {"path": path}, pixels=stored, axes=frames, notes=0)
    File([Image(stored, "", [*sides, energies])]).write(path)
    images = [Axis("frame", 0.5, 150.0, "eV"), *frames[1:]]
    yield Special("images at several energies", {"path": path}, pixels=stored, axes=images, notes=0)
    exchanged = named("Spectrum image", **{"Data Order Swapped": 1})
    File([Image(stored, "", [energies, *sides], exchanged)]).write(path)
    fast = axes_of(("y", 3.0, -15.0, "nm"), ("x", 2.0, 0.0, "nm"), ("energy", 0.5, 150.0, "eV"))
    yield Special("a spectrum image with fast energies", {"path": path}, pixels=stored, axes=fast, notes=0)
    line = stored[0]
    File([Image(line, "", [energies, sides[0]], named("Spectrum"))]).write(path)
    along = axes_of(("x", 2.0, 0.0, "nm"), ("energy", 0.5, 150.0, "eV"))
    yield Special("a line of spectra", {"path": path}, pixels=line, axes=along, notes=0)
    File([Image(line, "", [energies, (0.0, 2.0, "s")], named("Spectrum"))]).write(path)
    series = axes_of(("frame", 2.0, 0.0, "s"), ("energy", 0.5, 150.0, "eV"))
    yield Special("a series of spectra", {"path": path}, pixels=line, axes=series, notes=0)
    for what, tags, calibrations, axis in (
        ("a spectrum", named("Spectrum"), [energies], Axis("energy", 0.5, 150.0, "eV")),
        ("a profile", [], [(0.0, 1.5, "nm")], Axis("k", 1.5, 0.0, "nm")),
        ("a profile without units", [], [], Axis("k")),
    ):
        File([Image(line[0], "", calibrations, tags)]).write(path)
        yield Special(what, {"path": path}, pixels=line[:1], axes=[Axis("frame"), axis], notes=0)
    File([Image(data.pixels, "", [*sides, (0.0, 4.0, "nm"), energies], named("Spectrum image"))]).write(path)
    moved = data.pixels.transpose(1, 2, 3, 0)
    volume = [Axis("nav0", 4.0, 0.0, "nm"), Axis("nav1", 3.0, -15.0, "nm"), Axis("nav2", 2.0, 0.0, "nm"), axes[-1]]
    yield Special("a volume of spectra", {"path": path}, pixels=moved, axes=volume, notes=0)
