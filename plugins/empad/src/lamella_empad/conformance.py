"""Writes files of the EMPAD, without help from the reader, so that the conformance kit can compare."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lamella.reader import Axis
from lamella_testkit import Recorded, SampleData, Sampler, Special, recorded_files

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["EmpadSampler", "raw_bytes", "xml_text"]

_FRAME = 130 * 128 * 4
_DETECTOR_STEP = 1.826537060227288e-10  # times 1e9 it is in 1/nm

RECORDED = {"map4x4/map4x4.xml": "ff1a1a6488c7e525c1386f04d791bf77425e27b334c4301a9e6ec85c7628cbeb"}
"""Real files below ``LAMELLA_SAMPLES``, with their checksums."""


class EmpadSampler(Sampler):
    """Scans and series of the first generation with each kind of sidecar, and both layouts of the second."""

    format = "empad"
    dtypes = ("<f4",)
    nav_ranks = (2, 1)
    variants = ("0.51", "0.7.12", "1.2.2", "json", "name", "g2", "float32")
    unsaid: ClassVar[Mapping[str, str]] = {"raw_metadata": "all of the XML; tests compare entries of it"}

    def fit(self, data: SampleData) -> SampleData:
        """Give frames of 128 x 128 pixels; words of the second generation are integers."""
        return data.but(sig_shape=(128, 128), dtype="<u4" if data.variant == "g2" else "<f4")

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write the raw file and its sidecar; the variant ``name`` has none."""
        path = directory / _raw_name(data.nav_shape)
        path.write_bytes(raw_bytes(data.frames, footer=data.variant not in ("g2", "float32")))
        layout = {"layout": data.variant} if data.variant in ("g2", "float32") else {}  # files do not say it
        if data.variant == "name":
            return {"path": path}
        if data.variant == "json":
            sidecar = directory / "scan.json"
            sidecar.write_text(_json_text(path.name, data), encoding="utf-8")
        else:
            sidecar = directory / "scan.xml"
            version = data.variant if data.variant[0].isdigit() else "1.2.2"
            fields = [n * axis.scale * 1e-9 for n, axis in zip(data.nav_shape, data.nav_axes, strict=True)]
            sidecar.write_text(xml_text(path.name, data.nav_shape, version=version, field=fields), encoding="utf-8")
        return {"path": sidecar, **layout}

    def axes(self, data: SampleData) -> Sequence[Axis] | None:
        """Give the axes, as far as the versions record them."""
        if data.variant == "name" or len(data.nav_shape) == 1:
            return None
        steps = [axis.scale for axis in data.nav_axes]
        if data.variant not in ("0.51", "0.7.12", "json"):  # one side of the scan is recorded, taken for the longer one
            steps = [data.nav_shape[-1] * steps[-1] / max(data.nav_shape)] * 2
        step, units = {"0.51": (_DETECTOR_STEP * 1e9, "1/nm"), "json": (0.5, "mrad")}.get(data.variant, (1.0, None))
        centre = -64 * step if units else 0.0
        return [
            *[Axis(name, scale, 0.0, "nm") for name, scale in zip("yx", steps, strict=True)],
            *[Axis(name, step, centre, units) for name in ("ky", "kx")],
        ]

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give what the sidecar says."""
        if data.variant == "name":
            return {"detector": "EMPAD"}
        known = {"detector": "EMPAD", "beam_energy": 300e3, "exposure_time": 1e-3}
        if data.variant == "json":
            return {**known, "scan_rotation": 12.0}
        version = data.variant if data.variant[0].isdigit() else "1.2.2"
        return {
            **known,
            "title": "acquisition_1",
            "acquired": "2019-06-06T13:30:00.164675",
            "software": f"{version}  (2019-10-01)",
            "mode": "scan" if len(data.nav_shape) == 2 else "series",
            "camera_length": 0.7225,
        }

    def raw_metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give what stands in JSON; XML is compared entry by entry in the tests."""
        return json.loads(_json_text(_raw_name(data.nav_shape), data)) if data.variant == "json" else {}

    def per_frame(self, data: SampleData) -> Mapping[str, object]:
        """Give the footers of the first generation."""
        return {} if data.variant in ("g2", "float32") else {"footer": _footers(data.n_frames).reshape(-1, 256)}

    def expects_notes(self, data: SampleData) -> int:
        """Count the note about the words of the second generation."""
        return int(data.variant == "g2")

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        """Write files without a sidecar, with several, and scans that were interrupted."""
        if data.variant == "name":
            yield from _without_sidecar(directory, data)
        if data.variant == "0.51":
            yield from _odd_sidecars(directory, data)

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give the ends of the first images and of their footers."""
        frame = 65536 if data.variant in ("g2", "float32") else _FRAME
        return {_raw_name(data.nav_shape): [65536, frame, frame + 65536, (data.n_frames - 1) * frame]}

    def write_sparse(self, directory: Path, nbytes: int) -> Special:
        """Write a raw file that is one hole but for the end of the last frame; its name tells the scan."""
        side = max(1, math.isqrt(nbytes // _FRAME))
        path = directory / f"scan_x{side}_y{side}.raw"
        end, footer = np.arange(1, 129, dtype="<f4")[np.newaxis], np.arange(256, 512, dtype="<f4")
        last = end.tobytes() + footer.tobytes()
        with path.open("wb") as file:
            file.seek(side * side * _FRAME - len(last))
            file.write(last)
        return Special("a large file", {"path": path}, end=end, per_frame={"footer": footer[np.newaxis]})

    def recorded(self) -> Iterable[Recorded]:
        """Give real files with what other readers found in them."""
        for one in recorded_files(self.format, RECORDED):
            yield replace(one, expected=one.expected.reshape(4, 4, 128, 128))


def raw_bytes(frames: NDArray[Any], *, footer: bool = True) -> bytes:
    """Give a raw file; each footer holds the number of its frame."""
    if not footer:
        return frames.tobytes()
    return np.concatenate([frames, _footers(len(frames))], axis=1).astype("<f4").tobytes()


def _footers(n_frames: int) -> NDArray[np.float32]:
    footers = np.zeros((n_frames, 2, 128), "<f4")
    footers[:, 1, 12] = np.arange(n_frames)
    return footers


def xml_text(
    raw_name: str,
    shape: Sequence[int],
    *,
    version: str = "0.51",
    field: Sequence[float] = (2e-6, 1e-6),
    acquire: Sequence[int] | None = None,
    search: Sequence[int] = (64, 64),
    pix: Sequence[int] | None = None,
    kind: str | None = None,
) -> str:
    """Give the XML of a scan or series.

    Parameters
    ----------
    raw_name
        What it says of the raw file.
    shape
        The scan, slow axis first; or the number of frames of a series.
    version
        ``"0.51"``, ``"0.7.12"`` or ``"1.2.2"``.
    field
        Height and width of the scan [m].
    acquire, search, pix
        Scan shapes in the blocks of both modes, and in ``pix_y`` and ``pix_x``; by default what they should be.
    kind
        The text of ``type``; by default what it should be.
    """
    is_new, is_series = version == "1.2.2", len(shape) == 1
    kind = kind or ("series" if is_series else "scan")
    parts = [
        '<timestamp timestamp="1559820600.164675" isoformat="2019-06-06T13:30:00.164675"/>',
        f"<software_version>{version}  (2019-10-01)</software_version>",
        "" if is_new and kind == "scan" else f"<type>{kind}</type>",
        f'<raw_file filename="{raw_name}"/>',
        '<background_image timestamp="1559819992.247569" absolute_filename=" /home/empad/backgrounds/img_0002"/>',
        "<exposure_time>1</exposure_time><post_exposure_time>0</post_exposure_time>",
        "<camserver_parameters><camserver_inserted>True</camserver_inserted></camserver_parameters>",
    ]
    if is_series:
        parts.append(f"<count>{shape[0]}</count>")
        parts.append(f"<scan_parameters><series_count>{shape[0]}</series_count></scan_parameters>")
    else:
        if version == "0.51":
            height, width = pix or shape
            parts.append(f"<pix_x>{width}</pix_x><pix_y>{height}</pix_y>")
        parts.append(_mode("search", search))
        parts.append(_mode("acquire", acquire or shape))
    measured = [*_measured_new(field)] if is_new else [*_measured_old(field, calibrated=version == "0.51")]
    values = "".join(f"<{name}>{value}</{name}>" for name, value in measured)
    return f'<root name="acquisition_1">{"".join(parts)}<iom_measurements>{values}</iom_measurements></root>'


def _mode(name: str, shape: Sequence[int]) -> str:
    return (
        f'<scan_parameters mode="{name}"><scan_center_y>0.5</scan_center_y><scan_resolution_x>{shape[1]}'
        f"</scan_resolution_x><scan_size>0.8</scan_size><scan_resolution_y>{shape[0]}</scan_resolution_y>"
        "</scan_parameters>"
    )


def _measured_old(field: Sequence[float], *, calibrated: bool) -> Sequence[tuple[str, object]]:
    values: list[tuple[str, object]] = [
        ("source.get_voltage", 300000.0),
        ("optics.get_cameralength", 0.7225),
        ("optics.get_magnicications", None),
        ("optics.get_full_scan_field_of_view", list(reversed(field))),
        ("column.get_scanrotation", 0.0),
    ]
    return [*values, ("calibrated_pixelsize", _DETECTOR_STEP)] if calibrated else values


def _measured_new(field: Sequence[float]) -> Sequence[tuple[str, object]]:
    factor = 0.72
    view = f"<scale_factor>{factor}</scale_factor><x>{field[-1] * factor}</x><y>{field[0] * factor}</y>"
    return [("high_voltage", 300000), ("nominal_camera_length", 0.7225), ("full_scan_field_of_view", view)]


def _json_text(raw_name: str, data: SampleData) -> str:
    return json.dumps(
        {
            "file_type": "empad_metadata",
            "version": "2.0",
            "raw_filename": raw_name,
            "scan_shape": list(reversed(data.nav_shape)),
            "scan_step": [axis.scale * 1e-9 for axis in reversed(data.nav_axes)],
            "voltage": 300e3,
            "diff_step": 0.5,
            "scan_rotation": 12.0,
            "exposure_time": 1e-3,
        }
    )


def _raw_name(nav_shape: Sequence[int]) -> str:
    if len(nav_shape) == 1:
        return f"series_x{nav_shape[0]}.raw"
    return f"scan_x{nav_shape[1]}_y{nav_shape[0]}.raw"


def _without_sidecar(directory: Path, data: SampleData) -> Iterator[Special]:
    """Raw files alone: their name and size have to do."""
    frames, n = data.frames, data.n_frames
    plain, named = directory / "plain.raw", directory / _raw_name(data.nav_shape)
    plain.write_bytes(raw_bytes(frames))
    yield Special("a name that says nothing", {"path": plain}, pixels=frames, notes=0, confidence=40)
    shape = data.nav_shape[::-1]
    turned = frames.reshape(*shape, 128, 128)
    said = {"path": plain, "nav_shape": shape}
    yield Special("a shape from the user", said, pixels=turned, notes=0, confidence=40)
    axes = [Axis("frame"), Axis("ky", 0.25, -16.0, "1/nm"), Axis("kx", 0.25, -16.0, "1/nm")]
    said = {"path": plain, "q_calibration": 0.25}
    yield Special("a pixel size from the user", said, axes=axes, notes=0, confidence=40)
    plain.write_bytes(raw_bytes(frames, footer=False))
    yield Special("calibrated frames", {"path": plain}, pixels=frames, notes=0, confidence=0)
    words = {"path": plain, "layout": "g2"}
    yield Special("words that look like numbers", words, pixels=frames.view("<u4"), notes=1, confidence=0)
    plain.write_bytes(raw_bytes(frames[:9]))
    square = frames[:9].reshape(3, 3, 128, 128)
    yield Special("a square number of frames", {"path": plain}, pixels=square, notes=0, confidence=40)
    named.write_bytes(raw_bytes(frames[:-2]))
    valid = (np.arange(n) < n - 2).reshape(data.nav_shape)
    footers = {"footer": _footers(n - 2).reshape(-1, 256)}
    cut = {"path": named}
    yield Special(
        "an interrupted scan", cut, pixels=data.pixels, valid=valid, per_frame=footers, notes=1, confidence=40
    )
    named.write_bytes(raw_bytes(frames[:2]))
    valid = (np.arange(n) < 2).reshape(data.nav_shape)
    yield Special("less than a line", cut, pixels=data.pixels, valid=valid, notes=1, confidence=40)
    missing = frames.copy()
    missing[0, 0, :3] = np.nan
    named.write_bytes(raw_bytes(missing))
    yield Special("pixels that are NaN", {"path": named}, pixels=missing.reshape(data.pixels.shape), notes=1)


def _odd_sidecars(directory: Path, data: SampleData) -> Iterator[Special]:
    """Sidecars that are damaged, of other files, or name a file that is not there."""
    shape, name = data.nav_shape, _raw_name(data.nav_shape)
    raw = directory / "renamed.raw"
    raw.write_bytes(raw_bytes(data.frames))
    sidecar = directory / "z.xml"
    sidecar.write_text(xml_text(name, shape), encoding="utf-8")
    yield Special("a raw file that was renamed", {"path": sidecar}, pixels=data.pixels, notes=1)
    raw = raw.rename(directory / name)
    (directory / "a.xml").write_text("<root>of nothing</root>", encoding="utf-8")
    (directory / "b.xml").write_text(f"<root>{name}", encoding="utf-8")
    (directory / "c.xml").write_text(xml_text(f"other_{name}", shape), encoding="utf-8")
    known = {"beam_energy": 300e3, "mode": "scan"}
    yield Special("other sidecars beside it", {"path": raw}, pixels=data.pixels, metadata=known, notes=1)
    for other in "abc":
        (directory / f"{other}.xml").unlink()
    sidecar.write_text(xml_text(name, shape, pix=shape[::-1]), encoding="utf-8")
    yield Special("two shapes in the sidecar", {"path": sidecar}, pixels=data.pixels, notes=1)
    facts: dict[str, object] = {"file_type": "empad_metadata", "raw_filename": name}
    sidecar.unlink()
    (directory / "z.json").write_text(json.dumps(facts), encoding="utf-8")
    axes = [Axis(axis) for axis in ("y", "x", "ky", "kx")]
    yield Special("JSON that says little", {"path": raw}, pixels=data.pixels, axes=axes, notes=0)
    facts["scan_step"] = 2e-9
    (directory / "z.json").write_text(json.dumps(facts), encoding="utf-8")
    axes = [Axis("y", 2.0, 0.0, "nm"), Axis("x", 2.0, 0.0, "nm"), *axes[2:]]
    yield Special("JSON with one step", {"path": raw}, pixels=data.pixels, axes=axes, notes=0)
