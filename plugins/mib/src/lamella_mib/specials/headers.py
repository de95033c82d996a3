"""Headers of older software, with decimal commas, and damaged ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_mib.specials.writing import CAMERA
from lamella_mib.writer import Merlin
from lamella_testkit import Special

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["other_headers"]


def other_headers(directory: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Headers of older software, with decimal commas, and damaged ones."""
    path = directory / "a.mib"
    given = {"path": path}
    chips = "3RX," + ",".join(f"{value:03d}" for value in range(27))
    common: dict[str, object] = {
        "header size": 384,
        "chips": 1,
        "width": 6,
        "height": 5,
        "pixel type": "U16",
        "layout": "1x1",
        "counter depth": 12,
        "sequence number": 1,
        "chip select": "01",
        "start": "2021-05-07T16:51:10.000000000Z",
        "exposure": 0.001,
        "counter": 1,
        "colour mode": 2,
        "gain": "SHGM",
        "thresholds": [float(value) for value in range(1, 9)],
        "chip settings": [chips],
    }
    n = len(frames)
    kinds: Sequence[tuple[str, Merlin, Mapping[str, object]]] = (
        ("settings", replace(CAMERA, settings="1,2,3"), {}),
        ("settings that are not known", replace(CAMERA, settings="1,2,7"), {"gain": "7"}),
        (
            "settings that are missing",
            replace(CAMERA, settings=",,"),
            dict.fromkeys(("counter", "colour mode", "gain")),
        ),
        ("decimal commas", replace(CAMERA, settings="1,2,3", commas=True), {}),
        ("a longer header", replace(CAMERA, settings="1,2,3", header_size=512), {"header size": 512}),
        (
            "ten fields",
            replace(CAMERA, fields=10),
            dict.fromkeys(("exposure", "counter", "colour mode", "gain", "counter depth"))
            | {"start": "2021-05-07T18:51:10.000000", "thresholds": [], "chip settings": []},
        ),
        (
            "nine fields",
            replace(CAMERA, fields=9),
            dict.fromkeys(("start", "exposure", "counter", "colour mode", "gain", "counter depth"))
            | {"thresholds": [], "chip settings": []},
        ),
        (
            "three thresholds",
            replace(CAMERA, settings="1,2,3", fields=17, extension=False),
            {
                "thresholds": [1.0, 2.0, 3.0],
                "chip settings": [],
                "counter depth": None,
                "start": "2021-05-07T18:51:10.000000",
            },
        ),
    )
    for what, camera, changes in kinds:
        path.write_bytes(camera.part(frames))
        text = replace(camera, commas=False).header(frames[0], 1).partition(b"\0")[0].decode().replace("   1x1", "1x1")
        expected = {**common, **changes, "text": text}
        number = -1 if expected["counter"] is None else expected["counter"]
        exposure = np.nan if expected["exposure"] is None else 0.001
        yield Special(
            what,
            given,
            pixels=frames,
            raw_metadata={"frame header": expected},
            metadata={"exposure_time": expected["exposure"], "acquired": expected["start"]},
            per_frame={"counter": np.full(n, number), "exposure": np.full(n, exposure)},
            notes=1,
        )
    never = np.full(n, "NaT", "M8[ns]")
    for start, acquired, times in (
        ("2021-13-45 18:51:10.000000", None, never),
        ("07/05/2017 06:51:10 PM", None, never),
        (" ", None, never),
        ("9999-05-07 18:51:10", "9999-05-07T18:51:10", never),
        ("1677-05-07 18:51:10", "1677-05-07T18:51:10", never),
        ("1678-05-07 18:51:10", "1678-05-07T18:51:10", np.full(n, "1678-05-07T18:51:10", "M8[ns]")),
        ("2261-05-07 18:51:10", "2261-05-07T18:51:10", np.full(n, "2261-05-07T18:51:10", "M8[ns]")),
        ("2021-05-07 18:51", "2021-05-07T18:51", np.full(n, "2021-05-07T18:51", "M8[ns]")),
    ):
        path.write_bytes(replace(CAMERA, extension=False, start=start).part(frames))
        moments = {"acquired": times}
        dwell = {"acquired": acquired, "dwell_time": None}
        yield Special(f"began {start!r}", given, pixels=frames, per_frame=moments, metadata=dwell, notes=1)
    path.write_bytes(CAMERA.part(frames).replace(b",0.001000,", b",-1.00000,").replace(b",1000000ns,", b",inf      ,"))
    exposures = {"exposure": np.full(n, np.nan)}
    yield Special("exposures that cannot be", given, per_frame=exposures, metadata={"exposure_time": None}, notes=1)
    for written, exposure in ((b",1500000ns,", 1.5e-3), (b",unknown  ,", 1e-3)):
        path.write_bytes(CAMERA.part(frames).replace(b",1000000ns,", written))
        arrays = {"exposure": np.full(n, exposure)}
        yield Special(
            f"an exposure of {written!r}", given, per_frame=arrays, metadata={"exposure_time": exposure}, notes=1
        )
    content = CAMERA.part(frames)
    stride = len(content) // n
    path.write_bytes(content)
    facts = {"last frame acquired": "2021-05-07T16:51:10.012100000Z", "frames per part": 12, "parts": 1}
    yield Special("when the last frame began", given, details=facts, notes=1)
    path.write_bytes(content.replace(b"MQ1,000012,", b"MQ1,00001x,"))
    yield Special("a damaged number of the last frame", given, pixels=frames, notes=2)
    for what, which in (("the middle", 5), ("the end", n - 1)):
        begin = which * stride
        damaged = (
            content[:begin]
            + content[begin : begin + stride].replace(b",00384,", b",0x384,")
            + content[begin + stride :]
        )
        path.write_bytes(damaged)
        numbers, moments_of = np.arange(1, n + 1), np.arange(n) * 1.1e-3
        numbers[which], moments_of[which] = -1, np.nan
        counters = np.where(np.arange(n) == which, -1, 0)
        read = {"sequence number": numbers, "time": moments_of, "counter": counters}
        yield Special(f"a damaged header at {what}", given, pixels=frames, per_frame=read, notes=1)
