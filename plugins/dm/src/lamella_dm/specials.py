"""DigitalMicrograph files that are no plain scan, and files that make no sense, for the conformance kit."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import FormatError, TruncatedError, UnsupportedError
from lamella.reader import Axis
from lamella_dm.writer import CODES, SWAPPED, File, Image, Leaf, Tree, dm_bytes, number, text
from lamella_testkit import Special, Wrong

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from lamella_testkit import SampleData

__all__ = ["special_files", "wrong_files"]

Tags = Sequence[tuple[str, Any]]


def special_files(directory: Path, data: SampleData) -> Iterator[Special]:
    """Write what a file can hold besides a scan, and lists of files."""
    path = directory / "a.dm4"
    yield from _kinds_of_pixels(path, data)
    yield from _spectra(path, data)
    yield from _orders_of_axes(path, data)
    yield from _several_images(path, data)
    yield from _tags(path, data)
    yield from _cut_files(path, data)
    yield from _lists(directory, data)


def wrong_files(path: Path, data: SampleData) -> Iterator[Wrong | tuple[str, Mapping[str, Any]]]:
    """Write headers, tags and images that contradict themselves, or that nobody can read."""
    given = {"path": path}
    image = Image(data.frames)
    right = File([image]).tobytes()
    for what, place, wrong in (
        ("version 5", 0, b"\0\0\0\5"),
        ("an unknown byte order", 12, b"\0\0\0\2"),
        ("an entry that is neither a group nor a value", 26, b"\x16"),
    ):
        path.write_bytes(right[:place] + wrong + right[place + len(wrong) :])
        yield what, given
    path.write_bytes(right.replace(b"%%%%", b"%%!%", 1))
    yield "a value without its mark", given
    words = struct.pack(">4Q", 3, 20, CODES["u2"], data.frames.size)
    for what, others in (
        ("a type without words", struct.pack(">Q", 0)),
        ("an unknown type of numbers", struct.pack(">4Q", 3, 20, 99, data.frames.size)),
        ("structs without fields", struct.pack(">4Q", 5, 20, 15, 0) + struct.pack(">2Q", 0, 7)),
        ("structs of fewer words than fields", struct.pack(">4Q", 7, 20, 15, 0) + struct.pack(">4Q", 2, 0, 4, 7)),
    ):
        path.write_bytes(right.replace(words, others, 1))
        yield what, given
    for code in (5, 4, 24):
        File([Image(data.frames, data_type=code)]).write(path)
        yield f"pixels of type {code}", given
    for what, wrong_image in (
        ("pixels that are too few for their type", Image(data.frames, data_type=11)),
        ("pixels that are too few for a picture", Image(data.frames, data_type=23)),
        ("pixels that are too few for half of a transform", Image(data.frames, data_type=27)),
        ("an axis of length zero", Image(data.frames, dims=(0, *data.frames.shape))),
        ("no axis", Image(data.frames[:0, :0, :0], dims=())),
    ):
        File([wrong_image]).write(path)
        yield what, given
    path.write_bytes(dm_bytes([("some", [("tag", number("u4", 1))])]))
    yield Wrong("tags without an image", given, FormatError)
    for what, content, error in (
        ("the version of another format and no more", b"\0\0\0\5", UnsupportedError),
        ("less than a version", b"\0\0\0", TruncatedError),
        ("less than a header", right[:15], TruncatedError),
    ):
        path.write_bytes(content)
        yield Wrong(what, given, error)
    deep: Tree = []
    for _ in range(80):
        deep = [("in", deep)]
    path.write_bytes(dm_bytes([("deep", deep), *_root(image)]))
    yield "groups that lie too deep in each other", given
    File([_picture(data.sig_shape)], thumbnails=[0]).write(path)
    yield "nothing but a thumbnail", given
    File([Image(data.pixels, tags=SWAPPED)]).write(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"ImageTags")])
    yield "a scan whose order of axes was cut off", given
    File([_picture(data.sig_shape), Image(data.frames)]).write(path)
    path.write_bytes(path.read_bytes()[: path.read_bytes().index(b"ImageTags")])
    yield "a picture, and what it may be a thumbnail of was cut off", given
    path.write_bytes(right[: right.index(data.tobytes()) + 9])
    yield Wrong("a file that was cut within its pixels", given, TruncatedError)
    path.write_bytes(right[: right.index(b"ImageData")])
    yield Wrong("a file that was cut before its pixels", given, TruncatedError)


def _root(image: Image) -> Tree:
    return [("ImageList", [("", image.tree())])]


def _axes(*some: tuple[str, float, float, str | None]) -> list[Axis]:
    return [Axis(name, scale, offset, units) for name, scale, offset, units in some]


def _plain(*names: str) -> list[Axis]:
    return [Axis(name) for name in names]


def _named(format: str = "", **more: int) -> Tags:
    """Give tags that name the kind of data, and say whether its axes were exchanged."""
    entries = [("Format", text(format))] if format else []
    return [("Meta Data", [*entries, *((key, number("u1", value)) for key, value in more.items())])]


def _picture(shape: tuple[int, ...]) -> Image:
    return Image(np.zeros(shape, "<i4"), "thumbnail", data_type=23)


def _kinds_of_pixels(path: Path, data: SampleData) -> Iterator[Special]:
    """Numbers that scans seldom have, pictures, and halves of Fourier transforms."""
    height, width = data.sig_shape
    for kind, values in (("i8", data.frames), ("u8", data.frames), ("b1", data.frames % 3 == 0)):
        pixels = values.astype(kind)
        File([Image(pixels)]).write(path)
        yield Special(f"pixels of type {kind}", {"path": path}, pixels=pixels, axes=_plain("frame", "y", "x"), notes=0)
    shades = np.arange(4 * data.pixels.size, dtype="<u4").astype(np.uint8).reshape(*data.pixels.shape, 4)
    for little, order in ((True, [2, 1, 0, 3]), (False, [3, 0, 1, 2])):
        for code, rgba in ((8, shades[:1, 0]), (23, shades[0]), (23, shades)):
            words = np.ascontiguousarray(rgba[..., order]).view("<i4" if little else ">i4")[..., 0]
            if not little:
                words = np.ascontiguousarray(rgba[..., [3, 0, 1, 2]]).view(">i4")[..., 0]
            shown = words[0] if code == 8 else words
            sides = [(0.0, 0.5, "nm"), (4.0, 0.25, "nm")]
            File([Image(shown, calibrations=sides, data_type=code)], 4, little).write(path)
            names = ("frame",) if rgba.ndim == 4 else ("y", "x")
            sig = ("ky", "kx") if rgba.ndim == 5 else ("y", "x")
            calibrated = _axes((sig[0], 0.25, -1.0, "nm"), (sig[1], 0.5, 0.0, "nm"))
            yield Special(
                f"pictures of type {code}, {rgba.shape}, little-endian: {little}",
                {"path": path},
                pixels=rgba,
                axes=[*_plain(*names), *calibrated, Axis("rgba")],
                notes=1,
            )
    numbers = (data.frames + 1j * (data.frames[::-1] % 77)).astype("c8")
    for code, kind in ((27, "c8"), (28, "c16")):
        for columns in (width, width - 1):
            for little in (True, False):
                half = np.ascontiguousarray(numbers[..., : columns // 2 + 1]).astype(kind)
                File([Image(half, data_type=code, dims=(len(half), height, columns))], 3, little).write(path)
                text_of = f"halves of transforms of {kind}, {columns} columns, little-endian: {little}"
                yield Special(text_of, {"path": path}, pixels=_whole(half, columns), notes=1)
    plane = numbers[0, :, : width // 2 + 1]
    File([Image(plane, data_type=27, dims=(height, width))]).write(path)
    yield Special("half of a transform", {"path": path}, pixels=_whole(plane[np.newaxis], width), notes=1)


def _whole(half: NDArray[Any], width: int) -> NDArray[Any]:
    """Give whole transforms, frequency by frequency: what is stored belongs to x = 0, -1, -2 ..."""
    n, height, _ = half.shape
    whole = np.zeros((n, height, width), half.dtype)
    for row in range(height):
        for column in range(width):
            y, x = row - height // 2, column - width // 2
            if x <= 0:
                whole[:, row, column] = half[:, row, -x]
            else:
                whole[:, row, column] = half[:, (height // 2 - y) % height, x].conj()
    return whole


def _spectra(path: Path, data: SampleData) -> Iterator[Special]:
    """Spectra, lines, images and volumes of them, told by their name or by tags and units."""
    energies = (-300.0, 0.5, "eV")
    stored = data.pixels[..., 0]  # (energy, y, x)
    turned = stored.transpose(1, 2, 0)
    sides = [(0.0, 2.0, "nm"), (5.0, 3.0, "nm")]
    axes = _axes(("y", 3.0, -15.0, "nm"), ("x", 2.0, 0.0, "nm"), ("energy", 0.5, 150.0, "eV"))
    marked: Tags = [("SI", [("some", number("u1", 1))])]
    for what, tags in (
        ("a spectrum image", _named("Spectrum image")),
        ("a spectrum image by its tags", marked),
        ("a spectrum image of an older plug-in", [("spim", [])]),
    ):
        File([Image(stored, "", [*sides, energies], tags)], 3).write(path)
        yield Special(what, {"path": path}, pixels=turned, axes=axes, notes=0)
    thousands = (0.0, 0.25, "keV")
    File([Image(stored, "", [*sides, thousands], marked)]).write(path)
    in_thousands = [*axes[:2], Axis("energy", 0.25, 0.0, "keV")]
    yield Special("a spectrum image in keV", {"path": path}, pixels=turned, axes=in_thousands, notes=0)
    File([Image(stored, "", [*sides, (0.0, 0.5, "nm")], marked)]).write(path)
    frames = _axes(("frame", 0.5, 0.0, "nm"), ("y", 3.0, -15.0, "nm"), ("x", 2.0, 0.0, "nm"))
    yield Special("a scan of images", {"path": path}, pixels=stored, axes=frames, notes=0)
    File([Image(stored, "", [*sides, energies])]).write(path)
    images = [Axis("frame", 0.5, 150.0, "eV"), *frames[1:]]
    yield Special("images at several energies", {"path": path}, pixels=stored, axes=images, notes=0)
    exchanged = _named("Spectrum image", **{"Data Order Swapped": 1})
    File([Image(stored, "", [energies, *sides], exchanged)]).write(path)
    fast = _axes(("y", 3.0, -15.0, "nm"), ("x", 2.0, 0.0, "nm"), ("energy", 0.5, 150.0, "eV"))
    yield Special("a spectrum image with fast energies", {"path": path}, pixels=stored, axes=fast, notes=0)
    line = stored[0]
    File([Image(line, "", [energies, sides[0]], _named("Spectrum"))]).write(path)
    along = _axes(("x", 2.0, 0.0, "nm"), ("energy", 0.5, 150.0, "eV"))
    yield Special("a line of spectra", {"path": path}, pixels=line, axes=along, notes=0)
    File([Image(line, "", [energies, (0.0, 2.0, "s")], _named("Spectrum"))]).write(path)
    series = _axes(("frame", 2.0, 0.0, "s"), ("energy", 0.5, 150.0, "eV"))
    yield Special("a series of spectra", {"path": path}, pixels=line, axes=series, notes=0)
    for what, tags, calibrations, axis in (
        ("a spectrum", _named("Spectrum"), [energies], Axis("energy", 0.5, 150.0, "eV")),
        ("a profile", [], [(0.0, 1.5, "nm")], Axis("k", 1.5, 0.0, "nm")),
        ("a profile without units", [], [], Axis("k")),
    ):
        File([Image(line[0], "", calibrations, tags)]).write(path)
        yield Special(what, {"path": path}, pixels=line[:1], axes=[Axis("frame"), axis], notes=0)
    File([Image(data.pixels, "", [*sides, (0.0, 4.0, "nm"), energies], _named("Spectrum image"))]).write(path)
    moved = data.pixels.transpose(1, 2, 3, 0)
    volume = [Axis("nav0", 4.0, 0.0, "nm"), Axis("nav1", 3.0, -15.0, "nm"), Axis("nav2", 2.0, 0.0, "nm"), axes[-1]]
    yield Special("a volume of spectra", {"path": path}, pixels=moved, axes=volume, notes=0)


def _orders_of_axes(path: Path, data: SampleData) -> Iterator[Special]:
    """Scans whose fast axes are those of the scan, or not, and calibrations that are none."""
    pixels = data.pixels
    turned = pixels.transpose(2, 3, 0, 1)
    steps = [(8.0, 0.5, "1/nm"), (4.0, 0.25, "1/nm"), (0.0, 2.0, "nm"), (-1.0, 3.0, "µm")]
    stored = _axes(("y", 3.0, 3.0, "µm"), ("x", 2.0, 0.0, "nm"), ("ky", 0.25, -1.0, "1/nm"), ("kx", 0.5, -4.0, "1/nm"))
    turned_axes = _axes(
        ("y", 0.25, -1.0, "1/nm"), ("x", 0.5, -4.0, "1/nm"), ("ky", 3.0, 3.0, "µm"), ("kx", 2.0, 0.0, "nm")
    )
    for what, tags, keywords, swapped in (
        ("a scan with a fast detector", SWAPPED, {}, True),
        ("a scan with fast steps", [], {}, False),
        ("a scan with fast steps, named", _named("Diffraction image", **{"Data Order Swapped": 0}), {}, False),
        ("a scan with a fast detector, as the user says", [], {"force_c_order": True}, True),
    ):
        File([Image(pixels, "", steps, tags)]).write(path)
        axes = stored if swapped else turned_axes
        yield Special(what, {"path": path, **keywords}, pixels=pixels if swapped else turned, axes=axes, notes=0)
    several = pixels.reshape(1, *pixels.shape)
    File([Image(several, tags=SWAPPED)]).write(path)
    yield Special("several scans", {"path": path}, pixels=several, axes=_plain("nav0", "nav1", "nav2", "ky", "kx"))
    n = data.n_frames
    for calibrations, sides in (
        ([(1.0, 0.5, "eV"), (2.0, 0.25, "")], [Axis("y"), Axis("x", 0.5, -0.5, "eV")]),
        ([(1.0, 0.0, "nm"), (2.0, 0.25, "mrad")], [Axis("y", 0.25, -0.5, "mrad"), Axis("x")]),
        ([(1.0, 0.5, "mrad"), (2.0, 0.25, "mrad")], [Axis("ky", 0.25, -0.5, "mrad"), Axis("kx", 0.5, -0.5, "mrad")]),
        ([(0.0, 2.0, "nm")], [Axis("y"), Axis("x", 2.0, 0.0, "nm")]),
    ):
        File([Image(data.frames, "", calibrations)]).write(path)
        axes = [Axis("frame"), *sides]
        yield Special(f"images with {calibrations}", {"path": path}, pixels=data.frames, axes=axes, notes=0)
    ny, nx = data.nav_shape
    for rows, columns in ((ny, nx), (ny, nx + 1)):
        shape = [("Scan shape X", number("f4", columns)), ("Scan shape Y", number("f4", rows))]
        File([Image(data.frames, tags=[("4D STEM Tags", shape)])]).write(path)
        shown = pixels if rows * columns == n else data.frames
        yield Special(f"a stack of a scan of {rows} x {columns}", {"path": path}, pixels=shown, notes=0)


def _several_images(path: Path, data: SampleData) -> Iterator[Special]:
    """Files of more than one image, with and without thumbnails."""
    survey = (np.arange(600, dtype="<f4") / 7).reshape(20, 30)
    pattern = data.frames[0].astype("<i4")
    thumbnail = _picture((50, 60))
    images = [thumbnail, Image(survey, "survey"), Image(data.pixels, "scan", tags=SWAPPED), Image(pattern, "pattern")]
    File(images, thumbnails=[0]).write(path)
    for index, title, pixels in ((None, "scan", data.pixels), (1, "survey", survey[np.newaxis]), (3, "pattern", None)):
        keywords = {} if index is None else {"dataset_index": index}
        shown = pattern[np.newaxis] if pixels is None else pixels
        known = {"title": title}
        yield Special(f"image {index} of several", {"path": path, **keywords}, pixels=shown, metadata=known, notes=1)
    colours = np.zeros((1, 50, 60, 4), np.uint8)
    yield Special("a thumbnail", {"path": path, "dataset_index": 0}, pixels=colours, notes=2)
    small, large = Image(data.frames[0, :2, :2], "small"), Image(data.frames[0], "large")
    for what, listed, title, notes in (
        ("a smaller image, and a larger one", [small, large], "large", 1),
        ("a larger image, and a smaller one", [large, small], "large", 1),
        ("a picture without a tag, and an image", [thumbnail, small], "small", 0),
        ("a picture without a tag, and images", [thumbnail, Image(data.frames[:1], "large")], "large", 0),
        ("an image, and a picture", [small, thumbnail], "small", 1),
        ("an image, and a larger transform", [small, Image(survey.astype("c8"), "", data_type=27, dims=(20, 58))],
         "small", 1),
        ("an image, and one that cannot be read", [small, Image(survey.astype("c8"), data_type=5)], "small", 1),
    ):  # fmt: skip
        File(listed).write(path)
        pixels = data.frames[:1] if title == "large" else data.frames[:1, :2, :2]
        yield Special(what, {"path": path}, pixels=pixels, metadata={"title": title}, notes=notes)
    stack = Image(np.zeros((2, 3, 4), "<i4"), "pictures", data_type=23)
    File([stack, Image(stack.pixels, "others", data_type=23)]).write(path)
    yield Special("two stacks of pictures", {"path": path}, pixels=np.zeros((2, 3, 4, 4), np.uint8), notes=2)
    File([_picture((3, 4))]).write(path)
    yield Special("a picture", {"path": path}, pixels=np.zeros((1, 3, 4, 4), np.uint8), notes=1)
    content = File([large]).tobytes()
    path.write_bytes(content[:4] + struct.pack(">Q", 12345) + content[12:])
    yield Special("a header that does not know the size", {"path": path}, pixels=data.frames[:1], notes=0)


def _tags(path: Path, data: SampleData) -> Iterator[Special]:
    """Values of all types, and what they tell."""
    fields = [15, 0, 2, 0, 2, 0, 6]
    long = "äb" * 40_000
    before: Tags = [
        ("a.b", number("b1", 1)),
        ("twice", number("i4", -1)),
        ("twice", number("i8", 1 << 40)),
        ("octet", number("i1", -3)),
        ("wide", number("u8", 1 << 63)),
        ("nan", number("f8", math.nan)),
        ("struct", Leaf(fields, struct.pack("<hf", -2, 0.5), struct.pack(">hf", -2, 0.5))),
        ("structs", Leaf([20, *fields, 2], struct.pack("<hfhf", 1, 2, 3, 4), struct.pack(">hfhf", 1, 2, 3, 4))),
        ("pairs", Leaf([20, 20, 2, 2, 3], struct.pack("<6h", *range(6)), struct.pack(">6h", *range(6)))),
        ("pairs of structs", Leaf([20, 20, 15, 0, 1, 0, 10, 2, 1], b"\1\2", b"\1\2")),
        ("octets", Leaf([18, 3], b"\xb5m!", b"\xb5m!")),
        ("few", Leaf([20, 10, 256], bytes(256), bytes(256))),
        ("many", Leaf([20, 10, 257], bytes(257), bytes(257))),
        ("empty", Leaf([20, 10, 0], b"", b"")),
        ("nothing", text("")),
        ("long", text(long)),
        ("list", [("", number("u2", 7)), ("", [("", text("deep"))])]),
    ]
    for version in (3, 4):
        for little in (True, False):
            file = File([Image(data.frames)], version, little, before=before)
            file.write(path)
            words = struct.pack(">4I" if version == 3 else ">4Q", 3, 20, 10, 257)
            place = path.read_bytes().index(words) + len(words)
            known: dict[str, object] = {
                "a.b": True,
                "twice": -1,
                "twice[2]": 1 << 40,
                "octet": -3,
                "wide": 1 << 63,
                "nan": "nan",
                "struct": [-2, 0.5],
                "structs": [[1, 2.0], [3, 4.0]],
                "pairs": [[0, 1], [2, 3], [4, 5]],
                "octets": "µm!",
                "few": [0] * 256,
                "many": {"array": "uint8", "count": 257, "offset": place},
                "empty": [],
                "nothing": "",
                "long": long,
                "list": [7, ["deep"]],
            }
            yield Special(
                f"tags of all types, version {version}, little-endian: {little}",
                {"path": path},
                pixels=data.frames,
                raw_metadata=known,
            )
    microscope: Tags = [
        ("Indicated Magnification", number("f8", 1e5)),
        ("Name", text("A microscope")),
        ("Operation Mode", text("SCANNING")),
        ("Illumination Mode", text("STEM")),
        ("STEM Camera Length", number("f8", 135.0)),
        ("Voltage", number("f8", 200e3)),
    ]
    bar: Tags = [("Exposure Time (s)", number("f8", 0.25)), ("Device Name", text("a camera"))]
    many: Tags = [
        ("DataBar", bar),
        ("DigiScan", [("Rotation", number("f8", -12.5)), ("Sample Time", number("f8", 3.5))]),
        ("EELS", [("Convergence semi-angle (mrad)", number("f8", 20.0))]),
        ("GMS Version", [("Created", text("3.2"))]),
        ("Microscope Info", microscope),
        ("SI", [("Acquisition", [("Pixel time (s)", number("f8", 0.5))])]),
        ("Session Info", [("Operator", text("somebody")), ("Microscope", text("another one"))]),
        ("Acquisition", [("Device", [("Name", text("another camera"))])]),
    ]
    told = {
        "acquired": None,
        "instrument": "A microscope",
        "software": "DigitalMicrograph 3.2",
        "mode": "SCANNING",
        "beam_energy": 200e3,
        "camera_length": 0.135,
        "magnification": 1e5,
        "convergence_angle": math.degrees(0.02),
        "scan_rotation": -12.5,
        "exposure_time": 0.25,
        "dwell_time": 0.5,
        "detector": "a camera",
        "operator": "somebody",
    }
    File([Image(data.frames, tags=many)]).write(path)
    yield Special("tags of microscope and detector", {"path": path}, metadata=told)
    other: Tags = [
        many[1],
        ("Microscope Info", [("Illumination Mode", text("STEM")), ("Voltage", number("f8", 0.0))]),
        *many[6:],
    ]
    File([Image(data.frames, "", tags=other)]).write(path)
    told = {"title": None, "dwell_time": 3.5e-6, "mode": "STEM", "instrument": "another one", "beam_energy": None}
    told |= {"detector": "another camera", "software": None, "exposure_time": None, "operator": "somebody"}
    yield Special("other tags of microscope and detector", {"path": path}, metadata=told)
    times: tuple[tuple[dict[str, str | float], str | None], ...] = (
        ({"Acquisition Date": "14/05/2019", "Acquisition Time": "9:53:48 PM"}, "2019-05-14T21:53:48"),
        ({"Acquisition Date": "2019-05-14", "Acquisition Time": "21:53:48"}, "2019-05-14T21:53:48"),
        ({"Acquisition Date": "14.05.2019", "Acquisition Time": "late"}, "2019-05-14"),
        ({"Acquisition Date": "8/9/2016"}, None),
        ({"Acquisition Date": "8/8/2016"}, "2016-08-08"),
        ({"Acquisition Time (OS)": 131151435970000000.0}, "2016-08-08T15:26:37+00:00"),
        ({"Acquisition Time (OS)": 0.0, "Acquisition Date": "8/8/2016"}, "2016-08-08"),
        ({"Acquisition Time (OS)": 1.0, "Acquisition Date": "8/8/2016"}, "1601-01-01T00:00:00+00:00"),
        ({"Acquisition Time (OS)": math.inf}, None),
        ({"Acquisition Time (OS)": 1e300}, None),
    )
    for entries, acquired in times:
        leaves: Tags = [(key, text(v) if isinstance(v, str) else number("f8", v)) for key, v in entries.items()]
        File([Image(data.frames, tags=[("DataBar", leaves)])]).write(path)
        yield Special(f"acquired: {entries}", {"path": path}, metadata={"acquired": acquired})


def _cut_files(path: Path, data: SampleData) -> Iterator[Special]:
    """Files that were cut within the pixels, after them, within their shape, and within the tags after it."""
    sides = [(1.0, 0.5, "1/nm"), (2.0, 0.25, "1/nm"), (0.0, 2.0, "nm")]
    axes = _axes(("frame", 1.0, 0.0, None), ("ky", 0.25, -0.5, "1/nm"), ("kx", 0.5, -0.5, "1/nm"))
    height, width = data.sig_shape
    frames = {"path": path, "sig_shape": data.sig_shape}
    for version in (3, 4):
        content = File([Image(data.frames, "", sides, [("more", text("tags"))])], version).tobytes()
        begin = content.index(data.tobytes())
        end, one = begin + data.nbytes, data.nbytes // data.n_frames
        for what, place, count in (
            ("within the last frame", end - 1, data.n_frames - 1),
            ("within the third frame", begin + 3 * one - 1, 2),
            ("after the third frame", begin + 3 * one, 3),
            ("after the pixels", end, data.n_frames),
            ("within the shape", content.index(b"PixelDepth") - 30, data.n_frames),
        ):
            path.write_bytes(content[:place])
            pixels = data.frames[:count]
            yield Special(f"DM{version}, cut {what}", frames, pixels=pixels, axes=axes, notes=1)
        path.write_bytes(content[: begin + 3 * one - 1])
        rows = data.frames.reshape(-1, width)[: 3 * height - 1]
        yield Special(
            f"DM{version}, rows of a file that was cut",
            {"path": path, "sig_shape": (width,)},
            pixels=rows,
            axes=[Axis("frame"), Axis("k", 0.5, -0.5, "1/nm")],
            notes=1,
        )
        yield Special(
            f"DM{version}, frames of three axes of a file that was cut",
            {"path": path, "sig_shape": (2, height, width)},
            pixels=data.frames[np.newaxis, :2],
            notes=1,
        )
        path.write_bytes(content[: content.index(b"PixelDepth")])
        counted = [Axis("frame", 2.0, 0.0, "nm"), *axes[1:]]
        whole = {"path": path}
        yield Special(f"DM{version}, cut after the shape", whole, pixels=data.frames, axes=counted, notes=1)
    for kind in ("c8", "c16"):
        for little in (True, False):
            numbers = data.frames.astype(kind)
            content = File([Image(numbers)], 4, little).tobytes()
            path.write_bytes(content[: len(content) // 2])
            count = (len(content) // 2 - content.index(array_bytes(numbers, little))) // numbers[0].nbytes
            yield Special(f"numbers of type {kind}, cut", frames, pixels=numbers[:count], notes=1)
    content = File([Image(data.pixels, tags=SWAPPED)]).tobytes()
    path.write_bytes(content[: content.index(b"ImageTags")])
    as_stored = {"path": path, "force_c_order": True}
    yield Special("a scan without the order of its axes", as_stored, pixels=data.pixels, notes=1)
    survey = np.arange(600, dtype="<f4").reshape(20, 30)
    content = File([Image(survey, "survey"), Image(data.pixels, tags=SWAPPED)]).tobytes()
    path.write_bytes(content[: content.index(data.tobytes()) + 100])
    first = {"path": path, "dataset_index": 0}
    yield Special("an image before the one that was cut", first, pixels=survey[np.newaxis], notes=2)
    content = File([_picture((3, 4)), Image(data.frames)]).tobytes()
    path.write_bytes(content[: content.index(data.tobytes()) + 9])
    colours = np.zeros((1, 3, 4, 4), np.uint8)
    yield Special("a picture before an image that was cut", first, pixels=colours, notes=3)


def array_bytes(numbers: NDArray[Any], little: bool) -> bytes:
    """Give numbers in the byte order of a file."""
    return numbers.astype(numbers.dtype.newbyteorder("<" if little else ">")).tobytes()


def _lists(directory: Path, data: SampleData) -> Iterator[Special]:
    """Lists of files of one kind, alike and different in other tags."""
    thumbnail = _picture((4, 5))
    sides = [(1.0, 0.5, "1/nm"), (2.0, 0.25, "1/nm")]
    axes = _axes(("frame", 1.0, 0.0, None), ("ky", 0.25, -0.5, "1/nm"), ("kx", 0.5, -0.5, "1/nm"))
    paths: list[Path] = []
    for version in (3, 4):
        paths = [
            File([thumbnail, Image(frame, f"number {i}", sides)], version, thumbnails=[0]).write(
                directory / f"{version}{i:02d}.dm{version}"
            )
            for i, frame in enumerate(data.frames)
        ]
        told = {"title": "number 0"}
        yield Special(f"a list of DM{version}", {"path": paths}, pixels=data.frames, axes=axes, metadata=told, notes=0)
        scan = {"path": paths[::-1], "nav_shape": data.nav_shape}
        yield Special(f"a list of DM{version}, backwards", scan, pixels=data.pixels[::-1, ::-1], notes=0)
        more = [("more", text("tags" * 99))]
        odd = File([Image(data.frames[3], "odd", tags=more)], 7 - version, before=SWAPPED).write(directory / "odd.dm4")
        mixed = np.concatenate([data.frames[:2], data.frames[3:4]])
        yield Special(f"DM{version}, and another version", {"path": [*paths[:2], odd]}, pixels=mixed, notes=0)
    content = bytearray(paths[1].read_bytes())
    begin = content.index(data.frames[1].tobytes())
    content[:begin] = bytes(begin)
    paths[1].write_bytes(content)
    trusted = {"path": paths, "same_offset": True}
    yield Special("a list that is trusted", trusted, pixels=data.frames, notes=0)
    halves = [
        File([Image(half, "", [*sides, (0.0, 2.0, "s")])]).write(directory / f"half{i}.dm4")
        for i, half in enumerate(np.split(data.frames, 2))
    ]
    timed = [Axis("frame", 2.0, 0.0, "s"), *axes[1:]]
    yield Special("a list of stacks", {"path": halves}, pixels=data.frames, axes=timed, notes=0)
    rows = [
        File([Image(row[np.newaxis], tags=SWAPPED)]).write(directory / f"row{i}.dm4")
        for i, row in enumerate(data.pixels)
    ]
    yield Special("a list of lines of a scan", {"path": rows}, pixels=data.frames, notes=0)
