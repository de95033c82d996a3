"""Header files that say little, count otherwise, or are named themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lamella_frms6.specials.acquisitions import acquisition
from lamella_frms6.writer import header_text, part_of
from lamella_testkit import SampleData, Special

__all__ = ["other_headers"]


def other_headers(directory: Path, data: SampleData) -> Iterator[Special]:
    """Header files that say little, count otherwise, or are named themselves."""
    n, nav, flat = data.n_frames, data.nav_shape, data.frames
    base, keywords = acquisition(directory, "named", data)
    yield Special("the header file is named", {"path": base.with_name("a.hdr")}, pixels=data.pixels, notes=0)
    base.with_name("a.hdr").rename(base.with_name("a.HDR"))
    yield Special("a header file in capitals", keywords, pixels=data.pixels, notes=0)
    for stated in (n + 1, n - 1):
        _, keywords = acquisition(directory, f"counts {stated}", data, None, header_text(stated, nav))
        yield Special(f"{stated} signal frames are stated", keywords, pixels=data.pixels, notes=1)
    digits = header_text(n, nav).replace(f"SignalFrames = {n}", f"SignalFrames = {n:018d}")
    base, _ = acquisition(directory, "digits", data, None, digits)
    for number in (1, 2):
        part = part_of(base, number)
        part.rename(part.with_suffix(".FRMS6"))
    capitals = {"path": part_of(base, 1).with_suffix(".FRMS6")}
    yield Special("parts in capitals, and a number of 18 digits", capitals, pixels=data.pixels, notes=0)
    silent = "[measurementInfo]\r\ndarkframes = 0\r\n"
    _, keywords = acquisition(directory, "silent", data, None, silent)
    yield Special("a header that says little", keywords, pixels=flat, metadata={"dwell_time": None}, notes=1)
    _, keywords = acquisition(directory, "times", data, None, header_text(n, nav).replace(f"{nav[0]}x", f"{nav[0]} × "))
    yield Special("another sign between rows and columns", keywords, pixels=data.pixels, notes=0)
