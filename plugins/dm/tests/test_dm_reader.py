"""DigitalMicrograph files open with the scan and the detector where they belong, whoever wrote them."""

import json
import math
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from numpy.typing import NDArray

from lamella.dataset.dataset import DataSet
from lamella.errors import CorruptError, FormatError, LamellaError, ParameterError, TruncatedError, UnsupportedError
from lamella.opening.open import open_dataset
from lamella_dm.writer import DATA_TYPES, SWAPPED, File, Image, Leaf, dm_bytes, number, text

THUMBNAIL = Image(np.zeros((5, 6), "<i4"), "thumbnail", data_type=23)


def opened(path: Path | list[Path], format: str = "auto", **keywords: Any) -> DataSet:
    return open_dataset(format, path, keywords)


def numbers(kind: str, *shape: int) -> NDArray[Any]:
    """Different pixels, negative ones included where the dtype has them."""
    values = np.arange(math.prod(shape)).reshape(shape)
    dtype: np.dtype[Any] = np.dtype(kind)
    if dtype.kind == "c":
        return (values - 3 - 1j * values).astype(dtype)
    if dtype.kind == "b":
        return np.asarray(values % 3 == 0)
    return (values - (0 if dtype.kind == "u" else 5)).astype(dtype)


def meta(**entries: str | int) -> list[tuple[str, Any]]:
    """Give tags with a group ``Meta Data``."""
    named = {"format": "Format", "swapped": "Data Order Swapped"}
    values = [(named[key], text(v) if isinstance(v, str) else number("u1", v)) for key, v in entries.items()]
    return [("Meta Data", values)]


@pytest.mark.parametrize("little", [True, False], ids=["little", "big"])
@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("kind", list(DATA_TYPES))
def test_a_stack_opens_by_detection_with_its_pixels_and_native_dtype(
    tmp_path: Path, kind: str, version: int, little: bool
) -> None:
    frames = numbers(kind, 5, 4, 3)
    ds = opened(File([THUMBNAIL, Image(frames)], version, little, thumbnails=[0]).write(tmp_path / f"a.dm{version}"))
    assert ds.format == "dm"
    assert ds.provenance.confidence == 100
    assert ds.shape == (5, 4, 3)
    assert ds.dtype == frames.dtype
    np.testing.assert_array_equal(ds.read(), frames)


class TestOrderOfAxes:
    def test_of_new_scans_has_the_detector_fastest(self, tmp_path: Path) -> None:
        stored = numbers("u2", 2, 3, 4, 5)
        ds = opened(File([Image(stored, tags=SWAPPED)]).write(tmp_path / "a.dm4"))
        assert (ds.shape.nav, ds.shape.sig) == ((2, 3), (4, 5))
        np.testing.assert_array_equal(ds.read(), stored)

    @pytest.mark.parametrize("tags", [[], meta(swapped=0), meta(format="Diffraction image")])
    def test_of_old_scans_has_the_scan_fastest(self, tmp_path: Path, tags: list[tuple[str, Any]]) -> None:
        stored = numbers("u2", 4, 5, 2, 3)
        ds = opened(File([Image(stored, tags=tags)]).write(tmp_path / "a.dm4"))
        assert (ds.shape.nav, ds.shape.sig) == ((2, 3), (4, 5))
        np.testing.assert_array_equal(ds.read(), stored.transpose(2, 3, 0, 1))

    @pytest.mark.parametrize("kind", ["u1", "b1", "i4", "f8"])
    def test_is_told_by_a_tag_of_any_type(self, tmp_path: Path, kind: str) -> None:
        stored = numbers("u2", 2, 3, 4, 5)
        for value, shape in ((1, (2, 3, 4, 5)), (0, (4, 5, 2, 3))):
            tags: Any = [("Meta Data", [("Data Order Swapped", number(kind, value))])]
            assert opened(File([Image(stored, tags=tags)]).write(tmp_path / "a.dm4")).shape == shape
        words: Any = [("Meta Data", [("Data Order Swapped", text("1"))])]
        assert opened(File([Image(stored, tags=words)]).write(tmp_path / "a.dm4")).shape == (2, 3, 4, 5)

    def test_can_be_overruled(self, tmp_path: Path) -> None:
        stored = numbers("u2", 4, 5, 2, 3)
        ds = opened(File([Image(stored)]).write(tmp_path / "a.dm4"), force_c_order=True)
        assert ds.shape.sig == (2, 3)
        np.testing.assert_array_equal(ds.read(), stored)

    def test_of_spectrum_images_has_the_scan_fastest(self, tmp_path: Path) -> None:
        stored = numbers("f4", 7, 2, 3)
        calibrations = [(0.0, 2.0, "nm"), (0.0, 3.0, "nm"), (-300.0, 0.5, "eV")]
        ds = opened(File([Image(stored, "", calibrations, meta(format="Spectrum image"))]).write(tmp_path / "a.dm3"))
        assert (ds.shape.nav, ds.shape.sig) == ((2, 3), (7,))
        np.testing.assert_array_equal(ds.read(), stored.transpose(1, 2, 0))
        assert [(axis.name, axis.scale, axis.offset, axis.units) for axis in ds.axes] == [
            ("y", 3.0, 0.0, "nm"),
            ("x", 2.0, 0.0, "nm"),
            ("energy", 0.5, 150.0, "eV"),
        ]

    def test_of_swapped_spectrum_images_has_the_energy_fastest(self, tmp_path: Path) -> None:
        stored = numbers("f4", 2, 3, 7)
        ds = opened(File([Image(stored, tags=meta(format="Spectrum image", swapped=1))]).write(tmp_path / "a.dm4"))
        assert (ds.shape.nav, ds.shape.sig) == ((2, 3), (7,))
        np.testing.assert_array_equal(ds.read(), stored)

    def test_of_spectrum_images_without_format_is_told_by_tags_and_units(self, tmp_path: Path) -> None:
        units = [(0.0, 1.0, "nm"), (0.0, 1.0, "nm"), (0.0, 1.0, "eV")]
        ds = opened(File([Image(numbers("f4", 7, 2, 3), "", units, [("SI", [])])]).write(tmp_path / "a.dm4"))
        assert ds.shape.sig == (7,)

    @pytest.mark.parametrize(
        ("shape", "tags", "nav", "sig"),
        [
            ((4, 5), [], (1,), (4, 5)),
            ((9,), [], (1,), (9,)),
            ((6, 9), meta(format="Spectrum image"), (6,), (9,)),
            ((1, 9), meta(format="Spectrum"), (1,), (9,)),
            ((2, 2, 3, 4, 5), SWAPPED, (2, 2, 3), (4, 5)),
        ],
    )
    def test_of_other_ranks_has_the_detector_fastest(
        self, tmp_path: Path, shape: tuple[int, ...], tags: Any, nav: tuple[int, ...], sig: tuple[int, ...]
    ) -> None:
        stored = numbers("i4", *shape)
        ds = opened(File([Image(stored, tags=tags)]).write(tmp_path / "a.dm4"))
        assert (ds.shape.nav, ds.shape.sig) == (nav, sig)
        np.testing.assert_array_equal(ds.read().reshape(shape), stored)
        assert len(ds.axes) == len(ds.shape)


@pytest.mark.parametrize("backend", ["mmap", "buffered"])
@pytest.mark.parametrize("limit", [100, 1000, 32 << 20])
def test_transposed_frames_are_the_same_however_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, backend: str
) -> None:
    monkeypatch.setattr("lamella.reader.transposed._BLOCK_BYTES", limit)
    stored = numbers(">i2", 6, 5, 7, 9)
    ds = opened(File([Image(stored)], little=False).write(tmp_path / "a.dm4"), io_backend=backend)
    frames = stored.transpose(2, 3, 0, 1)
    for index in [
        (),
        (3, 4),
        (slice(None), 2),
        (slice(1, 5, 2), slice(None, None, 3)),
        (..., 2, 3),
        (..., slice(1, 5)),
    ]:
        np.testing.assert_array_equal(ds[index], frames[index])
    scheme = ds.scheme()
    for partition in ds.partitions(4):
        for tile in partition.tiles(scheme):
            expected = frames.reshape(-1, 6, 5)[np.asarray(tile.positions)][(slice(None), *tile.box.slices)]
            np.testing.assert_array_equal(tile.data, expected)


class TestChoiceOfImage:
    def images(self) -> list[Image]:
        return [
            THUMBNAIL,
            Image(numbers("f4", 20, 20), "survey"),
            Image(numbers("u2", 2, 3, 4, 5), "scan", tags=SWAPPED),
            Image(numbers("i4", 4, 5), "pattern"),
        ]

    def test_takes_the_one_with_most_axes_and_names_the_others(self, tmp_path: Path) -> None:
        ds = opened(File(self.images(), thumbnails=[0]).write(tmp_path / "a.dm4"))
        assert ds.shape == (2, 3, 4, 5)
        assert ds.metadata.title == "scan"
        assert "1: 'survey' (20, 20) f4; 3: 'pattern' (4, 5) i4" in ds.info.notes[0]

    def test_takes_the_larger_one_of_two_with_as_many(self, tmp_path: Path) -> None:
        images = [Image(numbers("u1", 3, 3), "small"), Image(numbers("u1", 9, 9), "large")]
        assert opened(File(images).write(tmp_path / "a.dm4")).metadata.title == "large"

    @pytest.mark.parametrize(("index", "shape"), [(1, (1, 20, 20)), (3, (1, 4, 5))])
    def test_can_be_made_by_number(self, tmp_path: Path, index: int, shape: tuple[int, ...]) -> None:
        ds = opened(File(self.images(), thumbnails=[0]).write(tmp_path / "a.dm4"), dataset_index=index)
        assert ds.shape == shape

    def test_refuses_a_number_that_is_not_there_and_lists_those_that_are(self, tmp_path: Path) -> None:
        path = File(self.images(), thumbnails=[0]).write(tmp_path / "a.dm4")
        with pytest.raises(ParameterError, match=r"no image 4 .* 0: thumbnail 'thumbnail' \(5, 6\) colours"):
            opened(path, dataset_index=4)

    def test_knows_a_thumbnail_without_the_tag_by_its_colours(self, tmp_path: Path) -> None:
        images = [Image(np.zeros((90, 90), "<i4"), data_type=23), Image(numbers("u1", 3, 3))]
        assert opened(File(images).write(tmp_path / "a.dm3")).shape == (1, 3, 3)

    def test_may_be_a_file_without_thumbnail(self, tmp_path: Path) -> None:
        assert opened(File([Image(numbers("u1", 3, 4))]).write(tmp_path / "a.dm3")).shape == (1, 3, 4)


class TestAxes:
    def test_have_scale_origin_and_units_of_the_file(self, tmp_path: Path) -> None:
        calibrations = [(8.0, 0.5, "1/nm"), (4.0, 0.25, "1/nm"), (0.0, 2.0, "nm"), (-1.0, 3.0, "µm")]
        image = Image(numbers("u2", 2, 3, 4, 5), "", calibrations, SWAPPED)
        ds = opened(File([image]).write(tmp_path / "a.dm4"))
        assert [(axis.name, axis.scale, axis.offset, axis.units) for axis in ds.axes] == [
            ("y", 3.0, 3.0, "µm"),
            ("x", 2.0, 0.0, "nm"),
            ("ky", 0.25, -1.0, "1/nm"),
            ("kx", 0.5, -4.0, "1/nm"),
        ]

    @pytest.mark.parametrize(
        ("units", "names"),
        [
            (("nm", "nm"), ("y", "x")),
            (("µm", "µm"), ("y", "x")),
            (("mrad", "mrad"), ("ky", "kx")),
            (("1/nm", "1/nm"), ("ky", "kx")),
            (("nm", "1/nm"), ("ky", "kx")),
            (("", "eV"), ("y", "x")),
        ],
    )
    def test_of_one_frame_keep_their_units_each(
        self, tmp_path: Path, units: tuple[str, str], names: tuple[str, str]
    ) -> None:
        calibrations = [(1.0, 0.5, units[1]), (2.0, 0.25, units[0])]
        ds = opened(File([Image(numbers("f4", 4, 5), "", calibrations)], 3).write(tmp_path / "a.dm3"))
        assert tuple(axis.name for axis in ds.axes[1:]) == names
        assert tuple(axis.units for axis in ds.axes[1:]) == tuple(one or None for one in units)

    def test_are_named_once_whatever_the_scan_shape(self, tmp_path: Path) -> None:
        calibrations = [(0.0, 0.5, "nm"), (0.0, 0.5, "nm")]
        path = File([Image(numbers("u2", 6, 4, 5), "", calibrations)]).write(tmp_path / "a.dm4")
        for nav_shape in [(6,), (2, 3), (1, 2, 3)]:
            names = [axis.name for axis in opened(path, nav_shape=nav_shape).axes]
            assert len(set(names)) == len(names) == len(nav_shape) + 2

    def test_without_units_or_beyond_the_calibrations_are_not_calibrated(self, tmp_path: Path) -> None:
        ds = opened(File([Image(numbers("u2", 2, 3, 4), "", [(0.0, 2.0, "")])]).write(tmp_path / "a.dm4"))
        assert [axis.calibrated for axis in ds.axes] == [False, False, False]

    def test_of_a_numbered_stack_follow_the_scan_shape_of_titan_x(self, tmp_path: Path) -> None:
        shape = [("Scan shape X", number("f4", 3)), ("Scan shape Y", number("f4", 2))]
        image = Image(numbers("u2", 6, 4, 5), tags=[("4D STEM Tags", shape)])
        assert opened(File([image]).write(tmp_path / "a.dm4")).shape == (2, 3, 4, 5)


class TestMetadata:
    def test_are_translated(self, tmp_path: Path) -> None:
        tags = [
            ("DataBar", [("Acquisition Date", text("14/05/2019")), ("Acquisition Time", text("9:53:48 PM"))]),
            ("DigiScan", [("Sample Time", number("f8", 3.5))]),
            ("GMS Version", [("Created", text("3.2"))]),
            (
                "Microscope Info",
                [
                    ("Indicated Magnification", number("f8", 1e5)),
                    ("Name", text("A microscope")),
                    ("Operation Mode", text("SCANNING")),
                    ("STEM Camera Length", number("f8", 135.0)),
                    ("Voltage", number("f8", 200e3)),
                ],
            ),
            ("Session Info", [("Operator", text("")), ("Specimen", text("gold"))]),
        ]
        ds = opened(File([Image(numbers("u1", 3, 4), "its name", tags=tags)]).write(tmp_path / "a.dm3"))
        assert ds.metadata.to_json() == {
            "title": "its name",
            "acquired": "2019-05-14T21:53:48",
            "instrument": "A microscope",
            "software": "DigitalMicrograph 3.2",
            "mode": "SCANNING",
            "beam_energy": 200e3,
            "camera_length": 0.135,
            "magnification": 1e5,
            "dwell_time": pytest.approx(3.5e-6),
        }

    @pytest.mark.parametrize(
        ("bar", "expected"),
        [
            ([("Acquisition Date", text("8/9/2016"))], None),
            ([("Acquisition Date", text("8/8/2016"))], "2016-08-08"),
            ([("Acquisition Time (OS)", number("f8", 131151435970000000))], "2016-08-08T15:26:37+00:00"),
            ([("Acquisition Time (OS)", number("f8", math.inf))], None),
        ],
    )
    def test_give_no_date_that_could_be_another_one(self, tmp_path: Path, bar: Any, expected: str | None) -> None:
        path = File([Image(numbers("u1", 3, 4), tags=[("DataBar", bar)])]).write(tmp_path / "a.dm3")
        assert opened(path).metadata.acquired == expected

    def test_hold_every_tag_as_json_and_summarise_what_is_large(self, tmp_path: Path) -> None:
        struct_words = [15, 0, 2, 0, 2, 0, 6]
        tags = [
            ("a.b", number("b1", 1)),
            ("twice", number("i4", -1)),
            ("twice", number("i8", 1 << 40)),
            ("nan", number("f8", math.nan)),
            ("struct", Leaf(struct_words, struct.pack("<hf", -2, 0.5), b"")),
            ("structs", Leaf([20, *struct_words, 2], struct.pack("<hfhf", 1, 2, 3, 4), b"")),
            ("pairs", Leaf([20, 20, 2, 2, 3], struct.pack("<6h", *range(6)), b"")),
            ("octets", Leaf([18, 3], b"\xb5m!", b"")),
            ("large", Leaf([20, 10, 9999], bytes(9999), b"")),
            ("none", text("")),
            ("list", [("", number("u2", 7)), ("", [("", text("deep"))])]),
            ("DataType", number("u4", 99)),
            ("Dimensions", [("", number("u4", 99))]),
        ]
        ds = opened(File([Image(numbers("u1", 3, 4), tags=tags)]).write(tmp_path / "a.dm4"))
        assert ds.shape == (1, 3, 4)
        raw = json.loads(json.dumps(ds.raw_metadata, allow_nan=False))["ImageList"][0]["ImageTags"]
        large = raw.pop("large")
        assert (large["array"], large["count"]) == ("uint8", 9999)
        assert raw == {
            "a.b": True,
            "twice": -1,
            "twice[2]": 1 << 40,
            "nan": "nan",
            "struct": [-2, 0.5],
            "structs": [[1, 2.0], [3, 4.0]],
            "pairs": [[0, 1], [2, 3], [4, 5]],
            "octets": "µm!",
            "none": "",
            "list": [7, ["deep"]],
            "DataType": 99,
            "Dimensions": [99],
        }


class TestPicturesAndTransforms:
    @pytest.mark.parametrize("little", [True, False], ids=["little", "big"])
    @pytest.mark.parametrize("code", [8, 23])
    @pytest.mark.parametrize("shape", [(3, 5), (2, 3, 5)])
    def test_pictures_are_red_green_blue_alpha(
        self, tmp_path: Path, shape: tuple[int, ...], code: int, little: bool
    ) -> None:
        rgba = np.random.default_rng(1).integers(0, 255, (*shape, 4), np.uint8)
        words = rgba[..., [2, 1, 0, 3]].copy().view("<i4")[..., 0]  # blue in the lowest byte
        path = File([Image(words, data_type=code)], 4, little).write(tmp_path / "a.dm4")
        ds = opened(path)
        assert (ds.dtype.str, tuple(ds.shape.sig)) == ("|u1", (3, 5, 4))
        np.testing.assert_array_equal(ds.read().reshape(rgba.shape), rgba)
        assert ds.axes[-1].name == "rgba"
        assert any("red, green, blue and alpha" in note for note in ds.info.notes)

    @pytest.mark.parametrize("little", [True, False], ids=["little", "big"])
    @pytest.mark.parametrize(("code", "kind"), [(27, "c8"), (28, "c16")])
    @pytest.mark.parametrize("shape", [(4, 6), (5, 5), (4, 7), (5, 8), (3, 4, 6)])
    def test_half_of_a_transform_is_made_whole(
        self, tmp_path: Path, shape: tuple[int, ...], code: int, kind: str, little: bool
    ) -> None:
        image = np.random.default_rng(2).normal(size=shape)
        whole = np.fft.fftshift(np.fft.fft2(image), axes=(-2, -1)).astype(kind)
        half = whole[..., shape[-1] // 2 :: -1]
        path = File([Image(half, data_type=code, dims=shape)], 4, little).write(tmp_path / "a.dm4")
        ds = opened(path)
        assert (ds.dtype, tuple(ds.shape)) == (whole.dtype, shape if len(shape) == 3 else (1, *shape))
        np.testing.assert_allclose(ds.read().reshape(shape), whole, atol=1e-5)
        np.testing.assert_allclose(ds[0, 1:3, 2:], whole.reshape(ds.shape)[0, 1:3, 2:], atol=1e-5)

    def test_plain_numbers_go_before_pictures(self, tmp_path: Path) -> None:
        picture = Image(np.zeros((3, 50, 60), "<i4"), data_type=23)
        frames = numbers("u2", 4, 4)
        assert opened(File([picture, Image(frames)]).write(tmp_path / "a.dm4")).dtype == np.uint16


class TestRefusals:
    def test_a_file_of_thumbnails_only_is_named(self, tmp_path: Path) -> None:
        path = File([THUMBNAIL], thumbnails=[0]).write(tmp_path / "a.dm3")
        with pytest.raises(UnsupportedError, match="colours"):
            opened(path)

    def test_packed_transforms_of_old_versions_are_named(self, tmp_path: Path) -> None:
        path = File([Image(numbers("c8", 4, 4), data_type=5)]).write(tmp_path / "a.dm4")
        with pytest.raises(UnsupportedError, match=r"packed complex numbers.*data type 5"):
            opened(path)

    def test_other_kinds_are_named(self, tmp_path: Path) -> None:
        path = File([Image(np.zeros((4, 4), "<i4"), data_type=4)]).write(tmp_path / "a.dm4")
        with pytest.raises(UnsupportedError, match="an unknown kind"):
            opened(path)

    def test_a_size_that_contradicts_the_shape_is_told_with_both(self, tmp_path: Path) -> None:
        path = File([Image(numbers("u2", 4, 4), data_type=2)]).write(tmp_path / "a.dm4")
        with pytest.raises(CorruptError, match=r"expected 64 bytes for axes of \(4, 4\).*; found 32 bytes"):
            opened(path)

    def test_a_file_of_tags_only_is_told(self, tmp_path: Path) -> None:
        path = tmp_path / "a.dm4"
        path.write_bytes(dm_bytes([("some", [("tag", number("u4", 1))])]))
        with pytest.raises(FormatError, match="holds no image"):
            opened(path)
        (tmp_path / "a.gtg").write_bytes(path.read_bytes())
        with pytest.raises(FormatError, match="'k2is'"):
            opened(tmp_path / "a.gtg", "dm")

    @pytest.mark.parametrize(
        ("head", "problem"),
        [
            (b"\0\0\0\5" + bytes(20), "version 3 or 4; found 5"),
            (b"\0\0\0\3" + bytes(4) + b"\0\0\0\7" + bytes(20), "byte order"),
            (b"\0\0\0\3\0", "header is incomplete"),
            (b"", "header is incomplete"),
        ],
    )
    def test_a_foreign_header_is_told(self, tmp_path: Path, head: bytes, problem: str) -> None:
        path = tmp_path / "a.dm3"
        path.write_bytes(head)
        with pytest.raises(FormatError, match=problem):
            opened(path, "dm")

    def test_a_broken_tag_is_told_with_its_place(self, tmp_path: Path) -> None:
        path = File([Image(numbers("u1", 3, 4), calibrations=[])]).write(tmp_path / "a.dm4")
        content = path.read_bytes()
        place = content.index(b"%%%%")
        path.write_bytes(content.replace(b"%%%%", b"%%!%", 1))
        with pytest.raises(CorruptError, match=f"'Data' is missing, at byte {place}; expected b'%%%%'; found b'%%!%'"):
            opened(path)

    def test_groups_without_end_are_told(self, tmp_path: Path) -> None:
        tree: Any = []
        for _ in range(100):
            tree = [("in", tree)]
        path = tmp_path / "a.dm4"
        path.write_bytes(dm_bytes(tree))
        with pytest.raises(CorruptError, match="too deep"):
            opened(path)


class TestCutFiles:
    def cut(self, folder: Path, nbytes: int, version: int = 4) -> Path:
        calibrations = [(0.0, 0.5, "1/nm"), (0.0, 0.25, "1/nm"), (0.0, 2.0, "nm"), (0.0, 3.0, "nm")]
        image = Image(numbers("u2", 2, 3, 4, 5), "", calibrations, SWAPPED)
        path = File([THUMBNAIL, image], version, thumbnails=[0]).write(folder / f"a.dm{version}")
        content = path.read_bytes()
        begin = content.index(numbers("<u2", 2, 3, 4, 5).tobytes())
        path.write_bytes(content[: begin + nbytes])
        return path

    def test_say_what_was_lost_and_what_to_give(self, tmp_path: Path) -> None:
        with pytest.raises(TruncatedError, match=r"4 axes .1/nm, 1/nm, nm, nm. and 120 pixels of uint16.*sig_shape"):
            opened(self.cut(tmp_path, 201))

    @pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
    @pytest.mark.parametrize("version", [3, 4])
    def test_open_as_far_as_complete_frames_go(self, tmp_path: Path, version: int) -> None:
        ds = opened(self.cut(tmp_path, 201, version), sig_shape=(4, 5))
        assert ds.shape == (5, 4, 5)
        assert ds.source.dtype == np.uint16
        np.testing.assert_array_equal(ds.read(), numbers("u2", 6, 4, 5)[:5])
        assert "5 frames are complete" in ds.info.notes[0]
        assert ds.axes[-1].scale == 0.5

    @pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
    def test_behind_the_pixels_only_lack_tags(self, tmp_path: Path) -> None:
        image = Image(numbers("u2", 3, 4, 5), "lost", tags=[("Voltage", number("f8", 1.0))])
        path = File([image]).write(tmp_path / "a.dm4")
        path.write_bytes(path.read_bytes()[:-40])
        ds = opened(path)
        assert ds.shape == (3, 4, 5)
        assert "tags are missing" in ds.info.notes[0]

    @pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
    def test_without_the_order_of_axes_ask_for_it(self, tmp_path: Path) -> None:
        path = File([Image(numbers("u2", 2, 3, 4, 5), tags=SWAPPED)]).write(tmp_path / "a.dm4")
        path.write_bytes(path.read_bytes()[:-120])
        with pytest.raises(TruncatedError, match="force_c_order=True"):
            opened(path)
        assert opened(path, force_c_order=True).shape == (2, 3, 4, 5)

    def test_before_the_pixels_hold_nothing(self, tmp_path: Path) -> None:
        path = self.cut(tmp_path, 0)
        path.write_bytes(path.read_bytes()[:300])
        with pytest.raises(FormatError):
            opened(path)

    @pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
    def test_leave_the_images_before_the_cut_alone(self, tmp_path: Path) -> None:
        first, second = numbers("i2", 3, 4, 5), numbers("u2", 2, 3, 6, 7)
        path = File([Image(first, "whole"), Image(second, "cut", tags=SWAPPED)]).write(tmp_path / "a.dm4")
        content = path.read_bytes()
        path.write_bytes(content[: content.index(second.tobytes()) + 100])
        with pytest.raises(TruncatedError, match="within the pixels of image 1"):
            opened(path)
        ds = opened(path, dataset_index=0)
        np.testing.assert_array_equal(ds.read(), first)
        assert "tags are missing" in " ".join(ds.info.notes)


def test_a_wrong_total_size_in_the_header_harms_nothing(tmp_path: Path) -> None:
    frames = numbers("u2", 3, 4, 5)
    path = File([Image(frames)]).write(tmp_path / "a.dm4")
    content = path.read_bytes()
    path.write_bytes(content[:4] + struct.pack(">Q", 12345) + content[12:])
    ds = opened(path)
    assert ds.provenance.confidence == 80
    np.testing.assert_array_equal(ds.read(), frames)


@pytest.mark.parametrize("swapped", [True, False])
def test_pixels_beyond_four_gigabytes_are_reached(tmp_path: Path, swapped: bool) -> None:
    shape = (3, 700, 1000, 1100)
    assert math.prod(shape) * 2 > 1 << 32
    last = numbers("u2", 7)
    words = [20, 4, math.prod(shape)]
    data: Any = [
        ("Data", Leaf(words, b"", b"")),
        ("DataType", number("u4", 10)),
        ("Dimensions", [("", number("u4", n)) for n in reversed(shape)]),
    ]
    tags: Any = SWAPPED if swapped else []
    content = dm_bytes([("ImageList", [("", [("ImageData", data), ("ImageTags", tags)])])])
    begin = content.index(struct.pack(">4Q", 3, *words)) + 32
    path = tmp_path / "large.dm4"
    with path.open("wb") as file:
        file.write(content[:begin])
        file.seek(2 * math.prod(shape) - last.nbytes, 1)
        file.write(last.tobytes() + content[begin:])
    ds = opened(path)
    if swapped:
        assert ds.shape == shape
        np.testing.assert_array_equal(ds[2, 699, 999, -7:], last)
        assert not ds[2, 0, 0, :50].any()
    else:
        assert ds.shape == (1000, 1100, 3, 700)
        np.testing.assert_array_equal(ds[999, -7:, 2, 699], last)


class TestLists:
    def write(self, folder: Path, *frames: NDArray[Any], version: int = 3) -> list[Path]:
        return [
            File([THUMBNAIL, Image(one, f"number {i}")], version, thumbnails=[0]).write(folder / f"{i}.dm{version}")
            for i, one in enumerate(frames)
        ]

    def test_of_images_are_scans_in_the_order_given(self, tmp_path: Path) -> None:
        frames = [numbers("u2", 4, 5) + 100 * i for i in range(6)]
        paths = self.write(tmp_path, *frames)
        ds = opened(paths[::-1], nav_shape=(2, 3))
        assert ds.shape == (2, 3, 4, 5)
        np.testing.assert_array_equal(ds.read().reshape(6, 4, 5), np.stack(frames[::-1]))

    def test_of_stacks_join_them(self, tmp_path: Path) -> None:
        stacks = [numbers("f4", 2, 4, 5) + 100 * i for i in range(3)]
        ds = opened(self.write(tmp_path, *stacks, version=4))
        np.testing.assert_array_equal(ds.read(), np.concatenate(stacks))

    def test_may_name_a_file_more_than_once(self, tmp_path: Path) -> None:
        (path,) = self.write(tmp_path, numbers("u2", 4, 5))
        assert opened([path, path, path]).shape == (3, 4, 5)

    def test_may_hold_files_with_other_tags(self, tmp_path: Path) -> None:
        paths = self.write(tmp_path, numbers("u2", 4, 5), numbers("u2", 4, 5) + 1)
        odd = File([Image(numbers("u2", 4, 5) + 2, "odd", tags=[("more", text("tags" * 99))])], before=SWAPPED)
        ds = opened([*paths, odd.write(tmp_path / "odd.dm4")])
        np.testing.assert_array_equal(ds.read(), np.stack([numbers("u2", 4, 5) + i for i in range(3)]))

    def test_look_into_the_others_only_if_not_told_to_trust(self, tmp_path: Path) -> None:
        paths = self.write(tmp_path, *[numbers("u2", 4, 5) + i for i in range(3)])
        content = bytearray(paths[1].read_bytes())
        content[:4] = b"what"
        paths[1].write_bytes(content)
        assert opened(paths, same_offset=True).shape == (3, 4, 5)

    def test_refuse_a_file_that_differs_by_name(self, tmp_path: Path) -> None:
        paths = self.write(tmp_path, numbers("u2", 4, 5), numbers("u2", 5, 4), numbers("u2", 4, 5))
        with pytest.raises(CorruptError, match=r"1\.dm3: the files of a stack differ.*\(4, 5\).*\(5, 4\)"):
            opened(paths)

    @pytest.mark.parametrize("which", [0, 2])
    def test_refuse_a_file_that_was_cut_by_name(self, tmp_path: Path, which: int) -> None:
        paths = self.write(tmp_path, *[numbers("u2", 40, 50) + i for i in range(3)])
        paths[which].write_bytes(paths[which].read_bytes()[:3000])
        with pytest.raises(TruncatedError, match=rf"{which}\.dm3"):
            opened(paths)

    def test_refuse_frames_that_are_not_in_one_piece(self, tmp_path: Path) -> None:
        paths = self.write(tmp_path, numbers("u2", 2, 2, 4, 5), numbers("u2", 2, 2, 4, 5))
        with pytest.raises(UnsupportedError, match="cannot be part of a stack"):
            opened(paths)

    def test_travel_to_other_processes(self, tmp_path: Path) -> None:
        ds = opened(self.write(tmp_path, numbers("u2", 4, 5), numbers("u2", 4, 5) + 1))
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(ds)).read(), ds.read())

    def test_miss_files_as_the_system_says(self, tmp_path: Path) -> None:
        (path,) = self.write(tmp_path, numbers("u2", 4, 5))
        with pytest.raises(FileNotFoundError):
            opened([path, tmp_path / "none.dm3"])


@pytest.mark.parametrize("noise", [b"", bytes(4096), b"\0\0\0\3" + bytes(4096), b"\0\0\0\4" + b"\xff" * 99])
def test_foreign_files_are_not_claimed(tmp_path: Path, noise: bytes) -> None:
    path = tmp_path / "a.dm3"
    path.write_bytes(noise)
    with pytest.raises(LamellaError):
        opened(path)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
@settings(
    max_examples=3 * settings().max_examples,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)
@given(
    version=st.sampled_from([3, 4]),
    changes=st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=6),
    cut=st.none() | st.integers(0, 2**16),
)
def test_a_damaged_file_gives_data_or_a_format_error(
    tmp_path: Path, version: int, changes: list[tuple[int, int]], cut: int | None
) -> None:
    image = Image(numbers("u2", 2, 3, 4, 5), "scan", [(1.0, 2.0, "nm")] * 4, [*SWAPPED, ("SI", [("", text("x"))])])
    content = bytearray(File([THUMBNAIL, image], version, thumbnails=[0]).tobytes())
    for where, value in changes:
        content[where % len(content)] = value
    path = tmp_path / f"a.dm{version}"
    path.write_bytes(content if cut is None else content[: cut % len(content)])
    try:
        ds = opened(path, "dm", sig_shape=(4, 5)) if cut is not None else opened(path, "dm")
    except (FormatError, ParameterError) as error:
        if "defect" in str(error):  # what the core says of any other exception
            raise
        return
    json.dumps(ds.raw_metadata, allow_nan=False)
    assert ds.read().shape == ds.shape
