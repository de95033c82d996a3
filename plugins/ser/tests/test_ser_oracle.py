"""Independent readers see in what the sampler writes what was given to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamella_ser.writer import emi_bytes, series_bytes

pytestmark = pytest.mark.oracle

DTYPES = ("u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8")


def series(folder: Path, *sig: int, dtype: str, version: int, with_settings: bool = False) -> tuple[Path, Any]:
    data = np.arange(12 * np.prod(sig)).reshape(12, *sig).astype(dtype)
    path = folder / "scan_1.ser"
    path.write_bytes(series_bytes(data, scan=(3, 4), version=version))
    if with_settings:
        (folder / "scan.emi").write_bytes(emi_bytes(path.name))
    return path, data


@pytest.mark.parametrize("version", [0x0210, 0x0220])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sig", [(5, 7), (40,)])
def test_rosettasciio_reads_it(tmp_path: Path, sig: tuple[int, ...], dtype: str, version: int) -> None:
    tia = pytest.importorskip("rsciio.tia")
    path, data = series(tmp_path, *sig, dtype=dtype, version=version)
    (signal,) = tia.file_reader(str(path))
    np.testing.assert_array_equal(signal["data"], data.reshape(3, 4, *sig))
    assert signal["data"].dtype == data.dtype
    scales = [axis["scale"] for axis in signal["axes"]]
    np.testing.assert_allclose(scales[:2], [2, 1])  # [nm]


@pytest.mark.parametrize("version", [0x0210, 0x0220])
@pytest.mark.parametrize("dtype", DTYPES[1:])  # its name of the first is one that NumPy does not know
def test_ncempy_reads_it(tmp_path: Path, dtype: str, version: int) -> None:
    ser = pytest.importorskip("ncempy.io.ser")
    path, data = series(tmp_path, 5, 7, dtype=dtype, version=version, with_settings=True)
    with ser.fileSER(str(path)) as file:
        assert file.head["ValidNumberElements"] == 12
        for i in range(12):
            element, meta = file.getDataset(i)
            np.testing.assert_array_equal(element, data[i])
            assert meta["Calibration"][0]["CalibrationDelta"] == 3e7


def test_rosettasciio_reads_the_settings(tmp_path: Path) -> None:
    tia = pytest.importorskip("rsciio.tia")
    path, _ = series(tmp_path, 5, 7, dtype="u2", version=0x0220, with_settings=True)
    (signal,) = tia.file_reader(str(path.with_name("scan.emi")))
    assert (signal["metadata"]["General"]["date"], signal["metadata"]["General"]["time"]) == ("2016-02-22", "19:18:24")
    assert [axis["units"] for axis in signal["axes"]] == ["nm", "nm", "1 / nm", "1 / nm"]
    microscope = signal["original_metadata"]["ObjectInfo"]["ExperimentalDescription"]
    assert microscope["Camera length_m"] == 0.26
