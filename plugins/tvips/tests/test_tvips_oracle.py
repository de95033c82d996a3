"""An independent reader sees in what the sampler writes what was given to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamella.opening.open import open_dataset
from lamella_tvips.writer import frame_headers, stream_parts

pytestmark = pytest.mark.oracle


def stream(folder: Path, dtype: str, largest: int | None, **told: Any) -> tuple[Path, Any]:
    data = np.arange(16 * 35).reshape(16, 5, 7).astype(dtype)
    for number, part in enumerate(stream_parts(data, frame_headers(16, **told), largest=largest)):
        (folder / f"rec_{number:03d}.tvips").write_bytes(part)
    return folder / "rec_000.tvips", data


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8"])
@pytest.mark.parametrize("nbytes", [60, 76, 108])
@pytest.mark.parametrize("largest", [None, 2000])
def test_rosettasciio_reads_it(tmp_path: Path, dtype: str, nbytes: int, largest: int | None) -> None:
    tvips = pytest.importorskip("rsciio.tvips")
    path, data = stream(tmp_path, dtype, largest, nbytes=nbytes)
    (signal,) = tvips.file_reader(str(path))
    np.testing.assert_array_equal(signal["data"], data)
    assert signal["data"].dtype == data.dtype
    instrument = signal["metadata"]["Acquisition_instrument"]["TEM"]
    assert instrument["beam_energy"] == 200
    np.testing.assert_allclose(instrument["Stage"]["tilt_alpha"], 10)


@pytest.mark.parametrize("winding", ["x", "y"])
@pytest.mark.parametrize("hysteresis", [0, 1, 2, -1])
def test_rosettasciio_straightens_winding_scans_likewise(tmp_path: Path, winding: str, hysteresis: int) -> None:
    tvips = pytest.importorskip("rsciio.tvips")
    path, _ = stream(tmp_path, "u2", None)
    how = {"hysteresis": hysteresis}
    (signal,) = tvips.file_reader(str(path), scan_shape=(3, 4), scan_start_frame=2, winding_scan_axis=winding, **how)
    ours = open_dataset("tvips", path, {"nav_shape": (3, 4), "first_frame": 2, "winding": winding, **how})
    np.testing.assert_array_equal(np.asarray(ours), signal["data"])


def test_rosettasciio_puts_repeated_and_missing_rotator_points_likewise(tmp_path: Path) -> None:
    tvips = pytest.importorskip("rsciio.tvips")
    path, _ = stream(tmp_path, "u2", None, rotator=[1, 3, 3, 4, 5, 5, 9] + [16] * 9)
    (signal,) = tvips.file_reader(str(path), scan_shape="auto")
    ours = open_dataset("tvips", path, {"scan": "rotator", "fill": "nearest"})
    np.testing.assert_array_equal(np.asarray(ours), signal["data"])
