"""Layouts of files that programs write, imitated with h5py: what is chosen, with which axes, units and metadata."""

import ctypes
import json
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import lamella
from lamella.errors import FormatError, ParameterError, UnsupportedError
from lamella.udf import SumUDF
from lamella_hdf5 import worker

SCAN = np.arange(2 * 3 * 4 * 5, dtype=np.uint16).reshape(2, 3, 4, 5)


def dims(group: h5py.Group, first: int, names: str, units: list[str], scales: list[float], short: bool = False) -> None:
    for i, (name, unit, scale) in enumerate(zip(names.split(), units, scales, strict=True)):
        length = 2 if short else SCAN.shape[i]
        group[f"dim{i + first}"] = scale * np.arange(length)
        group[f"dim{i + first}"].attrs.update({"name": name, "units": unit})


def test_a_scan_beside_images_is_found_by_the_default_of_nexus(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "scan.nxs", "w") as file:
        file.attrs["default"] = "entry1"
        for name, default in (("entry1", "merlin"), ("entry2", None)):
            entry = file.create_group(name)
            entry.attrs["NX_class"] = "NXentry"
            if default:
                entry.attrs["default"] = default
        images = file["entry1"].create_group("survey")
        images.attrs.update({"NX_class": "NXdata", "signal": "data"})
        images["data"] = np.zeros((99, 99))
        group = file["entry1"].create_group("merlin")
        group.attrs.update({"NX_class": "NXdata", "signal": "frames", "axes": ["y", "x", ".", "."]})
        group["frames"] = SCAN
        group["y"], group["x"] = [0.0, 2.0], [1.0, 1.5, 2.0]
        for name in ("y", "x"):
            group[name].attrs["units"] = "nm"
    ds = lamella.open(tmp_path / "scan.nxs")
    assert ds.diagnostics["convention"] == "NeXus default"
    assert [(axis.name, axis.scale, axis.offset, axis.units) for axis in ds.axes[:2]] == [
        ("y", 2.0, 0.0, "nm"),
        ("x", 0.5, 1.0, "nm"),
    ]
    np.testing.assert_array_equal(ds.read(), SCAN)


def test_old_py4dstem_files_with_a_version(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "old.h5", "w") as file:
        top = file.create_group("4DSTEM_experiment")
        top.attrs.update({"emd_group_type": 2, "version_major": 0, "version_minor": 12, "version_release": 6})
        cube = top.create_group("data/datacubes/datacube_0")
        cube.attrs["emd_group_type"] = 1
        cube["data"] = SCAN
        dims(cube, 1, "R_x R_y Q_x Q_y", ["[n_m]", "[n_m]", "[n_m^-1]", "[pix]"], [2.0, 2.0, 0.1, 1.0])
        slices = top.create_group("data/diffractionslices/mean")
        slices.attrs["emd_group_type"] = 1
        slices["data"] = np.zeros((40, 50))
        top.create_group("data/realslices")
        top.create_group("metadata/metadata_0/calibration").attrs["R_pixel_size"] = 2.0
    ds = lamella.open(tmp_path / "old.h5")
    assert (ds.shape, ds.diagnostics["convention"]) == (SCAN.shape, "py4DSTEM data cube")
    assert [axis.units for axis in ds.axes] == ["nm", "nm", "1/nm", None]
    assert ds.axes[0].scale == 2.0
    assert ds.raw_metadata["/4DSTEM_experiment"]["attributes"]["version_minor"] == 12


def test_new_py4dstem_files_have_axes_of_two_values(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "new.h5", "w") as file:
        file.attrs.update({"emd_group_type": "file", "version_major": 1, "version_minor": 0})
        root = file.create_group("experiment")
        root.attrs.update({"emd_group_type": "root", "python_class": "Root"})
        cube = root.create_group("datacube")
        cube.attrs.update({"emd_group_type": "array", "python_class": "DataCube"})
        cube["data"] = SCAN
        dims(cube, 0, "Rx Ry Qx Qy", ["A", "A", "A^-1", "A^-1"], [3.0, 3.0, 0.02, 0.02], short=True)
        bundle = root.create_group("metadatabundle")
        bundle.attrs["emd_group_type"] = "metadatabundle"
        bundle["calibration/Q_pixel_size"] = 0.02
    ds = lamella.open(tmp_path / "new.h5")
    assert (ds.shape, [axis.units for axis in ds.axes]) == (SCAN.shape, ["Å", "Å", "1/Å", "1/Å"])
    assert ds.axes[3].scale == pytest.approx(0.02)


def test_prismatic_simulations_keep_their_potential_aside(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "prismatic.emd", "w") as file:
        file.attrs.update({"version_major": 0, "version_minor": 5})
        top = file.create_group("4DSTEM_simulation")
        for path, name, pixels in (
            ("data/datacubes/CBED_array_depth0000", "datacube", SCAN.astype("f4")),
            ("data/realslices/virtual_detector_depth0000", "realslice", np.zeros((2, 3, 2), "f4")),
            ("data/realslices/ppotential", "realslice", np.zeros((9, 9), "f4")),
        ):
            group = top.create_group(path)
            group.attrs["emd_group_type"] = 1
            group[name] = pixels
            if name == "datacube":
                dims(group, 1, "R_x R_y Q_x Q_y", ["[Å]", "[Å]", "[Å^-1]", "[Å^-1]"], [0.2, 0.2, 0.1, 0.1])
    ds = lamella.open(tmp_path / "prismatic.emd")
    assert (tuple(ds.shape), ds.dtype.str) == (SCAN.shape, "<f4")
    assert ds.axes[2].scale == pytest.approx(0.1)


def test_hyperspy_says_which_axes_are_navigated(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "signal.hspy", "w") as file:
        file.attrs.update({"file_format": "HyperSpy", "file_format_version": "3.1"})
        group = file.create_group("Experiments/__unnamed__")
        group["data"] = SCAN
        for i, (name, navigate, units) in enumerate(
            (("y", 1, "nm"), ("x", 1, "nm"), ("ky", 0, "1/nm"), ("E", 1, "eV"))
        ):
            group.create_group(f"axis-{i}").attrs.update(
                {"name": name, "navigate": bool(navigate), "scale": 0.5, "offset": 0.0, "units": units, "size": 1}
            )
        group.create_group("metadata/Acquisition_instrument/TEM").attrs["beam_energy"] = 200.0
    ds = lamella.open(tmp_path / "signal.hspy")
    assert (ds.shape.nav, ds.shape.sig) == ((2, 3, 5), (4,))
    assert [axis.name for axis in ds.axes] == ["y", "x", "E", "ky"]
    assert ds.metadata.beam_energy == 200e3
    np.testing.assert_array_equal(ds.read(), SCAN.transpose(0, 1, 3, 2))


def test_nion_swift_describes_its_data_in_json(tmp_path: Path) -> None:
    calibrations = [
        {"offset": 0.0, "scale": s, "units": u} for s, u in ((2.0, "nm"), (2.0, "nm"), (0.1, "rad"), (1, ""))
    ]
    told = {
        "collection_dimension_count": 2,
        "datum_dimension_count": 2,
        "dimensional_calibrations": calibrations,
        "title": "gold",
        "metadata": {"instrument": {"high_tension": 60000.0}},
    }
    with h5py.File(tmp_path / "swift.h5", "w") as file:
        file["data"] = SCAN
        file["data"].attrs["properties"] = json.dumps(told)
    ds = lamella.open(tmp_path / "swift.h5")
    assert (ds.diagnostics["convention"], ds.metadata.title) == ("Nion Swift data item", "gold")
    assert ds.metadata.beam_energy == 60e3
    assert [axis.units for axis in ds.axes] == ["nm", "nm", "rad", None]


def test_matlab_cells_do_not_hide_the_scan_and_its_complex_numbers_are_read(tmp_path: Path) -> None:
    values = (SCAN + 1j * SCAN[::-1]).astype("c8")
    with h5py.File(tmp_path / "scan.mat", "w", userblock_size=512) as file:
        cells = file.create_group("#refs#")
        for i in range(300):
            cells[f"c{i}"] = np.zeros((2, 2, 2))
        pairs = values.T.copy().view([("real", "<f4"), ("imag", "<f4")])
        for name, chunks in (("waves", None), ("packed", (1, 4, 3, 2))):
            file.create_dataset(name, data=pairs, chunks=chunks, compression="gzip" if chunks else None)
            file[name].attrs["MATLAB_class"] = np.bytes_("single")
    with (tmp_path / "scan.mat").open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116))
    for fast in (True, False):
        for name in ("waves", "packed"):
            ds = lamella.open(tmp_path / "scan.mat", ds_path=name, reverse_axes=True, fast=fast)
            assert (tuple(ds.shape), ds.dtype.str) == (SCAN.shape, "<c8")
            np.testing.assert_array_equal(ds.read(), values)
    assert lamella.open(tmp_path / "scan.mat").diagnostics["data set"] in ("/packed", "/waves")


def test_early_eiger_masters_link_their_data_one_level_higher(tmp_path: Path) -> None:
    for number in (1, 2):
        with h5py.File(tmp_path / f"e_data_{number:06}.h5", "w") as file:
            file["entry/data/data"] = np.full((3, 4, 5), number, np.uint32)
            file["entry/data/data"].attrs.update({"image_nr_low": 3 * number - 2, "image_nr_high": 3 * number})
    with h5py.File(tmp_path / "e_master.h5", "w") as file:
        for number in (1, 2):
            link = h5py.ExternalLink(f"e_data_{number:06}.h5", "/entry/data/data")
            file[f"entry/data_{number:06}"] = link
        file["entry/instrument/detector/detectorSpecific/photon_energy"] = 8000.0
    ds = lamella.open(tmp_path / "e_master.h5")
    assert ds.diagnostics["convention"] == "DECTRIS master file"
    assert ds.read().reshape(6, -1)[:, 0].tolist() == [1, 1, 1, 2, 2, 2]


def linked(folder: Path) -> Path:
    inner = folder / "inner"
    inner.mkdir()
    with h5py.File(inner / "c.h5", "w") as file:
        file.create_dataset("deep/scan", data=SCAN, chunks=(1, 3, 4, 5), compression="gzip")
    with h5py.File(inner / "b.h5", "w") as file:
        file["more"] = h5py.ExternalLink("c.h5", "/deep")
    with h5py.File(folder / "a.h5", "w") as file:
        file["other"] = np.zeros((9, 9, 9))
        file["there"] = h5py.ExternalLink("inner/b.h5", "/")
    return folder / "a.h5"


def test_a_path_through_external_links_is_followed_inside_the_folder(tmp_path: Path) -> None:
    path = linked(tmp_path)
    ds = lamella.open(path, ds_path="/there/more/scan")
    np.testing.assert_array_equal(ds.read(), SCAN)
    with pytest.raises(UnsupportedError, match="must not be read"):
        lamella.open(path, ds_path="/there/more/scan", external="never")
    with pytest.raises(ParameterError, match="is not in the file"):
        lamella.open(path, ds_path="/there/more/scam")
    (tmp_path / "inner" / "c.h5").unlink()
    with pytest.raises(FormatError, match=r"c\.h5"):
        lamella.open(path, ds_path="/there/more/scan")


def test_external_links_that_lead_in_circles_end(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["scan"] = h5py.ExternalLink("a.h5", "/scan")
    with pytest.raises(FormatError, match="without end"):
        lamella.open(tmp_path / "a.h5", ds_path="scan")


def libhdf5() -> Any:
    """Give the library that h5py has loaded."""
    loaded = {
        line.split()[-1]
        for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
        if "/libhdf5-" in line
    }
    if not loaded:
        pytest.skip("libhdf5 is not found among the loaded libraries")
    return ctypes.CDLL(loaded.pop())


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc")
@pytest.mark.parametrize("filters", [{"compression": "gzip"}, {"shuffle": True}])
@pytest.mark.parametrize("unfiltered", [True, False])
def test_partial_chunks_may_be_left_unfiltered(tmp_path: Path, filters: dict[str, Any], unfiltered: bool) -> None:
    values = np.random.default_rng(0).integers(0, 9, (5, 7, 6, 6)).astype("<u4")
    values[:, 6] = 0  # these chunks do not tell
    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((2, 3, 6, 6))
        if "shuffle" in filters:
            plist.set_shuffle()
        else:
            plist.set_deflate(4)
        if unfiltered:
            assert libhdf5().H5Pset_chunk_opts(ctypes.c_int64(plist.id), ctypes.c_uint(2)) == 0
        space = h5py.h5s.create_simple(values.shape)
        data = h5py.h5d.create(file.id, b"data", h5py.h5t.STD_U32LE, space, plist)
        data.write(h5py.h5s.ALL, h5py.h5s.ALL, values)
    ds = lamella.open(tmp_path / "a.h5")
    assert ds.diagnostics["layout"] == "chunks, read directly"
    np.testing.assert_array_equal(ds.read(), values)


@pytest.mark.parametrize("place", ["attribute", "data set"])
def test_a_type_that_crashes_libhdf5_is_not_read(tmp_path: Path, place: str) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = np.ones((2, 3, 4, 5))
        file["lists"] = np.zeros(2)
        lists = np.empty(2, dtype=object)
        lists[:] = [np.arange(2), np.arange(3)]
        file["lists"].attrs.create("sound", lists, dtype=h5py.vlen_dtype("u1"))
        if place == "attribute":
            file["data"].attrs["told"] = "text"
        else:
            file["told"] = "text"
    content = bytearray((tmp_path / "a.h5").read_bytes())
    text_type = b"\x19\x01\x01\x00\x10"
    assert content.count(text_type) == 1
    content[content.index(text_type) + 1] = 5
    (tmp_path / "a.h5").write_bytes(content)
    ds = lamella.open(tmp_path / "a.h5", ds_path="data")
    raw = ds.raw_metadata
    assert raw["/lists"]["attributes"]["sound"] == [[0, 1], [0, 1, 2]]
    told = raw["/data"]["attributes"]["told"] if place == "attribute" else raw["/told"]["value"]
    assert "damaged type" in told


def test_a_chunk_that_is_shorter_than_its_checksum_is_not_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = np.ones((2, 3, 4, 5))
        small = file.create_dataset("small", data=np.arange(40, dtype="u2"), chunks=(40,), fletcher32=True)
        assert small.id.get_chunk_info(0).size == 84
    content = bytearray((tmp_path / "a.h5").read_bytes())
    entry = content.index(b"TREE\x01") + 24  # of the node that lists chunks, whose first field is the size
    assert content[entry : entry + 4] == struct.pack("<I", 84)
    content[entry : entry + 4] = struct.pack("<I", 1)
    (tmp_path / "a.h5").write_bytes(content)
    assert "damaged chunk" in lamella.open(tmp_path / "a.h5", ds_path="data").raw_metadata["/small"]["value"]


def peak_of_a_sum(path: Path, **options: Any) -> tuple[int, Any]:
    ds = lamella.open(path)
    with lamella.Context(executor="inline") as ctx:
        ctx.run_udf(lamella.open(path), SumUDF())  # what is loaded and set up once per process does not count
        tracemalloc.start()
        try:
            found = np.asarray(ctx.run_udf(ds, SumUDF())["intensity"].data)
            return tracemalloc.get_traced_memory()[1], found
        finally:
            tracemalloc.stop()


def test_memory_is_a_row_of_chunks_and_some_tiles(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 9, (16, 16, 64, 64)).astype("u2")
    for name, chunks, row in (("grid", (4, 4, 64, 64), 4 * 16), ("large", (16, 16, 64, 64), 16 * 16)):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file.create_dataset("data", data=values, chunks=chunks, compression="gzip")
        peak, found = peak_of_a_sum(tmp_path / f"{name}.h5")
        np.testing.assert_array_equal(found, values.sum(axis=(0, 1)))
        largest_chunk = int(np.prod(chunks)) * 2
        assert peak < row * 64 * 64 * 2 + 2 * largest_chunk + (8 << 20)


def test_what_does_not_fit_is_decoded_again_and_memory_stays_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.random.default_rng(0).integers(0, 9, (8, 64, 64, 64)).astype("u2")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", data=values, chunks=(8, 4, 64, 64), compression="gzip")
    chunk = 8 * 4 * 64 * 64 * 2
    monkeypatch.setattr("lamella_hdf5.worker.most_kept", lambda: 5 * chunk)
    peak, found = peak_of_a_sum(tmp_path / "a.h5")
    np.testing.assert_array_equal(found, values.sum(axis=(0, 1)))
    assert peak < 8 * chunk + (8 << 20) < 8 * 64 * 64 * 64 * 2 + (8 << 20)
    assert worker.most_kept() == 5 * chunk
