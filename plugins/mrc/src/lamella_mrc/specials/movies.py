"""Movies by their settings, with an image of the scan, with listed positions, and with settings that do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lamella.reader import Axis
from lamella_mrc.writer import SETTINGS, header_bytes, info_text, movie_axes
from lamella_testkit import SampleData, Special

__all__ = ["other_movies"]


def other_movies(directory: Path, data: SampleData) -> Iterator[Special]:
    """Movies by their settings, with an image of the scan, with listed positions, and with settings that do not fit."""
    n, (ny, nx), (height, width) = data.n_frames, data.nav_shape, data.sig_shape
    stem = "20250429_06699"
    info, path, listed = (directory / f"{stem}{end}" for end in ("_info.txt", "_0_movie.mrc", "_scan_coordinates.csv"))
    path.write_bytes(header_bytes((width, height, n), 6) + data.tobytes())
    yield Special("a movie without settings", {"path": path}, pixels=data.frames, notes=1)

    def settings(**changes: object) -> None:
        text = info_text(data.nav_shape, {key.replace("__", " - ").replace("_", " "): v for key, v in changes.items()})
        info.write_text(text, encoding="utf-8", newline="")

    settings()
    yield Special("a movie by its settings", {"path": info}, pixels=data.pixels, metadata=SETTINGS, notes=0)
    alone = {"path": path, "sidecars": False}
    yield Special("settings that are not wanted", alone, pixels=data.frames, metadata={"beam_energy": None}, notes=0)
    image = np.arange(ny * nx, dtype="<f4").reshape(ny, nx)
    (directory / f"{stem}_1_a.mrc").write_bytes(b"damaged")
    other = (image + 1).tobytes()
    (directory / f"{stem}_2_b.mrc").write_bytes(header_bytes((nx, ny, 2), 2) + other + other)
    (directory / f"{stem}_2_c.mrc").write_bytes(header_bytes((nx, ny, 1), 3) + other)
    (directory / f"{stem}_3.mrc").write_bytes(header_bytes((ny, nx, 1), 2) + image.tobytes())
    (directory / f"{stem}_virt4_c.mrc").write_bytes(header_bytes((nx, ny, 1), 2) + image.tobytes())
    yield Special("an image of the scan", {"path": path}, navigator=image, notes=0)
    settings(Scan__Enable="Disable")
    yield Special("a scan that was disabled", {"path": path}, pixels=data.frames, notes=1, warnings=0)
    settings(Scan__Size_X=nx + 1)
    yield Special("a scan of another size", {"path": path}, pixels=data.frames, notes=1)
    times = {"Scan__Repeat_Delay_(seconds)": 2, "Scan__Time_Per_Scan_(seconds)": 3}
    settings(**{"Scan__Size_X": nx // 2, "Scan__Repeats": 2, **times})
    pixels = data.frames.reshape(2, ny, nx // 2, height, width)
    detector = [Axis("ky", 0.25, 0.0, "1/nm"), Axis("kx", 0.5, 0.0, "1/nm")]
    axes = [Axis("repeat", 5.0, 0.0, "s"), *movie_axes(), *detector]
    yield Special("two scans, one after the other", {"path": path}, pixels=pixels, axes=axes, notes=0)
    settings(Scan__Size_X=nx // 2, Scan__Camera_Frames_Per_Point=2)
    pixels = data.frames.reshape(ny, nx // 2, 2, height, width)
    axes = [*movie_axes(), Axis("frame"), *detector]
    yield Special("two frames at each position", {"path": path}, pixels=pixels, axes=axes, notes=0)
    roi = {"Scan__ROI_Enable": "Enable", "Scan__ROI_Type": "Raster", "Scan__ROI_Size_X": ny, "Scan__ROI_Size_Y": nx}
    settings(**roi)
    pixels = data.frames.reshape(nx, ny, height, width)
    yield Special("part of a scan", {"path": path}, pixels=pixels, notes=0)
    settings(**roi, Scan__Type="Serpentine")
    yield Special("part of a scan of another type", {"path": path}, pixels=pixels, notes=0)
    settings(**{**roi, "Scan__ROI_Type": "Serpentine"})
    yield Special("a part of another type of a scan", {"path": path}, pixels=pixels, notes=1)
    settings(Scan__Type="Serpentine")
    yield Special("a scan of another type", {"path": path}, pixels=data.pixels, notes=1)
    settings()
    steps = np.arange(n)[::-1]
    listed.write_text("".join(f"{step % nx},{step // nx}\n" for step in steps), encoding="utf-8")
    yield Special("positions in reverse", {"path": path}, pixels=data.pixels[::-1, ::-1], notes=0)
    steps = np.minimum(np.arange(n), n - 2)  # the last position but one is visited twice, the last one never
    listed.write_text("".join(f"{step % nx},{step // nx}\n" for step in steps), encoding="utf-8")
    pixels = np.zeros((2, ny, nx, height, width), data.dtype)
    valid = np.zeros((2, ny, nx), np.bool_)
    pixels[0], valid[0] = data.pixels, True
    valid[0, -1, -1] = False
    pixels[1, -1, -2], valid[1, -1, -2] = data.frames[-1], True
    yield Special("a position that was visited twice", {"path": path}, pixels=pixels, valid=valid, notes=0)
    steps = np.arange(n)
    for row, column in ((1, 0), (0, 1)):
        pixels, valid = (
            np.zeros((ny + row, nx + column, height, width), data.dtype),
            np.zeros((ny + row, nx + column), "?"),
        )
        pixels[row:, column:], valid[row:, column:] = data.pixels, True
        listed.write_text("".join(f"{step % nx + column},{step // nx + row}\n" for step in steps), encoding="utf-8")
        text = f"positions beyond the settings by {row} and {column}"
        yield Special(text, {"path": path}, pixels=pixels, valid=valid, notes=0)
    settings(Scan__Enable="Disable")
    pixels = np.zeros((ny + 1, nx + 1, height, width), data.dtype)
    pixels[1:, 1:] = data.pixels
    valid = np.zeros((ny + 1, nx + 1), np.bool_)
    valid[1:, 1:] = True
    listed.write_text("".join(f"{step % nx + 1},{step // nx + 1}\n" for step in steps), encoding="utf-8")
    yield Special("positions without a scan", {"path": path}, pixels=pixels, valid=valid, notes=0)
    path.write_bytes(header_bytes((width, height, n), 6) + data.tobytes()[:-7])
    valid = valid.copy()
    valid[-1, -1] = False
    yield Special("positions, and a frame that was cut", {"path": path}, pixels=pixels, valid=valid, notes=1)
