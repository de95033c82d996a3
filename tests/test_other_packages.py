"""Data sets beside xarray, HyperSpy and RosettaSciIO, each checked against the package itself."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.lazy import LazyArray
from lamella.udf import SumSigUDF, SumUDF

pytestmark = pytest.mark.interop

xarray = pytest.importorskip("xarray")
hs = pytest.importorskip("hyperspy.api")
da = pytest.importorskip("dask.array")
pytest.importorskip("rsciio")

ROOT = Path(__file__).parents[1]
DATA: NDArray[np.uint16] = np.random.default_rng(6).integers(0, 250, (4, 5, 8, 9)).astype(np.uint16)
PAGES = [ROOT / "docs" / "how-to" / f"use-with-{name}.md" for name in ("dask", "xarray", "hyperspy")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    np.save(tmp_path / "scan.npy", DATA)
    return tmp_path / "scan.npy"


@pytest.fixture
def calibrated(samples: Path) -> Path:
    return samples / "blo" / "test2" / "test2.blo"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_pages_run(page: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE))
    assert code
    exec(compile(code, str(page), "exec"), {})


@pytest.mark.parametrize("chunks", [None, {}])
def test_xarray_reads_what_numpy_reads(path: Path, chunks: Any) -> None:
    x = xarray.open_dataset(path, engine="lamella", chunks=chunks, parameters={"nav_shape": (5, 4)})
    data = DATA.reshape(5, 4, 8, 9)
    pick = xarray.DataArray([3, 0, 3], dims="p")
    for found, expected in (
        (x.counts[2, 1], data[2, 1]),
        (x.counts[::-2, [3, 0], 1:5, ::3], data[::-2][:, [3, 0], 1:5, ::3]),
        (x.counts.isel(y=pick, x=xarray.DataArray([1, 1, 2], dims="p")), data[[3, 0, 3], [1, 1, 2]]),
        (x.counts.sum(("ky", "kx")), data.sum((2, 3))),
        (pickle.loads(pickle.dumps(x)).counts, data),
    ):
        np.testing.assert_array_equal(found.values, expected)
    x.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of what is read from lazy arrays [bytes]."""
    sizes: list[int] = []
    read = LazyArray.__getitem__

    def watched(self: LazyArray, index: Any) -> Any:
        found = read(self, index)
        sizes.append(found.nbytes)
        return found

    monkeypatch.setattr(LazyArray, "__getitem__", watched)
    return sizes


def test_several_scans_become_one_along_a_new_axis(path: Path, asked: list[int]) -> None:
    second = path.with_name("second.npy")
    np.save(second, DATA[::-1])
    with xarray.open_mfdataset([path, second], engine="lamella", combine="nested", concat_dim="scan") as both:
        assert asked == []
        assert both.counts.dims == ("scan", "y", "x", "ky", "kx")
        np.testing.assert_array_equal(both.counts[1, 2], DATA[1])
        assert 0 < sum(asked) <= DATA.nbytes  # of the second scan only
        np.testing.assert_array_equal(both.counts, [DATA, DATA[::-1]])


@pytest.mark.parametrize("cache", [True, False])
def test_xarray_keeps_what_it_read_unless_told_otherwise(path: Path, asked: list[int], cache: bool) -> None:
    x = xarray.open_dataset(path, engine="lamella", cache=cache)
    for _ in range(2):
        np.testing.assert_array_equal(x.counts.values, DATA)
    assert asked == [DATA.nbytes] * (1 if cache else 2)


@pytest.mark.recorded
@pytest.mark.filterwarnings("ignore::lamella.LamellaWarning")
def test_xarray_opens_the_samples_that_lamella_opens(samples: Path) -> None:
    opened = set()
    for path in filter(Path.is_file, sorted(samples.rglob("*"))):
        try:
            ds = lamella.open(path)
        except lamella.LamellaError as error:
            with pytest.raises(type(error)):
                xarray.open_dataset(path, engine="lamella")
            continue
        opened.add(path.parent.parent.name)
        with xarray.open_dataset(path, engine="lamella", chunks={}) as x:
            assert x.counts.shape == tuple(ds.shape), path.name
            assert [str(name) for name in x.counts.dims] == [axis.name for axis in ds.axes], path.name
            np.testing.assert_array_equal(x.counts, ds.read(), err_msg=path.name)
            for axis in ds.axes:
                assert not axis.calibrated or x[axis.name].attrs["units"] == axis.units, path.name
    assert {folder.name for folder in samples.iterdir()} <= opened


@pytest.mark.filterwarnings("ignore:Consolidated metadata")
def test_xarray_gets_axes_and_keeps_them_in_files(calibrated: Path, tmp_path: Path) -> None:
    x = xarray.open_dataset(calibrated)  # recognised by its name
    assert (x.x.attrs["units"], x.kx.attrs["units"]) == ("nm", "1/nm")
    np.testing.assert_allclose(x.x, 64 * np.arange(3))
    assert "navigator" in x
    assert "navigator" not in xarray.open_dataset(calibrated, drop_variables="navigator")
    x.to_netcdf(tmp_path / "scan.nc", engine="h5netcdf")
    x.to_zarr(tmp_path / "scan.zarr")
    for again in (
        xarray.open_dataset(tmp_path / "scan.nc", engine="h5netcdf"),
        xarray.open_zarr(tmp_path / "scan.zarr"),
    ):
        xarray.testing.assert_identical(again.load(), x.load())


@pytest.mark.filterwarnings("ignore::lamella.LamellaWarning")
def test_positions_without_a_frame_are_told(path: Path) -> None:
    x = lamella.open(path, nav_shape=(5, 5)).to_xarray(fill=7)
    assert int(x.valid.sum()) == 20
    assert (x.counts.values[~x.valid.values] == 7).all()


def test_results_keep_axes(calibrated: Path) -> None:
    ds = lamella.open(calibrated)
    ctx = lamella.Context.make_with("inline")
    sums = ctx.run_udf(ds, SumSigUDF()).to_xarray()
    assert sums.intensity.dims == ("y", "x")
    assert sums.x.attrs["units"] == "nm"
    assert ctx.run_udf(ds, SumUDF()).to_xarray().intensity.dims == ("ky", "kx")


def test_a_data_array_becomes_a_data_set_with_its_axes() -> None:
    coords = {"x": ("x", 0.5 * np.arange(5), {"units": "nm"}), "ky": np.array([0.0, 1, 4, 9, 16, 25, 36, 49])}
    x = xarray.DataArray(DATA.transpose(2, 3, 0, 1), dims=("ky", "kx", "y", "x"), coords=coords, attrs={"gain": 2})
    ds = lamella.open(x, format="dask", sig_axes=("ky", "kx"))
    np.testing.assert_array_equal(ds.read(), DATA)
    assert [(axis.name, axis.scale, axis.units) for axis in ds.axes][1] == ("x", 0.5, "nm")
    assert not ds.axes[2].calibrated
    assert ds.raw_metadata["gain"] == 2


def test_arrays_of_xarray_pass_the_checks_that_arrays_of_dask_pass_everywhere() -> None:
    from lamella_dask.formatsampler import DaskSampler
    from lamella_dask.formatspec import spec
    from lamella_testkit import Status, run

    names = ("full_read_equals_what_was_written", "special_files_are_read_as_stated", "what_is_reported_is_stated")
    results = run(spec, DaskSampler, checks=names, profile="brief", isolate=False)
    assert "xarray" in DaskSampler.variants
    assert [(one.check, one.status, one.reason) for one in results] == [(name, Status.passed, None) for name in names]


def test_hyperspy_reads_pixels_and_axes(calibrated: Path) -> None:
    import lamella.rsciio

    ds = lamella.open(calibrated)
    for lazy in (True, False):
        s = hs.load(calibrated, file_format=lamella.rsciio, lazy=lazy)
        assert s._lazy is lazy
        np.testing.assert_array_equal(np.asarray(s.data), ds.read())
        assert [axis.units for axis in s.axes_manager._axes] == ["nm", "nm", "1/nm", "1/nm"]
        assert s.metadata.Acquisition_instrument.TEM.beam_energy == 200
        assert s.metadata.Acquisition_instrument.TEM.camera_length == pytest.approx(200)
    np.testing.assert_array_equal(ds.to_hyperspy().navigator.data, ds.navigator())


def test_a_lazy_signal_is_plotted_without_reading_it_all(tmp_path: Path, asked: list[int]) -> None:
    import matplotlib as mpl

    import lamella.rsciio

    mpl.use("Agg")
    path = tmp_path / "large.npy"
    np.lib.format.open_memmap(path, mode="w+", dtype=np.uint16, shape=(64, 64, 256, 256)).flush()
    for s in (lamella.open(path).to_hyperspy(), hs.load(path, file_format=lamella.rsciio, lazy=True)):
        assert s.navigator._lazy
        assert s.navigator.axes_manager.shape == (64, 64)
        assert asked == []
        s.plot()
        assert sum(asked) < 100 << 20  # of 512 MiB: the middle of all frames, and the chunk of one frame
        asked.clear()
    spectra = lamella.open(DATA.reshape(4, 5, 72), format="memory", sig_dims=1).to_hyperspy()
    np.testing.assert_array_equal(spectra.navigator.data.compute(), DATA.sum((2, 3)))
    assert lamella.open(DATA[np.newaxis], format="memory", sig_dims=2).to_hyperspy().navigator is None


@pytest.mark.filterwarnings("ignore:BLO file expects")
@pytest.mark.parametrize("ending", ["hspy", "zspy", "blo"])
def test_writers_of_rosettasciio_take_it(tmp_path: Path, ending: str) -> None:
    if ending == "zspy" and not hasattr(pytest.importorskip("zarr").storage, "NestedDirectoryStore"):
        pytest.skip("this RosettaSciIO writes .zspy with zarr 2 only")
    square = DATA[..., :8].astype(np.uint8 if ending == "blo" else np.uint16)
    np.save(tmp_path / "scan.npy", square)
    ds = lamella.open(tmp_path / "scan.npy")
    options: dict[str, Any] = {"intensity_scaling": None} if ending == "blo" else {}
    writer = import_module(f"rsciio.{'blockfile' if ending == 'blo' else ending}")
    for lazy in (True, False):
        path = tmp_path / f"{lazy}.{ending}"
        writer.file_writer(str(path), ds.to_rsciio(lazy=lazy), **options)
        (read,) = writer.file_reader(str(path))[:1]
        np.testing.assert_array_equal(read["data"], square)
        np.testing.assert_array_equal(hs.load(path).data, square)
    ds.to_hyperspy().save(tmp_path / f"signal.{ending}", **options)
    np.testing.assert_array_equal(hs.load(tmp_path / f"signal.{ending}").data, square)


STORE = """
import sys, threading, time, warnings
from importlib import import_module
import dask, dask.array, numpy as np
import lamella

way, small, large, out = sys.argv[1:]
warnings.simplefilter("ignore")

def anonymous():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) >> 10 for line in file if line.startswith("RssAnon"))

def store(path, out):
    ds = lamella.open(path)
    if way in ("hspy", "blockfile"):
        ending, options = (".hspy", {}) if way == "hspy" else (".blo", {"intensity_scaling": None})
        write = import_module(f"rsciio.{way}").file_writer
        write(out + ending, ds.to_rsciio(), show_progressbar=False, **options)
        return
    array = ds.to_dask(chunks="8 MiB")
    if way == "to_zarr":
        array.to_zarr(out)
    elif way == "to_hdf5":
        array.to_hdf5(out, "/data")
    else:
        dask.array.to_npy_stack(out, array)

def watch():
    while not ended.wait(0.002):
        peak[0] = max(peak[0], anonymous())

with dask.config.set(scheduler="threads", num_workers=2):
    store(small, out + "-small")  # imports what it needs
    before, peak, ended = anonymous(), [0], threading.Event()
    thread = threading.Thread(target=watch)
    thread.start()
    store(large, out)
    ended.set()
    thread.join()
print(peak[0] - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells anonymous memory from pages of files")
@pytest.mark.parametrize("way", ["to_zarr", "to_hdf5", "to_npy_stack", "hspy", "blockfile"])
def test_writers_need_memory_for_two_chunks_of_each_worker(tmp_path: Path, way: str) -> None:
    dtype = np.uint8 if way == "blockfile" else np.uint16
    paths = [tmp_path / "small.npy", tmp_path / "large.npy"]
    for path, rows in zip(paths, (1, 128 // np.dtype(dtype).itemsize), strict=True):
        shape = (rows, 64, 256, 256)  # the large one is a hole of 512 MiB
        np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape).flush()
    command = [sys.executable, "-P", "-c", STORE, way, *map(str, paths), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    chunk = 64 if way in ("hspy", "blockfile") else 8
    assert int(done.stdout) < 2 * 2 * chunk + 32  # [MiB]; the rest is what writers compress, and Python


METRES = {"km": 1e3, "m": 1.0, "cm": 1e-2, "mm": 1e-3, "µm": 1e-6, "nm": 1e-9, "A": 1e-10, "1/nm": 1e9, "1 / nm": 1e9}
PIXELS_DIFFER = {
    "EELS_SI.dm4": lambda theirs, shape: np.moveaxis(theirs, 0, -1),  # they leave the energy first
    ".mib": lambda theirs, shape: theirs.reshape(shape)[..., ::-1, :],  # they turn frames upside down
}
AXES_DIFFER = {
    "test2.blo": "they give the detector in cm, as the camera length of the file has it",
    "20241021_00405_movie.mrc": "they take a pixel size of zero for -1 nm",
    "128x128x5-diffraction_preview_1.ser": "they read 1/m as m",
    "16x16-line_profile_horizontal_5x128x128_EDS_2.ser": "they read 1/m as m",
}
READERS = {"hdf5": {"hspy": "hspy", "nxs": "nexus", "emd": "emd"}, "empad": {"xml": "empad"}} | {
    name: dict.fromkeys(endings.split(), module)
    for name, (module, endings) in {
        "blo": ("blockfile", "blo"),
        "dm": ("digitalmicrograph", "dm3 dm4"),
        "mib": ("quantumdetector", "mib"),
        "mrc": ("mrc", "mrc"),
        "ser": ("tia", "ser emi"),
        "tvips": ("tvips", "tvips"),
    }.items()
}


def compared(folder: Path) -> list[tuple[str, Path]]:
    """Give each file of a folder of samples with the reader of RosettaSciIO for it."""
    endings = READERS.get(folder.name, {})
    return [
        (endings[path.suffix[1:]], path) for path in sorted(folder.rglob("*")) if path.suffix[1:].lower() in endings
    ]


@pytest.mark.recorded
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("folder", sorted(READERS))
def test_pixels_and_axes_are_those_of_rosettasciio(samples: Path, folder: str) -> None:
    same = 0
    for module, path in compared(samples / folder):
        try:
            found = import_module(f"rsciio.{module}").file_reader(str(path), lazy=False)
            ds = lamella.open(path)
        except Exception:  # one of the two does not read it
            continue
        ours = ds.to_rsciio(lazy=False)
        change = PIXELS_DIFFER.get(path.name) or PIXELS_DIFFER.get(path.suffix)
        for theirs in found:
            data = change(theirs["data"], ours["data"].shape) if change else theirs["data"]
            if np.array_equal(np.squeeze(data), np.squeeze(ours["data"]), equal_nan=data.dtype.kind == "f"):
                break
        else:
            pytest.fail(f"{path.name}: pixels differ from those of RosettaSciIO")
        same += 1
        if change is None and path.name not in AXES_DIFFER:
            for one, other in zip(axes_of(ours), axes_of(theirs), strict=True):
                if one["units"] and other["units"] in METRES and other["scale"]:
                    expected = other["scale"] * METRES[other["units"]]
                    assert one["scale"] * METRES[one["units"]] == pytest.approx(expected, rel=1e-5), path.name
    assert same >= 1


def axes_of(signal: dict[str, Any]) -> list[dict[str, Any]]:
    return [axis for axis in signal["axes"] if axis["size"] > 1]


def test_writers_of_dask_take_it(path: Path, tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    h5py = pytest.importorskip("h5py")
    array = lamella.open(path).to_dask(chunks=(2, 3, -1, -1))
    array.rechunk((2, 5, -1, -1)).to_zarr(str(tmp_path / "out.zarr"))
    np.testing.assert_array_equal(zarr.open_array(str(tmp_path / "out.zarr"))[...], DATA)
    array.to_hdf5(str(tmp_path / "out.h5"), "/data")
    with h5py.File(tmp_path / "out.h5") as file:
        np.testing.assert_array_equal(file["data"][...], DATA)
    da.to_npy_stack(str(tmp_path / "stack"), array)
    stack = da.from_npy_stack(str(tmp_path / "stack"))
    np.testing.assert_array_equal(stack, DATA)
    np.testing.assert_array_equal(lamella.open(stack).read(), DATA)
