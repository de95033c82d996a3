"""Writes files of the EMPAD, without help from the reader, so that the conformance kit can compare."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.reader import Axis
from lamella_testkit import Recorded, SampleData, Sampler, recorded_files

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
        return {"detector": "EMPAD", "beam_energy": 300e3, "exposure_time": 1e-3}

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give the ends of the first images and of their footers."""
        frame = 65536 if data.variant in ("g2", "float32") else _FRAME
        return {_raw_name(data.nav_shape): [65536, frame, frame + 65536, (data.n_frames - 1) * frame]}

    def write_sparse(self, directory: Path, nbytes: int) -> Mapping[str, Any]:
        """Write a raw file that is one hole; its name tells the scan."""
        side = max(1, math.isqrt(nbytes // _FRAME))
        path = directory / f"scan_x{side}_y{side}.raw"
        with path.open("wb") as file:
            file.truncate(side * side * _FRAME)
        return {"path": path}

    def recorded(self) -> Iterable[Recorded]:
        """Give real files with what other readers found in them."""
        for one in recorded_files(self.format, RECORDED):
            yield replace(one, expected=one.expected.reshape(4, 4, 128, 128))


def raw_bytes(frames: NDArray[Any], *, footer: bool = True) -> bytes:
    """Give a raw file; each footer holds the number of its frame."""
    if not footer:
        return frames.tobytes()
    footers = np.zeros((len(frames), 2, 128), "<f4")
    footers[:, 1, 12] = np.arange(len(frames))
    return np.concatenate([frames, footers], axis=1).astype("<f4").tobytes()


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
