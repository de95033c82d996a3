"""One recording, opened with other parameters and beside other tags."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from lamella_k2is.specials.steps import shown
from lamella_k2is.writer import BASE, FIRST_COUNT, gtg_bytes, write_recording
from lamella_testkit import SampleData, Special

__all__ = ["with_parameters"]


def with_parameters(directory: Path, data: SampleData) -> Iterator[Special]:
    """One recording, opened in other ways; its tags count three columns, of which one is flyback."""
    folder, frames = directory / "parameters", data.frames
    folder.mkdir()
    path = write_recording(folder, frames, flagged_from=1, gtg=gtg_bytes((1, 3)))
    for text, more, steps, nav in (
        ("tags named", {"path": folder / f"{BASE}.gtg"}, (0, 1, 2), (1, 3)),
        ("a series in spite of its tags", {"mode": "series"}, (1, 2), (2,)),
        ("a scan that began before", {"first_frame": -1}, (-1, 0, 1), (1, 3)),
        ("a scan that began later", {"first_frame": 1}, (1, 2, -1), (1, 3)),
        ("no flyback", {"drop_flyback": True}, (0, 1), (1, 2)),
        ("no flyback, and a later beginning", {"drop_flyback": True, "first_frame": 2}, (2, -1), (1, 2)),
        ("no flyback, and an earlier one", {"drop_flyback": True, "first_frame": -1}, (-1, 0), (1, 2)),
        ("a later series", {"mode": "series", "first_frame": 2}, (2,), (1,)),
        ("an earlier series", {"mode": "series", "first_frame": -1}, (-1, 0, 1, 2), (4,)),
    ):
        pixels, valid = shown(frames, steps, nav)
        others = [(2, 2)] if nav == (4,) else []
        told = {
            "mode": "time series" if "mode" in more else "scan",
            "scan without flyback": [1, 2],
            "first frame with the shutter flag": 1,
            "frames with the shutter flag": 2,
            "frames that lost blocks": 0,
            "first block count": FIRST_COUNT,
        }
        yield Special(
            text, {"path": path, **more}, pixels=pixels, valid=valid, notes=0, details=told, alternatives=others
        )
    cropped = frames[:, :1792, :1920].reshape(1, 3, 1792, 1920)
    yield Special("active pixels", {"path": path, "crop_active": True}, pixels=cropped, notes=0)
    (folder / f"{BASE}.gtg").write_bytes(gtg_bytes((2, 2)))
    pixels, valid = shown(frames, (0, 2), (2, 1))
    yield Special("two lines", {"path": path, "drop_flyback": True}, pixels=pixels, valid=valid, notes=0)
    for text, scan, flyback, steps, nav in (
        ("lines that were not recorded", (4, 2), 1, (0, 2, -1, -1), (4, 1)),
        ("no columns of flyback", (1, 3), 0, (0, 1, 2), (1, 3)),
        ("two columns of flyback", (1, 3), 2, (0,), (1, 1)),
    ):
        (folder / f"{BASE}.gtg").write_bytes(gtg_bytes(scan, flyback=flyback))
        pixels, valid = shown(frames, steps, nav)
        yield Special(text, {"path": path, "drop_flyback": True}, pixels=pixels, valid=valid, notes=0)
    (folder / f"{BASE}.gtg").write_bytes(gtg_bytes((2, 2)))
    with contextlib.suppress(OSError):  # where links are not allowed
        (folder / f"{BASE}3.BIN").symlink_to(directory.parent / "elsewhere.bin")
    pixels, valid = shown(frames, (0, 1, 2, -1), (2, 2))
    yield Special("a link beside it that leads elsewhere", {"path": path}, pixels=pixels, valid=valid, notes=0)
