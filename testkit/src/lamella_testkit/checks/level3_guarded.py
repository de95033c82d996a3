"""Level 3, robust: damage that a file itself gives away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from lamella.errors import FormatError
from lamella_testkit.checking import check
from lamella_testkit.diagnose import same
from lamella_testkit.kit import Kit
from lamella_testkit.mutate import rewrite
from lamella_testkit.outcomes import Broken


@check(level=3, since="2026.2", targets=("path",))
def guarded_bytes_are_checked(kit: Kit) -> None:
    """A changed byte in pixels that a checksum guards is an error, or changes nothing; other pixels never come.

    `guarded` of the sampler says which bytes these are. Compare the checksum before pixels are given out, and let
    what a decoder raises become a CorruptError: never catch it and go on with what there is.
    """
    some = False
    for variant in kit.sampler.variants:
        sample = kit.fresh(kit.data(variant=variant))
        for name, ranges in kit.sampler.guarded(sample.directory, sample.data).items():
            path = sample.directory / name
            content = path.read_bytes()
            for place in _places(ranges, max(4, kit.profile.some(160))):
                some = True
                changed = bytearray(content)
                changed[place] ^= 1 << place % 8
                rewrite(path, bytes(changed))
                with kit.case(f"{sample.data}, another byte {place} in {name}"):
                    try:
                        found = kit.open(sample).read()
                    except FormatError:
                        continue
                    if not same(found, sample.data.pixels):
                        raise Broken("other pixels come, and no error")
            rewrite(path, content)
    kit.needs(some, "the sampler states no guarded bytes (guarded)")


def _places(ranges: Sequence[tuple[int, int]], most: int) -> Iterator[int]:
    """Give places in the ranges, as if they were one: the first, the last, and others at equal distances."""
    lengths = np.asarray([end - begin for begin, end in ranges], np.int64)
    ends = np.cumsum(lengths)
    if not len(ranges) or not ends[-1]:
        return
    for step in np.unique(np.linspace(0, int(ends[-1]) - 1, most).astype(np.int64)).tolist():
        which = int(np.searchsorted(ends, step, side="right"))
        yield ranges[which][1] - int(ends[which]) + step
