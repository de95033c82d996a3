"""Level 2, tiled: frames of a long scan cost what frames of a short one cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lamella.dataset.framereader import FrameReader
from lamella_testkit.checking import check
from lamella_testkit.counted import counted_lines
from lamella_testkit.kit import Kit
from lamella_testkit.modules import modules_of
from lamella_testkit.sample import SampleData
from lamella_testkit.spy import SpyBackend

_MOST = 4 << 20  # bytes of a scan
_SPARE = {"bytes": 1 << 10, "reads": 4, "lines of the reader": 100}


class _Cost(NamedTuple):
    """What frames cost; nothing of it depends on how busy the machine is."""

    nbytes: int
    reads: int
    lines: int


@check(level=2, since="2026.2")
def frames_of_long_scans_cost_the_same(kit: Kit) -> None:
    """A frame of a long scan is read with as many bytes, reads and lines of code as one of a short scan.

    `hints` change nothing of that: they say what should be asked for together. Look for loops over all frames, for
    tables that each read makes anew, and for files that are read from their beginning; `io.scratch` keeps what the
    next read needs, and arrays and `np.searchsorted` find a frame.
    """
    sources = list(modules_of(kit.spec, type(kit.sampler)).values())
    some = False
    for variant in kit.sampler.variants:
        short = kit.data((4, 4), variant=variant)
        long = kit.data((16, 16), variant=variant)
        if long.nbytes > _MOST:
            short, long = kit.data((1, 2), variant=variant), kit.data((2, 4), variant=variant)
        if long.n_frames < 4 * short.n_frames or long.sig_shape != short.sig_shape:
            continue
        some = True
        with kit.case(f"{long}, beside {short}"):
            for text, step in (("first to last", 1), ("last to first", -1)):
                before, after = (_cost(kit, data, step, sources) for data in (short, long))
                for name, few, many in zip(_SPARE, before, after, strict=True):
                    kit.expect(
                        many <= 2 * few + _SPARE[name],
                        f"read from {text}, each of {long.n_frames} frames costs {many} {name}, "
                        f"each of {short.n_frames} costs {few}",
                    )
    kit.needs(some, "no scan of moderate size has many frames")


def _cost(kit: Kit, data: SampleData, step: int, sources: Sequence[Path]) -> _Cost:
    """Give what each frame costs on average if all are read one by one."""
    spy = SpyBackend()
    with FrameReader(kit.source(kit.written(data)), spy) as reader, counted_lines(sources) as lines:
        for frame in range(data.n_frames)[::step]:
            reader.read(np.asarray([frame]))
    return _Cost(*(-(-number // data.n_frames) for number in (spy.nbytes, len(spy.reads), lines())))
