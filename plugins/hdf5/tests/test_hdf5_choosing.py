"""Which data set is opened, with which axes, and which other files may be read for it."""

import importlib
import json
import os
import subprocess
import sys
import warnings
from contextlib import closing
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import lamella
from lamella.errors import CorruptError, FormatError, LamellaWarning, ParameterError, TruncatedError, UnsupportedError
from lamella.io import BufferedBackend
from lamella.reader import Probe, Resource, in_child
from lamella_hdf5.library import SessionFile
from lamella_hdf5.params import Hdf5Params
from lamella_hdf5.rehearsal import rehearse
from lamella_hdf5.superblock import read_superblock
from lamella_hdf5.tree import known_text

SCAN = np.arange(2 * 3 * 4 * 5, dtype=np.uint16).reshape(2, 3, 4, 5)


def write(path: Path, **datasets: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file[name.replace("__", "/")] = values
    return path


def test_the_largest_stack_is_opened_and_thumbnails_are_not(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", scan=SCAN, thumbnail=np.zeros((99, 9, 9)), image=np.zeros((99, 99)))
    ds = lamella.open(path)
    assert ds.shape == SCAN.shape
    assert ds.diagnostics["convention"] == "the largest data set"
    assert len(ds.diagnostics["data sets"]) == 3


def test_an_image_is_one_frame(tmp_path: Path) -> None:
    assert lamella.open(write(tmp_path / "a.h5", image=SCAN[0, 0])).shape == (1, 4, 5)


def test_a_wrong_path_is_answered_with_close_ones(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", entry__scan=SCAN)
    with pytest.raises(ParameterError, match="/entry/scan"):
        lamella.open(path, ds_path="/entry/scna")
    with pytest.raises(ParameterError, match="is a group; it holds /entry/scan"):
        lamella.open(path, ds_path="entry")
    assert lamella.open(path, ds_path="entry/scan").shape == SCAN.shape


def test_detector_axes_are_chosen(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mat", scan=SCAN)
    np.testing.assert_array_equal(lamella.open(path, sig_dims=1).read(), SCAN)
    np.testing.assert_array_equal(lamella.open(path, sig_axes=(0, 1)).read(), SCAN.transpose(2, 3, 0, 1))
    np.testing.assert_array_equal(lamella.open(path, reverse_axes=True).read(), SCAN.T)
    with pytest.raises(ParameterError, match="sig_dims"):
        lamella.open(path, sig_dims=5)
    with pytest.raises(ParameterError, match="do not agree"):
        lamella.open(path, sig_axes=(0, 1), sig_dims=3)


@pytest.mark.parametrize("filters", [{}, {"chunks": (1, 2, 3, 5), "compression": "gzip"}])
def test_reversed_axes_of_chunks_are_right(tmp_path: Path, filters: dict[str, Any]) -> None:
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file.create_dataset("scan", data=SCAN, **filters)
    ds = lamella.open(tmp_path / "a.mat", reverse_axes=True, sig_dims=1)
    np.testing.assert_array_equal(ds.read(), SCAN.T)
    np.testing.assert_array_equal(ds[3, 1, :, 1:], SCAN.T[3, 1, :, 1:])


def test_ncem_axes_count_from_one_and_old_py4dstem_is_known(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.emd", "w") as file:
        group = file.create_group("data/scan")
        group.attrs["emd_group_type"] = 1
        group["data"] = SCAN
        for i, n in enumerate(SCAN.shape):
            group[f"dim{i + 1}"] = 3.0 + 0.5 * np.arange(n)
            group[f"dim{i + 1}"].attrs.update({"name": f"axis{i}", "units": "[n_m]"})
    axis = lamella.open(tmp_path / "a.emd").axes[1]
    assert (axis.name, axis.scale, axis.offset, axis.units) == ("axis1", 0.5, 3.0, "nm")
    path = write(
        tmp_path / "b.h5", **{"4DSTEM_experiment__data__datacubes__gold__data": SCAN, "other": np.zeros((9, 9, 9))}
    )
    assert lamella.open(path).diagnostics["convention"] == "py4DSTEM data cube"


def test_velox_frames_are_the_last_axis_and_described_in_json(tmp_path: Path) -> None:
    told: dict[str, dict[str, Any]] = {
        "Optics": {"AccelerationVoltage": "200000"},
        "BinaryResult": {
            "PixelSize": {"height": "2e-9", "width": "3e-9"},
            "PixelUnitX": "m",
            "PixelUnitY": "m",
            "Offset": {"x": "-6e-9", "y": "-4e-9"},
            "Detector": "HAADF",
        },
        "Scan": {"FrameTime": "0.25", "ScanRotation": "0.5"},
        "Acquisition": {"AcquisitionStartDatetime": {"DateTime": "1596041374"}},
    }
    blob = np.zeros((6000, 7), np.uint8)
    content = json.dumps(told).encode()
    blob[: len(content), 0] = np.frombuffer(content, np.uint8)
    stack = np.arange(4 * 5 * 7, dtype=np.int16).reshape(4, 5, 7)
    ds = lamella.open(write(tmp_path / "a.emd", Data__Image__ab__Data=stack, Data__Image__ab__Metadata=blob))
    np.testing.assert_array_equal(ds.read(), np.moveaxis(stack, -1, 0))
    assert (ds.metadata.beam_energy, ds.axes[2].units) == (200e3, "nm")
    assert [axis.name for axis in ds.axes] == ["frame", "y", "x"]
    assert [axis.scale for axis in ds.axes] == pytest.approx([0.25, 2, 3])
    assert [axis.offset for axis in ds.axes] == pytest.approx([0, -4, -6])
    assert ds.metadata.acquired == "2020-07-29T16:49:34+00:00"
    assert ds.metadata.scan_rotation == pytest.approx(28.6479)
    assert ds.raw_metadata["described"] == told


def test_fourier_transforms_of_velox_are_refused_by_their_name(tmp_path: Path) -> None:
    pairs = np.zeros((3, 4, 1), [("realFloatHalfEven", "<f4"), ("imagFloatHalfEven", "<f4")])
    blob = np.full((60000, 1), 32, np.uint8)
    path = write(tmp_path / "a.emd", Data__Image__ab__Data=pairs, Data__Image__ab__Metadata=blob)
    with pytest.raises(UnsupportedError, match=r"no image of plain numbers.*realFloatHalfEven"):
        lamella.open(path)


def hyperspy_file(path: Path, values: Any, *axes: dict[str, Any], **described: Any) -> Path:
    with h5py.File(path, "w") as file:
        group = file.create_group("Experiments/some signal")
        group["data"] = values
        for i, attrs in enumerate(axes):
            group.create_group(f"axis-{i}").attrs.update(attrs)
        for name, attrs in described.items():
            group.create_group(name.replace("__", "/")).attrs.update(attrs)
    return path


def test_a_hyperspy_signal_without_names_and_units_has_none(tmp_path: Path) -> None:
    unknown = {"name": "_None_", "units": "_None_", "scale": 1.0, "offset": 0.0}
    axes = [{**unknown, "navigate": i < 2} for i in range(4)]
    ds = lamella.open(hyperspy_file(tmp_path / "a.hspy", SCAN, *axes))
    assert ds.shape == SCAN.shape
    assert [(axis.name, axis.units) for axis in ds.axes] == [(f"axis{i}", None) for i in range(4)]


def test_a_single_spectrum_is_one_frame_of_one_axis(tmp_path: Path) -> None:
    energy = {"name": "Energy", "units": "eV", "scale": 0.5, "offset": 500.0}
    new = hyperspy_file(tmp_path / "new.hspy", np.arange(21.0), {**energy, "navigate": False})
    old = hyperspy_file(tmp_path / "old.hdf5", np.arange(21.0), energy, mapped_parameters={"record_by": "spectrum"})
    for path in (new, old):
        ds = lamella.open(path)
        assert (ds.shape.nav, ds.shape.sig) == ((1,), (21,))
        assert (ds.axes[1].name, ds.axes[1].offset, ds.axes[1].units) == ("Energy", 500.0, "eV")


def test_old_hyperspy_files_say_what_they_are_recorded_by(tmp_path: Path) -> None:
    told = {"record_by": "spectrum", "title": "a line"}
    path = hyperspy_file(
        tmp_path / "a.hdf5", SCAN[0], mapped_parameters=told, mapped_parameters__TEM={"beam_energy": 120.0}
    )
    ds = lamella.open(path)
    assert (ds.shape.nav, ds.shape.sig) == (SCAN.shape[1:3], SCAN.shape[3:])
    assert (ds.metadata.title, ds.metadata.beam_energy) == ("a line", 120e3)


def test_units_of_emd_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.emd"
    with h5py.File(path, "w") as file:
        group = file.create_group("data/scan")
        group.attrs["emd_group_type"] = 1
        group["data"] = SCAN
        for i, units in enumerate(("[n_m]", "[u_m]", "[n_m^-1]", "[]"), 1):
            group[f"dim{i}"] = np.arange(SCAN.shape[i - 1]) * 0.5
            group[f"dim{i}"].attrs.update({"name": f"axis {i}", "units": units})
    assert [axis.units for axis in lamella.open(path).axes] == ["nm", "µm", "1/nm", None]


def master(folder: Path, frames: list[int], links: int, *, scan: tuple[int, int] | None = None) -> Path:
    mask = np.zeros((4, 5), np.uint32)
    mask[1, 2] = 1
    for number, count in enumerate(frames, 1):
        with h5py.File(folder / f"x_data_{number:06}.h5", "w") as file:
            values = np.full((count, 4, 5), number, np.uint16)
            file.create_dataset("entry/data/data", data=values, chunks=(1, 4, 5), compression="gzip")
    with h5py.File(folder / "x_master.h5", "w") as file:
        for number in range(1, links + 1):
            name = f"x_data_{number:06}.h5"
            file[f"entry/data/data_{number:06}"] = h5py.ExternalLink(name, "/entry/data/data")
        file["entry/instrument/detector/detectorSpecific/pixel_mask"] = mask
    if scan:
        with h5py.File(folder / "x.h5", "w") as file:
            file.create_group("STEM Metadata").attrs.update({"NumPixelsY": np.uint32(scan[0]), "NumPixelsX": [scan[1]]})
    return folder / "x_master.h5"


def test_data_files_of_a_master_follow_each_other_and_bad_pixels_are_excluded(tmp_path: Path) -> None:
    ds = lamella.open(master(tmp_path, [4, 2], 2, scan=(2, 3)))
    assert ds.read()[:, :, 0, 0].tolist() == [[1, 1, 1], [1, 2, 2]]
    assert ds.corrections is not None
    assert ds.nav_origin == "sidecar x.h5"


def test_missing_data_files_at_the_end_are_noted(tmp_path: Path) -> None:
    with (
        pytest.warns(LamellaWarning, match="2 of 6 scan positions"),
        pytest.warns(LamellaWarning, match=r"2 of 3 data files are not there \(x_data_000002\.h5, x_data_000003\.h5\)"),
    ):
        ds = lamella.open(master(tmp_path, [4], 3, scan=(2, 3)))
    assert any("2 of 3 data files are not there" in note for note in ds.diagnostics["notes"])
    (tmp_path / "x_data_000001.h5").unlink()
    with pytest.raises(FormatError, match="none of the data files"):
        lamella.open(tmp_path / "x_master.h5")


def test_files_outside_the_folder_are_refused_unless_allowed(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    master(tmp_path, [4], 1)
    with h5py.File(inner / "y_master.h5", "w") as file:
        file["entry/data/data_000001"] = h5py.ExternalLink("../x_data_000001.h5", "/entry/data/data")
    with pytest.raises(UnsupportedError, match="external='anywhere'"):
        lamella.open(inner / "y_master.h5")
    assert lamella.open(inner / "y_master.h5", external="anywhere").shape.sig == (4, 5)
    with pytest.raises(UnsupportedError):
        lamella.open(tmp_path / "x_master.h5", external="never")


def virtual(folder: Path) -> Path:
    layout = h5py.VirtualLayout((6, 4, 5), "u2")
    for number in range(3):
        write(folder / f"part{number}.h5", data=np.full((2, 4, 5), number, np.uint16))
        layout[2 * number : 2 * number + 2] = h5py.VirtualSource(f"part{number}.h5", "data", (2, 4, 5))
    with h5py.File(folder / "all.h5", "w") as file:
        file.create_virtual_dataset("data", layout, fillvalue=77)
    return folder / "all.h5"


def test_parts_of_a_virtual_data_set_are_read_directly_and_missing_ones_are_missing_frames(tmp_path: Path) -> None:
    path = virtual(tmp_path)
    ds = lamella.open(path)
    assert ds[:, 0, 0].tolist() == [0, 0, 1, 1, 2, 2]
    assert "directly" in ds.diagnostics["layout"]
    (tmp_path / "part1.h5").unlink()
    with pytest.warns(LamellaWarning, match="2 of 6"):
        ds = lamella.open(path)
    assert ds.valid_mask.tolist() == [True, True, False, False, True, True]
    assert ds[4, 0, 0] == 2


def test_a_virtual_data_set_of_another_kind_goes_through_h5py_and_needs_all_its_files(tmp_path: Path) -> None:
    layout = h5py.VirtualLayout((2, 4, 10), "u2")
    for side in range(2):
        write(tmp_path / f"side{side}.h5", data=np.full((2, 4, 5), side, np.uint16))
        layout[:, :, 5 * side : 5 * side + 5] = h5py.VirtualSource(f"side{side}.h5", "data", (2, 4, 5))
    with h5py.File(tmp_path / "all.h5", "w") as file:
        file.create_virtual_dataset("data", layout)
    assert lamella.open(tmp_path / "all.h5")[1, 0].tolist() == [0] * 5 + [1] * 5
    (tmp_path / "side1.h5").unlink()
    with pytest.raises(FormatError, match=r"side1\.h5"):
        lamella.open(tmp_path / "all.h5")


def test_external_storage_is_read_from_its_files(tmp_path: Path) -> None:
    (tmp_path / "pixels.bin").write_bytes(bytes(16) + SCAN.tobytes())
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("scan", SCAN.shape, SCAN.dtype, external=[("pixels.bin", 16, SCAN.nbytes)])
    np.testing.assert_array_equal(lamella.open(tmp_path / "a.h5").read(), SCAN)
    (tmp_path / "pixels.bin").unlink()
    with pytest.raises(FormatError, match=r"pixels\.bin"):
        lamella.open(tmp_path / "a.h5")


def test_a_cut_file_is_refused_before_libhdf5_sees_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", scan=SCAN)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(TruncatedError, match="was cut"):
        lamella.open(path)


def test_a_crash_of_the_child_is_an_error_of_the_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lamella.reader import Probe

    path = write(tmp_path / "a.h5", scan=SCAN)
    assert lamella.open(path, isolate="always").shape == SCAN.shape
    (tmp_path / "crashing_h5.py").write_text("import os\ndef describe(probe, params): os.abort()\n")
    monkeypatch.syspath_prepend(tmp_path)
    describe = importlib.import_module("crashing_h5").describe
    with pytest.raises(CorruptError, match="signal 6"):
        rehearse(Probe.of(path), Hdf5Params(), describe)


def test_a_child_that_hangs_is_an_error_of_the_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.h5", scan=SCAN)
    (tmp_path / "hanging_h5.py").write_text("import time\ndef describe(probe, params): time.sleep(600)\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("lamella_hdf5.rehearsal._MOST_SECONDS", 0.2)
    describe = importlib.import_module("hanging_h5").describe
    with pytest.raises(CorruptError, match=r"no answer within 0\.2 s"):
        rehearse(Probe.of(path), Hdf5Params(), describe)


def suspicious(path: Path, scan: np.ndarray) -> Path:
    """Write a file that is right, but longer than it says."""
    write(path, scan=scan)
    path.write_bytes(path.read_bytes() + bytes(100))
    return path


def test_suspicious_files_share_a_child_as_far_as_one_cannot_harm_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[object] = []

    begin = subprocess.Popen.__init__

    def counted(self: Any, *args: Any, **kwargs: Any) -> None:
        started.append(self)
        begin(self, *args, **kwargs)

    monkeypatch.setattr(subprocess.Popen, "__init__", counted)
    forks = sys.platform == "linux"  # so that no file is opened in the child itself
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    for number in range(3):
        assert lamella.open(suspicious(tmp_path / "a" / f"{number}.h5", SCAN)).shape == SCAN.shape
    assert len(started) == 1
    lamella.open(suspicious(tmp_path / "b" / "0.h5", SCAN))
    assert len(started) == (1 if forks else 2)
    path = suspicious(tmp_path / "b" / "empty.h5", SCAN[:0])
    with pytest.raises(FormatError, match="/scan has no frames"):
        lamella.open(path)
    assert len(started) == (1 if forks else 2)
    lamella.open(tmp_path / "b" / "0.h5")
    assert len(started) == (1 if forks else 3)
    if hasattr(os, "symlink"):
        (tmp_path / "b" / "1.h5").symlink_to(tmp_path / "a" / "1.h5")
        lamella.open(tmp_path / "b" / "1.h5")
        assert len(started) == (1 if forks else 4)


def test_a_child_that_is_kept_sees_a_file_that_changed_and_holds_none_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "looking_h5.py").write_text(
        "import os\nimport h5py\n"
        "from lamella_hdf5.params import Hdf5Params\nfrom lamella_hdf5.reader import describe_scan\n"
        "from lamella_hdf5.rehearsal import act\n"
        "def look(path):\n"
        "    act(describe_scan, path, Hdf5Params())\n"
        "    with h5py.File(path) as file: values = file['scan'][0, 0, 0].tolist()\n"
        "    return [os.getpid(), values, h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_FILE)]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    look = importlib.import_module("looking_h5").look
    path = tmp_path / "a.h5"
    for compression in (None, "gzip"):  # the frame is read without libhdf5, and from chunks
        results = []
        for scan in (SCAN, SCAN + 1):
            with h5py.File(path, "w") as file:
                file.create_dataset("scan", data=scan, compression=compression)
            results.append(in_child(look, str(path), seconds=60, group=str(tmp_path)))
        pids = [result.pop(0) for result in results]
        assert results == [[SCAN[0, 0, 0].tolist(), 0], [(SCAN + 1)[0, 0, 0].tolist(), 0]]
        assert (len(set(pids)) == 1) == (sys.platform != "linux")


def test_a_frozen_application_tries_no_file_in_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.h5", scan=SCAN)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(UnsupportedError, match="isolate='never'"):
        lamella.open(path, isolate="always")
    assert lamella.open(path, isolate="never").shape == SCAN.shape


def test_files_without_frames_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", text="hello", vector=np.arange(5))
    with pytest.raises(FormatError, match=r"no data set of numbers.*/text \(shape \(\), texts\)"):
        lamella.open(path)
    with pytest.raises(UnsupportedError, match="no numbers"):
        lamella.open(path, ds_path="text")


def test_metadata_is_complete_json_and_large_values_are_summarised(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["scan"] = SCAN
        file["scan"].attrs["note"] = "Ångström"
        file["table"] = np.zeros(10_000)
        file["nan"] = np.nan
    with warnings.catch_warnings():
        raw = lamella.open(tmp_path / "a.h5").raw_metadata
    assert json.loads(json.dumps(raw))["/scan"]["attributes"]["note"] == "Ångström"
    assert raw["/table"]["value"] == "<float64 (10000,)>"


def test_free_room_amid_texts_looks_wrong(tmp_path: Path) -> None:
    axes = [{"name": f"a long name {i}", "units": "nm", "scale": 1.0, "offset": 0.0} for i in range(4)]
    path = hyperspy_file(tmp_path / "a.hspy", SCAN, *axes)
    content = bytearray(path.read_bytes())
    heap = content.index(b"GCOL")
    length = int.from_bytes(content[heap + 24 : heap + 32], "little")
    second = heap + 16 + 16 + -(-length // 8) * 8
    assert content[second] == 2
    assert not read_superblock(Probe.of(path)).odd
    content[second] = 0
    path.write_bytes(content)
    assert "the text collection" in read_superblock(Probe.of(path)).odd


@pytest.mark.parametrize("place", [0, 512])
@pytest.mark.parametrize("address", [0, 96, 0x02FFFFFFFFFFFFFF])
def test_a_file_that_names_a_driver_is_refused(tmp_path: Path, place: int, address: int) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", userblock_size=place, libver=("earliest", "v108")) as file:
        file["data"] = np.zeros((2, 3, 4, 5), "u2")
    content = bytearray(path.read_bytes())
    assert content[place + 8] == 0
    content[place + 48 : place + 56] = address.to_bytes(8, "little")
    path.write_bytes(content)
    with pytest.raises(UnsupportedError, match="driver") as caught:
        lamella.open(path)
    assert "h5repart" in str(caught.value)


def test_a_session_file_gives_zeros_behind_its_end(tmp_path: Path) -> None:
    """As files that libhdf5 opens by name do; nothing is asked of the session there."""
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(range(1, 101)))
    with closing(BufferedBackend().open((Resource.of(path),))) as session:
        through, buffer = SessionFile(session, 0, 100), bytearray(b"x" * 16)
        through.seek(0x02FFFFFFFFFFFFFF)
        assert through.readinto(buffer) == 16
        assert bytes(buffer) == bytes(16)
        through.seek(92)
        assert through.readinto(buffer) == 16
        assert bytes(buffer) == bytes(range(93, 101)) + bytes(8)


def test_what_cannot_be_read_is_no_metadata() -> None:
    assert known_text("<unreadable: OSError>") is None
    assert known_text("STEM") == "STEM"


def test_names_that_are_no_text_are_shown_as_far_as_they_go(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["scan"] = SCAN
        file["scan"].attrs["abcdef"] = 3
    content = path.read_bytes()
    assert content.count(b"abcdef") == 1
    path.write_bytes(content.replace(b"abcdef", b"ab\xff\xfeef"))
    ds = lamella.open(path)
    assert json.loads(json.dumps(ds.raw_metadata))["/scan"]["attributes"] == {r"ab\xff\xfeef": 3}
