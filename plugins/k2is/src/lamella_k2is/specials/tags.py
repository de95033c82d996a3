"""Tags of other versions, byte orders and kinds."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path

from lamella_k2is.writer import BASE, described, gtg_bytes, stored_tags
from lamella_testkit import Special

__all__ = ["with_other_tags"]


def with_other_tags(directory: Path) -> Iterator[Special]:
    """Tags of other versions, byte orders and kinds, beside the recording of `with_parameters`."""
    folder = directory / "parameters"
    path, tags = folder / f"{BASE}1.bin", folder / f"{BASE}.gtg"
    microscope = {
        "Voltage": 0.0,
        "STEM Camera Length": 1500,
        "Microscope": " ",
        "Operator": "Ada ",
        "Operation Mode": "SCANNING",
        "Indicated Magnification": 20e3,
    }
    known = {
        "instrument": None,
        "operator": "Ada",
        "mode": "SCANNING",
        "beam_energy": None,
        "camera_length": 1.5,
        "magnification": 20e3,
        "scan_rotation": None,
    }
    for version, little in ((3, True), (3, False), (4, True), (4, False)):
        more = {"SI Image Tags": {"Microscope Info": microscope}, **_odd_values(version, little)}
        tags.write_bytes(gtg_bytes((1, 3), version=version, little=little, more=more))
        raw = {
            "SI Dimensions": {"Size X": 3, "Size Y": 1},
            "SI Image Tags": {"Microscope Info": microscope},
            "text": "Größe",
            "pair": [3, 0.5],
            "none": None,
            "many": [1, 2, 3],
            "records": "2 items of 6 bytes",
            "long": "5000 items of 2 bytes",
            "words": "µm",
            "numbers": [65_535, 4_294_967_295, 0.1, True, -5, 250, -(1 << 40), (1 << 64) - 1, -70_000],
            "small": [1, 2, 250],
            "pages": "a" * 4096,
            "12": 7,
        }
        text = f"tags of version {version}, {'little' if little else 'big'}-endian"
        yield Special(text, {"path": path}, metadata=known, raw_metadata={"tags": raw}, notes=0)
    microscope = {"Microscope Info": 5, "DigiScan": 7}
    tags.write_bytes(gtg_bytes((1, 3), more={"SI Image Tags": microscope}))
    known = {"instrument": None, "beam_energy": None, "camera_length": None, "scan_rotation": None}
    yield Special("numbers in the place of groups", {"path": path}, metadata=known, notes=0)
    tags.write_bytes(gtg_bytes(None))
    known = {"dwell_time": None, "beam_energy": 300e3}
    yield Special("tags of a series", {"path": path}, metadata=known, raw_metadata={"tags": stored_tags(None)}, notes=0)
    other = tags.rename(folder / f"{BASE}.Gtg")
    yield Special("tags with a name in other letters", {"path": other}, metadata=known, notes=0)


def _odd_values(version: int, little: bool) -> dict[str, bytes]:
    """Give values of other kinds than the usual ones, by their names."""
    code, order = ("I" if version == 3 else "Q"), ("<" if little else ">")
    encoding = "utf-16-le" if little else "utf-16-be"
    return {
        "text": described([18, 5], "Größe".encode(encoding), code),
        "pair": described([15, 0, 2, 0, 2, 0, 6], struct.pack(f"{order}hf", 3, 0.5), code),
        "none": described([7], struct.pack(f"{order}d", math.nan), code),
        "many": described([20, 3, 3], struct.pack(f"{order}3i", 1, 2, 3), code),
        "records": described([20, 15, 0, 2, 0, 2, 0, 3, 2], bytes(12), code),
        "long": described([20, 2, 5000], bytes(10_000), code),
        "words": described([20, 4, 2], "µm".encode(encoding), code),
        "numbers": described(
            [15, 0, 9, *(word for kind in (4, 5, 7, 8, 9, 10, 11, 12, 3) for word in (0, kind))],
            struct.pack(
                f"{order}HId?bBqQi", 65_535, 4_294_967_295, 0.1, True, -5, 250, -(1 << 40), (1 << 64) - 1, -70_000
            ),
            code,
        ),
        "small": described([20, 10, 3], bytes([1, 2, 250]), code),
        "pages": described([20, 4, 5000], ("a" * 5000).encode(encoding), code),
        "": described([2], struct.pack(f"{order}h", 7), code),
    }
