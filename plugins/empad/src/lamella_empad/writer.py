"""Writes raw files of the EMPAD and their sidecars, without help from the reader."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_testkit import SampleData

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DETECTOR_STEP", "FRAME", "footers_of", "json_text", "raw_bytes", "raw_name_of", "xml_text"]

FRAME = 130 * 128 * 4


DETECTOR_STEP = 1.826537060227288e-10  # times 1e9 it is in 1/nm


def raw_bytes(frames: NDArray[Any], *, footer: bool = True) -> bytes:
    """Give a raw file; each footer holds the number of its frame."""
    if not footer:
        return frames.tobytes()
    return np.concatenate([frames, footers_of(len(frames))], axis=1).astype("<f4").tobytes()


def footers_of(n_frames: int) -> NDArray[np.float32]:
    """Give two rows for each frame, which hold its number."""
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
    return [*values, ("calibrated_pixelsize", DETECTOR_STEP)] if calibrated else values


def _measured_new(field: Sequence[float]) -> Sequence[tuple[str, object]]:
    factor = 0.72
    view = f"<scale_factor>{factor}</scale_factor><x>{field[-1] * factor}</x><y>{field[0] * factor}</y>"
    return [("high_voltage", 300000), ("nominal_camera_length", 0.7225), ("full_scan_field_of_view", view)]


def json_text(raw_name: str, data: SampleData) -> str:
    """Give the JSON of a scan."""
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


def raw_name_of(nav_shape: Sequence[int]) -> str:
    """Give the name of a raw file that tells the scan."""
    if len(nav_shape) == 1:
        return f"series_x{nav_shape[0]}.raw"
    return f"scan_x{nav_shape[1]}_y{nav_shape[0]}.raw"
