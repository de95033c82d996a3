"""A sidecar makes a raw file recognisable, and leads nowhere else."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lamella.errors import CorruptError, ParameterError
from lamella.opening.detect import detect
from lamella.opening.open import open_dataset
from lamella.plugins.registry import default_registry
from lamella.reader import Confidence, Probe
from lamella_raw.reader import RawReader

DATA: NDArray[Any] = np.arange(-60, 60, dtype=">i2").reshape(2, 3, 4, 5)
PARAMS = """
dtype = ">i2"
sig_shape = [4, 5]
nav_shape = [2, 3]
"""


def write_data(path: Path) -> Path:
    path.write_bytes(DATA.tobytes())
    return path


def write_sidecar(path: Path, params: str = PARAMS, *, filetype: str = "raw") -> Path:
    path.write_text(f'[params]\nfiletype = "{filetype}"\n{params}', encoding="utf-8")
    return path


@pytest.mark.parametrize("format", ["auto", "raw"])
@pytest.mark.parametrize(
    ("sidecar", "params"),
    [("scan.dat.toml", PARAMS), ("scan.toml", PARAMS), ("scan.toml", f'path = "scan.dat"{PARAMS}')],
)
def test_a_described_file_opens_without_parameters(tmp_path: Path, sidecar: str, params: str, format: str) -> None:
    write_sidecar(tmp_path / sidecar, params)
    ds = open_dataset(format, write_data(tmp_path / "scan.dat"), {})
    np.testing.assert_array_equal(np.asarray(ds), DATA)
    assert ds.nav_origin == f"sidecar {sidecar}"
    assert ds.provenance.origins["dtype"] == f"sidecar {sidecar}"


@pytest.mark.parametrize("format", ["auto", "raw"])
@pytest.mark.parametrize(("sidecar", "params"), [("scan.dat.toml", PARAMS), ("any.toml", f'path = "scan.dat"{PARAMS}')])
def test_a_sidecar_can_be_opened_itself(tmp_path: Path, sidecar: str, params: str, format: str) -> None:
    data = write_data(tmp_path / "scan.dat")
    ds = open_dataset(format, write_sidecar(tmp_path / sidecar, params), {})
    np.testing.assert_array_equal(np.asarray(ds), DATA)
    assert ds.source.resources[0].path == str(data)


def test_a_number_that_nobody_can_print_makes_no_sidecar(tmp_path: Path) -> None:
    write_sidecar(tmp_path / "scan.dat.toml", f"{PARAMS}\nfile_header = 0x{'f' * 5000}")
    write_data(tmp_path / "scan.dat")
    report = detect(tmp_path / "scan.dat", default_registry())
    json.dumps(report.to_json())
    assert "(from " not in str(report)
    with pytest.raises(ParameterError, match="dtype"):
        open_dataset("raw", tmp_path / "scan.dat", {})


def test_a_description_is_as_sure_as_can_be(tmp_path: Path) -> None:
    match = RawReader().detect(Probe.of(write_sidecar(tmp_path / "scan.toml")))
    assert match is not None
    assert match.confidence == Confidence.VERIFIED
    assert match.params["sig_shape"] == [4, 5]


def test_the_user_overrides_the_sidecar(tmp_path: Path) -> None:
    write_sidecar(tmp_path / "scan.toml")
    ds = open_dataset("auto", write_data(tmp_path / "scan.dat"), {"nav_shape": (3, 2), "dtype": "<u2"})
    np.testing.assert_array_equal(np.asarray(ds), DATA.reshape(3, 2, 4, 5).view("<u2"))
    assert ds.provenance.origins["dtype"] == "user"


def test_gaps_may_stand_in_the_sidecar(tmp_path: Path) -> None:
    (tmp_path / "scan.dat").write_bytes(b"head" + DATA.tobytes())
    ds = open_dataset("auto", write_sidecar(tmp_path / "scan.dat.toml", f"file_header = 4{PARAMS}"), {})
    np.testing.assert_array_equal(np.asarray(ds), DATA)


@pytest.mark.parametrize("path", ["../scan.dat", "sub/scan.dat", "{absolute}", "none.dat", "..", "any.toml"])
def test_a_sidecar_leads_nowhere_else(tmp_path: Path, path: str) -> None:
    home = tmp_path / "home"
    (home / "sub").mkdir(parents=True)
    for folder in (tmp_path, home, home / "sub"):
        write_data(folder / "scan.dat")
    path = path.format(absolute=home / "scan.dat")
    sidecar = write_sidecar(home / "any.toml", f'path = "{path}"{PARAMS}')
    with pytest.raises(CorruptError, match="not in its folder"):
        open_dataset("auto", sidecar, {})


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "scan.dat").symlink_to(write_data(tmp_path / "scan.dat"))
    with pytest.raises(CorruptError, match="not in its folder"):
        open_dataset("auto", write_sidecar(home / "scan.dat.toml"), {})


def test_a_sidecar_of_another_file_does_not_count(tmp_path: Path) -> None:
    write_sidecar(tmp_path / "scan.toml", f'path = "other.dat"{PARAMS}')
    assert RawReader().detect(Probe.of(write_data(tmp_path / "scan.dat"))) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[params",
        b"[" * 5000,
        b"params = 3",
        b'[params]\nfiletype = "raw_csr"',
        b"[params]\nfiletype = 3",
        b'[other]\nfiletype = "raw"',
        b"#" * 100_000 + b'\n[params]\nfiletype = "raw"',
    ],
)
def test_toml_of_other_kinds_is_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "scan.toml").write_bytes(content)
    assert RawReader().detect(Probe.of(tmp_path / "scan.toml")) is None
    match = RawReader().detect(Probe.of(write_data(tmp_path / "scan.raw")))
    assert match is not None
    assert match.confidence == Confidence.EXTENSION


@pytest.mark.parametrize("stated", ["3", '""', '["scan.raw"]', "{name = 5}", '"../scan.raw"', '"scan.raw.toml"'])
def test_a_data_file_that_is_no_name_is_an_error_of_opening_and_not_of_detection(tmp_path: Path, stated: str) -> None:
    """The sidecar says that it is for raw files, so that detection is sure, and opening says what is wrong."""
    sidecar = write_sidecar(tmp_path / "scan.raw.toml", f"path = {stated}{PARAMS}")
    data = write_data(tmp_path / "scan.raw")
    assert detect(sidecar, default_registry()).winner().name == "raw"
    for asked in ("auto", "raw"):
        with pytest.raises(CorruptError, match="names a data file that is not in its folder"):
            open_dataset(asked, sidecar, {"dtype": "u2", "sig_shape": (2, 2)})
    match = RawReader().detect(Probe.of(data))
    assert match is not None
    assert match.confidence == Confidence.EXTENSION
    assert match.missing == ("dtype", "sig_shape")


def test_wrong_parameters_in_a_sidecar_are_named(tmp_path: Path) -> None:
    write_data(tmp_path / "scan.dat")
    sidecar = write_sidecar(tmp_path / "scan.dat.toml", 'dtype = "O"\nsig_shape = [4, 5]\ncolour = "red"')
    with pytest.raises(ParameterError) as caught:
        open_dataset("auto", sidecar, {})
    assert len(caught.value.problems) == 2
    assert "colour" in str(caught.value)
