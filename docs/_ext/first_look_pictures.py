"""Pictures of the page on the first look, one for each kind of data, from synthetic files in HyperSpy's format."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Axis = tuple[str, float, float, str, bool]
"""Name, step, offset, units, and whether it is an axis of the scan."""
Scene = tuple[NDArray[Any], Sequence[Axis]]


def _rng() -> np.random.Generator:
    return np.random.default_rng(4)


def _atoms(height: int, width: int, shift: float = 0.0) -> NDArray[np.float64]:
    y, x = np.mgrid[:height, :width] + shift
    columns: NDArray[np.float64] = (1 + np.cos(0.5 * x) * np.cos(0.29 * x + 0.5 * y)) ** 3
    return columns


def image() -> Scene:
    """Columns of atoms."""
    counts = _rng().poisson(40 * _atoms(256, 256))
    return counts.astype("u2"), [("y", 0.02, 0, "nm", False), ("x", 0.02, 0, "nm", False)]


def pattern() -> Scene:
    """A diffraction pattern with seven discs."""
    y, x = np.mgrid[-96:96, -96:96] / 1.0
    r = np.hypot(y + 3, x - 5)
    counts = 5000.0 * (r < 9) + 60 * np.exp(-r / 30)
    for angle in np.arange(6) * np.pi / 3 + 0.2:
        spot = np.hypot(y + 3 - 52 * np.sin(angle), x - 5 - 52 * np.cos(angle))
        counts += 350 * (spot < 9)
    return _rng().poisson(counts).astype("u2"), [("ky", 0.05, -4.8, "1/nm", False), ("kx", 0.05, -4.8, "1/nm", False)]


def _spectra(shape: tuple[int, ...]) -> NDArray[np.float64]:
    energy = 200 + 0.5 * np.arange(1024)
    carbon = 1 / (1 + np.exp(-(energy - 284) / 2)) * (energy / 284.0) ** -4
    share = np.linspace(0.2, 1.6, shape[-1])[:, None] if shape else 1.0
    mean = 4e3 * (energy / 200) ** -3.2 + 900 * share * carbon
    return _rng().poisson(np.broadcast_to(mean, (*shape, 1024))).astype(float)


def spectrum() -> Scene:
    """One energy-loss spectrum."""
    return _spectra(()).astype("u2"), [("energy", 0.5, 200, "eV", False)]


def line_of_spectra() -> Scene:
    """Spectra along a line."""
    return _spectra((60,)).astype("u2"), [("x", 0.8, 0, "nm", True), ("energy", 0.5, 200, "eV", False)]


def spectrum_image() -> Scene:
    """Spectra over an area."""
    axes: list[Axis] = [("y", 0.8, 0, "nm", True), ("x", 0.8, 0, "nm", True), ("energy", 0.5, 200, "eV", False)]
    return _spectra((24, 32)).astype("u2"), axes


def series() -> Scene:
    """Images one after the other, of a specimen that drifts and fades."""
    frames = [_rng().poisson(30 * _atoms(128, 128, 0.4 * i) * 0.97**i) for i in range(20)]
    axes: list[Axis] = [("frame", 1, 0, "", True), ("y", 0.04, 0, "nm", False), ("x", 0.04, 0, "nm", False)]
    return np.array(frames).astype("u2"), axes


def scan_without_beam() -> Scene:
    """A scan in which the direct beam does not reach the detector."""
    rng, brightness = _rng(), 1 + _atoms(24, 32)
    frames = rng.poisson(np.broadcast_to(brightness[..., None, None] * 4, (24, 32, 32, 32)))
    axes: list[Axis] = [("y", 2, 0, "nm", True), ("x", 2, 0, "nm", True)]
    axes += [("ky", 0.2, 0, "1/nm", False), ("kx", 0.2, 0, "1/nm", False)]
    return frames.astype("u2"), axes


SCENES: Mapping[str, Callable[[], Scene]] = {
    "image": image,
    "pattern": pattern,
    "spectrum": spectrum,
    "line of spectra": line_of_spectra,
    "spectrum image": spectrum_image,
    "series": series,
    "scan without beam": scan_without_beam,
}


def picture(name: str) -> str:
    """Give the first look at a synthetic file as HTML with the picture in it."""
    import lamella
    from lamella.plot import sheet_png

    with tempfile.TemporaryDirectory() as folder:
        if name == "scan":
            from lamella.demo import DemoScan, write_scan

            path = Path(folder) / "scan.blo"
            write_scan(path, DemoScan((64, 64), 64, 5))
        else:
            path = Path(folder) / "data.hspy"
            _write(path, *SCENES[name]())
        look = lamella.first_look(lamella.open(path))
        png = sheet_png(look)
    text = f"{look.kind}: {', '.join(panel.title for panel in look)}"
    notes = "".join(f"<p><em>{escape(note)}</em></p>" for note in look.notes)
    source = base64.b64encode(png).decode()
    return f'<img src="data:image/png;base64,{source}" alt="{escape(text)}" style="max-width: 100%">\n{notes}'


def _write(path: Path, data: NDArray[Any], axes: Sequence[Axis]) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["file_format"], file.attrs["file_format_version"] = "HyperSpy", "3.1"
        group = file.create_group("Experiments/data")
        group["data"] = data
        for i, (name, step, offset, units, is_scan) in enumerate(axes):
            axis = group.create_group(f"axis-{i}")
            axis.attrs.update({"name": name, "scale": step, "offset": offset, "size": data.shape[i]})
            axis.attrs.update({"navigate": is_scan, "units": units, "_type": "UniformDataAxis"})
        group.create_group("metadata/General").attrs["title"] = "synthetic"
