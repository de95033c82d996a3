"""Tags with values of all types, and what they tell."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path

from lamella_dm.specials.writing import Tags
from lamella_dm.writer import File, Image, Leaf, number, text
from lamella_testkit import SampleData, Special

__all__ = ["values_of_tags"]


def values_of_tags(path: Path, data: SampleData) -> Iterator[Special]:
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
