"""The ``.hdr`` file beside the parts: INI text with one section that matters, ``[measurementInfo]``.

===========================  ==========================================================
``signalframes``             number of signal frames in all parts
``darkframes``               number of dark frames
``stemimagesize``            ``AxB``: the scan
``readoutmode``              ``"bin: b, windowing: i x j"``, with the quotes
``dwelltimemicroseconds``    time per scan position [µs]
``gain``                     gain setting of the amplifier
===========================  ==========================================================

Keys are not case-sensitive. The files are described by LiberTEM
(https://libertem.github.io/LiberTEM/reference/dataset.html), its only public reader.
"""

from __future__ import annotations

import configparser
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamella.errors import CorruptError
from lamella.reader import Resource, decoded_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Header", "mentions_measurement", "read_header"]

_SECTION = "measurementInfo"
_LARGEST = 64 * 1024  # bytes
_READOUT = re.compile(r'"?\s*bin:\s*(\d{1,4}),\s*windowing:\s*(\d{1,9})\s*x\s*(\d{1,9})\s*"?', re.ASCII)
_IMAGE_SIZE = re.compile(r"(\d{1,9})\s*[x×]\s*(\d{1,9})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Header:
    """What the ``.hdr`` file says; None for what it does not say.

    ``sections`` is the file as it is; ``nav_shape`` is the scan in the order of the file.
    """

    path: Path
    sections: Mapping[str, Mapping[str, str]]
    nav_shape: tuple[int, int] | None
    binning: int | None
    window: tuple[int, int] | None
    signal_frames: int | None
    dark_frames: int | None
    dwell_time: float | None


def mentions_measurement(text: bytes) -> bool:
    """Whether the beginning of a ``.hdr`` file mentions a measurement; other formats use the extension too."""
    return f"[{_SECTION}]".encode() in text


def read_header(path: Path) -> Header:
    """Read and check a ``.hdr`` file.

    Raises
    ------
    CorruptError
        If it is none, or states something that cannot be.
    """
    sections = _sections(path)
    if _SECTION not in sections:
        raise CorruptError(
            "this is not the header of pnCCD frames",
            path=path,
            expected=f"a section [{_SECTION}]",
            found=", ".join(f"[{name}]" for name in sections) or "no section",
        )
    info = sections[_SECTION]
    binning, window = _readout(info, path)
    dwell = _integer(info, "dwelltimemicroseconds", path)
    return Header(
        path,
        sections,
        _nav_shape(info, path),
        binning,
        window,
        _integer(info, "signalframes", path),
        _integer(info, "darkframes", path),
        None if dwell is None else 1e-6 * dwell,
    )


def _sections(path: Path) -> dict[str, dict[str, str]]:
    content = Resource.of(path).read(0, _LARGEST + 1)
    if len(content) > _LARGEST:
        raise CorruptError("the header is too long", path=path, expected=f"at most {_LARGEST} bytes of text")
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(decoded_text(content))
    except configparser.Error as error:
        raise CorruptError(
            f"the header cannot be parsed ({error.message.splitlines()[0]})", path=path, expected="INI text"
        ) from error
    return {name: dict(parser.items(name)) for name in parser.sections()}


def _integer(info: Mapping[str, str], key: str, path: Path) -> int | None:
    text = info.get(key)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise CorruptError(f"{key} is not a number", path=path, expected="digits", found=repr(text[:40]))
    return int(text)


def _nav_shape(info: Mapping[str, str], path: Path) -> tuple[int, int] | None:
    text = info.get("stemimagesize")
    if text is None:
        return None
    found = _IMAGE_SIZE.fullmatch(text.strip().strip('"'))
    shape = (int(found[1]), int(found[2])) if found else (0, 0)
    if shape[0] * shape[1] == 0:
        raise CorruptError("stemimagesize is not a scan", path=path, expected='like "256x256"', found=repr(text[:40]))
    return shape


def _readout(info: Mapping[str, str], path: Path) -> tuple[int | None, tuple[int, int] | None]:
    text = info.get("readoutmode")
    if text is None:
        return None, None
    found = _READOUT.fullmatch(text.strip())
    if found is None or not 1 <= int(found[1]) <= 16:
        raise CorruptError(
            "readoutmode cannot be understood",
            path=path,
            expected='"bin: 1, windowing: 132 x 264" or the like, with a binning of 1 to 16',
            found=repr(text[:60]),
        )
    return int(found[1]), (int(found[2]), int(found[3]))
