"""Movies by their settings, with an image of the scan, with listed positions, and with settings that do not fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

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
    calibrated = header_bytes((width, height, n), 6, cell=(30.0 * width, 20.0 * height, 0.0))
    path.write_bytes(calibrated + data.tobytes())
    plain = [Axis("frame"), Axis("ky", 2.0, 0.0, "nm"), Axis("kx", 3.0, 0.0, "nm")]
    yield Special("a movie without settings", {"path": path}, pixels=data.frames, axes=plain, notes=1)
    path.write_bytes(header_bytes((width, height, n), 6) + data.tobytes())

    def settings(**changes: object) -> None:
        text = info_text(data.nav_shape, {key.replace("__", " - ").replace("_", " "): v for key, v in changes.items()})
        info.write_text(text, encoding="utf-8", newline="")

    settings()
    yield Special("a movie by its settings", {"path": info}, pixels=data.pixels, metadata=SETTINGS, notes=0)
    yield from _neighbours(directory, data)
    yield from _other_entries(info, data)
    settings()
    alone = {"path": path, "sidecars": False}
    yield Special("settings that are not wanted", alone, pixels=data.frames, metadata={"beam_energy": None}, notes=0)
    image = np.arange(ny * nx, dtype="<f4").reshape(ny, nx)
    (directory / f"{stem}_1_a.mrc").write_bytes(b"damaged")
    for name in ("0_1_a.mrc", f"{stem}_a.mrc", f"{stem}_01_movie.mrc"):  # of the right shape, and no image of the scan
        (directory / name).write_bytes(header_bytes((nx, ny, 1), 2) + bytes(image.nbytes))
    other = (image + 1).tobytes()
    (directory / f"{stem}_2_b.mrc").write_bytes(header_bytes((nx, ny, 2), 2) + other + other)
    (directory / f"{stem}_2_c.mrc").write_bytes(header_bytes((nx, ny, 1), 3) + other)
    (directory / f"{stem}_3.mrc").write_bytes(header_bytes((ny, nx, 1), 2) + image.tobytes())
    (directory / f"{stem}_virt4_c.mrc").write_bytes(header_bytes((nx, ny, 1), 2) + image.tobytes())
    yield Special("an image of the scan", {"path": path}, navigator=image, notes=0)
    (directory / f"{stem}_01_movie.mrc").unlink()
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
    turned = data.pixels[::-1, ::-1]
    yield Special("positions in reverse", {"path": path}, pixels=turned, axes=[*movie_axes(), *detector], notes=0)
    yield from _some_positions(path, listed, data)
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


def _neighbours(directory: Path, data: SampleData) -> Iterator[Special]:
    """Movies and settings of other recordings in the same folder, some with names that begin alike."""
    (height, width), (ny, nx) = data.sig_shape, data.nav_shape
    stem = "20250429_06699"
    other = info_text((nx, ny), {"Camera Model": "another"})
    names = ("20250429_info.txt", "a_info.txt", f"{stem}_0_movie_and_more_info.txt")
    for name in names:
        (directory / name).write_text(other, encoding="utf-8")
    stranger = directory / "a_0_movie.mrc"
    stranger.write_bytes(header_bytes((width, height, 1), 6) + data.frames[-1].tobytes())
    for which, given in (("movie", f"{stem}_0_movie.mrc"), ("settings", f"{stem}_info.txt")):
        keywords = {"path": directory / given}
        text = f"{which} beside those of other recordings"
        yield Special(text, keywords, pixels=data.pixels, metadata=SETTINGS, notes=0)
    for name in names:
        (directory / name).unlink()
    stranger.unlink()


def _other_entries(info: Path, data: SampleData) -> Iterator[Special]:
    """Settings with entries that are missing, zero, or absurd, and with those of other versions."""
    given = {"path": info}
    (ny, nx), many = data.nav_shape, 1 << 31
    shown, series = {"pixels": data.pixels, "notes": 0}, {"pixels": data.frames, "notes": 1}
    size, repeats, per_point = "Scan - Size X", "Scan - Repeats", "Scan - Camera Frames Per Point"
    length = "Instrument Project Camera Length (centimeters)"
    halved = data.frames.reshape(ny, nx // 2, 2, *data.sig_shape)
    known: Sequence[tuple[Mapping[str, object], Mapping[str, Any]]] = (
        ({"Autosave Movie": None}, shown),
        ({"Camera Model": None}, {**shown, "metadata": {"detector": None}}),
        (dict.fromkeys(("Autosave Movie", "Camera Model", length, per_point)), {**shown, "confidence": 0}),
        ({"Server Software Version": None}, {"metadata": {"software": None}}),
        ({"Instrument Project TEMorSTEM Mode": 0}, {"metadata": {"mode": "TEM"}}),
        ({"Instrument Project TEMorSTEM Mode": 2}, {"metadata": {"mode": None}}),
        ({"Camera Model": ""}, {"metadata": {"detector": None}}),
        ({"Scan - Rotation": 0.5}, {"metadata": {"scan_rotation": 0.5}}),
        ({"Instrument Project Magnification": 115e3}, {"metadata": {"magnification": 115e3}}),
        ({length: 0}, {"metadata": {"camera_length": None}}),
        ({"Instrument Accelerating Voltage (V)": "inf"}, {"metadata": {"beam_energy": None}}),
        ({"Instrument Accelerating Voltage (V)": "off"}, {"metadata": {"beam_energy": None}}),
        ({size: None}, {**series, "warnings": 0}),
        ({size: 0}, {**series, "warnings": 0}),
        ({size: many}, {**series, "warnings": 0}),
        ({size: many - 1}, {**series, "warnings": 1}),
        ({repeats: None}, shown),
        ({repeats: 0}, shown),
        ({repeats: -2}, shown),
        ({repeats: many}, shown),
        ({repeats: many - 1}, {**series, "warnings": 1}),
        ({per_point: None}, shown),
        ({per_point: 1, "Scan - Point Repeat": 2}, shown),
        ({size: nx // 2, per_point: 0, "Scan - Point Repeat": 2}, {"pixels": halved, "notes": 0}),
        ({size: nx // 2, per_point: None, "Scan - Point Repeat": 2}, {"pixels": halved, "notes": 0}),
    )
    for changes, found in known:
        info.write_text(info_text(data.nav_shape, changes), encoding="utf-8", newline="")
        yield Special(f"settings with {changes}", given, **found)
    info.write_text("no equals sign\r\nnumber = 1 = one\r\n\r\n", encoding="utf-8", newline="")
    raw = {"info": {"number": "1 = one"}}
    yield Special("settings with other lines", given, pixels=data.frames, raw_metadata=raw, confidence=0)


def _some_positions(path: Path, listed: Path, data: SampleData) -> Iterator[Special]:
    """Positions that do not reach the end of the scan, one alone, and some that lie apart."""
    (ny, nx), (height, width) = data.nav_shape, data.sig_shape
    rows, columns = np.divmod(np.arange(data.n_frames), nx)
    given = {"path": path}
    for text, chosen in (
        ("all columns but the last", columns < nx - 1),
        ("all rows but the last", rows < ny - 1),
        ("one position", (rows == 1) & (columns == 2)),
    ):
        size = (width, height, int(chosen.sum()))
        path.write_bytes(header_bytes(size, 6) + data.frames[chosen].tobytes())
        places = zip(columns[chosen], rows[chosen], strict=True)
        listed.write_text("".join(f"{x},{y}\n" for x, y in places), encoding="utf-8")
        yield Special(text, given, pixels=data.pixels, valid=chosen.reshape(ny, nx), notes=0)
    path.write_bytes(header_bytes((width, height, data.n_frames), 6) + data.tobytes())
    listed.write_text("".join(f"{30 * x},{30 * y}\n" for x, y in zip(columns, rows, strict=True)), encoding="utf-8")
    apart = np.zeros((30 * ny - 29, 30 * nx - 29, height, width), data.dtype)
    apart[::30, ::30] = data.pixels
    valid = np.zeros(apart.shape[:2], np.bool_)
    valid[::30, ::30] = True
    yield Special("positions that lie apart", given, pixels=apart, valid=valid, notes=0)
