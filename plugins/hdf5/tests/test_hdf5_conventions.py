"""Each convention says that a file is not its own, which data set is the scan, or that the scan cannot be used."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import lamella
from lamella.errors import FormatError, LamellaWarning, UnsupportedError

SCAN = np.arange(2 * 3 * 4 * 5, dtype=np.uint16).reshape(2, 3, 4, 5)
BIG = np.zeros((50, 60, 7), np.float64)
VLEN = h5py.vlen_dtype(np.dtype("u4"))


def _nexus(file: h5py.File, name: str = "frames", **attrs: Any) -> h5py.Group:
    plot = file.create_group("run/plot")
    plot.attrs.update({"NX_class": "NXdata", "signal": name, **attrs})
    return plot


def _missing_signal(file: h5py.File) -> None:
    _nexus(file)["frames"] = h5py.ExternalLink("far.h5", "/frames")


def _dangling_signal(file: h5py.File) -> None:
    _nexus(file)["frames"] = h5py.SoftLink("/nowhere")


def _no_signal(file: h5py.File) -> None:
    _nexus(file)


def _signal_of_lists(file: h5py.File) -> None:
    _nexus(file).create_dataset("frames", (4,), VLEN)


def _default_without_frames(file: h5py.File) -> None:
    file.attrs["default"] = "run"
    file.create_group("run").attrs["default"] = "plot"
    plot = file.create_group("run/plot")
    plot.attrs.update({"NX_class": "NXdata", "signal": "frames"})
    plot.create_dataset("frames", (0, 4, 5), "u2", maxshape=(None, 4, 5))


def _hyperspy_of_lists(file: h5py.File) -> None:
    file.attrs["file_format"] = "HyperSpy"
    file.create_group("Experiments/ragged").create_dataset("data", (3,), VLEN)


def _hyperspy_without_signals(file: h5py.File) -> None:
    file.attrs["file_format"] = "HyperSpy"
    file.create_group("Experiments")


def _velox_of_spectra(file: h5py.File) -> None:
    file["Data/SpectrumStream/0f/Data"] = np.zeros((3000, 1), np.uint16)


def _swift_of_texts(file: h5py.File) -> None:
    file["data"] = np.array([[b"a", b"b"]])
    file["data"].attrs["properties"] = '{"dimensional_calibrations": []}'


def _cube_of_lists(file: h5py.File) -> None:
    cube = file.create_group("4DSTEM_experiment/data/datacubes/counted")
    cube.attrs["emd_group_type"] = 1
    cube.create_dataset("data", (3, 4), VLEN)
    other = file.create_group("4DSTEM_experiment/data/realslices/bf")
    other.attrs["emd_group_type"] = 1
    other["data"] = BIG


def _emd_of_texts(file: h5py.File) -> None:
    group = file.create_group("data/texts")
    group.attrs["emd_group_type"] = 1
    group["data"] = np.array([b"a", b"b"])


def _event_list(file: h5py.File) -> None:
    group = file.create_group("run/events")
    group.attrs["NX_class"] = "NXevent_data"
    group["event_id"] = np.arange(1000)


UNUSABLE: dict[str, tuple[Any, str]] = {
    "NeXus, a file is missing": (_missing_signal, r"plot.*far\.h5"),
    "NeXus, a link leads nowhere": (_dangling_signal, "signal frames .*is not there"),
    "NeXus, no signal": (_no_signal, "signal frames .*is not there"),
    "NeXus, lists": (_signal_of_lists, "lists of uint32"),
    "NeXus, the default has no frames": (_default_without_frames, r"\(0, 4, 5\)"),
    "HyperSpy, lists": (_hyperspy_of_lists, "HyperSpy.*lists of uint32"),
    "HyperSpy, no signal": (_hyperspy_without_signals, "HyperSpy"),
    "Velox, events only": (_velox_of_spectra, "Velox.*EDS spectra.*events"),
    "Nion Swift, texts": (_swift_of_texts, "Nion Swift"),
    "py4DSTEM, counted": (_cube_of_lists, "no data cube"),
    "EMD, texts": (_emd_of_texts, "EMD"),
    "NeXus, events": (_event_list, "list of events"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_a_convention_cannot_use_is_an_error_and_no_other_array(tmp_path: Path, name: str) -> None:
    write, told = UNUSABLE[name]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write(file)
        if name != "NeXus, events":
            file["positions"] = BIG
        file["more/motor"] = np.zeros((40, 40))
    with pytest.raises(FormatError, match=told) as caught:
        lamella.open(tmp_path / "a.h5")
    if "missing" not in name:
        assert "/more/motor" in str(caught.value), "the error lists what the file holds"
    assert lamella.open(tmp_path / "a.h5", ds_path="more/motor").shape == (1, 40, 40)


def test_a_signal_may_lie_in_another_file(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "far.h5", "w") as file:
        file["frames"] = SCAN
    with h5py.File(tmp_path / "a.nxs", "w") as file:
        plot = _nexus(file, axes=["y", "x", ".", "."])
        plot["frames"] = h5py.ExternalLink("far.h5", "/frames")
        plot["y"] = [1.0, 3.0]
        plot["y"].attrs["units"] = "nm"
    ds = lamella.open(tmp_path / "a.nxs")
    np.testing.assert_array_equal(ds.read(), SCAN)
    assert (ds.axes[0].scale, ds.axes[0].units) == (2.0, "nm")


def test_a_plot_that_cannot_be_read_beside_others_is_a_warning(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.nxs", "w") as file:
        _missing_signal(file)
        good = file.create_group("run/good")
        good.attrs.update({"NX_class": "NXdata", "signal": "frames"})
        good["frames"] = SCAN
    with pytest.warns(LamellaWarning, match=r"a plot is left out: .*run/plot"):
        assert lamella.open(tmp_path / "a.nxs").shape == SCAN.shape


def test_a_default_that_is_not_there_is_a_warning(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.nxs", "w") as file:
        file.attrs["default"] = "gone"
        _nexus(file)["frames"] = SCAN
    with pytest.warns(LamellaWarning, match="wants gone in / shown, which is not there"):
        assert lamella.open(tmp_path / "a.nxs").shape == SCAN.shape


def test_files_that_plain_links_name_are_missed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["run/frames"] = h5py.ExternalLink("far.h5", "/frames")
        file["run/map"] = np.zeros((40, 40))
    with pytest.raises(FormatError, match=r"names others that cannot be read.*far\.h5"):
        lamella.open(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["run/own"] = SCAN
    with pytest.warns(LamellaWarning, match=r"left out, which cannot be read: far\.h5"):
        assert lamella.open(tmp_path / "a.h5").shape == SCAN.shape


def _drawing(file: h5py.File) -> None:
    drawing = file.create_dataset("header/sketch", data=np.zeros((90, 80, 3), np.uint8))
    drawing.attrs.update({"CLASS": np.bytes_("IMAGE"), "IMAGE_SUBCLASS": np.bytes_("IMAGE_TRUECOLOR")})


def _axis_of_a_plot(file: h5py.File) -> None:
    plot = file.create_group("plot")
    plot.attrs.update({"NX_class": "NXdata", "signal": "curve", "axes": ["y"]})
    plot["curve"] = np.arange(9.0)
    plot["y"] = np.zeros((99, 99, 2))


def _named(name: str, shape: tuple[int, ...] = (99, 99, 4)) -> Any:
    def write(file: h5py.File) -> None:
        file[name] = np.zeros(shape)

    return write


def _log(file: h5py.File) -> None:
    file.create_group("sample/log").attrs["NX_class"] = "NXpositioner"
    file["sample/log/value"] = np.zeros((99, 99, 4))


HELPERS: dict[str, Any] = {
    "a drawing": _drawing,
    "an axis of a plot": _axis_of_a_plot,
    "errors": _named("scan_errors"),
    "standard deviations": _named("stdDev"),
    "what a motor did": _log,
}


@pytest.mark.parametrize("name", HELPERS)
def test_the_largest_array_is_taken_only_if_it_may_be_a_scan(tmp_path: Path, name: str) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["frames"] = SCAN
        HELPERS[name](file)
    assert lamella.open(tmp_path / "a.h5").diagnostics["data set"] == "/frames"


@pytest.mark.parametrize(
    "write",
    [
        _drawing,
        _log,
        _named("errors"),
        _named("stage/positions", (40, 40)),
        _named("points", (5000, 2)),
        _named("eventStream", (70, 70)),
        _named("x_position", (5, 5)),
    ],
)
def test_a_file_without_a_scan_is_refused_with_what_it_holds(tmp_path: Path, write: Any) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write(file)
    with pytest.raises(FormatError, match=r"no data set of numbers.*found /.*shape \(.*ds_path="):
        lamella.open(tmp_path / "a.h5")


def test_several_stacks_of_different_shapes_are_a_warning(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["one"], file["two"] = SCAN, SCAN[0]
    with pytest.warns(LamellaWarning, match=r"/one .*the file also holds /two \(shape \(3, 4, 5\).*ds_path="):
        assert lamella.open(tmp_path / "a.h5").shape == SCAN.shape


def test_frames_that_were_never_recorded_are_not_replaced_by_an_image(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("run/data", (0, 4, 6), "u2", maxshape=(None, 4, 6))
        file["run/flat"] = np.ones((4, 6))
    with pytest.raises(FormatError, match="/run/data has no frames"):
        lamella.open(tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("version", "attribute"), [(11, "emd_group_type"), (13, "py4dstem_class"), (14, "python_class")]
)
def test_the_cube_of_py4dstem_goes_before_larger_things(tmp_path: Path, version: int, attribute: str) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        kind: Any = "array" if version == 14 else 1
        top = "root" if version == 14 else "4DSTEM_experiment"
        names = ("cube", "slices") if version == 14 else ("data/datacubes/cube", "data/realslices/slices")
        for name, values in zip(names, (SCAN, BIG), strict=True):
            group = file.create_group(f"{top}/{name}")
            group.attrs["emd_group_type"] = kind
            group["data"] = values
        if attribute != "emd_group_type":
            file[f"{top}/{names[0]}"].attrs[attribute] = "DataCube"
            file[f"{top}/{names[1]}"].attrs[attribute] = "RealSlice"
    ds = lamella.open(tmp_path / "a.h5")
    assert (ds.shape, ds.diagnostics["convention"]) == (SCAN.shape, "py4DSTEM data cube")


def test_a_second_cube_is_a_warning(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, values in (("one", SCAN), ("two", SCAN[:1])):
            file[f"4DSTEM_experiment/data/datacubes/{name}/data"] = values
    with pytest.warns(LamellaWarning, match="another data cube, .*two"):
        assert lamella.open(tmp_path / "a.h5").shape == SCAN.shape


@pytest.mark.parametrize("options", [{}, {"chunks": (1, 3, 2), "compression": "gzip", "shuffle": True}])
@pytest.mark.parametrize(("names", "kind"), [("RGBA", "u1"), ("RGB", "u1"), ("RGBA", "<u2"), ("RGB", ">u2")])
def test_pixels_in_colours_are_frames_with_channels(
    tmp_path: Path, names: str, kind: str, options: dict[str, Any]
) -> None:
    channels = np.random.default_rng(1).integers(0, 200, (2, 3, 4, len(names))).astype(kind)
    packed = channels.view([(name, kind) for name in names])[..., 0]
    with h5py.File(tmp_path / "a.hspy", "w") as file:
        file.attrs["file_format"] = "HyperSpy"
        group = file.create_group("Experiments/picture")
        group.create_dataset("data", data=packed, **options)
        for i in range(3):
            group.create_group(f"axis-{i}").attrs.update({"navigate": i == 0, "scale": 1.0, "offset": 0.0})
    ds = lamella.open(tmp_path / "a.hspy")
    assert (tuple(ds.shape), ds.dtype) == (channels.shape, np.dtype(kind).newbyteorder("="))
    np.testing.assert_array_equal(ds.read(), channels)
    np.testing.assert_array_equal(ds[1, 1:, 2, 1:3], channels[1, 1:, 2, 1:3])
    assert ds.axes[-1].name == names.lower()
    assert any(", ".join(names) in note for note in ds.info.notes)


@pytest.mark.parametrize(("name", "told"), [("a.dm5", "DigitalMicrograph 5"), ("a.app5", "TopSpin")])
def test_containers_of_other_programs_are_named(tmp_path: Path, name: str, told: str) -> None:
    with h5py.File(tmp_path / name, "w") as file:
        file["data"] = SCAN
    with pytest.raises(UnsupportedError, match=told):
        lamella.open(tmp_path / name)
    assert lamella.open(tmp_path / name, ds_path="data").shape == SCAN.shape


def test_a_missing_part_of_a_master_is_a_hole(tmp_path: Path) -> None:
    for numbered in (True, False):
        folder = tmp_path / str(numbered)
        folder.mkdir()
        for part in (1, 3, 4):
            with h5py.File(folder / f"m_data_{part:06}.h5", "w") as file:
                data = file.create_dataset("entry/data/data", data=np.full((3 if part < 4 else 1, 4, 5), part, "u2"))
                if numbered:
                    data.attrs["image_nr_low"] = 3 * part - 2
        with h5py.File(folder / "m_master.h5", "w") as file:
            for part in (1, 2, 3, 4):
                link = h5py.ExternalLink(f"m_data_{part:06}.h5", "/entry/data/data")
                file[f"entry/data/data_{part:06}"] = link
        with (
            pytest.warns(LamellaWarning, match=r"1 of 4 data files are not there \(m_data_000002\.h5\)"),
            pytest.warns(LamellaWarning, match="3 of 10 scan positions have no frame"),
        ):
            ds = lamella.open(folder / "m_master.h5")
        assert ds.read(..., fill=9)[..., 0, 0].ravel().tolist() == [1, 1, 1, 9, 9, 9, 3, 3, 3, 4]


def test_a_hole_of_unknown_length_is_an_error(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m_data_000002.h5", "w") as file:
        file["entry/data/data"] = SCAN[0]
    with h5py.File(tmp_path / "m_master.h5", "w") as file:
        for part in (1, 2):
            link = h5py.ExternalLink(f"m_data_{part:06}.h5", "/entry/data/data")
            file[f"entry/data/data_{part:06}"] = link
        file["entry/instrument/detector/detectorSpecific/nimages"] = 4
    with pytest.raises(FormatError, match=r"nothing tells how many.*m_data_000001\.h5"):
        lamella.open(tmp_path / "m_master.h5")
