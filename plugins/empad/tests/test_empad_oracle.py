"""An independent reader sees in what the sampler writes what was given to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lamella_empad.writer import raw_bytes, xml_text

pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("version", ["0.51", "0.7.12", "1.2.2"])
@pytest.mark.parametrize("shape", [(3, 2), (2, 4), (5,)])
def test_rosettasciio_reads_it(tmp_path: Path, shape: tuple[int, ...], version: str) -> None:
    empad = pytest.importorskip("rsciio.empad")
    data = np.random.default_rng(0).normal(size=(int(np.prod(shape)), 128, 128)).astype("<f4")
    name = f"scan_x{shape[1]}_y{shape[0]}.raw" if len(shape) == 2 else f"series_x{shape[0]}.raw"
    (tmp_path / name).write_bytes(raw_bytes(data))
    (tmp_path / "scan.xml").write_text(xml_text(name, shape, version=version, field=(2e-6, 1e-6)))
    (signal,) = empad.file_reader(str(tmp_path / "scan.xml"))
    np.testing.assert_array_equal(signal["data"], data.reshape(*shape, 128, 128))
    steps = {axis["name"]: (axis["scale"], axis["units"]) for axis in signal["axes"]}
    assert steps["width"] == ((pytest.approx(0.1826537), "1/nm") if version == "0.51" else (1, None))
    if version == "1.2.2" and len(shape) == 2:
        assert steps["scan_x"] == steps["scan_y"] == (pytest.approx(1000 / max(shape)), "nm")
