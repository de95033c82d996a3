"""The halves of a split sensor with other files beside them, and of different length."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lamella_seq.writer import Recording, halves_of, mrc_bytes, prebuffer, stamps_of
from lamella_testkit import SampleData, Special

__all__ = ["unusual_halves"]


def unusual_halves(directory: Path, data: SampleData) -> Iterator[Special]:
    """Halves without settings, with a dark frame beside them, and of different length."""
    upper, lower = halves_of(data)
    count, n = prebuffer(data.n_frames), data.n_frames
    names = ("a_Top_13-49-04.160.seq", "a_Bottom_13-49-04.196.seq")
    folder = directory / "halves"
    folder.mkdir()
    top, bottom = (folder / name for name in names)
    upper.write(top)
    lower.write(bottom)
    Recording(np.zeros_like(lower.frames)).write(folder / "a_Bottom_14-00-00.000.seq")  # of another recording
    shown = {"path": bottom, "nav_shape": data.nav_shape, "prebuffer": count}
    facts: dict[str, object] = {"halves": list(names)}
    stamps = stamps_of(n, repeats=count)
    yield Special("halves without settings", shown, pixels=data.pixels, per_frame=stamps, details=facts)
    ramp = np.arange(np.prod(data.sig_shape), dtype="<f4").reshape(data.sig_shape)
    (folder / "a.seq.dark.mrc").write_bytes(mrc_bytes(ramp))
    yield Special("halves with a dark frame", shown, corrections={"dark": ramp}, notes=0)
    alone = {**shown, "sidecars": False}
    yield Special("halves without the dark frame beside them", alone, corrections={}, notes=0)
    Recording(lower.frames[:-1]).write(bottom)
    valid = (np.arange(n) < n - count).reshape(data.nav_shape)
    stamps = stamps_of(n - count, repeats=count)
    yield Special("halves of different length", shown, pixels=data.pixels, valid=valid, per_frame=stamps, notes=1)
